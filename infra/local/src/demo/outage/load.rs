//! Callers that ask for exports, and repeat what is refused.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::RETRY_AFTER;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::asked::{Asked, Samples};
use super::counts::{Answers, Counts};
use super::found::Found;
use super::replay::Sent;
use super::{Kind, again_and_again};
use crate::client::post_json;
use crate::demo::DemoError;
use crate::demo::people::People;
use crate::demo::step::{Answer, Step, refusal};
use crate::progress::Progress;
use crate::stack::Stack;

const STEP: &str = "asking for exports";
/// No client waits longer before it asks again, whatever it is told.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long the last of them may take once S3 is back.
const LAST: Duration = Duration::from_mins(2);

/// What was asked for, and what came. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<Mutex<BTreeMap<Kind, Answers>>>);

impl Tally {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Kind, Answers>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered(&self, kind: Kind, status: u16, after: Duration) {
        self.lock().entry(kind).or_default().add(status, after);
    }

    /// Says how things stand, for as long as it is waited for.
    pub(super) async fn show(&self, progress: &Progress, begun: Instant) {
        again_and_again(|| {
            let all = Answers::of_all(self.lock().values());
            progress.status(&format!("after {} s: {all}", begun.elapsed().as_secs()));
        })
        .await;
    }
}

/// The callers.
pub(super) struct Load {
    gateway: SocketAddr,
    token: Arc<str>,
    samples: Samples,
    asked: Vec<Asked>,
    tally: Tally,
    open: JoinSet<Result<(), DemoError>>,
}

impl Load {
    pub(super) fn new(stack: &Stack, people: &People, begun: Timestamp) -> std::io::Result<Self> {
        Ok(Self {
            gateway: stack.gateway(),
            token: people.office.as_str().into(),
            samples: Samples::read(begun)?,
            asked: Vec::new(),
            tally: Tally::default(),
            open: JoinSet::new(),
        })
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// Asks for one export after the other, without waiting for answers. Returns only when one can't be had.
    pub(super) async fn keep_asking(&mut self, every: Duration) -> DemoError {
        let mut due = interval(every);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            self.ask();
            while let Some(done) = self.open.try_join_next() {
                if let Err(error) = outcome(done) {
                    return error;
                }
            }
        }
    }

    fn ask(&mut self) {
        let asked = self.samples.asked(self.asked.len());
        self.asked.push(asked.clone());
        let (gateway, token, tally) = (self.gateway, Arc::clone(&self.token), self.tally.clone());
        self.open
            .spawn(async move { until_taken(gateway, &token, &asked, &tally).await });
    }

    /// Waits until every export is taken.
    pub(super) async fn finish(&mut self, step: &Step<'_>) -> Result<(), DemoError> {
        let all = async {
            while let Some(done) = self.open.join_next().await {
                outcome(done)?;
            }
            Ok(())
        };
        let done = timeout(LAST, all).await;
        done.unwrap_or_else(|_| Err(step.unexpected("every export taken in the end", "some still refused")))
    }

    /// What became of all that was asked for.
    pub(super) fn count(&self, found: &Found, sent: &Sent) -> Counts {
        Counts::new(&self.asked, &self.tally.lock(), found, sent)
    }
}

/// A task that was cut off has nothing to say, and its export counts as lost if it is.
fn outcome(done: Result<Result<(), DemoError>, tokio::task::JoinError>) -> Result<(), DemoError> {
    done.unwrap_or(Ok(()))
}

/// Asks until the export is stored, or kept to be sent on.
async fn until_taken(
    gateway: SocketAddr,
    token: &str,
    asked: &Asked,
    tally: &Tally,
) -> Result<(), DemoError> {
    loop {
        let begun = Instant::now();
        let answer = post_json(gateway, &asked.kind.route(), asked.body.clone(), Some(token)).await;
        let answer = answer.map_err(|source| DemoError::Client { step: STEP, source })?;
        tally.answered(asked.kind, answer.status().as_u16(), begun.elapsed());
        match answer.status().as_u16() {
            200..=202 => return Ok(()),
            429 | 500.. => sleep(wait(&answer)).await,
            _ => {
                return Err(DemoError::Unexpected {
                    step: STEP,
                    expected: "an export that is taken, or refused for now".to_owned(),
                    got: refusal(&answer),
                });
            }
        }
    }
}

/// As long as the answer says, within reason.
fn wait(answer: &Answer) -> Duration {
    let told = answer.headers().get(RETRY_AFTER);
    let seconds = told.and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1)).clamp(Duration::from_secs(1), LONGEST_WAIT)
}
