//! The policies and what is made for them against the schema, and what goes wrong.

use cedar_policy::{Entities, PolicySet, Request, Schema, ValidationMode, Validator};

mod hostile;
mod table;

use super::entities::{Question, Types};
use super::*;

const SCHEMA: &str = include_str!("../../../../infra/policies/casefile.cedarschema");
const ACTIONS: [Action; 7] = [
    Action::Read,
    Action::List,
    Action::Write,
    Action::Replace,
    Action::Upload,
    Action::Revoke,
    Action::ReadAudit,
];
const GROUPS: [&str; 5] = ["office", "customer", "device", "auditor", "somebody-else"];

fn groups(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// User `u-1` of `acme`: as a customer `c-1`, as a device that of `bols`.
fn principal(groups: &[String]) -> Principal<'_> {
    Principal {
        user_id: "u-1",
        groups,
        tenant: "acme",
        customer: "c-1",
        collection: Some("bols"),
    }
}

/// Every kind of resource of the tenant, all else being the same.
fn resources<'a>(
    tenant: &'a str,
    owner: Option<&'a str>,
    collection: &'a str,
    created_by: &'a str,
) -> [Resource<'a>; 4] {
    let path = "2025/11/14/bol.pdf";
    [
        Resource::Document {
            tenant,
            owner,
            collection,
            path,
        },
        Resource::Collection {
            tenant,
            name: collection,
        },
        Resource::Share {
            tenant,
            owner,
            collection,
            created_by,
            id: "s-1",
        },
        Resource::AuditLog { tenant },
    ]
}

/// Every combination of own and foreign, each with what is the principal's own in it.
fn all_resources() -> Vec<(Own, Resource<'static>)> {
    let mut all = Vec::new();
    for tenant in ["acme", "globex"] {
        for owner in [Some("c-1"), Some("c-2"), None] {
            for collection in ["bols", "clinical"] {
                for created_by in ["u-1", "u-2"] {
                    let own = Own {
                        tenant: tenant == "acme",
                        owner: owner == Some("c-1"),
                        collection: collection == "bols",
                        creator: created_by == "u-1",
                    };
                    all.extend(
                        resources(tenant, owner, collection, created_by).map(|resource| (own, resource)),
                    );
                }
            }
        }
    }
    all
}

/// What of a resource is the principal's own.
#[expect(clippy::struct_excessive_bools, reason = "they are a table's columns")]
#[derive(Debug, Clone, Copy)]
struct Own {
    tenant: bool,
    owner: bool,
    collection: bool,
    creator: bool,
}

#[test]
fn the_policies_fit_the_schema() {
    let (schema, warnings) = Schema::from_cedarschema_str(SCHEMA).unwrap();
    assert_eq!(warnings.count(), 0);
    let policies: PolicySet = SHIPPED.parse().unwrap();
    let result = Validator::new(schema).validate(&policies, ValidationMode::Strict);
    assert!(result.validation_passed_without_warnings(), "{result}");
}

#[test]
fn every_shipped_policy_has_a_name() {
    let policies: PolicySet = SHIPPED.parse().unwrap();
    assert_eq!(policies.templates().count(), 0);
    for policy in policies.policies() {
        let name = policy.annotation("id").unwrap_or_default();
        assert!(!name.is_empty(), "{policy}");
    }
}

#[test]
fn the_entities_and_what_actions_apply_to_fit_the_schema() {
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).unwrap();
    let types = Types::parse().unwrap();
    let groups = groups(&GROUPS);
    for (_, resource) in all_resources() {
        for action in ACTIONS {
            let question = Question::new(&types, &principal(&groups), action, &resource).unwrap();
            Entities::from_entities(question.entities.iter().cloned(), Some(&schema)).unwrap();
            let request = question.request;
            let of = |uid: Option<&cedar_policy::EntityUid>| uid.unwrap().clone();
            let checked = Request::new(
                of(request.principal()),
                of(request.action()),
                of(request.resource()),
                cedar_policy::Context::empty(),
                Some(&schema),
            );
            assert_eq!(
                checked.is_ok(),
                action.applies_to(&resource),
                "{action:?} {resource:?}"
            );
        }
    }
}

#[test]
fn a_policy_that_fails_ends_in_a_refusal() {
    let fails = r#"@id("fails") forbid (principal, action, resource) when { principal.nothing == 1 };"#;
    let permissions = Permissions::read(&format!("{SHIPPED}{fails}")).unwrap();
    let groups = groups(&["office", "auditor"]);
    for resource in resources("acme", None, "bols", "u-1") {
        for action in ACTIONS {
            let decision = permissions.decide(&principal(&groups), action, &resource);
            assert_eq!(decision, Decision::none(), "{action:?}");
        }
    }
}

#[test]
fn text_that_is_no_policy_and_names_given_twice_are_errors() {
    for text in ["permit (principal, action", &format!("{SHIPPED}{SHIPPED}")] {
        let error = Permissions::read(text).unwrap_err();
        assert!(
            error.to_string().starts_with("the policies can't be used: "),
            "{error}"
        );
    }
}
