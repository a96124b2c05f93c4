use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use casefile::bucket::NewObject;
use casefile::digest::Sha256;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::wiring::FUNCTION_SESSION_TOKEN;
use super::*;
use crate::client::{call, post_json};
use crate::lambda::LogLine;
use crate::lambda::testing::{collected, echo_function};
use crate::sample::caller;
use crate::token::issue;

mod fallback;
mod queues;
mod schedules;

const TEMPLATE: &str = "
Resources:
  Kept: {Type: AWS::S3::Bucket, Properties: {VersioningConfiguration: {Status: Enabled}}}
  Plain: {Type: AWS::S3::Bucket, Properties: {NotificationConfiguration: {TopicConfigurations: []}}}
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
        Tick: {Type: Schedule, Properties: {Schedule: cron(0 8 1 * ? *)}}
        Table: {Type: DynamoDB}
";

#[expect(
    clippy::disallowed_methods,
    reason = "a test's stack takes the system's clock"
)]
fn clock() -> Timestamp {
    Timestamp::now()
}

struct Running {
    stack: Stack,
    lines: Arc<Mutex<Vec<LogLine>>>,
}

async fn start(data: &TempDir, template: &str) -> Running {
    start_with(data, template, |_| {}).await
}

async fn start_with(data: &TempDir, template: &str, change: impl FnOnce(&mut StackConfig)) -> Running {
    let (log, lines) = collected();
    let mut config = StackConfig::new(data.path().to_owned(), data.path().to_owned(), log, clock);
    change(&mut config);
    let template = Template::parse(template, &Settings::default()).unwrap();
    let programs = [
        "echo_function",
        "post-process",
        "session-export",
        "signed-download",
    ];
    let programs = programs.map(|name| (name.to_owned(), echo_function())).into();
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
            metadata: Vec::new(),
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
    let lines = running.lines.lock().unwrap();
    // The call itself may have ended with the stack, which is said in a line of its own.
    let delivered = lines.iter().filter(|line| line.text.starts_with("[{")).count();
    assert_eq!(delivered, 1, "{lines:?}");
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
            "Echo: Tick (Schedule, cron(0 8 1 * ? *))",
            "Echo: Table (DynamoDB)",
            "Plain: TopicConfigurations"
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

/// Two functions in one API, as the deployed template has them.
const TWO: &str = "
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth: {DefaultAuthorizer: Jwt, Authorizers: {Jwt: {JwtConfiguration: {issuer: https://x, audience: [y]}}}}
  Links:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: signed-download}}
    Properties:
      Environment: {Variables: {S3_BUCKET_NAME: !Ref Artifacts, AUDIT_BUCKET_NAME: !Ref Audit}}
      Timeout: 20
      Events:
        Get: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: '/v1/links/{collection}/{path+}'}}
        Use: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: '/v1/s/{token}', Auth: {Authorizer: NONE}}}
        Look: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: HEAD, Path: '/v1/s/{token}', Auth: {Authorizer: NONE}}}
        Revoke: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: DELETE, Path: '/v1/s/{token}'}}
  Export:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: session-export}}
    Properties:
      Environment: {Variables: {S3_BUCKET_NAME: !Ref Artifacts, S3_BASE_PATH: there/, PUBLIC_URL: https://files.example.com}}
      Timeout: 20
      Events:
        Post: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: POST, Path: /v1/reviews}}
  Artifacts: {Type: AWS::S3::Bucket, Properties: {VersioningConfiguration: {Status: Enabled}}}
  Audit:
    Type: AWS::S3::Bucket
    Properties:
      ObjectLockEnabled: true
      ObjectLockConfiguration: {ObjectLockEnabled: Enabled, Rule: {DefaultRetention: {Mode: GOVERNANCE, Days: 1}}}
      VersioningConfiguration: {Status: Enabled}
";

#[tokio::test(flavor = "multi_thread")]
async fn each_function_has_its_routes_and_finds_its_buckets_and_the_base_url() {
    let data = tempfile::tempdir().unwrap();
    let Running { stack, .. } = start(&data, TWO).await;
    let (bucket, base) = stack.artifacts().unwrap();
    assert_eq!(bucket.name(), "casefile-local-artifacts");
    assert_eq!(base.as_str(), "there/");
    assert_eq!(stack.audit().unwrap().name(), "casefile-local-audit");
    assert_eq!(stack.audit_bucket(), Some("casefile-local-audit"));
    let variables = |answer: &Bytes| serde_json::from_slice::<Value>(answer).unwrap();
    let token = issue(&caller(), clock());
    let command = "{\"do\":\"variables\"}";
    let export = post_json(stack.gateway(), "/v1/reviews", command, Some(&token)).await;
    let export = variables(export.unwrap().body());
    assert_eq!(export["AWS_LAMBDA_FUNCTION_NAME"], "casefile-local-Export");
    assert_eq!(export["PUBLIC_URL"], "https://files.example.com");
    let json = [("content-type", "application/json")];
    let link = call(stack.gateway(), hyper::Method::GET, "/v1/s/x", &json, command).await;
    let link = variables(link.unwrap().body());
    assert_eq!(link["AWS_LAMBDA_FUNCTION_NAME"], "casefile-local-Links");
    assert_eq!(link["PUBLIC_URL"], format!("http://{}", stack.gateway()));
    assert_eq!(link["PUBLIC_URL"], stack.public_url());
    assert_eq!(link["AUDIT_BUCKET_NAME"], "casefile-local-audit");
    for (method, path, status) in [
        ("HEAD", "/v1/s/x", 200),
        ("DELETE", "/v1/s/x", 401),
        ("GET", "/v1/links/bols/2025/a%20b.pdf", 401),
        ("HEAD", "/v1/links/bols/2025/a%20b.pdf", 404),
        ("OPTIONS", "/v1/s/x", 404),
    ] {
        let method = method.parse().unwrap();
        let answer = call(stack.gateway(), method, path, &[], "").await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
    assert_eq!(
        stack.own_environment(),
        [
            ("AUDIT_BUCKET_NAME", "casefile-local-audit"),
            ("S3_BUCKET_NAME", "casefile-local-artifacts"),
            ("PUBLIC_URL", &stack.public_url()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_without_an_audit_bucket_has_none() {
    let data = tempfile::tempdir().unwrap();
    let Running { stack, .. } = start(&data, TEMPLATE).await;
    let error = stack.audit().unwrap_err().to_string();
    assert!(error.contains("AUDIT_BUCKET_NAME"), "{error}");
    stack.stop().await;
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
