//! S3's events on their way to the queues and functions that `template.yaml` wires to them.
//!
//! To a queue goes a message for each event. To a function, each event is an asynchronous call of its own, as with
//! Lambda as the destination of a bucket's notifications. What happens to a failed one is written at
//! [`Lambda::invoke_async`]. Events that are under way when the stack stops are lost: they are kept in memory alone.
//!
//! Sources: Amazon S3 User Guide, "Event message structure", "Configuring event notifications using object key name
//! filtering".

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::chaos::{Chaos, Disturbance};
use crate::lambda::Lambda;
use crate::s3::{ObjectEvent, event_record, test_event};
use crate::sqs::{Queue, Queues};
use crate::template::{S3Trigger, Template};

/// Who takes which events.
pub(crate) struct Deliveries {
    lambda: Lambda,
    functions: Vec<(String, S3Trigger)>,
    queues: Vec<(Arc<Queue>, S3Trigger)>,
    disturbance: Disturbance,
    runtime: Handle,
}

impl Deliveries {
    /// As a template says. To be called within a runtime, where late calls will wait.
    pub(crate) fn new(template: &Template, lambda: Lambda, queues: &Queues, chaos: Option<Chaos>) -> Self {
        Self {
            lambda,
            functions: function_triggers(template),
            queues: queue_triggers(template, queues),
            disturbance: Disturbance::new(chaos),
            runtime: Handle::current(),
        }
    }

    /// Sends each queue that gets a bucket's events what S3 sends when that is set up.
    pub(crate) fn announce(&self, now: Timestamp) {
        let mut queues: Vec<_> = self.queues.iter().collect();
        queues.dedup_by_key(|(queue, trigger)| (queue.name(), trigger.bucket.as_str()));
        for (queue, trigger) in queues {
            let body = test_event(&trigger.bucket, now).to_string();
            queue.send(body, BTreeMap::new(), Duration::ZERO);
        }
    }

    /// Sends an event on. A message is in its queue when this returns.
    pub(crate) fn take(&self, event: &ObjectEvent) {
        let queues = self.queues.iter().filter(|(_, trigger)| takes(trigger, event));
        let queues: Vec<_> = queues.map(|(queue, _)| queue).collect();
        let functions = self.functions.iter().filter(|(_, trigger)| takes(trigger, event));
        let functions: Vec<_> = functions.map(|(function, _)| function).collect();
        if queues.is_empty() && functions.is_empty() {
            return;
        }
        let body = json!({ "Records": [event_record(event)] }).to_string();
        for delay in self.disturbance.copies(&event.bucket, &event.key) {
            for queue in &queues {
                queue.send(body.clone(), BTreeMap::new(), delay);
            }
            for function in &functions {
                self.call(function, Bytes::from(body.clone()), delay);
            }
        }
    }

    fn call(&self, function: &str, payload: Bytes, delay: Duration) {
        let (lambda, function) = (self.lambda.clone(), function.to_owned());
        self.runtime.spawn(async move {
            sleep(delay).await;
            if let Err(error) = lambda.invoke_async(&function, payload) {
                tracing::warn!(function, %error, "an event was not delivered");
            }
        });
    }
}

/// What the functions of a template take, by the functions' names.
fn function_triggers(template: &Template) -> Vec<(String, S3Trigger)> {
    let functions = template.functions.iter();
    functions
        .flat_map(|function| {
            let triggers = function.s3_triggers.iter().cloned();
            triggers.map(|trigger| (function.name.clone(), trigger))
        })
        .collect()
}

/// What the queues of a template take.
fn queue_triggers(template: &Template, queues: &Queues) -> Vec<(Arc<Queue>, S3Trigger)> {
    let notifications = template.buckets.iter();
    notifications
        .flat_map(|bucket| &bucket.queue_notifications)
        .filter_map(|notification| {
            let queue = queues.get(&notification.queue)?;
            Some((Arc::clone(queue), notification.changes.clone()))
        })
        .collect()
}

/// A filter is about the key as it is, not as events encode it.
fn takes(trigger: &S3Trigger, event: &ObjectEvent) -> bool {
    trigger.bucket == event.bucket
        && event.key.starts_with(&trigger.prefix)
        && event.key.ends_with(&trigger.suffix)
        && trigger
            .events
            .iter()
            .any(|configured| event.name.is_included_in(configured))
}
