//! A stack with settings of its own, looked at from all its ends.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use casefile::bucket::Bucket;

use casefile_local::client::call;
use casefile_local::lambda::{FunctionError, LogLine};
use casefile_local::s3::{ObjectEvent, event_record};
use casefile_local::sample::workspace;
use casefile_local::sns::Notification;
use casefile_local::sqs::Message;
use casefile_local::stack::{Stack, StackConfig, load_template};
use futures::future::join_all;
use hyper::{Method, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, timeout};

use crate::links::{encoded, split};
use crate::support::{client, office, operators_tool, programs};

/// Whose is what devices deliver.
pub(super) const TENANT: &str = "default";
/// Longer than anything takes on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
/// A patient's name, as it stands in names, metadata and contents of the tests: no line may hold it.
pub(super) const PATIENT: &str = "Alvarez";

pub(super) struct Plant {
    pub(super) stack: Stack,
    log: Arc<Mutex<Vec<String>>>,
    _data: TempDir,
}

/// What a program has said.
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Plant {
    /// What fails comes back after a moment.
    pub(super) async fn start(set: impl FnOnce(&mut StackConfig)) -> Self {
        let data = TempDir::new().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let sink = Arc::new(move |line: LogLine| lines.lock().unwrap().push(line.text));
        let mut config = StackConfig::new(workspace(), data.path().to_owned(), sink, Timestamp::now);
        config.redelivery = Duration::from_millis(50);
        set(&mut config);
        let template = load_template(&workspace()).unwrap();
        let stack = Stack::start_built(&config, template, programs().await).await;
        Self {
            stack: stack.unwrap(),
            log,
            _data: data,
        }
    }

    pub(super) fn bucket(&self) -> Bucket {
        self.stack.artifacts().unwrap().0
    }

    /// Exports as staff do; gives the session's folder.
    pub(super) async fn export(&self, request: &Value) -> String {
        let body = request.to_string();
        let response = self.call(Method::POST, "/v1/reviews", TENANT, body).await;
        assert_eq!(response.status(), 201, "{:?}", response.body());
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        answer["folder_name"].as_str().unwrap().to_owned()
    }

    /// A request of staff of a tenant.
    pub(super) async fn call(
        &self,
        method: Method,
        target: &str,
        tenant: &str,
        body: String,
    ) -> Response<Bytes> {
        let bearer = format!("Bearer {}", office(tenant));
        let headers = [
            ("content-type", "application/json"),
            ("authorization", bearer.as_str()),
        ];
        let response = call(self.stack.gateway(), method, target, &headers, body).await;
        response.unwrap()
    }

    /// Asks for a link to an ECG report: status and body.
    pub(super) async fn link(&self, path: &str, tenant: &str) -> (u16, Value) {
        let target = format!("/v1/links/ecg-reports/{}", encoded(path));
        let response = self.call(Method::GET, &target, tenant, String::new()).await;
        let status = response.status().as_u16();
        assert_eq!(response.headers().contains_key("retry-after"), status == 409);
        (status, serde_json::from_slice(response.body()).unwrap())
    }

    /// Stores an object, as a device or a program that knows S3 alone.
    pub(super) async fn put(&self, key: &str, body: &[u8], metadata: &[(&str, &str)]) {
        let client = client(&self.stack.s3.endpoint());
        let mut put = client.put_object().bucket(self.bucket().name()).key(key);
        for (name, value) in metadata {
            put = put.metadata(*name, *value);
        }
        put.body(body.to_vec().into()).send().await.unwrap();
    }

    /// Puts a message into post-process's queue.
    pub(super) fn send(&self, body: String) {
        let queue = self.stack.queue("ArrivalsQueue").unwrap();
        queue.send(body, BTreeMap::new(), Duration::ZERO);
    }

    /// Calls post-process with an event.
    pub(super) async fn invoke(&self, event: &Value) -> Result<Value, FunctionError> {
        let function = self.stack.function("post-process").unwrap();
        let payload = Bytes::from(event.to_string());
        let invocation = self.stack.lambda.invoke(function, payload).await.unwrap();
        let answer = invocation.result?;
        Ok(serde_json::from_slice(&answer).unwrap())
    }

    /// Delivers a message several times at once, each copy until it is done, as a queue would.
    pub(super) async fn deliver_at_once(&self, body: &str, copies: usize) {
        let event = &batch(&[("twin", body.to_owned())], 1);
        let done = json!({"batchItemFailures": []});
        let end = Instant::now() + PATIENCE;
        let copy = async |_| {
            while self.invoke(event).await.unwrap() != done {
                assert!(Instant::now() < end, "it never ends: {}", self.log());
                sleep(Duration::from_millis(100)).await;
            }
        };
        join_all((0..copies).map(copy)).await;
    }

    /// Waits until nothing is under way.
    pub(super) async fn settled(&self) {
        self.stack.settled(PATIENCE).await.unwrap();
    }

    /// The rows of the index, by kind and key of what they describe.
    pub(super) async fn rows(&self) -> BTreeMap<String, Value> {
        let mut rows = BTreeMap::new();
        let bucket = self.bucket();
        for key in bucket.keys("index/").await.unwrap() {
            let body = bucket.read(&key, 1 << 20).await.unwrap();
            let row: Value = serde_json::from_slice(&body).unwrap();
            let (kind, about) = (row["kind"].as_str().unwrap(), row["key"].as_str().unwrap());
            let name = format!("{kind} {about}");
            assert!(rows.insert(name, row).is_none(), "two rows about one thing");
        }
        rows
    }

    pub(super) async fn row(&self, kind: &str, key: &str) -> Value {
        let row = self.rows().await.remove(&format!("{kind} {key}"));
        row.unwrap_or_else(|| panic!("{key} has no row"))
    }

    /// What subscribers were told of what lies at a key.
    pub(super) fn notices(&self, key: &str) -> Vec<Notification> {
        let mut all = self.stack.notifications();
        all.retain(|notice| machines(notice)["key"] == key);
        all
    }

    pub(super) fn dead_letters(&self) -> Vec<Message> {
        self.stack.queue("DeadLetterQueue").unwrap().messages()
    }

    /// Waits for a line with this text: a pipe brings it, which may take longer than the answer.
    pub(super) async fn logged(&self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.log().contains(text) {
            assert!(Instant::now() < end, "no line holds {text}: {}", self.log());
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Everything that the functions have printed so far.
    pub(super) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// No line holds anything of a patient, of a review, or of what opens a link.
    pub(super) fn assert_discreet(&self) {
        let log = self.log();
        for secret in [
            PATIENT,
            "RX12-004417",
            "Signature=",
            "hijacking",
            "whitfield",
            "write-up",
            "second factor",
            "casefile-local-secret",
            "session-token",
        ] {
            assert!(!log.contains(secret), "a line holds {secret}: {log}");
        }
    }

    /// Runs `casefile` as an operator of this deployment, on a thread of its own: S3 is served by this process.
    pub(super) async fn casefile(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(operators_tool().await);
        command.args(arguments).env_clear().env("USER", "olga");
        command.envs(self.stack.own_environment());
        command.envs(self.stack.s3_environment());
        command.envs(self.stack.service_environment());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = output.await.unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// What a notice says to machines.
pub(super) fn machines(notice: &Notification) -> Value {
    serde_json::from_str(notice.text("https")).unwrap()
}

/// What a link leads to.
pub(super) async fn download(link: &Value) -> Bytes {
    let (address, target) = split(link["url"].as_str().unwrap());
    let response = call(address.parse().unwrap(), Method::GET, &target, &[], String::new());
    let response = response.await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body()
}

/// The creations of objects since the last time, below a prefix.
pub(super) fn creations(events: &mut UnboundedReceiver<ObjectEvent>, prefix: &str) -> Vec<ObjectEvent> {
    let mut creations = Vec::new();
    while let Ok(event) = events.try_recv() {
        if event.key.starts_with(prefix) && event.name.is_included_in("s3:ObjectCreated:*") {
            creations.push(event);
        }
    }
    creations
}

/// What S3 writes into a queue about an event.
pub(super) fn message(event: &ObjectEvent) -> String {
    json!({ "Records": [event_record(event)] }).to_string()
}

/// A batch as SQS delivers it, of ids and bodies.
pub(super) fn batch(messages: &[(&str, String)], deliveries: u32) -> Value {
    let record = |(id, body): &(&str, String)| {
        json!({
            "messageId": id,
            "receiptHandle": format!("receipt-{id}"),
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": deliveries.to_string(),
                "SentTimestamp": "1763130311024",
                "SenderId": "AIDAEXAMPLES3",
                "ApproximateFirstReceiveTimestamp": "1763130311030",
            },
            "messageAttributes": {},
            "md5OfBody": "a4aa694fb900be850a1cbef135e8d820",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:casefile-local-arrivals",
            "awsRegion": "us-east-1",
        })
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}

/// Waits for something that is held at a point where a test has asked for it.
pub(super) async fn soon<T>(waiting: impl Future<Output = Option<T>>) -> T {
    timeout(PATIENCE, waiting).await.unwrap().unwrap()
}
