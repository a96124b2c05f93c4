//! An SQS for one machine: standard queues in memory, and what calls functions with their messages.
//!
//! As SQS documents it: a received message is invisible until its visibility timeout ends or it is deleted by the
//! receipt of its last receiving; one that was received too often moves to its queue's dead-letter queue; long polls;
//! digests that SDKs compare; messages of at most 1 MiB. Order is that of sending, as far as messages are visible.
//!
//! The wire format is the AWS JSON protocol 1.0: `SendMessage`, `ReceiveMessage`, `DeleteMessage`,
//! `ChangeMessageVisibility`, `GetQueueAttributes`, `GetQueueUrl`, `ListQueues`, `PurgeQueue`. A request with a field
//! that isn't known here is refused. Signatures have to be there, and aren't verified.
//!
//! Not here: FIFO queues, batches of requests, encryption, policies, retention (a queue lives as long as its stack).
//!
//! Sources: Amazon SQS API Reference; Amazon SQS Developer Guide, "Amazon SQS visibility timeout", "Using dead-letter
//! queues in Amazon SQS", "Amazon SQS message metadata" (the digest of attributes).

mod api;
mod attributes;
mod error;
mod event_source;
mod message;
mod operations;
mod queue;
mod queues;

#[cfg(test)]
mod tests;

pub(crate) use api::router;
pub(crate) use event_source::EventSource;
pub use message::{Attribute, Message, Value};
pub use queue::{Counts, Queue};
pub(crate) use queues::Queues;
