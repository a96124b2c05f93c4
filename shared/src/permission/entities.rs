//! What is asked, as Cedar's entities: exactly what `infra/policies/casefile.cedarschema` describes. Texts become ids
//! and attributes as they are, never source text that would be parsed.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression,
};

use super::{Action, PermissionError, Principal, Resource, refuse};

/// The schema's entity types. Reading one takes longer than a decision, so they are read once.
#[derive(Debug)]
pub(super) struct Types {
    user: EntityTypeName,
    group: EntityTypeName,
    action: EntityTypeName,
    document: EntityTypeName,
    collection: EntityTypeName,
    share: EntityTypeName,
    audit_log: EntityTypeName,
}

/// A request, and the principal and resource it is about.
pub(super) struct Question {
    pub(super) request: Request,
    pub(super) entities: Entities,
}

impl Types {
    pub(super) fn parse() -> Result<Self, PermissionError> {
        let of = |name: &str| name.parse().map_err(refuse);
        Ok(Self {
            user: of("Casefile::User")?,
            group: of("Casefile::Group")?,
            action: of("Casefile::Action")?,
            document: of("Casefile::Document")?,
            collection: of("Casefile::Collection")?,
            share: of("Casefile::Share")?,
            audit_log: of("Casefile::AuditLog")?,
        })
    }
}

impl Question {
    /// `None` when Cedar doesn't take the entities.
    pub(super) fn new(
        types: &Types,
        principal: &Principal<'_>,
        action: Action,
        resource: &Resource<'_>,
    ) -> Option<Self> {
        let principal = user(types, principal)?;
        let resource = thing(types, resource)?;
        let action = uid(&types.action, action.name());
        // The schema that would check the request here is checked by the tests.
        let request = Request::new(principal.uid(), action, resource.uid(), Context::empty(), None).ok()?;
        let entities = Entities::from_entities([principal, resource], None).ok()?;
        Some(Self { request, entities })
    }
}

impl Action {
    /// As the schema spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::List => "List",
            Self::Write => "Write",
            Self::Replace => "Replace",
            Self::Upload => "Upload",
            Self::Revoke => "Revoke",
            Self::ReadAudit => "ReadAudit",
        }
    }
}

fn user(types: &Types, principal: &Principal<'_>) -> Option<Entity> {
    let groups = principal.groups.iter().map(|group| uid(&types.group, group));
    let attributes = Attributes::default()
        .text("tenant", principal.tenant)
        .some("customer", Some(principal.customer))
        .some("collection", principal.collection);
    Entity::new(
        uid(&types.user, principal.user_id),
        attributes.0,
        groups.collect(),
    )
    .ok()
}

fn thing(types: &Types, resource: &Resource<'_>) -> Option<Entity> {
    let (uid, attributes) = match *resource {
        Resource::Document {
            tenant,
            owner,
            collection,
            path,
        } => {
            let attributes = Attributes::default().text("tenant", tenant).some("owner", owner);
            (
                uid(&types.document, path),
                attributes.text("collection", collection),
            )
        }
        Resource::Collection { tenant, name } => {
            let attributes = Attributes::default().text("tenant", tenant).text("name", name);
            (uid(&types.collection, name), attributes)
        }
        Resource::Share {
            tenant,
            owner,
            collection,
            created_by,
            id,
        } => {
            let attributes = Attributes::default().text("tenant", tenant).some("owner", owner);
            let attributes = attributes
                .text("collection", collection)
                .user("created_by", types, created_by);
            (uid(&types.share, id), attributes)
        }
        Resource::AuditLog { tenant } => (
            uid(&types.audit_log, tenant),
            Attributes::default().text("tenant", tenant),
        ),
    };
    Entity::new(uid, attributes.0, HashSet::new()).ok()
}

fn uid(entity_type: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(entity_type.clone(), EntityId::new(id))
}

#[derive(Default)]
struct Attributes(HashMap<String, RestrictedExpression>);

impl Attributes {
    fn text(self, name: &str, value: &str) -> Self {
        self.with(name, RestrictedExpression::new_string(value.to_owned()))
    }

    /// Without an empty text: two empty names are two absent ones, not the same one.
    fn some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            None | Some("") => self,
            Some(value) => self.text(name, value),
        }
    }

    /// Without an empty id, likewise.
    fn user(self, name: &str, types: &Types, id: &str) -> Self {
        match id {
            "" => self,
            id => self.with(name, RestrictedExpression::new_entity_uid(uid(&types.user, id))),
        }
    }

    fn with(mut self, name: &str, value: RestrictedExpression) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }
}
