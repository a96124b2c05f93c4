//! Versions of functions: a deployment publishes one whenever something is other than before.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::node;
use super::DEPLOYED;
use super::operate::{as_json, resources};

/// What isn't part of a version.
const NO_SETTINGS: [&str; 2] = ["Events", "ProvisionedConcurrencyConfig"];

/// The names that a value refers to: parameters, resources, and what its conditions refer to.
fn names(value: &Value, conditions: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| names(item, conditions, found)),
        Value::Object(entries) => {
            for (key, value) in entries {
                match (key.as_str(), value) {
                    ("!Ref", Value::String(name)) => {
                        found.insert(name.clone());
                    }
                    ("!Sub", Value::String(text)) => found.extend(placeholders(text)),
                    ("!If", Value::Array(choice)) => {
                        names(&conditions[choice[0].as_str().unwrap()], conditions, found);
                        names(value, conditions, found);
                    }
                    _ => names(value, conditions, found),
                }
            }
        }
        _ => {}
    }
}

fn placeholders(text: &str) -> impl Iterator<Item = String> {
    let begun = text.split("${").skip(1);
    begun.filter_map(|rest| rest.split_once('}').map(|(name, _)| name.to_owned()))
}

/// SAM sees no change when only a parameter has another value.
#[test]
fn each_parameter_of_a_function_with_an_alias_makes_another_version() {
    let template = as_json(&node::parse(DEPLOYED).unwrap());
    let parameters = template["Parameters"].as_object().unwrap();
    let query = &resources("AWS::Athena::NamedQuery")["SettingsQuery"]["Properties"]["QueryString"]["!Sub"];
    let told: BTreeSet<_> = placeholders(query.as_str().unwrap()).collect();

    let mut used = BTreeSet::new();
    let mut with_alias = 0;
    for (id, function) in resources("AWS::Serverless::Function") {
        let properties = function["Properties"].as_object().unwrap();
        if !properties.contains_key("AutoPublishAlias") {
            assert!(!properties.contains_key("ProvisionedConcurrencyConfig"), "{id}");
            continue;
        }
        with_alias += 1;
        assert_eq!(properties["AutoPublishAliasAllProperties"], "true", "{id}");
        assert_eq!(properties["VersionDescription"]["!Ref"], "SettingsQuery", "{id}");
        let description = properties["Description"]["!Sub"].as_str().unwrap();
        assert!(description.contains("${SettingsQuery}"), "{id}");
        // Lambda refuses a longer one; the query's id is a UUID, longer than its name by 20.
        assert!(description.len() + 20 <= 256, "{id}");
        for (name, value) in properties {
            if !NO_SETTINGS.contains(&name.as_str()) {
                names(value, &template["Conditions"], &mut used);
            }
        }
    }
    assert_eq!(with_alias, 2);
    names(
        &template["Globals"]["Function"],
        &template["Conditions"],
        &mut used,
    );
    used.retain(|name| parameters.contains_key(name));
    assert_eq!(told, used);
}
