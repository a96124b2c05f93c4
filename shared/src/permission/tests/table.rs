//! Every set of groups against every action on own and foreign resources.

use super::*;

/// The table: the policy by which a group may, if any.
fn permit(group: &str, action: Action, own: Own) -> Option<&'static str> {
    let (policy, may) = match (group, action) {
        (
            "office",
            Action::Read | Action::List | Action::Write | Action::Replace | Action::Upload | Action::Revoke,
        ) => ("office", true),
        ("customer", Action::Read) => ("customer-reads-its-own", own.owner),
        ("customer", Action::Revoke) => ("customer-revokes-its-own", own.creator),
        ("device", Action::Write | Action::Upload) => ("device-delivers", own.collection),
        ("auditor", Action::ReadAudit) => ("auditor", true),
        _ => ("", false),
    };
    may.then_some(policy)
}

fn expected(groups: &[&str], action: Action, resource: &Resource<'_>, own: Own) -> Decision {
    if !action.applies_to(resource) {
        return Decision::none();
    }
    if !own.tenant {
        return Decision {
            allowed: false,
            policies: vec!["tenant-wall".to_owned()],
        };
    }
    let mut policies: Vec<String> = groups
        .iter()
        .filter_map(|group| permit(group, action, own))
        .map(ToOwned::to_owned)
        .collect();
    policies.sort_unstable();
    Decision {
        allowed: !policies.is_empty(),
        policies,
    }
}

#[test]
fn every_set_of_groups_may_what_the_table_says() {
    let permissions = Permissions::shipped().unwrap();
    for set in 0..1_usize << GROUPS.len() {
        let names: Vec<&str> = (0..GROUPS.len())
            .filter(|group| set >> group & 1 == 1)
            .map(|group| GROUPS[group])
            .collect();
        let groups = groups(&names);
        for (own, resource) in all_resources() {
            for action in ACTIONS {
                let decision = permissions.decide(&principal(&groups), action, &resource);
                let expected = expected(&names, action, &resource, own);
                assert_eq!(decision, expected, "{names:?} {action:?} {resource:?}");
            }
        }
    }
}

#[test]
fn no_later_permit_opens_the_wall() {
    let text = format!("{SHIPPED}\n@id(\"all\") permit (principal, action, resource);");
    let permissions = Permissions::read(&text).unwrap();
    for (own, resource) in all_resources() {
        for action in ACTIONS.into_iter().filter(|action| action.applies_to(&resource)) {
            let decision = permissions.decide(&principal(&[]), action, &resource);
            assert_eq!(decision.allowed, own.tenant, "{action:?} {resource:?}");
        }
    }
}

#[test]
fn a_device_without_a_collection_delivers_nowhere() {
    let permissions = Permissions::shipped().unwrap();
    let groups = groups(&["device"]);
    for collection in [None, Some("")] {
        let principal = Principal {
            collection,
            ..principal(&groups)
        };
        for name in ["", "bols"] {
            let resource = Resource::Collection { tenant: "acme", name };
            assert_eq!(
                permissions.decide(&principal, Action::Upload, &resource),
                Decision::none()
            );
        }
    }
}
