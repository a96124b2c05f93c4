//! What takes messages off a queue and calls a function with them: Lambda's event source mapping.
//!
//! A batch goes out as soon as there is a message, with what else is there. Messages that the function has done with are
//! deleted; the others come back. In AWS they do so when the visibility timeout ends, which is six times the function's
//! own, and here a moment after the call has failed: nobody would wait for the former. As long as the call lasts, nobody
//! else gets them.
//!
//! Sources: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS", "Handling errors for an SQS event source in
//! Lambda" (which answers mean that all is done, and which that nothing is).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::attributes::show_in_event;
use super::message::digest;
use super::operations::system_attributes;
use super::queue::{Queue, Receipt, Receive, Received};
use crate::lambda::{InvokeError, Lambda};
use crate::template::QueueTrigger;

/// How many calls Lambda begins with; more come only after a while of load.
const CALLS: usize = 5;
/// A long poll, as Lambda's.
const POLL: Duration = Duration::from_secs(20);
/// All bodies of one call: below 6 MB even when each character is escaped to two.
const MAX_BODIES: usize = 2 * 1024 * 1024;

/// A queue and the function that it calls.
#[derive(Clone)]
pub(crate) struct EventSource {
    pub(crate) queue: Arc<Queue>,
    pub(crate) function: String,
    pub(crate) trigger: QueueTrigger,
    pub(crate) lambda: Lambda,
    pub(crate) region: String,
    /// After how long a message comes back that the function has failed at.
    pub(crate) redelivery: Duration,
}

impl EventSource {
    /// Calls the function until the emulator shuts down. Dropping the future leaves what is in flight there.
    pub(crate) async fn run(self) {
        let calls = self.trigger.max_concurrency.unwrap_or(CALLS);
        let calls = Arc::new(Semaphore::new(calls));
        let mut under_way = JoinSet::new();
        // Closed by nobody.
        while let Ok(call) = Arc::clone(&calls).acquire_owned().await {
            while under_way.try_join_next().is_some() {}
            let batch = self.batch().await;
            if batch.is_empty() {
                continue;
            }
            let source = self.clone();
            under_way.spawn(async move {
                source.deliver(&batch).await;
                drop(call);
            });
        }
    }

    /// What is there, up to a batch; with a window, what comes within it, too.
    async fn batch(&self) -> Vec<Received> {
        let mut how = Receive {
            most: self.trigger.batch_size,
            bytes: MAX_BODIES,
            visibility: self.queue.visibility,
            wait: POLL,
        };
        if self.trigger.window.is_zero() {
            return self.queue.receive(how).await;
        }
        // One message opens the window.
        how.most = 1;
        let mut batch = self.queue.receive(how).await;
        if !batch.is_empty() && self.trigger.batch_size > 1 {
            tokio::time::sleep(self.trigger.window).await;
            how.most = self.trigger.batch_size - 1;
            how.wait = Duration::ZERO;
            batch.extend(self.queue.receive(how).await);
        }
        batch
    }

    async fn deliver(&self, batch: &[Received]) {
        let failed = self.failed(batch).await;
        for received in batch {
            let Some(receipt) = Receipt::parse(&received.receipt) else {
                continue;
            };
            if failed.contains(received.message.id.as_str()) {
                self.queue.change_visibility(receipt, self.redelivery);
            } else {
                self.queue.delete(receipt);
            }
        }
    }

    /// The ids of the messages that the function has not done with.
    async fn failed(&self, batch: &[Received]) -> BTreeSet<String> {
        let all = || batch.iter().map(|received| received.message.id.clone()).collect();
        let payload = Bytes::from(self.event(batch).to_string());
        match self.lambda.invoke(&self.function, payload).await {
            Ok(invocation) => match invocation.result {
                Ok(answer) if self.trigger.reports_failures => failures(&answer, batch).unwrap_or_else(all),
                Ok(_) => BTreeSet::new(),
                Err(error) => {
                    tracing::debug!(function = self.function, %error, "a batch failed");
                    all()
                }
            },
            Err(InvokeError::ShuttingDown) => all(),
            Err(error) => {
                tracing::warn!(function = self.function, %error, "a batch was not delivered");
                all()
            }
        }
    }

    /// The event that the function gets.
    fn event(&self, batch: &[Received]) -> Value {
        let records = batch.iter().map(|received| {
            json!({
                "messageId": received.message.id,
                "receiptHandle": received.receipt,
                "body": received.message.body,
                "attributes": system_attributes(received),
                "messageAttributes": show_in_event(&received.message.attributes),
                "md5OfBody": digest(&received.message.body),
                "eventSource": "aws:sqs",
                "eventSourceARN": self.queue.arn,
                "awsRegion": self.region,
            })
        });
        json!({ "Records": records.collect::<Vec<_>>() })
    }
}

/// The messages that an answer reports; nothing when Lambda would take the whole batch for failed: the answer is no
/// JSON, has another shape, or names what wasn't in the batch.
fn failures(answer: &[u8], batch: &[Received]) -> Option<BTreeSet<String>> {
    let answer = match answer {
        [] => Value::Null,
        _ => serde_json::from_slice(answer).ok()?,
    };
    let list = match &answer {
        Value::Null => return Some(BTreeSet::new()),
        Value::Object(fields) => match fields.get("batchItemFailures") {
            Some(list) => list,
            None if fields.is_empty() => return Some(BTreeSet::new()),
            None => return None,
        },
        _ => return None,
    };
    let items = match list {
        Value::Null => return Some(BTreeSet::new()),
        Value::Array(items) => items,
        _ => return None,
    };
    let known = |id: &str| batch.iter().any(|received| received.message.id == id);
    let ids = items.iter().map(|item| {
        let id = item.get("itemIdentifier")?.as_str()?;
        known(id).then(|| id.to_owned())
    });
    ids.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::super::message::Message;
    use super::*;

    fn received(id: &str) -> Received {
        Received {
            message: Message {
                id: id.to_owned(),
                body: String::new(),
                attributes: BTreeMap::new(),
                sent: Timestamp::UNIX_EPOCH,
                receives: 1,
                source: None,
            },
            receipt: String::new(),
            since: Timestamp::UNIX_EPOCH,
        }
    }

    /// Source: "Handling errors for an SQS event source in Lambda", "Success and failure conditions".
    #[test]
    fn an_answer_says_all_is_done_or_nothing_is_or_names_what_failed() {
        let batch = [received("a"), received("b")];
        let done = Some(vec![]);
        for (answer, expected) in [
            ("", done.clone()),
            ("null", done.clone()),
            ("{}", done.clone()),
            (r#"{"batchItemFailures":[]}"#, done.clone()),
            (r#"{"batchItemFailures":null}"#, done),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#,
                Some(vec!["b"]),
            ),
            ("x", None),
            ("1", None),
            (r#"{"failures":[]}"#, None),
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, None),
            (r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, None),
            (r#"{"batchItemFailures":[{"item":"a"}]}"#, None),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}"#,
                None,
            ),
        ] {
            let got = failures(answer.as_bytes(), &batch);
            let got = got.map(|ids| ids.into_iter().collect::<Vec<_>>());
            let expected = expected.map(|ids| ids.into_iter().map(str::to_owned).collect());
            assert_eq!(got, expected, "{answer}");
        }
    }
}
