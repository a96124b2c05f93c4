//! One type for "an object arrived in a bucket", from every shape in which AWS says so.
//!
//! | who delivers | the event |
//! |---|---|
//! | S3 → Lambda | an S3 notification |
//! | S3 → SQS → Lambda | SQS records, each with an S3 notification as its body |
//! | S3 → SNS → Lambda | SNS records, each with an S3 notification as its message |
//! | S3 → SNS → SQS → Lambda | SQS records with an SNS envelope as the body, or, by raw delivery, the notification |
//! | S3 → `EventBridge` → Lambda | an `EventBridge` event |
//! | S3 → `EventBridge` → SQS → Lambda | SQS records with an `EventBridge` event as the body |
//!
//! In each of these places there may be an `s3:TestEvent` instead, which S3 sends when notifications are set up.
//!
//! Read are the fields that say which object it was. Everything else may be missing, be null or be new: recorded
//! events lack a `userIdentity` when S3 itself did the work, for one. A record that can't be read costs only itself.
//! Events of other kinds (`ObjectRemoved:*`, `Object Deleted`) are nothing to do, and no fault.
//!
//! The module needs nothing else of this crate, so it can be lifted out.
//!
//! Sources: Amazon S3 user guide, *Event message structure* and *Using `EventBridge`*; AWS Lambda
//! developer guide, *Using Lambda with Amazon SQS* and *… with Amazon SNS*; Amazon SNS developer guide, *Message
//! formats* and *Raw message delivery*.

mod envelope;
mod event_bridge;
mod key;
mod notification;
mod sequencer;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub use sequencer::Sequencer;

/// An object arrived: it was created or replaced, by whichever operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectArrived {
    /// Where. Never empty.
    pub bucket: String,
    /// The key as it is in the bucket, decoded. 1 to 1024 bytes.
    pub key: String,
    /// Which version; absent in a bucket that never kept versions, `null` where it stopped keeping them.
    pub version_id: Option<String>,
    /// Without quotes.
    pub etag: Option<String>,
    /// In bytes.
    pub size: Option<u64>,
    /// Which of two events of this key is the later.
    pub sequencer: Sequencer,
    /// When S3 finished the request, where that can be read. For people: the order is the sequencer's.
    pub time: Option<Timestamp>,
}

/// A whole Lambda event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A batch from a queue: each record is answered for by its id.
    Sqs(Vec<SqsRecord>),
    /// A batch from a queue with a record that has no id to answer for it by. The whole batch must come again: an answer
    /// that names no failure, or is none, would tell the queue to drop all of it.
    Nameless(Malformed),
    /// From S3, SNS or `EventBridge` themselves: answered for as a whole.
    Direct(Incoming),
}

/// A message from a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsRecord {
    /// By which Lambda is told that it failed. Never empty.
    pub message_id: String,
    /// How often the queue has delivered it, this time included; 1 where the queue doesn't say.
    pub receive_count: u32,
    /// As it came: what [`Incoming::read`] reads. Of a record that can't be read, the whole record.
    pub body: String,
    /// Why the record can't be read, if it can't: its body is no text, say. Its neighbours can.
    pub fault: Option<Malformed>,
}

impl SqsRecord {
    /// What the record says.
    ///
    /// # Errors
    /// When it can't be read, or its body has none of the shapes above.
    pub fn read(&self) -> Result<Incoming, Malformed> {
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => Incoming::read(&self.body),
        }
    }
}

/// What one message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// The objects that arrived, in the message's order, each alone. Empty when the message is about something else.
    Objects(Vec<Result<ObjectArrived, Malformed>>),
    /// S3's `s3:TestEvent`: notifications have just been set up, and nothing arrived.
    Test,
}

/// It can't be read, today or later. Says what is wrong and where; never quotes what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

impl Malformed {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// What is wrong with JSON, by its position: serde's own words quote values.
    fn json(what: &str, error: &serde_json::Error) -> Self {
        use serde_json::error::Category;
        let why = match error.classify() {
            Category::Data => "has fields of other types than documented, or lacks some",
            Category::Eof => "ends too early",
            Category::Syntax | Category::Io => "isn't JSON",
        };
        let (line, column) = (error.line(), error.column());
        Self(format!("{what} {why} (line {line}, column {column})"))
    }
}

impl Event {
    /// Reads a whole Lambda event.
    ///
    /// # Errors
    /// When it has none of the shapes above as a whole.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        envelope::event(text)
    }
}

impl Incoming {
    /// Reads the body of an SQS message.
    ///
    /// # Errors
    /// When it has none of the shapes above as a whole.
    pub fn read(body: &str) -> Result<Self, Malformed> {
        envelope::message(body)
    }
}
