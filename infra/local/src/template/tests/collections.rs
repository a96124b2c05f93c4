//! What `template.yaml` and `infra/collections.toml` must both say.

use std::collections::BTreeMap;

use casefile::collection::{Collection, Retention};
use casefile::key::BasePath;

use super::super::at::At;
use super::super::resolve::Resolver;
use super::super::{Settings, node};
use super::{DEPLOYED, parse};

/// The lifecycle of the artifacts bucket, by prefix, as far as it moves or removes current versions.
fn lifecycle() -> BTreeMap<String, Retention> {
    let document = node::parse(DEPLOYED).unwrap();
    let settings = Settings::default();
    let resolver = Resolver::new(At::root(&document), &settings).unwrap();
    let rules = [
        "Resources",
        "ArtifactsBucket",
        "Properties",
        "LifecycleConfiguration",
        "Rules",
    ];
    let rules = resolver.root.find(&rules).unwrap().items().unwrap();
    let text = |at: &At<'_>| resolver.text(at).unwrap().unwrap();
    let days = |at: &At<'_>| text(at).parse::<u32>().unwrap();
    let mut found = BTreeMap::new();
    for rule in rules {
        let Some(prefix) = rule.get("Prefix") else {
            continue;
        };
        let mut retention = Retention {
            expire: rule.get("ExpirationInDays").map(|at| days(&at)),
            ..Retention::default()
        };
        for transition in rule
            .get("Transitions")
            .into_iter()
            .flat_map(|all| all.items().unwrap())
        {
            let after = Some(days(&transition.require("TransitionInDays").unwrap()));
            match text(&transition.require("StorageClass").unwrap()).as_str() {
                "STANDARD_IA" => retention.standard_ia = after,
                "GLACIER" => retention.glacier = after,
                other => panic!("{other}"),
            }
        }
        let is_tagged = rule.get("TagFilters").is_some();
        if retention != Retention::default() && !is_tagged {
            found.insert(text(&prefix), retention);
        }
    }
    found
}

#[test]
fn the_lifecycle_is_what_the_collections_say() {
    let mut rules = lifecycle();
    for collection in Collection::all() {
        for place in collection.places(&BasePath::default()) {
            let rule = rules.remove(&place).unwrap_or_default();
            assert_eq!(rule, collection.retention(), "{place} of {collection:?}");
        }
    }
    let is_own = |prefix: &String| prefix.starts_with("_casefile/") || prefix.starts_with("inbox/");
    assert!(rules.keys().all(is_own), "rules of no collection: {rules:?}");
}

#[test]
fn every_collection_s_arrivals_are_told_of() {
    let template = parse(DEPLOYED).unwrap();
    let notifications = || {
        let buckets = template.buckets.iter();
        buckets.flat_map(|bucket| &bucket.queue_notifications)
    };
    for collection in Collection::all() {
        for place in collection.places(&BasePath::default()) {
            let is_told = notifications().any(|notification| place.starts_with(&notification.changes.prefix));
            assert!(is_told, "{place}");
        }
    }
    assert!(notifications().any(|notification| notification.changes.prefix == "files/"));
}

#[test]
fn no_review_may_lie_where_another_collection_does() {
    let pattern = DEPLOYED
        .lines()
        .find(|line| line.contains("AllowedPattern: ^(?!(_casefile|"))
        .unwrap();
    let taken = pattern
        .split(['(', ')'])
        .find(|part| part.starts_with("_casefile|"))
        .unwrap();
    let taken: Vec<_> = taken.split('|').collect();
    for collection in Collection::all().filter(|collection| *collection != Collection::reviews()) {
        for place in collection.places(&BasePath::default()) {
            let first = place.split('/').next().unwrap();
            assert!(taken.contains(&first), "{first}");
            assert!(BasePath::parse(first).is_err(), "{first}");
        }
    }
    for own in ["_casefile", "inbox", "index", "files"] {
        assert!(taken.contains(&own) && BasePath::parse(own).is_err(), "{own}");
    }
}
