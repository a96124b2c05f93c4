//! Who may do what: Cedar policies, shipped in `infra/policies/` and compiled in.
//!
//! Cedar denies what no policy permits, and a `forbid` outweighs every `permit`. A test holds the policies and the
//! entities made here against the schema; at run time nothing reads it, since that would cost more than a decision.
//! Source: <https://docs.cedarpolicy.com/auth/authorization.html>.

mod entities;
#[cfg(test)]
mod tests;

use std::fmt::Display;

use cedar_policy::{Authorizer, Policy, PolicyId, PolicySet, Response};

use self::entities::{Question, Types};

const SHIPPED: &str = include_str!("../../../infra/policies/casefile.cedar");

/// What a caller wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Get a document's link or metadata, or see it in a list.
    Read,
    /// See all that a tenant keeps in a collection.
    List,
    /// Export into a collection.
    Write,
    /// Store a new version of what lies in a collection already.
    Replace,
    /// Get a grant to upload one file into a collection.
    Upload,
    /// Withdraw a share.
    Revoke,
    /// Read a tenant's audit log.
    ReadAudit,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Principal<'a> {
    /// The user's id.
    pub user_id: &'a str,
    /// The groups it is in. One that no policy names permits nothing.
    pub groups: &'a [String],
    /// The tenant whose data it may ever see; empty is no tenant's.
    pub tenant: &'a str,
    /// The owner that a customer's documents name; empty owns nothing.
    pub customer: &'a str,
    /// A device's own collection; empty is none.
    pub collection: Option<&'a str>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Resource<'a> {
    /// A stored file or folder, for [`Action::Read`].
    Document {
        /// The tenant whose it is.
        tenant: &'a str,
        /// The customer within the tenant whose it is; empty is nobody's.
        owner: Option<&'a str>,
        /// The collection it lies in.
        collection: &'a str,
        /// Its place in the collection.
        path: &'a str,
    },
    /// All that a tenant keeps in a collection, for [`Action::List`], [`Action::Write`], [`Action::Replace`] and
    /// [`Action::Upload`].
    Collection {
        /// The tenant whose it is.
        tenant: &'a str,
        /// The collection's name.
        name: &'a str,
    },
    /// A link that was handed out, for [`Action::Revoke`].
    Share {
        /// The tenant whose document it opens.
        tenant: &'a str,
        /// The customer within the tenant whose document it opens; empty is nobody's.
        owner: Option<&'a str>,
        /// The collection the document lies in.
        collection: &'a str,
        /// The id of the user who made it; empty is nobody's.
        created_by: &'a str,
        /// The share's id.
        id: &'a str,
    },
    /// All audit records of a tenant, for [`Action::ReadAudit`].
    AuditLog {
        /// The tenant whose they are.
        tenant: &'a str,
    },
}

/// May they, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether the caller may.
    pub allowed: bool,
    /// The `@id` of each policy that decided, sorted: the permits of a permission, the forbids of a refusal. Empty
    /// when no policy had a say.
    pub policies: Vec<String>,
}

impl Decision {
    /// The refusal that no policy decided.
    pub fn none() -> Self {
        Self {
            allowed: false,
            policies: Vec::new(),
        }
    }
}

/// Why there are no policies to decide by: what is wrong with their text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policies can't be used: {0}")]
pub struct PermissionError(String);

/// The policies, ready to decide.
#[derive(Debug)]
pub struct Permissions {
    policies: PolicySet,
    types: Types,
    authorizer: Authorizer,
}

impl Permissions {
    /// The policies that Casefile ships. Takes 2 ms of CPU, so they are made once a process.
    ///
    /// # Errors
    /// When the compiled-in text isn't right; the tests see to it that it is.
    pub fn shipped() -> Result<Self, PermissionError> {
        Self::read(SHIPPED)
    }

    fn read(text: &str) -> Result<Self, PermissionError> {
        let numbered: PolicySet = text.parse().map_err(refuse)?;
        Ok(Self {
            policies: PolicySet::from_policies(numbered.policies().map(named)).map_err(refuse)?,
            types: Types::parse()?,
            authorizer: Authorizer::new(),
        })
    }

    /// Whether the principal may take the action on the resource. Takes about 20 µs. Nothing that the texts hold makes
    /// it panic, and whatever can't be evaluated is refused: Cedar by itself skips a policy that fails, which would
    /// open a wall that a `forbid` is.
    pub fn decide(&self, principal: &Principal<'_>, action: Action, resource: &Resource<'_>) -> Decision {
        if !action.applies_to(resource) {
            return Decision::none();
        }
        let Some(question) = Question::new(&self.types, principal, action, resource) else {
            tracing::error!("the permission's entities can't be made, so it is refused");
            return Decision::none();
        };
        let response = self
            .authorizer
            .is_authorized(&question.request, &self.policies, &question.entities);
        conclude(&response)
    }
}

impl Action {
    /// What the schema says with `appliesTo`. An action on another kind of resource is nobody's.
    fn applies_to(self, resource: &Resource<'_>) -> bool {
        match resource {
            Resource::Document { .. } => self == Self::Read,
            Resource::Collection { .. } => {
                matches!(self, Self::List | Self::Write | Self::Replace | Self::Upload)
            }
            Resource::Share { .. } => self == Self::Revoke,
            Resource::AuditLog { .. } => self == Self::ReadAudit,
        }
    }
}

fn refuse(error: impl Display) -> PermissionError {
    PermissionError(error.to_string())
}

/// The policy under its `@id` instead of its number. `Policy::annotation` would parse the annotation's name.
fn named(policy: &Policy) -> Policy {
    let id = policy.annotations().find(|(name, _)| *name == "id");
    id.map_or_else(|| policy.clone(), |(_, id)| policy.new_id(PolicyId::new(id)))
}

fn conclude(response: &Response) -> Decision {
    let allowed = response.decision() == cedar_policy::Decision::Allow;
    let mut errors = response.diagnostics().errors().peekable();
    if allowed && errors.peek().is_some() {
        // Cedar's own messages name entities, and a path may name a patient.
        tracing::error!(
            permission.errors = errors.count(),
            "policies failed, so it is refused"
        );
        return Decision::none();
    }
    let mut policies: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
    policies.sort_unstable();
    Decision { allowed, policies }
}
