//! Waiting until nothing is under way.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Stack;
use crate::sqs::Counts;

/// How often the queues are looked at.
const LOOK: Duration = Duration::from_millis(5);

/// What is still under way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{queue} still has messages: {} visible, {} in flight, {} delayed",
    counts.visible, counts.in_flight, counts.delayed
)]
pub struct Unsettled {
    /// The queue's name.
    pub queue: String,
    /// What it has.
    pub counts: Counts,
}

impl Stack {
    /// Waits until no queue has a message any more but dead-letter queues: everything that was written to S3 before has
    /// been processed, and so has what the functions wrote meanwhile.
    ///
    /// Calls that S3 makes without a queue are not waited for.
    ///
    /// # Errors
    /// When there is still something after `timeout`.
    pub async fn settled(&self, timeout: Duration) -> Result<(), Unsettled> {
        let end = Instant::now() + timeout;
        loop {
            let Some(unsettled) = self.unsettled() else {
                return Ok(());
            };
            if Instant::now() >= end {
                return Err(unsettled);
            }
            sleep(LOOK).await;
        }
    }

    /// A message is deleted only after all that its function wrote is in the queues. So if all are found empty, and
    /// nothing came into one while another was looked at, they stay so, as far as the functions go.
    fn unsettled(&self) -> Option<Unsettled> {
        let queues = &self.services.queues;
        loop {
            let sent = queues.sent();
            let mut counts = queues.working().map(|queue| (queue, queue.counts()));
            let found = counts.find(|(_, counts)| counts.total() > 0);
            match found {
                Some((queue, counts)) => {
                    return Some(Unsettled {
                        queue: queue.name().to_owned(),
                        counts,
                    });
                }
                None if queues.sent() == sent => return None,
                None => {}
            }
        }
    }
}
