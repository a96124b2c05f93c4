//! The IAM policies for clients, in `infra/policies/clients/`.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Of a managed policy, without blanks (IAM user guide, *IAM and AWS STS quotas*).
const MAX_CHARACTERS: usize = 6_144;

fn policies() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/clients");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let policies = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let read = |path: &Path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let policies: Vec<_> = policies
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                read(&path),
            )
        })
        .collect();
    assert!(policies.len() > 5);
    policies
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        _ => value
            .as_array()
            .unwrap()
            .iter()
            .map(|text| text.as_str().unwrap())
            .collect(),
    }
}

/// The words in capitals that stand for something of the deployment.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
    words.filter(|word| word.len() > 4)
}

#[test]
fn no_policy_grants_more_than_is_named() {
    for (name, policy) in policies() {
        assert!(policy.to_string().len() <= MAX_CHARACTERS, "{name}");
        assert_eq!(policy["Version"], "2012-10-17", "{name}");
        for statement in policy["Statement"].as_array().unwrap() {
            for action in texts(&statement["Action"]) {
                assert!(!action.contains('*'), "{name}: {action}");
            }
            for resource in texts(&statement["Resource"]) {
                let stands_for = resource.strip_suffix("_ARN").is_some();
                assert!(
                    resource.starts_with("arn:aws:") || stands_for,
                    "{name}: {resource}"
                );
            }
        }
    }
}

#[test]
fn the_readme_tells_every_policy_and_what_is_to_be_filled_in() {
    let readme = include_str!("../../../../policies/clients/README.md");
    for (name, policy) in policies() {
        assert!(readme.contains(&format!("`{name}`")), "{name}");
        for placeholder in placeholders(&policy.to_string()) {
            assert!(
                readme.contains(&format!("`{placeholder}`")),
                "{name}: {placeholder}"
            );
        }
    }
}
