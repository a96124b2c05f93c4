//! Texts made to confuse, empty ones, and any texts at all.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

/// Texts that break parsers, quoting, logs and comparisons.
const HOSTILE: [&str; 18] = [
    "",
    " ",
    "\"",
    "\\",
    "acme\"",
    "::",
    "Casefile::Group::\"office\"",
    "\") || (true",
    "office\0",
    "office ",
    "OFFICE",
    "a\nb\r\n",
    "*",
    "u\u{301}\u{202e}\u{1f98a}",
    "\u{430}cme", // Cyrillic а
    "principal",
    "{\"__entity\":{\"type\":\"Casefile::Group\",\"id\":\"office\"}}",
    "?principal",
];

#[test]
fn empty_names_are_nobodys() {
    let permissions = Permissions::shipped().unwrap();
    let groups = groups(&GROUPS);
    let nobody = Principal {
        user_id: "",
        groups: &groups[1..],
        tenant: "acme",
        customer: "",
        collection: Some(""),
    };
    for resource in resources("acme", Some(""), "", "") {
        for action in [
            Action::Read,
            Action::List,
            Action::Write,
            Action::Replace,
            Action::Upload,
            Action::Revoke,
        ] {
            assert_eq!(permissions.decide(&nobody, action, &resource), Decision::none());
        }
    }
    let nowhere = Principal {
        tenant: "",
        groups: &groups,
        ..nobody
    };
    for resource in resources("", None, "bols", "u-1") {
        for action in ACTIONS {
            assert!(
                !permissions.decide(&nowhere, action, &resource).allowed,
                "{action:?} {resource:?}"
            );
        }
    }
}

#[test]
fn hostile_texts_permit_nothing() {
    let permissions = Permissions::shipped().unwrap();
    for text in HOSTILE {
        let groups = groups(&[text]);
        let stranger = Principal {
            user_id: text,
            groups: &groups,
            tenant: "acme",
            customer: text,
            collection: Some(text),
        };
        for resource in resources("acme", Some(text), text, text) {
            for action in ACTIONS {
                assert_eq!(
                    permissions.decide(&stranger, action, &resource),
                    Decision::none(),
                    "{text:?}"
                );
            }
        }
    }
}

#[test]
fn hostile_texts_are_compared_as_they_are() {
    let permissions = Permissions::shipped().unwrap();
    let groups = groups(&["customer"]);
    for customer in HOSTILE {
        for owner in HOSTILE {
            let principal = Principal {
                customer,
                ..principal(&groups)
            };
            let [document, ..] = resources("acme", Some(owner), "bols", "u-1");
            let decision = permissions.decide(&principal, Action::Read, &document);
            assert_eq!(
                decision.allowed,
                customer == owner && !owner.is_empty(),
                "{customer:?} {owner:?}"
            );
        }
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let known = ["acme", "globex", "c-1", "bols", "u-1"];
    prop_oneof![
        select(known.to_vec()).prop_map(ToOwned::to_owned),
        select(HOSTILE.to_vec()).prop_map(ToOwned::to_owned),
        any::<String>(),
    ]
}

fn any_groups() -> impl Strategy<Value = Vec<String>> {
    let known = subsequence(GROUPS.to_vec(), 0..=GROUPS.len());
    (known, prop::collection::vec(any_text(), 0..3)).prop_map(|(known, mut others)| {
        others.extend(known.into_iter().map(ToOwned::to_owned));
        others
    })
}

proptest! {
    #[test]
    fn nothing_is_ever_permitted_across_tenants(
        groups in any_groups(),
        texts in prop::collection::vec(any_text(), 9),
        with in any::<[bool; 2]>(),
    ) {
        prop_assume!(texts[0] != texts[1]);
        let permissions = Permissions::shipped().unwrap();
        let principal = Principal {
            user_id: &texts[2],
            groups: &groups,
            tenant: &texts[0],
            customer: &texts[3],
            collection: with[0].then_some(&texts[4]),
        };
        // Half the time all else is the principal's own.
        let offset = if with[1] { 0 } else { 3 };
        let (creator, owner, collection) = (&texts[2 + offset], &texts[3 + offset], &texts[4 + offset]);
        for resource in resources(&texts[1], Some(owner), collection, creator) {
            for action in ACTIONS {
                let decision = permissions.decide(&principal, action, &resource);
                prop_assert!(!decision.allowed);
                if action.applies_to(&resource) {
                    prop_assert_eq!(decision.policies, ["tenant-wall"]);
                }
            }
        }
    }
}
