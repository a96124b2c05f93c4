//! The IAM policies for clients, in `infra/policies/clients/`.

use std::fs;
use std::path::Path;

use casefile::collection::Collection;
use casefile::key::BasePath;
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

#[test]
fn a_migration_stores_new_files_of_every_collection_and_overwrites_and_deletes_nothing() {
    let (_, policy) = policies()
        .into_iter()
        .find(|(name, _)| name == "migration.json")
        .unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let all = |action: &str| {
        statements
            .iter()
            .filter(|statement| texts(&statement["Action"]).contains(&action))
            .collect::<Vec<_>>()
    };
    let collections = Collection::all().filter(|collection| *collection != Collection::reviews());
    let places: Vec<_> = collections
        .flat_map(|collection| collection.places(&BasePath::default()))
        .collect();
    assert!(places.len() > 4);
    for action in ["s3:GetObject", "s3:PutObject"] {
        let granted: Vec<_> = all(action)
            .iter()
            .flat_map(|statement| texts(&statement["Resource"]))
            .collect();
        for place in &places {
            let resource = format!("arn:aws:s3:::ARTIFACTS_BUCKET/{place}*");
            assert!(granted.contains(&resource.as_str()), "{action}: {resource}");
        }
    }
    // A hyphen and four characters: no digest of a request ends in that, below requests/.
    let series = "arn:aws:s3:::ARTIFACTS_BUCKET/_casefile/bols/*-????.json";
    for statement in all("s3:PutObject") {
        let resources = texts(&statement["Resource"]);
        let demands = |header: &str| statement["Condition"]["Null"][header] == "false";
        let goes_on = demands("s3:if-match") && resources == [series];
        assert!(demands("s3:if-none-match") || goes_on, "{statement}");
        let others = resources.iter().filter(|resource| **resource != series);
        for resource in others {
            assert!(!resource.contains("_casefile/bols/"), "{resource}");
        }
    }
    let actions: Vec<_> = statements
        .iter()
        .flat_map(|statement| texts(&statement["Action"]))
        .collect();
    assert!(
        actions.iter().all(|action| !action.contains("Delete")),
        "{actions:?}"
    );
}
