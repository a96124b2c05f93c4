//! What is around the news: SQS records, SNS envelopes, and the outermost fields by which shapes are told apart.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Event, Incoming, Malformed, SqsRecord, event_bridge, notification};

/// The outermost fields of every shape.
#[derive(Deserialize)]
struct Envelope<'a> {
    /// Of SQS, SNS and S3.
    #[serde(rename = "Records", borrow, default)]
    records: Option<Vec<&'a RawValue>>,
    /// `s3:TestEvent`.
    #[serde(rename = "Event", default)]
    event: Option<String>,
    /// Of `EventBridge`.
    #[serde(rename = "detail-type", default)]
    detail_type: Option<String>,
    /// Of an SNS envelope: `Notification`.
    #[serde(rename = "Type", default)]
    kind: Option<String>,
    /// Of an SNS envelope.
    #[serde(rename = "Message", default)]
    message: Option<String>,
}

/// Which service wrote a record: `aws:sqs`, `aws:sns` or `aws:s3`. SNS spells the field in its own way.
#[derive(Deserialize)]
struct Source {
    #[serde(rename = "eventSource", alias = "EventSource", default)]
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SqsId {
    message_id: String,
}

#[derive(Deserialize)]
struct SqsBody {
    body: String,
}

#[derive(Deserialize)]
struct SqsAttributes {
    attributes: SqsCounts,
}

#[derive(Deserialize)]
struct SqsCounts {
    #[serde(rename = "ApproximateReceiveCount")]
    receive_count: Count,
}

/// SQS writes numbers as texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Text(String),
    Number(u32),
}

#[derive(Deserialize)]
struct SnsWire {
    #[serde(rename = "Sns")]
    sns: SnsMessage,
}

#[derive(Deserialize)]
struct SnsMessage {
    #[serde(rename = "Message")]
    message: String,
}

/// Reads a whole Lambda event.
pub(super) fn event(text: &str) -> Result<Event, Malformed> {
    let envelope = Envelope::read("the event", text)?;
    let records = envelope.records.as_deref().unwrap_or_default();
    if records.iter().any(|record| is_from("aws:sqs", record)) {
        let read: Result<_, _> = records.iter().map(sqs_record).collect();
        return Ok(read.map_or_else(Event::Nameless, Event::Sqs));
    }
    if records.iter().any(|record| is_from("aws:sns", record)) {
        return Ok(Event::Direct(sns_records(records)));
    }
    envelope.content(text).map(Event::Direct)
}

/// Reads the body of an SQS message.
pub(super) fn message(body: &str) -> Result<Incoming, Malformed> {
    let envelope = Envelope::read("the message", body)?;
    match (envelope.kind.as_deref(), &envelope.message) {
        (Some("Notification"), Some(message)) => sns_message(message),
        (Some("SubscriptionConfirmation"), _) => Err(Malformed::new(
            "SNS asks whether this queue subscribes to its topic, which an operator confirms",
        )),
        _ => envelope.content(body),
    }
}

fn sns_message(message: &str) -> Result<Incoming, Malformed> {
    Envelope::read("the message from SNS", message)?.content(message)
}

impl<'a> Envelope<'a> {
    fn read(what: &str, text: &'a str) -> Result<Self, Malformed> {
        // serde takes an array for a struct's fields in their order.
        if !text.trim_start().starts_with('{') {
            return Err(Malformed::new(format!("{what} isn't a JSON object")));
        }
        serde_json::from_str(text).map_err(|error| Malformed::json(what, &error))
    }

    /// The news itself: `text` is what the envelope was read from.
    fn content(&self, text: &str) -> Result<Incoming, Malformed> {
        if self.event.as_deref() == Some("s3:TestEvent") {
            return Ok(Incoming::Test);
        }
        if let Some(records) = &self.records {
            return Ok(Incoming::Objects(notification::objects(records)));
        }
        if let Some(kind) = &self.detail_type {
            return Ok(Incoming::Objects(event_bridge::object(kind, text)));
        }
        Err(Malformed::new(
            "it is neither an S3 notification nor an EventBridge event: it has neither 'Records' nor 'detail-type'",
        ))
    }
}

fn is_from(name: &str, record: &RawValue) -> bool {
    let source: Result<Source, _> = serde_json::from_str(record.get());
    source.is_ok_and(|source| source.name.as_deref() == Some(name))
}

/// # Errors
/// When it has no id: nobody can answer for it.
fn sqs_record(record: &&RawValue) -> Result<SqsRecord, Malformed> {
    let record = record.get();
    let id: Result<SqsId, _> = serde_json::from_str(record);
    let message_id = id.ok().map(|id| id.message_id).filter(|id| !id.is_empty());
    let body: Result<SqsBody, _> = serde_json::from_str(record);
    let (body, fault) = match body {
        Ok(read) => (read.body, None),
        Err(error) => (record.to_owned(), Some(Malformed::json("an SQS record", &error))),
    };
    Ok(SqsRecord {
        message_id: message_id.ok_or_else(|| Malformed::new("an SQS record has no messageId"))?,
        receive_count: receive_count(record).unwrap_or(1),
        body,
        fault,
    })
}

/// For people: one that can't be read is as good as none.
fn receive_count(record: &str) -> Option<u32> {
    let read: SqsAttributes = serde_json::from_str(record).ok()?;
    match read.attributes.receive_count {
        Count::Text(text) => text.parse().ok(),
        Count::Number(number) => Some(number),
    }
}

/// All that the records say. A test event among others is one thing less to do.
fn sns_records(records: &[&RawValue]) -> Incoming {
    let said: Vec<_> = records.iter().map(sns_record).collect();
    if said.iter().all(|said| matches!(said, Ok(Incoming::Test))) {
        return Incoming::Test;
    }
    let objects = said.into_iter().flat_map(|said| match said {
        Ok(Incoming::Objects(objects)) => objects,
        Ok(Incoming::Test) => Vec::new(),
        Err(malformed) => vec![Err(malformed)],
    });
    Incoming::Objects(objects.collect())
}

fn sns_record(record: &&RawValue) -> Result<Incoming, Malformed> {
    let wire: SnsWire =
        serde_json::from_str(record.get()).map_err(|error| Malformed::json("an SNS record", &error))?;
    sns_message(&wire.sns.message)
}
