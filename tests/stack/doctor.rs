//! `casefile doctor`, as an operator runs it: on a stack that is as it should be, and on each that isn't.

mod alone;
mod faults;
mod services;
mod unaware;

use std::collections::BTreeMap;
use std::process::{Command, Output};

use casefile_local::stack::SECRET_KEY;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{TestStack, operators_tool, without_events};

/// What the artifacts bucket's checks are called that need the bucket.
const OF_ARTIFACTS: [&str; 8] = [
    "write",
    "read back",
    "conditional write",
    "tag",
    "clean up",
    "artifacts encryption",
    "artifacts versioning",
    "artifacts public access",
];

type Variables = BTreeMap<String, String>;

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}{}", self.out, self.err))
    }

    /// The names of the checks that came out so.
    fn names(&self, outcome: &str) -> Vec<String> {
        let json = self.json();
        let checks = json["checks"].as_array().unwrap().iter();
        let checks = checks.filter(|check| check["outcome"] == outcome);
        checks
            .map(|check| check["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What was found, and how to mend it.
    fn of(&self, name: &str) -> String {
        let json = self.json();
        let mut checks = json["checks"].as_array().unwrap().iter();
        let check = checks.find(|check| check["name"] == name).unwrap();
        let text = |field: &str| check[field].as_str().unwrap_or_default().to_owned();
        format!("{} → {}", text("detail"), text("mend"))
    }
}

/// Runs it on a thread of its own, for S3 is served by this process.
async fn run(arguments: &[&str], variables: &Variables) -> Said {
    let mut command = Command::new(operators_tool().await);
    command.arg("doctor").args(arguments).env_clear().envs(variables);
    let output: Output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let said = Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(!said.out.contains(SECRET_KEY) && !said.err.contains(SECRET_KEY));
    said
}

/// A whole stack, and everything that its operator would set.
struct Ward {
    stack: TestStack,
    variables: Variables,
    folder: TempDir,
}

impl Ward {
    async fn start() -> Self {
        let stack = TestStack::start_with(without_events).await;
        let folder = TempDir::new().unwrap();
        let own = stack.stack.own_environment().into_iter();
        let s3 = stack.stack.s3_environment().into_iter();
        let services = stack.stack.service_environment().into_iter();
        let of_aws = s3.chain(services).map(|(name, value)| (name.to_owned(), value));
        let mut variables: Variables = own.chain(of_aws).collect();
        let fallback = folder.path().display().to_string();
        variables.insert("FALLBACK_DIR".to_owned(), fallback);
        variables.insert("BEDROCK_MODEL_ID".to_owned(), "casefile.stand-in-v1:0".to_owned());
        Self {
            stack,
            variables,
            folder,
        }
    }

    /// The answer in JSON, with these variables instead.
    async fn examine(&self, changes: &[(&str, &str)]) -> Said {
        let mut variables = self.variables.clone();
        let changes = changes.iter();
        variables.extend(changes.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        run(&["--json"], &variables).await
    }

    fn artifacts(&self) -> &str {
        self.stack.stack.artifacts_bucket().unwrap()
    }

    fn audit(&self) -> &str {
        self.stack.stack.audit_bucket().unwrap()
    }

    /// Keys and delete markers below a prefix, with those that are hidden.
    async fn versions(&self, bucket: &str, prefix: &str) -> (usize, usize) {
        let client = crate::support::client(&self.stack.stack.s3.endpoint());
        let list = client.list_object_versions().bucket(bucket).prefix(prefix);
        let list = list.send().await.unwrap();
        (list.versions().len(), list.delete_markers().len())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_holds_on_the_whole_local_stack_and_nothing_is_left_behind() {
    let ward = Ward::start().await;
    let said = run(&[], &ward.variables).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out.lines().all(|line| line.chars().count() <= 100),
        "{}",
        said.out
    );
    for line in [
        "✓ credentials",
        "✓ region",
        "✓ clock",
        "✓ conditional write",
        "✓ audit record",
        "✓ audit lock",
        "365 days",
        "✓ quarantine versioning",
        "✓ arrivals queue",
        "✓ dead-letter queue",
        "✓ topic",
        "✓ Bedrock",
        "✓ fallback folder",
    ] {
        assert!(said.out.contains(line), "{line}: {}", said.out);
    }
    assert!(!said.out.contains(['✗', '?']), "{}", said.out);
    assert!(said.out.ends_with(" hold\n"), "{}", said.out);
    assert_eq!(ward.versions(ward.artifacts(), "_casefile/doctor/").await, (0, 0));
    assert_eq!(ward.versions(ward.audit(), "").await, (0, 0));
    assert!(ward.stack.stack.notifications().is_empty());
    assert_eq!(ward.folder.path().read_dir().unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_get_the_same_as_json() {
    let ward = Ward::start().await;
    let said = ward.examine(&[]).await;
    assert_eq!(said.code, 0, "{}", said.out);
    let json = said.json();
    assert_eq!(json["holds"], true);
    let checks = json["checks"].as_array().unwrap();
    assert_eq!(said.names("ok").len(), checks.len());
    for name in OF_ARTIFACTS {
        assert!(checks.iter().any(|check| check["name"] == name), "{name}");
    }
    assert!(checks.iter().all(|check| check.get("mend").is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_wrong_variables_are_named_at_once_and_nothing_is_asked() {
    let variables = [
        ("S3_BUCKET_NAME", "My_Bucket"),
        ("TOPIC_ARN", "topic"),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let said = run(&["--json"], &variables.into()).await;
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    for name in [
        "S3_BUCKET_NAME",
        "AUDIT_BUCKET_NAME",
        "TOPIC_ARN",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
    ] {
        assert!(said.err.contains(name), "{name}: {}", said.err);
    }
}
