//! What calls functions at regular intervals, in the place of `EventBridge` Scheduler.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::lambda::Lambda;

/// A function, and what it is called with every so often.
pub(crate) struct Scheduled {
    /// The function's name.
    pub(crate) function: String,
    /// What it is called with.
    pub(crate) input: Bytes,
    /// How far apart calls are.
    pub(crate) every: Duration,
    /// Who calls it.
    pub(crate) lambda: Lambda,
}

impl Scheduled {
    /// Calls for as long as this runs, for the first time after one interval.
    ///
    /// Nobody waits for what the function answers: a failed call is made again as any asynchronous one, and what fails to
    /// the end is logged and dropped. While one is under way no other begins; those that come due meanwhile are left
    /// out. That is better than in AWS, where they run beside each other.
    pub(crate) async fn run(self) {
        let mut due = interval_at(Instant::now() + self.every, self.every);
        due.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            due.tick().await;
            if let Err(error) = self.lambda.deliver(&self.function, self.input.clone()).await {
                tracing::warn!(%error, "a schedule can't call {}", self.function);
            }
        }
    }
}
