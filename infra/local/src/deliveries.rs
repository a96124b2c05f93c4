//! S3's events on their way to the functions that `template.yaml` wires to them.
//!
//! Each event is an asynchronous call of its own for each function that takes it, as with Lambda as the destination of
//! a bucket's notifications. What happens to a failed one is written at [`Lambda::invoke_async`]. Events that are under
//! way when the stack stops are lost: S3's are kept nowhere.
//!
//! Sources: Amazon S3 User Guide, "Event message structure", "Configuring event notifications using object key name
//! filtering".

use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::lambda::Lambda;
use crate::s3::{ObjectEvent, event_record};
use crate::template::{S3Trigger, Template};

/// Calls functions until S3 is gone.
pub(crate) async fn deliver(
    mut events: UnboundedReceiver<ObjectEvent>,
    triggers: Vec<(String, S3Trigger)>,
    lambda: Lambda,
) {
    while let Some(event) = events.recv().await {
        for (function, _) in triggers.iter().filter(|(_, trigger)| takes(trigger, &event)) {
            let payload = Bytes::from(json!({ "Records": [event_record(&event)] }).to_string());
            if let Err(error) = lambda.invoke_async(function, payload) {
                tracing::warn!(function, %error, "an event was not delivered");
            }
        }
    }
}

/// What the functions of a template take, by the functions' names.
pub(crate) fn triggers(template: &Template) -> Vec<(String, S3Trigger)> {
    let functions = template.functions.iter();
    functions
        .flat_map(|function| {
            let triggers = function.s3_triggers.iter().cloned();
            triggers.map(|trigger| (function.name.clone(), trigger))
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
