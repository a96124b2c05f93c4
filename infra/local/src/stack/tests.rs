use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use casefile::bucket::NewObject;
use casefile::digest::Sha256;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::*;
use crate::lambda::LogLine;
use crate::lambda::testing::{collected, echo_function};

const TEMPLATE: &str = "
Resources:
  Kept: {Type: AWS::S3::Bucket, Properties: {VersioningConfiguration: {Status: Enabled}}}
  Plain: {Type: AWS::S3::Bucket, Properties: {NotificationConfiguration: {QueueConfigurations: []}}}
  Echo:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: echo_function}}
    Properties:
      Environment: {Variables: {S3_BUCKET_NAME: !Ref Kept}}
      Timeout: 20
      Events:
        Kept:
          Type: S3
          Properties:
            Bucket: !Ref Kept
            Events: s3:ObjectCreated:*
            Filter: {S3Key: {Rules: [{Name: prefix, Value: in box/}, {Name: suffix, Value: .json}]}}
        Tick: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}
        Queue: {Type: SQS}
";

struct Running {
    stack: Stack,
    lines: Arc<Mutex<Vec<LogLine>>>,
}

async fn start(data: &TempDir, template: &str) -> Running {
    let (log, lines) = collected();
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's stack takes the system's clock"
    )]
    let config = StackConfig::new(
        data.path().to_owned(),
        data.path().to_owned(),
        log,
        Timestamp::now,
    );
    let template = Template::parse(template, &Settings::default()).unwrap();
    let programs = BTreeMap::from([("echo_function".to_owned(), echo_function())]);
    let stack = Stack::start_built(&config, template, &programs).await.unwrap();
    Running { stack, lines }
}

impl Running {
    async fn put(&self, key: &str) {
        let body = Bytes::from_static(b"{}");
        let object = NewObject {
            key: key.to_owned(),
            sha256: Sha256::of(&body),
            body,
            content_type: "application/json",
        };
        let (bucket, _) = self.stack.artifacts().unwrap();
        bucket.create(&object).await.unwrap();
    }

    /// What was printed, once there are so many lines.
    async fn printed(&self, lines: usize) -> Vec<String> {
        let all = async {
            while self.lines.lock().unwrap().len() < lines {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), all).await.unwrap();
        let lines = self.lines.lock().unwrap();
        lines.iter().map(|line| line.text.clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_gets_the_events_that_the_template_wires_to_it_and_no_others() {
    let data = tempfile::tempdir().unwrap();
    let running = start(&data, TEMPLATE).await;
    for key in ["elsewhere/a.json", "in box/a.txt", "in box/ü +.json"] {
        running.put(key).await;
    }
    let printed = running.printed(1).await;
    let records: Value = serde_json::from_str(&printed[0]).unwrap();
    assert_eq!(records.as_array().unwrap().len(), 1, "{records}");
    assert_eq!(records[0]["eventName"], "ObjectCreated:Put");
    assert_eq!(records[0]["s3"]["bucket"]["name"], "casefile-local-kept");
    assert_eq!(records[0]["s3"]["object"]["key"], "in+box/%C3%BC+%2B.json");
    // The others came before it, and were not delivered.
    running.stack.stop().await;
    assert_eq!(running.lines.lock().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_event_is_delivered_three_times_and_then_reported() {
    let data = tempfile::tempdir().unwrap();
    let running = start(&data, TEMPLATE).await;
    running.put("in box/fail.json").await;
    let printed = running.printed(6).await;
    let delivered = printed.iter().filter(|line| line.starts_with("[{")).count();
    assert_eq!(delivered, 3, "{printed:?}");
    assert!(
        printed
            .iter()
            .any(|line| line.contains("failed and is dropped: ")),
        "{printed:?}"
    );
    running.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_that_are_not_delivered_are_named() {
    let data = tempfile::tempdir().unwrap();
    let running = start(&data, TEMPLATE).await;
    assert_eq!(
        running.stack.undelivered(),
        [
            "Echo: Tick (Schedule)",
            "Echo: Queue (SQS)",
            "Plain: QueueConfigurations"
        ]
    );
    running.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_signs_with_a_key_of_its_own_and_its_session_token() {
    let data = tempfile::tempdir().unwrap();
    let running = start(&data, TEMPLATE).await;
    let event = Bytes::from_static(b"{\"do\":\"variables\"}");
    let invocation = running
        .stack
        .lambda
        .invoke("casefile-local-Echo", event)
        .await
        .unwrap();
    let seen: Value = serde_json::from_slice(&invocation.result.unwrap()).unwrap();
    assert_eq!(seen["AWS_SESSION_TOKEN"], FUNCTION_SESSION_TOKEN);
    assert_ne!(seen["AWS_ACCESS_KEY_ID"], ACCESS_KEY);
    running.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_keeps_versions_as_the_template_says_also_when_it_changes() {
    let data = tempfile::tempdir().unwrap();
    let kept =
        "Resources: {B: {Type: AWS::S3::Bucket, Properties: {VersioningConfiguration: {Status: Enabled}}}}";
    let plain = "Resources: {B: {Type: AWS::S3::Bucket}}";
    for (template, expected) in [
        (plain, "off"),
        (kept, "enabled"),
        (plain, "suspended"),
        (kept, "enabled"),
    ] {
        start(&data, template).await.stack.stop().await;
        let record = std::fs::read_to_string(data.path().join("casefile-local-b/bucket.json")).unwrap();
        let record: Value = serde_json::from_str(&record).unwrap();
        assert_eq!(record["versioning"], expected);
    }
}
