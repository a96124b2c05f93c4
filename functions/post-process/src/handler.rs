//! The handler: read the event → work on each object → answer by the door that the event came through.

use std::time::Duration;

use casefile::time::Clock;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::arrival::{Event, Incoming, Malformed, ObjectArrived, SqsRecord};
use crate::batch::{self, Message};
use crate::dead_letter::{DeadLetter, DeadLetters};
use crate::failure::Failure;

/// Kept back from Lambda's deadline for dead letters and the answer.
const RESERVE: Duration = Duration::from_secs(2);
/// The time for an invocation whose deadline has passed before it began, as `cargo lambda`'s has.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(25);
/// No invocation is longer (AWS Lambda developer guide, *Lambda quotas*).
const LONGEST: Duration = Duration::from_mins(15);

/// post-process, with everything that it needs. Built once in a process. `W` is the work on one object.
///
/// What becomes of a message, by what became of the objects that it tells of:
///
/// - **Done**, nothing to do, the object isn't there any more, `s3:TestEvent`: dropped.
/// - **Transient** (storage is busy or fails, the time is up, a panic): retried. A message from a queue is named
///   among the batch's failures, so that SQS delivers it again, and after the queue's `maxReceiveCount` moves it to
///   the dead-letter queue. Where S3, SNS or `EventBridge` call the function themselves the invocation fails: Lambda
///   retries it twice, and then gives it to the function's failure destination, if there is one.
/// - **Poison** (it can't be read, or can't ever be done): to the dead-letter queue at once, with the reason, and
///   dropped. As if transient when that queue doesn't take it or isn't configured: nothing is lost.
///
/// A batch with a message that has no id fails as a whole, before any work, so that the queue delivers all of it again:
/// only by ids can it be told which ones failed.
///
/// Messages are answered for each alone, so a failure never repeats its neighbours. A message of several objects is
/// delivered again as a whole when one of them failed transiently; work that was done is found done then.
#[derive(Debug)]
pub struct PostProcess<W> {
    work: W,
    dead_letters: DeadLetters,
    clock: Clock,
}

/// What the function returns, by the door.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To SQS's event source (`ReportBatchItemFailures`).
    Batch(BatchAnswer),
    /// To everybody else: nobody listens.
    Done,
}

/// The messages that SQS must deliver again. Source: AWS Lambda developer guide, *Handling errors for an SQS event
/// source in Lambda*.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// Each once.
    pub batch_item_failures: Vec<ItemFailure>,
}

/// A message that SQS must deliver again.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemFailure {
    /// The message's id.
    pub item_identifier: String,
}

impl<W: AsyncFn(&ObjectArrived) -> Result<(), Failure>> PostProcess<W> {
    /// Builds the function.
    pub fn new(work: W, dead_letters: DeadLetters, clock: Clock) -> Self {
        Self {
            work,
            dead_letters,
            clock,
        }
    }

    /// Handles an event of any shape that [`crate::arrival`] reads.
    ///
    /// # Errors
    /// When an event that isn't from a queue, or a batch that can't be answered for, must be delivered again.
    pub async fn handle(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Answer, Diagnostic> {
        let until = Instant::now() + time_left(event.context.deadline, (self.clock)());
        let text = event.payload.get();
        let whole = match Event::read(text) {
            Ok(Event::Sqs(records)) => {
                let messages = records.into_iter().map(queued).collect();
                return Ok(Answer::Batch(BatchAnswer::new(self.run(messages, until).await)));
            }
            Ok(Event::Nameless(malformed)) => {
                tracing::error!(reason = %malformed, "a batch can't be answered for");
                return Err(again());
            }
            Ok(Event::Direct(incoming)) => Ok(incoming),
            Err(malformed) => Err(malformed),
        };
        let message = direct(event.context.request_id, text, whole);
        match self.run(vec![message], until).await.as_slice() {
            [] => Ok(Answer::Done),
            _ => Err(again()),
        }
    }

    async fn run(&self, messages: Vec<Message>, until: Instant) -> Vec<String> {
        let send = async |letter: &DeadLetter<'_>| self.dead_letters.send(letter).await;
        batch::run(messages, until, &self.work, send).await
    }
}

impl BatchAnswer {
    fn new(ids: Vec<String>) -> Self {
        let failure = |item_identifier| ItemFailure { item_identifier };
        Self {
            batch_item_failures: ids.into_iter().map(failure).collect(),
        }
    }
}

fn queued(record: SqsRecord) -> Message {
    Message {
        incoming: record.read(),
        id: record.message_id,
        receive_count: record.receive_count,
        body: record.body,
    }
}

fn direct(request_id: String, text: &str, incoming: Result<Incoming, Malformed>) -> Message {
    Message {
        id: request_id,
        receive_count: 1,
        body: text.to_owned(),
        incoming,
    }
}

/// The time for work. `deadline` is Lambda's, in milliseconds since 1970.
fn time_left(deadline: u64, now: Timestamp) -> Duration {
    let now = u64::try_from(now.as_millisecond()).unwrap_or_default();
    match deadline.saturating_sub(now) {
        0 => WITHOUT_DEADLINE,
        left => Duration::from_millis(left).min(LONGEST).saturating_sub(RESERVE),
    }
}

/// Lambda keeps the event, and the log the reasons.
fn again() -> Diagnostic {
    Diagnostic {
        error_type: "transient".to_owned(),
        error_message: "an object that arrived wasn't processed this time; deliver the event again"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests;
