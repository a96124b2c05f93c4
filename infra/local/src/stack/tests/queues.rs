//! From S3 through a queue to a function, and what becomes of what it fails at.

use std::collections::BTreeMap;

use tokio::net::TcpStream;

use super::*;
use crate::sqs::Counts;

const TEMPLATE: &str = "
Resources:
  Files:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: {Status: Enabled}
      NotificationConfiguration:
        QueueConfigurations:
          - {Event: 's3:ObjectCreated:*', Queue: !GetAtt Arrivals.Arn, Filter: {S3Key: {Rules: [{Name: prefix, Value: in box/}]}}}
  Arrivals:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 120
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
  Dead: {Type: AWS::SQS::Queue}
  Topic: {Type: AWS::SNS::Topic}
  Echo:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: echo_function}}
    Properties:
      Environment:
        Variables: {S3_BUCKET_NAME: !Ref Files, DEAD_LETTER_QUEUE_URL: !Ref Dead, TOPIC_ARN: !Ref Topic, BEDROCK_MODEL_ID: ''}
      Timeout: 20
      Events:
        Arrivals:
          Type: SQS
          Properties: {Queue: !GetAtt Arrivals.Arn, FunctionResponseTypes: [ReportBatchItemFailures]}
";

const SOON: Duration = Duration::from_millis(50);
const LATEST: Duration = Duration::from_mins(1);

impl Running {
    /// How often the function got an event of each key, as events encode it.
    fn delivered(&self) -> BTreeMap<String, usize> {
        let mut all = BTreeMap::new();
        for line in self.lines.lock().unwrap().iter() {
            let Ok(Value::Array(messages)) = serde_json::from_str(&line.text) else {
                continue;
            };
            for message in messages {
                let body = message["body"].as_str().unwrap();
                if body.contains("s3:TestEvent") {
                    continue;
                }
                *all.entry(key(body)).or_default() += 1;
            }
        }
        all
    }

    fn dead_letters(&self) -> Vec<String> {
        let messages = self.stack.queue("Dead").unwrap().messages();
        messages.iter().map(|message| key(&message.body)).collect()
    }

    async fn variables(&self) -> Value {
        let event = Bytes::from_static(b"{\"do\":\"variables\"}");
        let lambda = &self.stack.lambda;
        let invocation = lambda.invoke("casefile-local-Echo", event).await.unwrap();
        serde_json::from_slice(&invocation.result.unwrap()).unwrap()
    }
}

/// The key in a message of S3's.
fn key(body: &str) -> String {
    let event: Value = serde_json::from_str(body).unwrap();
    let records = event["Records"].as_array().unwrap();
    assert_eq!(records.len(), 1, "{event}");
    records[0]["s3"]["object"]["key"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_is_processed_once_and_what_fails_ends_among_the_dead_letters() {
    let data = tempfile::tempdir().unwrap();
    let running = start_with(&data, TEMPLATE, |config| config.redelivery = SOON).await;
    for key in ["elsewhere/a", "in box/ü +", "in box/fail", "in box/b", "in box/c"] {
        running.put(key).await;
    }
    running.stack.settled(LATEST).await.unwrap();
    let expected = [
        ("in+box/%C3%BC+%2B", 1),
        ("in+box/fail", 3),
        ("in+box/b", 1),
        ("in+box/c", 1),
    ];
    let expected = expected.map(|(key, times)| (key.to_owned(), times));
    assert_eq!(running.delivered(), expected.into());
    assert_eq!(running.dead_letters(), ["in+box/fail"]);
    let [letter] = running
        .stack
        .queue("Dead")
        .unwrap()
        .messages()
        .try_into()
        .unwrap();
    assert_eq!(letter.receives, 3);
    running.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_call_fails_comes_back_altogether() {
    let data = tempfile::tempdir().unwrap();
    let running = start_with(&data, TEMPLATE, |config| config.redelivery = SOON).await;
    running.put("in box/explode").await;
    running.stack.settled(LATEST).await.unwrap();
    assert_eq!(running.dead_letters(), ["in+box/explode"]);
    assert_eq!(running.delivered(), [("in+box/explode".to_owned(), 3)].into());
    running.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_message_is_what_lambda_gives() {
    let data = tempfile::tempdir().unwrap();
    let running = start(&data, TEMPLATE).await;
    running.put("in box/a").await;
    running.stack.settled(LATEST).await.unwrap();
    let printed = running.printed(1).await;
    let records: Value = serde_json::from_str(&printed[0]).unwrap();
    let record = &records[0];
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(
        record["eventSourceARN"],
        "arn:aws:sqs:us-east-1:000000000000:casefile-local-Arrivals"
    );
    assert_eq!(record["awsRegion"], "us-east-1");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    let sent = record["attributes"]["SentTimestamp"].as_str().unwrap();
    assert!(sent.parse::<i64>().unwrap() > 1_700_000_000_000, "{sent}");
    assert_eq!(record["md5OfBody"].as_str().unwrap().len(), 32);
    running.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_without_arrivals_is_never_started() {
    let data = tempfile::tempdir().unwrap();
    let running = start(&data, TEMPLATE).await;
    running.put("elsewhere/a").await;
    running.stack.settled(LATEST).await.unwrap();
    assert_eq!(running.stack.lambda.processes("casefile-local-Echo"), 0);
    assert_eq!(running.delivered(), BTreeMap::new());
    running.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chaos_repeats_and_reorders_as_its_seed_says() {
    let keys: Vec<String> = (0..12).map(|n| format!("in box/{n:02}")).collect();
    let mut runs = Vec::new();
    for _ in 0..2 {
        let data = tempfile::tempdir().unwrap();
        let chaos = Chaos {
            longest: Duration::from_millis(1500),
            ..Chaos::new(3)
        };
        let running = start_with(&data, TEMPLATE, |config| config.chaos = Some(chaos)).await;
        for key in &keys {
            running.put(key).await;
        }
        running.stack.settled(LATEST).await.unwrap();
        let printed = running.printed(1).await.concat();
        assert_eq!(printed.matches("s3:TestEvent").count(), 1, "{printed}");
        let places = keys
            .iter()
            .map(|key| printed.find(&key.replace(' ', "+")).unwrap());
        assert!(!places.is_sorted(), "{printed}");
        runs.push(running.delivered());
        running.stack.stop().await;
    }
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0].len(), keys.len());
    assert!(runs[0].values().any(|times| *times > 1), "{runs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_find_the_stand_ins_and_a_model_only_when_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let running = start(&data, TEMPLATE).await;
    let seen = running.variables().await;
    let environment = running.stack.service_environment();
    for (name, url) in &environment {
        assert_eq!(seen[name], *url, "{name}");
    }
    let queue = format!("{}/000000000000/casefile-local-Dead", environment[0].1);
    assert_eq!(seen["DEAD_LETTER_QUEUE_URL"], queue);
    let topic = "arn:aws:sns:us-east-1:000000000000:casefile-local-Topic";
    assert_eq!(seen["TOPIC_ARN"], topic);
    assert_eq!(seen["BEDROCK_MODEL_ID"], "");
    assert!(!running.stack.summarises());
    let own: BTreeMap<_, _> = running.stack.own_environment().into_iter().collect();
    assert_eq!(own["DEAD_LETTER_QUEUE_URL"], queue);
    assert_eq!(own["TOPIC_ARN"], topic);
    running.stack.stop().await;
    let running = start_with(&data, TEMPLATE, |config| config.summaries = true).await;
    assert_eq!(
        running.variables().await["BEDROCK_MODEL_ID"],
        "casefile.stand-in-v1:0"
    );
    assert!(running.stack.summarises());
    running.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deployed_template_wires_arrivals_to_post_process() {
    let data = tempfile::tempdir().unwrap();
    let running = start(&data, include_str!("../../../../../template.yaml")).await;
    assert_eq!(
        running.stack.quarantine().unwrap().name(),
        "casefile-local-quarantinebucket"
    );
    for key in [
        "bols/2025/PRT-2025-0001.pdf",
        "index/bols/a.json",
        "_casefile/notified/a",
    ] {
        running.put(key).await;
    }
    running.stack.settled(LATEST).await.unwrap();
    assert_eq!(
        running.delivered(),
        [("bols/2025/PRT-2025-0001.pdf".to_owned(), 1)].into()
    );
    let function = running.stack.function("post-process").unwrap();
    let event = Bytes::from_static(b"{\"do\":\"variables\"}");
    let invocation = running.stack.lambda.invoke(function, event).await.unwrap();
    let seen: Value = serde_json::from_slice(&invocation.result.unwrap()).unwrap();
    let sqs = &running.stack.service_environment()[0].1;
    for (name, expected) in [
        ("S3_BUCKET_NAME", "casefile-local-artifactsbucket"),
        ("S3_BASE_PATH", "tara/"),
        ("QUARANTINE_BUCKET_NAME", "casefile-local-quarantinebucket"),
        ("DEFAULT_TENANT", "default"),
        (
            "TOPIC_ARN",
            "arn:aws:sns:us-east-1:000000000000:casefile-local-Topic",
        ),
        (
            "DEAD_LETTER_QUEUE_URL",
            &format!("{sqs}/000000000000/casefile-local-DeadLetterQueue"),
        ),
        ("BEDROCK_MODEL_ID", ""),
        ("BEDROCK_MAX_TOKENS", "1024"),
        ("BEDROCK_TEMPERATURE", ""),
        ("REASONING_ENABLED", "false"),
        ("REASONING_BUDGET_TOKENS", ""),
    ] {
        assert_eq!(seen[name], expected, "{name}");
    }
    running.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_ends_with_the_stack() {
    let data = tempfile::tempdir().unwrap();
    let running = start(&data, TEMPLATE).await;
    let addresses = running.stack.service_environment();
    let addresses = addresses.map(|(_, url)| url.strip_prefix("http://").unwrap().to_owned());
    for address in &addresses {
        TcpStream::connect(address).await.unwrap();
    }
    running.put("in box/fail").await;
    running.stack.stop().await;
    for address in &addresses {
        assert!(TcpStream::connect(address).await.is_err(), "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_settled_is_named() {
    let data = tempfile::tempdir().unwrap();
    let running = start(&data, TEMPLATE).await;
    running.put("in box/fail").await;
    let unsettled = running.stack.settled(Duration::ZERO).await.unwrap_err();
    assert_eq!(unsettled.queue, "casefile-local-Arrivals");
    assert_eq!(unsettled.counts.total(), 1, "{unsettled}");
    assert_eq!(running.stack.queue("Dead").unwrap().counts(), Counts::default());
    assert!(running.stack.queue("Nobody").is_none());
    assert!(running.stack.notifications().is_empty());
    running.stack.stop().await;
}
