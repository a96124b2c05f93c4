//! What `template.yaml` says for those who run the deployment, against what the program says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use casefile::collection::Collection;
use casefile::key::BasePath;
use serde_json::{Map, Value, json};

use super::super::{Settings, Template, node};
use super::{DEPLOYED, parse};

const METRICS: &str = include_str!("../../../../../shared/src/metrics.rs");
const AUDIT: &str = include_str!("../../../../../shared/src/audit/mod.rs");
const LINK_SETTINGS: &str = include_str!("../../../../../shared/src/link/settings.rs");
const OPENAPI: &str = include_str!("../../../../openapi.yaml");
/// What an account has only one of.
const NAMES: [&str; 10] = [
    "AlarmName",
    "BackupVaultName",
    "BucketName",
    "DashboardName",
    "FunctionName",
    "LogGroupName",
    "QueueName",
    "RoleName",
    "TopicName",
    "TrailName",
];
const METHODS: [&str; 7] = ["get", "head", "post", "put", "patch", "delete", "options"];

pub(super) fn as_json(node: &node::Node) -> Value {
    match &node.value {
        node::Value::Null => Value::Null,
        node::Value::Text(text) => Value::String(text.clone()),
        node::Value::List(items) => items.iter().map(as_json).collect(),
        node::Value::Map(entries) => entries
            .iter()
            .map(|(key, node)| (key.clone(), as_json(node)))
            .collect(),
        node::Value::Call(name, argument) => Map::from_iter([(format!("!{name}"), as_json(argument))]).into(),
    }
}

/// The resources of a type, as JSON with `{"!Ref": "X"}` for `!Ref X`.
pub(super) fn resources(kind: &str) -> BTreeMap<String, Value> {
    let template = as_json(&node::parse(DEPLOYED).unwrap());
    let all = template["Resources"].as_object().unwrap();
    let found = all.iter().filter(|(_, resource)| resource["Type"] == kind);
    let found: BTreeMap<_, _> = found
        .map(|(id, resource)| (id.clone(), resource.clone()))
        .collect();
    assert!(!found.is_empty(), "{kind}");
    found
}

fn properties(kind: &str) -> impl Iterator<Item = (String, Value)> {
    let resources = resources(kind).into_iter();
    resources.map(|(id, resource)| (id, resource["Properties"].clone()))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn texts(value: &Value) -> BTreeSet<String> {
    items(value).map(ToString::to_string).collect()
}

/// The metrics that functions write.
fn written() -> BTreeSet<&'static str> {
    let constants = METRICS.lines().filter_map(|line| line.strip_prefix("const "));
    let named = constants.filter_map(|line| line.split_once(": &str = \""));
    let metrics = named.filter(|(name, _)| *name != "NAMESPACE");
    let metrics: BTreeSet<_> = metrics.filter_map(|(_, rest)| rest.strip_suffix("\";")).collect();
    assert!(metrics.contains("ExportsSucceeded"), "{metrics:?}");
    metrics
}

/// The metrics that are counted in logs, by namespace and name.
fn counted_in_logs() -> BTreeSet<[String; 2]> {
    let mut all = BTreeSet::new();
    for (_, filter) in properties("AWS::Logs::MetricFilter") {
        for metric in items(&filter["MetricTransformations"]) {
            all.insert(["MetricNamespace", "MetricName"].map(|key| metric[key].to_string()));
        }
    }
    all
}

#[test]
fn alarms_watch_what_is_counted() {
    for (id, alarm) in properties("AWS::CloudWatch::Alarm") {
        let queries = items(&alarm["Metrics"]).filter_map(|query| query.pointer("/MetricStat/Metric"));
        let metrics: Vec<_> = queries.chain(alarm.get("MetricName").map(|_| &alarm)).collect();
        assert!(!metrics.is_empty(), "{id}");
        for metric in metrics {
            let (namespace, name) = (&metric["Namespace"], metric["MetricName"].as_str().unwrap());
            match namespace.as_str() {
                Some("Casefile") => assert!(written().contains(name), "{id}: {name}"),
                Some(aws) => assert!(aws.starts_with("AWS/"), "{id}: {aws}"),
                None => {
                    let of_logs = [namespace.to_string(), metric["MetricName"].to_string()];
                    assert!(counted_in_logs().contains(&of_logs), "{id}: {of_logs:?}");
                }
            }
        }
    }
}

#[test]
fn alarms_tell_somebody_and_say_what_missing_data_means() {
    for (id, alarm) in properties("AWS::CloudWatch::Alarm") {
        assert_eq!(
            alarm["AlarmActions"],
            json!([{"!Ref": "OperationsTopic"}]),
            "{id}"
        );
        assert!(alarm["TreatMissingData"].is_string(), "{id}");
        assert!(alarm["AlarmDescription"].is_string(), "{id}");
    }
}

#[test]
fn audit_failures_are_counted_by_what_the_log_says() {
    for (id, filter) in properties("AWS::Logs::MetricFilter") {
        let phrase = filter["FilterPattern"].as_str().unwrap();
        assert!(AUDIT.contains(&format!("error.note({phrase})")), "{id}: {phrase}");
    }
}

#[test]
fn the_dashboard_shows_what_is_counted() {
    let (_, dashboard) = properties("AWS::CloudWatch::Dashboard").next().unwrap();
    // References stand in texts, and are texts without quotes.
    let body = dashboard["DashboardBody"]["!Sub"].as_str().unwrap();
    let dashboard: Value = serde_json::from_str(body).unwrap();
    let mut shown = BTreeSet::new();
    for widget in items(&dashboard["widgets"]) {
        for metric in items(&widget["properties"]["metrics"]) {
            if metric[0] == "Casefile" {
                shown.insert(metric[1].as_str().unwrap().to_owned());
            }
            let expression = metric[0]["expression"].as_str().unwrap_or_default();
            if let Some((_, name)) = expression.split_once("{Casefile,") {
                let name = name.split("MetricName=\"").nth(1).unwrap();
                shown.insert(name.split('"').next().unwrap().to_owned());
            }
        }
    }
    let all = written();
    assert!(shown.iter().all(|name| all.contains(name.as_str())), "{shown:?}");
    for name in ["ExportDuration", "Links", "Verdicts", "SummaryInputTokens"] {
        assert!(shown.contains(name), "{name}");
    }
}

/// Routes as `GET /v1/links/{collection}/{path}`.
fn documented() -> BTreeSet<String> {
    let (_, paths) = OPENAPI.split_once("\npaths:\n").unwrap();
    let lines = paths
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with(' '));
    let mut routes = BTreeSet::new();
    let mut path = "";
    for line in lines {
        let Some(key) = line.strip_suffix(':') else {
            continue;
        };
        if let Some(found) = key.strip_prefix("  ").filter(|key| key.starts_with('/')) {
            path = found;
        }
        if let Some(method) = key.strip_prefix("    ").filter(|key| METHODS.contains(key)) {
            routes.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    assert!(routes.contains("POST /v1/reviews"), "{routes:?}");
    routes
}

#[test]
fn every_documented_route_leads_to_a_function_and_no_other() {
    let template = parse(DEPLOYED).unwrap();
    let routes: Vec<_> = template
        .routes()
        .map(|route| format!("{} {}", route.method, route.path.replace("+}", "}")))
        .collect();
    let deployed: BTreeSet<_> = routes.iter().cloned().collect();
    assert_eq!(deployed.len(), routes.len(), "a route stands there twice");
    assert_eq!(deployed, documented());
}

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(source_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

/// The names of environment variables in a source file, as far as it reads any.
fn variables(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    if !code.contains("Env") {
        return BTreeSet::new();
    }
    let is_name = |text: &&str| {
        let is_capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        text.contains('_') && text.chars().all(is_capital)
    };
    let literals = code.split('"').skip(1).step_by(2);
    literals.filter(is_name).map(str::to_owned).collect()
}

#[test]
fn each_function_is_given_the_variables_that_it_reads_and_no_other() {
    let template = parse(DEPLOYED).unwrap();
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions");
    for function in &template.functions {
        let mut read = BTreeSet::new();
        for file in source_files(&functions.join(&function.binary).join("src")) {
            let source = fs::read_to_string(file).unwrap();
            read.extend(variables(&source));
            if source.contains("LinkSettings::read(") {
                read.extend(variables(LINK_SETTINGS));
            }
            if source.contains("default_tenant(env)") {
                read.insert("DEFAULT_TENANT".to_owned());
            }
        }
        // Lambda gives what begins with AWS, and a function that SAM builds has no file but its program.
        read.retain(|name| !name.starts_with("AWS_") && name != "REPORT_TEMPLATE_FILE");
        let given: BTreeSet<_> = function.environment.keys().cloned().collect();
        assert_eq!(given, read, "{}", function.logical_id);
    }
}

#[test]
fn buckets_are_closed_and_keep_what_they_have() {
    let template = parse(DEPLOYED).unwrap();
    let policies: Vec<_> = properties("AWS::S3::BucketPolicy").collect();
    for (id, bucket) in resources("AWS::S3::Bucket") {
        for kept in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert_eq!(bucket[kept], "Retain", "{id}");
        }
        let read = template
            .buckets
            .iter()
            .find(|read| read.logical_id == id)
            .unwrap();
        let block = read.settings.public_access_block.unwrap();
        assert!(block.block_public_acls && block.block_public_policy, "{id}");
        assert!(block.ignore_public_acls && block.restrict_public_buckets, "{id}");
        assert!(read.versioned, "{id}");
        let owner = bucket.pointer("/Properties/OwnershipControls/Rules/0/ObjectOwnership");
        assert_eq!(owner, Some(&json!("BucketOwnerEnforced")), "{id}");
        let mut rules = items(&bucket["Properties"]["LifecycleConfiguration"]["Rules"]);
        let aborts = rules
            .any(|rule| rule.get("AbortIncompleteMultipartUpload").is_some() && rule.get("Prefix").is_none());
        assert!(aborts, "{id}");
        let policy = policies
            .iter()
            .find(|(_, policy)| policy["Bucket"]["!Ref"] == *id);
        let policy = &policy.unwrap_or_else(|| panic!("{id} has no policy")).1;
        let mut statements = items(&policy["PolicyDocument"]["Statement"]);
        assert!(statements.any(|statement| statement["Sid"] == "TlsOnly"), "{id}");
    }
}

#[test]
fn a_key_is_for_all_buckets_but_that_of_s3_s_own_logs() {
    let key = "arn:aws:kms:us-east-1:000000000000:key/12345678-1234-1234-1234-123456789012";
    let mut settings = Settings::default();
    settings.parameters.insert("KmsKeyArn".to_owned(), key.to_owned());
    for bucket in Template::parse(DEPLOYED, &settings).unwrap().buckets {
        let expected = match bucket.logical_id.as_str() {
            "AccessLogBucket" => ("AES256", None),
            _ => ("aws:kms", Some(key)),
        };
        let settings = &bucket.settings;
        let found = (settings.encryption.as_str(), settings.kms_key.as_deref());
        assert_eq!(found, expected, "{}", bucket.logical_id);
    }
}

/// A statement of the artifacts bucket's policy.
fn statement(sid: &str) -> Value {
    let (_, policy) = properties("AWS::S3::BucketPolicy")
        .find(|(id, _)| id == "ArtifactsBucketPolicy")
        .unwrap();
    let mut statements = items(&policy["PolicyDocument"]["Statement"]);
    statements
        .find(|statement| statement["Sid"] == sid)
        .unwrap()
        .clone()
}

fn below(prefix: &str) -> String {
    json!({"!Sub": format!("${{ArtifactsBucket.Arn}}/{prefix}*")}).to_string()
}

#[test]
fn every_put_is_create_only_or_names_what_it_replaces() {
    let changed = texts(&statement("ChangeOnlyWhatWasSeen")["Resource"]);
    let free = ["inbox/", "_casefile/doctor/", "_casefile/templates/"].map(below);
    let all: BTreeSet<_> = changed.iter().cloned().chain(free).collect();
    assert_eq!(texts(&statement("CreateOnly")["NotResource"]), all);
    for collection in Collection::all() {
        // A training log may be revised.
        let moves = collection.is_replaced() || collection == Collection::training_logs();
        for place in collection.places(&BasePath::default()) {
            assert_eq!(changed.contains(&below(&place)), moves, "{place}");
        }
    }
    // Those of a deployment's own may be.
    assert!(changed.contains(&below("files/")));
}

#[test]
fn events_for_backups_are_told_of_only_where_there_are_backups() {
    for (days, expected) in [("0", &[][..]), ("35", &["EventBridgeConfiguration"])] {
        let mut settings = Settings::default();
        settings
            .parameters
            .insert("BackupDays".to_owned(), days.to_owned());
        let template = Template::parse(DEPLOYED, &settings).unwrap();
        let mut buckets = template.buckets.iter();
        let artifacts = buckets.find(|bucket| bucket.logical_id == "ArtifactsBucket");
        assert_eq!(artifacts.unwrap().notifications, expected, "{days}");
    }
}

/// A fixed name would be taken already where an account has two stacks.
#[test]
fn stacks_stand_side_by_side() {
    let template = as_json(&node::parse(DEPLOYED).unwrap());
    for (id, resource) in template["Resources"].as_object().unwrap() {
        for name in NAMES {
            let given = &resource["Properties"][name];
            assert!(!given.is_string(), "{id}: {name}: {given}");
        }
    }
}
