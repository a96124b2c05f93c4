//! The dead-letter queue: messages that no repetition helps, with the reason, for an operator to look at. Sent back to
//! the queue they came from (*redrive*), they are processed again.

use std::sync::Arc;

use aws_sdk_sqs::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_sqs::types::MessageAttributeValue;

use crate::clients::Clients;

/// A reason is for people: longer than this helps nobody, and the attributes count towards SQS's limit for a message.
const MAX_REASON_CHARS: usize = 1000;
/// Who sent the letter: the queue also holds messages that SQS itself moved there.
const SOURCE: &str = "post-process";

/// A message that is given up.
#[derive(Debug)]
pub struct DeadLetter<'a> {
    /// The message as it came.
    pub body: &'a str,
    /// What is wrong with it; holds nothing of its content.
    pub reason: &'a str,
    /// The id that it had in its queue, or the invocation's where it came without one.
    pub message_id: &'a str,
    /// How often it was delivered.
    pub receive_count: u32,
}

/// Why a letter wasn't sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The function has no such queue.
    #[error("DEAD_LETTER_QUEUE_URL is not set")]
    NoQueue,
    /// SQS refused, can't be reached or failed, also on retries. The letter may be there.
    #[error("SendMessage: {0}")]
    Failed(String),
    /// There was no time left.
    #[error("the time was up")]
    TooSlow,
}

/// Where dead letters go. `Debug` shows the queue's address, which is no secret.
#[derive(Debug)]
pub struct DeadLetters {
    clients: Arc<Clients>,
    queue_url: Option<String>,
}

impl DeadLetters {
    /// Into the queue at `queue_url`; without one, none can be sent.
    pub fn new(clients: Arc<Clients>, queue_url: Option<String>) -> Self {
        Self { clients, queue_url }
    }

    /// Sends a letter: the message's body as it came, and the attributes `reason`, `source` (`post-process`),
    /// `message_id` and `receive_count`. It is in the queue when this returns.
    ///
    /// # Errors
    /// When it isn't, as far as is known; a repetition may make a second letter.
    pub async fn send(&self, letter: &DeadLetter<'_>) -> Result<(), NotSent> {
        let queue_url = self.queue_url.as_ref().ok_or(NotSent::NoQueue)?;
        let mut request = self
            .clients
            .sqs()
            .send_message()
            .queue_url(queue_url)
            .message_body(letter.body);
        for (name, value) in [
            ("reason", printable(letter.reason)),
            ("source", SOURCE.to_owned()),
            ("message_id", printable(letter.message_id)),
            ("receive_count", letter.receive_count.to_string()),
        ] {
            let value =
                attribute(value).map_err(|()| NotSent::Failed("an attribute can't be built".to_owned()))?;
            request = request.message_attributes(name, value);
        }
        request
            .send()
            .await
            .map(drop)
            .map_err(|error| NotSent::Failed(code(&error)))
    }
}

fn attribute(value: String) -> Result<MessageAttributeValue, ()> {
    let attribute = MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value);
    attribute.build().map_err(drop)
}

/// What SQS takes as an attribute: not empty, no control characters, and here not longer than a person reads.
fn printable(text: &str) -> String {
    let is_allowed = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    let text: String = text.chars().filter(is_allowed).take(MAX_REASON_CHARS).collect();
    if text.is_empty() {
        "unknown".to_owned()
    } else {
        text
    }
}

/// What SQS said, by its name: its own words may quote the request.
fn code(error: &SdkError<aws_sdk_sqs::operation::send_message::SendMessageError>) -> String {
    match error {
        SdkError::ConstructionFailure(_) => "the request can't be built".to_owned(),
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(_) => "no connection".to_owned(),
        error => error.code().unwrap_or("an answer that can't be read").to_owned(),
    }
}

#[cfg(test)]
mod tests;
