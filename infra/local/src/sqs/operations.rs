//! The operations: each takes its request and gives its answer, as the SQS API Reference says.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::api::Sqs;
use super::attributes::{self, MAX_MESSAGE, Wire};
use super::error::SqsError;
use super::message::{digest, digest_of};
use super::queue::{Queue, Receipt, Receive, Received};

/// The longest visibility timeout: twelve hours.
const MAX_VISIBILITY: u32 = 43_200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Send {
    queue_url: String,
    #[serde(default)]
    message_body: String,
    delay_seconds: Option<u32>,
    #[serde(default)]
    message_attributes: BTreeMap<String, Wire>,
}

pub(super) fn send(sqs: &Sqs, request: Send) -> Result<Value, SqsError> {
    let queue = sqs.queue(&request.queue_url)?;
    let delay = seconds("DelaySeconds", request.delay_seconds, 0..=900)?.unwrap_or_default();
    let attributes = attributes::parse(request.message_attributes)?;
    attributes::check(&request.message_body, &attributes)?;
    let mut answer = Map::new();
    answer.insert(
        "MD5OfMessageBody".to_owned(),
        json!(digest(&request.message_body)),
    );
    if let Some(digest) = digest_of(&attributes) {
        answer.insert("MD5OfMessageAttributes".to_owned(), json!(digest));
    }
    let id = queue.send(request.message_body, attributes, delay);
    answer.insert("MessageId".to_owned(), json!(id));
    Ok(Value::Object(answer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct ReceiveMessage {
    queue_url: String,
    /// The older name of the next.
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
    max_number_of_messages: Option<u32>,
    visibility_timeout: Option<u32>,
    wait_time_seconds: Option<u32>,
}

pub(super) async fn receive(sqs: &Sqs, request: ReceiveMessage) -> Result<Value, SqsError> {
    let queue = sqs.queue(&request.queue_url)?;
    let most = number("MaxNumberOfMessages", request.max_number_of_messages, 1..=10)?.unwrap_or(1);
    let visibility = seconds(
        "VisibilityTimeout",
        request.visibility_timeout,
        0..=MAX_VISIBILITY,
    )?;
    let how = Receive {
        most: most as usize,
        bytes: MAX_MESSAGE,
        visibility: visibility.unwrap_or(queue.visibility),
        wait: seconds("WaitTimeSeconds", request.wait_time_seconds, 0..=20)?.unwrap_or_default(),
    };
    let received = queue.receive(how).await;
    let messages: Vec<_> = received.iter().map(|message| request.shown(message)).collect();
    if messages.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Messages": messages }))
}

impl ReceiveMessage {
    fn shown(&self, received: &Received) -> Value {
        let Received { message, receipt, .. } = received;
        let mut shown = json!({
            "MessageId": message.id,
            "ReceiptHandle": receipt,
            "MD5OfBody": digest(&message.body),
            "Body": message.body,
        });
        let Some(fields) = shown.as_object_mut() else {
            return shown;
        };
        let asked = self
            .attribute_names
            .iter()
            .chain(&self.message_system_attribute_names);
        let asked: Vec<_> = asked.map(String::as_str).collect();
        let mut system = system_attributes(received);
        system.retain(|name, _| asked.contains(&"All") || asked.contains(&name.as_str()));
        if !system.is_empty() {
            fields.insert("Attributes".to_owned(), Value::Object(system));
        }
        let mut own = message.attributes.clone();
        own.retain(|name, _| {
            self.message_attribute_names
                .iter()
                .any(|asked| names(asked, name))
        });
        if let Some(digest) = digest_of(&own) {
            fields.insert("MD5OfMessageAttributes".to_owned(), json!(digest));
            fields.insert("MessageAttributes".to_owned(), attributes::show(&own));
        }
        shown
    }
}

/// Whether one of `MessageAttributeNames` asks for an attribute: by its name, by a prefix (`foo.*`), or by all.
fn names(asked: &str, name: &str) -> bool {
    match asked {
        "All" | ".*" => true,
        _ => match asked.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => asked == name,
        },
    }
}

/// What SQS itself says of a message.
pub(super) fn system_attributes(received: &Received) -> Map<String, Value> {
    let message = &received.message;
    let mut all = Map::new();
    let mut add = |name: &str, value: String| drop(all.insert(name.to_owned(), Value::String(value)));
    add("ApproximateReceiveCount", message.receives.to_string());
    add("SentTimestamp", message.sent.as_millisecond().to_string());
    add("SenderId", "AIDALOCAL".to_owned());
    add(
        "ApproximateFirstReceiveTimestamp",
        received.since.as_millisecond().to_string(),
    );
    if let Some(source) = &message.source {
        add("DeadLetterQueueSourceArn", source.clone());
    }
    all
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Delete {
    queue_url: String,
    receipt_handle: String,
}

pub(super) fn delete(sqs: &Sqs, request: &Delete) -> Result<Value, SqsError> {
    let queue = sqs.queue(&request.queue_url)?;
    queue.delete(receipt(&request.receipt_handle)?);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct ChangeVisibility {
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: u32,
}

pub(super) fn change_visibility(sqs: &Sqs, request: &ChangeVisibility) -> Result<Value, SqsError> {
    let queue = sqs.queue(&request.queue_url)?;
    let given = Some(request.visibility_timeout);
    let wait = seconds("VisibilityTimeout", given, 0..=MAX_VISIBILITY)?.unwrap_or_default();
    if queue.change_visibility(receipt(&request.receipt_handle)?, wait) {
        return Ok(json!({}));
    }
    Err(SqsError::new(
        "com.amazonaws.sqs#MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight",
        "The specified message isn't in flight.",
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Attributes {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

pub(super) fn attributes(sqs: &Sqs, request: &Attributes) -> Result<Value, SqsError> {
    let queue = sqs.queue(&request.queue_url)?;
    let all = queue_attributes(queue);
    let mut asked = Map::new();
    for name in &request.attribute_names {
        if name == "All" {
            asked.clone_from(&all);
            continue;
        }
        match all.get(name) {
            Some(value) => drop(asked.insert(name.clone(), value.clone())),
            None if name == "RedrivePolicy" => {}
            None => {
                return Err(SqsError::new(
                    "com.amazonaws.sqs#InvalidAttributeName",
                    "InvalidAttributeName",
                    format!("Unknown Attribute {name}."),
                ));
            }
        }
    }
    if asked.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Attributes": asked }))
}

fn queue_attributes(queue: &Queue) -> Map<String, Value> {
    let counts = queue.counts();
    let mut all = Map::new();
    let mut add = |name: &str, value: String| drop(all.insert(name.to_owned(), Value::String(value)));
    add("ApproximateNumberOfMessages", counts.visible.to_string());
    add(
        "ApproximateNumberOfMessagesNotVisible",
        counts.in_flight.to_string(),
    );
    add("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string());
    add("DelaySeconds", "0".to_owned());
    add("MaximumMessageSize", MAX_MESSAGE.to_string());
    add("QueueArn", queue.arn.clone());
    add("VisibilityTimeout", queue.visibility.as_secs().to_string());
    if let Some((target, most)) = &queue.redrive {
        let policy = json!({ "deadLetterTargetArn": target.arn, "maxReceiveCount": most });
        add("RedrivePolicy", policy.to_string());
    }
    all
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Url {
    queue_name: String,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    owner: Option<String>,
}

pub(super) fn url(sqs: &Sqs, request: &Url) -> Result<Value, SqsError> {
    let foreign = request
        .owner
        .as_ref()
        .is_some_and(|owner| *owner != sqs.account_id);
    match sqs.queues.get(&request.queue_name) {
        Some(queue) if !foreign => Ok(json!({ "QueueUrl": sqs.url(queue) })),
        _ => Err(SqsError::no_queue()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(default)]
    queue_name_prefix: String,
}

pub(super) fn list(sqs: &Sqs, request: &List) -> Value {
    let queues = sqs.queues.all();
    let queues = queues.filter(|queue| queue.name.starts_with(&request.queue_name_prefix));
    json!({ "QueueUrls": queues.map(|queue| sqs.url(queue)).collect::<Vec<_>>() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Purge {
    queue_url: String,
}

pub(super) fn purge(sqs: &Sqs, request: &Purge) -> Result<Value, SqsError> {
    sqs.queue(&request.queue_url)?.purge();
    Ok(json!({}))
}

impl Sqs {
    fn queue(&self, url: &str) -> Result<&Arc<Queue>, SqsError> {
        self.queues.by_url(url).ok_or_else(SqsError::no_queue)
    }

    fn url(&self, queue: &Queue) -> String {
        format!("http://{}/{}/{}", self.address, self.account_id, queue.name)
    }
}

fn receipt(text: &str) -> Result<Receipt, SqsError> {
    Receipt::parse(text).ok_or_else(SqsError::receipt)
}

fn number(name: &str, given: Option<u32>, range: RangeInclusive<u32>) -> Result<Option<u32>, SqsError> {
    match given {
        Some(number) if !range.contains(&number) => Err(SqsError::invalid(format!(
            "Value {number} for parameter {name} is invalid. Reason: Must be between {} and {}.",
            range.start(),
            range.end()
        ))),
        _ => Ok(given),
    }
}

fn seconds(name: &str, given: Option<u32>, range: RangeInclusive<u32>) -> Result<Option<Duration>, SqsError> {
    let given = number(name, given, range)?;
    Ok(given.map(|seconds| Duration::from_secs(seconds.into())))
}
