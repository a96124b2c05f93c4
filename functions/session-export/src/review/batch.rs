//! Many reviews at once: each has its own outcome, whatever becomes of the others.
//!
//! A few are under way at a time, and no more of their requests are in memory. Those of one session go one after the
//! other in the order in which they were asked for, so that it doesn't depend on chance which of two contents is the
//! session's. What isn't done when the time is up is `unavailable`: the same batch may be repeated, since what was
//! exported is exported once.

mod answer;
mod request;
mod staged;
mod turns;

use std::borrow::Cow;
use std::time::Duration;

use casefile::audit::Activity;
use casefile::collection::Collection;
use casefile::link::Asking;
use casefile::metrics;
use casefile::permission::Action;
use casefile::problem::{Problem, ProblemKind};
use futures::{StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use super::ReviewExport;
use super::answer::ExportAnswer;
use super::problems::unavailable;
pub use answer::BatchAnswer;
use answer::ItemAnswer;
use request::{Asked, BatchRequest, Item};
pub use staged::MAX_STAGED_BYTES;
use staged::Page;
use turns::Turns;

/// The most reviews of one batch.
pub const MAX_ITEMS: usize = 100;
/// Reviews under way at a time: enough to hide S3's latency, and few enough for their documents to fit into memory.
const AT_ONCE: usize = 4;

type Outcome = Result<ExportAnswer, Problem>;

/// By which door a batch comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door<'a> {
    /// From API Gateway.
    Http,
    /// As a command, which may name a folder of staged requests. These fields are the event's own.
    Command(&'a [&'a str]),
}

/// A batch on its way.
struct Batch<'a> {
    reviews: &'a ReviewExport,
    asking: &'a Asking<'a>,
    until: Instant,
}

impl ReviewExport {
    /// Exports the reviews that `text`, a batch's JSON, names; `time` is how long that may take.
    ///
    /// # Errors
    /// What is wrong with the batch as such; `unavailable` when no review had another outcome. After any of them, and
    /// after any answer, the same batch may be repeated.
    pub async fn export_batch(
        &self,
        asking: &Asking<'_>,
        text: &str,
        door: Door<'_>,
        time: Duration,
    ) -> Result<BatchAnswer, Problem> {
        let started = Instant::now();
        self.links
            .permit(asking, Activity::Export, Action::Write, Collection::reviews())
            .await?;
        let BatchRequest { asked } = BatchRequest::parse(text, door)?;
        let Page { items, next_cursor } = match asked {
            Asked::Reviews(items) => Page {
                items,
                next_cursor: None,
            },
            Asked::Staged(staged) => staged.page(&self.links.bucket).await?,
        };
        let batch = Batch {
            reviews: self,
            asking,
            until: started + time,
        };
        let outcomes = batch.run(&items).await;
        note(&outcomes, started.elapsed());
        if let Some(problem) = only_unavailable(&outcomes) {
            return Err(problem);
        }
        let answers = items.iter().zip(outcomes).enumerate();
        let answers = answers.map(|(index, (item, outcome))| {
            ItemAnswer::new(index, item.name(), outcome, &asking.origin.request_id)
        });
        Ok(BatchAnswer {
            reviews: answers.collect(),
            next_cursor,
        })
    }
}

impl Batch<'_> {
    /// The outcome of each item, in their order.
    async fn run(&self, items: &[Item<'_>]) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = items.iter().map(|_| None).collect();
        let mut turns = Turns::default();
        // One after the other, and only when another review may begin: so their order is known, and memory is bounded.
        let requests = stream::iter(items.iter().enumerate())
            .then(|(index, item)| async move { (index, Instant::now(), self.load(item).await) });
        let exports = requests.map(|(index, begun, request)| {
            let turn = turns.take(request.as_deref().unwrap_or_default());
            async move {
                let outcome = match request {
                    Ok(request) => {
                        turn.then(Box::pin(self.reviews.store(self.asking, &request)))
                            .await
                    }
                    Err(problem) => Err(problem),
                };
                count(&outcome, begun);
                (index, outcome)
            }
        });
        let mut exports = std::pin::pin!(exports.buffer_unordered(AT_ONCE));
        while let Ok(Some((index, outcome))) = timeout_at(self.until, exports.next()).await {
            if let Some(slot) = outcomes.get_mut(index) {
                *slot = Some(outcome);
            }
        }
        outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(out_of_time))
            .collect()
    }

    /// The text of an item's request.
    async fn load<'i>(&self, item: &'i Item<'_>) -> Result<Cow<'i, str>, Problem> {
        match item {
            Item::Inline(text) => Ok(Cow::Borrowed(*text)),
            Item::Upload(id) => {
                let bucket = &self.reviews.links.bucket;
                let text = staged::read_upload(bucket, *id, &self.asking.caller.inbox()).await;
                text.map(Cow::Owned)
            }
            Item::Staged(staged) => staged.read(&self.reviews.links.bucket).await.map(Cow::Owned),
        }
    }
}

fn out_of_time() -> Outcome {
    let problem = unavailable("the batch's time was up before this review was exported");
    metrics::export_failed(&problem);
    Err(problem)
}

fn count(outcome: &Outcome, begun: Instant) {
    match outcome {
        Ok(answer) => answer.count(begun.elapsed()),
        Err(problem) => metrics::export_failed(problem),
    }
}

/// Tells the log: nobody may look at the answer of a batch that a schedule asked for.
fn note(outcomes: &[Outcome], took: Duration) {
    let kinds = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    let is_ours = |kind| matches!(kind, ProblemKind::Internal | ProblemKind::Unavailable);
    let (failed, refused): (Vec<_>, Vec<_>) =
        kinds.map(|problem| problem.kind).partition(|kind| is_ours(*kind));
    let exported = outcomes.len() - failed.len() - refused.len();
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (failed, refused) = (failed.len(), refused.len());
    if failed > 0 {
        tracing::error!(
            batch.exported = exported,
            batch.refused = refused,
            batch.failed = failed,
            batch.duration_ms = duration_ms,
            "not all of a batch could be exported"
        );
    } else {
        tracing::info!(
            batch.exported = exported,
            batch.refused = refused,
            batch.duration_ms = duration_ms,
            "a batch was exported"
        );
    }
}

/// Why nothing was done, when it was for want of storage or time.
fn only_unavailable(outcomes: &[Outcome]) -> Option<Problem> {
    let mut first = None;
    for outcome in outcomes {
        match outcome {
            Err(problem) if problem.kind == ProblemKind::Unavailable => {
                first.get_or_insert(problem);
            }
            _ => return None,
        }
    }
    first.cloned()
}
