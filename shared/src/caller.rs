//! Who is asking: from API Gateway's authorizer, never from the request itself.

use std::collections::HashMap;
use std::net::IpAddr;

use aws_lambda_events::apigw::{ApiGatewayRequestAuthorizer, ApiGatewayRequestAuthorizerIamDescription};
use serde_json::Value;

use crate::http::Request;
use crate::key::Inbox;
use crate::name::{Owner, TenantId};
use crate::permission::Principal;
use crate::problem::{Problem, ProblemKind};

/// A user id longer than this is nobody's.
const MAX_ID_CHARS: usize = 512;
/// What an audit record keeps of a user agent.
const MAX_USER_AGENT_CHARS: usize = 512;

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who: a token's `sub`, an IAM principal's ARN, or a Lambda authorizer's `sub` or `principalId`.
    pub user_id: String,
    /// E-mail address, if the authorizer names one.
    pub email: Option<String>,
    /// The groups that permissions are given to.
    pub groups: Vec<String>,
    /// Whose data the caller may ever see.
    pub tenant: TenantId,
    /// The owner that a customer's documents name: the claim `customer`, else the user id.
    pub customer: String,
    /// A device's collection.
    pub collection: Option<String>,
}

/// Where a request came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The caller's address, as API Gateway saw it.
    pub source_ip: Option<IpAddr>,
    /// What the caller's program calls itself.
    pub user_agent: Option<String>,
    /// The function's id of this request.
    pub request_id: String,
}

impl Caller {
    /// The caller of a request: from JWT claims, IAM, or a Lambda authorizer's context. Without a tenant in them,
    /// `default_tenant` is the caller's.
    ///
    /// # Errors
    /// `unauthenticated` when there is no authorizer in the event, or none that names a user.
    pub fn of(request: &Request, default_tenant: &TenantId) -> Result<Self, Problem> {
        let authorizer = request.event().request_context.authorizer.as_ref();
        let identity = authorizer.and_then(Identity::of).ok_or_else(|| {
            let detail = "the request carries no identity; send a token in the Authorization header";
            Problem::new(ProblemKind::Unauthenticated, detail)
        })?;
        identity.caller(default_tenant)
    }

    /// Whoever may invoke the function itself: a schedule, a state machine, an operator. IAM has decided that.
    pub fn operator(tenant: TenantId) -> Self {
        Self {
            user_id: "lambda:InvokeFunction".to_owned(),
            email: None,
            groups: vec!["office".to_owned()],
            tenant,
            customer: String::new(),
            collection: None,
        }
    }

    /// The caller as permissions see it.
    pub fn principal(&self) -> Principal<'_> {
        Principal {
            user_id: &self.user_id,
            groups: &self.groups,
            tenant: self.tenant.as_str(),
            customer: &self.customer,
            collection: self.collection.as_deref(),
        }
    }

    /// The owner as whom the caller's documents are listed.
    pub fn owner(&self) -> Option<Owner> {
        Owner::parse(&self.customer).ok()
    }

    /// Where the caller's uploads lie.
    pub fn inbox(&self) -> Inbox {
        Inbox::of(&self.tenant, &self.user_id)
    }
}

impl Origin {
    /// Where a request came from.
    pub fn of(request: &Request, request_id: &str) -> Self {
        let http = &request.event().request_context.http;
        let agent = http.user_agent.as_deref().filter(|agent| !agent.is_empty());
        let shown = |agent: &str| {
            let printable = agent.chars().filter(|c| !c.is_control());
            printable.take(MAX_USER_AGENT_CHARS).collect()
        };
        Self {
            source_ip: http.source_ip.as_deref().and_then(|ip| ip.parse().ok()),
            user_agent: agent.map(shown),
            request_id: request_id.to_owned(),
        }
    }
}

/// What an authorizer says, whichever it is.
#[derive(Debug, Default)]
struct Identity {
    user_id: Option<String>,
    email: Option<String>,
    groups: Vec<String>,
    tenant: Named,
    customer: Named,
    collection: Option<String>,
}

/// What an identity names, if it does. Something that is there and can't be read is not as if it weren't.
#[derive(Debug, Default, PartialEq, Eq)]
enum Named {
    #[default]
    Not,
    This(String),
    Wrong,
}

impl Named {
    fn of(text: Option<String>) -> Self {
        match text {
            None => Self::Not,
            Some(text) if text.is_empty() => Self::Wrong,
            Some(text) => Self::This(text),
        }
    }
}

/// The same claim under two names: both may be there, if they agree.
fn one_of(plain: Option<String>, custom: Option<String>) -> Named {
    match (plain, custom) {
        (Some(plain), Some(custom)) if plain != custom => Named::Wrong,
        (plain, custom) => Named::of(plain.or(custom)),
    }
}

impl Identity {
    fn of(authorizer: &ApiGatewayRequestAuthorizer) -> Option<Self> {
        if let Some(jwt) = &authorizer.jwt {
            Some(Self::of_claims(&jwt.claims))
        } else if let Some(iam) = &authorizer.iam {
            Some(Self::of_iam(iam))
        } else if authorizer.fields.is_empty() {
            None
        } else {
            Some(Self::of_context(&authorizer.fields))
        }
    }

    fn of_claims(claims: &HashMap<String, String>) -> Self {
        let claim = |name: &str| claims.get(name).cloned();
        let groups = claim("cognito:groups").or_else(|| claim("groups"));
        Self {
            user_id: claim("sub"),
            email: claim("email"),
            groups: listed(&groups.unwrap_or_default()),
            tenant: one_of(claim("tenant"), claim("custom:tenant")),
            customer: Named::of(claim("customer")),
            collection: claim("collection"),
        }
    }

    /// IAM names who it is and nothing else: a policy may name the ARN, and the shipped ones, by group, allow nothing.
    fn of_iam(iam: &ApiGatewayRequestAuthorizerIamDescription) -> Self {
        Self {
            user_id: iam.user_arn.clone(),
            ..Self::default()
        }
    }

    fn of_context(fields: &HashMap<String, Value>) -> Self {
        let text = |name: &str| fields.get(name)?.as_str().map(str::to_owned);
        let named = |name: &str| match fields.get(name) {
            None | Some(Value::Null) => Named::Not,
            Some(Value::String(text)) => Named::of(Some(text.clone())),
            Some(_) => Named::Wrong,
        };
        let groups = match fields.get("groups") {
            Some(Value::String(text)) => listed(text),
            Some(Value::Array(items)) => items
                .iter()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        };
        Self {
            user_id: text("sub").or_else(|| text("principalId")),
            email: text("email"),
            groups,
            tenant: named("tenant"),
            customer: named("customer"),
            collection: text("collection"),
        }
    }

    fn caller(self, default_tenant: &TenantId) -> Result<Caller, Problem> {
        let refuse = |detail: &str| Problem::new(ProblemKind::Unauthenticated, detail);
        let is_id = |id: &String| !id.is_empty() && id.chars().count() <= MAX_ID_CHARS;
        let user_id = self.user_id.filter(is_id);
        let user_id = user_id.ok_or_else(|| refuse("the identity names no user"))?;
        let tenant = match self.tenant {
            Named::Not => default_tenant.clone(),
            Named::This(tenant) => {
                TenantId::parse(&tenant).map_err(|error| refuse(&format!("the identity's tenant {error}")))?
            }
            Named::Wrong => {
                return Err(refuse(
                    "the identity's tenant is empty, no text, or two different ones",
                ));
            }
        };
        let customer = match self.customer {
            Named::Not => user_id.clone(),
            Named::This(customer) => customer,
            Named::Wrong => return Err(refuse("the identity's customer is empty or no text")),
        };
        Ok(Caller {
            customer,
            user_id,
            email: self.email,
            groups: self.groups,
            tenant,
            collection: self.collection,
        })
    }
}

/// A list as API Gateway writes it into a claim, `[office auditor]`; as JSON; or with commas. A group's name that holds a
/// blank can't be told from two groups in a claim, so none may.
fn listed(text: &str) -> Vec<String> {
    if let Ok(items) = serde_json::from_str(text) {
        return items;
    }
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let (items, separator) = match inner {
        Some(inner) => (inner, ' '),
        None => (text, ','),
    };
    let items = items.split(separator).map(str::trim);
    items.filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn caller(authorizer: &Value) -> Result<Caller, Problem> {
        let event = json!({
            "rawPath": "/v1/links/x/y",
            "requestContext": {
                "http": {"method": "GET", "sourceIp": "192.0.2.1", "userAgent": "x\u{7}y"},
                "authorizer": authorizer,
            },
        });
        let request = Request::read(&event.to_string()).unwrap();
        let origin = Origin::of(&request, "id");
        assert_eq!(origin.source_ip, Some("192.0.2.1".parse().unwrap()));
        assert_eq!(origin.user_agent.as_deref(), Some("xy"));
        Caller::of(&request, &TenantId::parse("default").unwrap())
    }

    #[test]
    fn a_token_s_claims_name_the_caller() {
        let cognito = caller(&json!({"jwt": {"claims": {
            "sub": "dana", "email": "dana@example.com", "cognito:groups": "[office auditor]",
            "custom:tenant": "acme", "customer": "c-17", "collection": "ecg-reports",
        }, "scopes": null}}));
        let expected = Caller {
            user_id: "dana".to_owned(),
            email: Some("dana@example.com".to_owned()),
            groups: vec!["office".to_owned(), "auditor".to_owned()],
            tenant: TenantId::parse("acme").unwrap(),
            customer: "c-17".to_owned(),
            collection: Some("ecg-reports".to_owned()),
        };
        assert_eq!(cognito.as_ref(), Ok(&expected));
        let plain = caller(&json!({"lambda": {
            "principalId": "dana", "email": "dana@example.com", "groups": ["office", "auditor"],
            "tenant": "acme", "customer": "c-17", "collection": "ecg-reports",
        }}));
        assert_eq!(plain, cognito);
    }

    #[test]
    fn what_a_token_does_not_say_is_the_least() {
        let caller = caller(&json!({"jwt": {"claims": {"sub": "dana"}}})).unwrap();
        assert_eq!(caller.tenant.as_str(), "default");
        assert_eq!(caller.customer, "dana");
        assert!(caller.groups.is_empty() && caller.email.is_none());
    }

    #[test]
    fn an_iam_principal_is_known_by_its_arn() {
        let arn = "arn:aws:sts::123456789012:assumed-role/export/i-1";
        let caller = caller(&json!({"iam": {"userArn": arn, "accountId": "123456789012"}})).unwrap();
        assert_eq!(caller.user_id, arn);
        assert!(caller.groups.is_empty());
    }

    #[test]
    fn without_a_usable_identity_nobody_is_asking() {
        for authorizer in [
            json!(null),
            json!({}),
            json!({"lambda": {}}),
            json!({"jwt": {"claims": {}}}),
            json!({"jwt": {"claims": {"sub": ""}}}),
            json!({"jwt": {"claims": {"sub": "x", "tenant": "../y"}}}),
            json!({"jwt": {"claims": {"sub": "x", "tenant": ""}}}),
            json!({"jwt": {"claims": {"sub": "x", "tenant": "a", "custom:tenant": "b"}}}),
            json!({"jwt": {"claims": {"sub": "x", "customer": ""}}}),
            json!({"lambda": {"sub": "x", "tenant": 42}}),
            json!({"lambda": {"sub": "x", "customer": ["y"]}}),
            json!({"iam": {"userArn": ""}}),
            json!({"jwt": {"claims": {"sub": "x".repeat(513)}}}),
            json!({"iam": {"accountId": "123456789012"}}),
        ] {
            let kind = caller(&authorizer).map_err(|problem| problem.kind);
            assert_eq!(kind, Err(ProblemKind::Unauthenticated), "{authorizer}");
        }
    }

    #[test]
    fn groups_are_read_in_each_spelling() {
        for text in ["[office auditor]", "office, auditor", "[\"office\",\"auditor\"]"] {
            assert_eq!(listed(text), ["office", "auditor"], "{text}");
        }
        assert_eq!(listed("post office"), ["post office"]);
        assert_eq!(listed("[x,office]"), ["x,office"]);
        assert!(listed("[]").is_empty() && listed("").is_empty());
    }
}
