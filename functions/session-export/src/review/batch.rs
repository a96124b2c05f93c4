//! Many reviews at once: each has its own outcome, whatever becomes of the others.
//!
//! A few are under way at a time, and no more of their requests are in memory. Those of one session go one after the
//! other in the order in which they were asked for, so that it doesn't depend on chance which of two contents is the
//! session's: behind one that storage failed, the others of its session wait for a repeat. What isn't done when the time is
//! up is `unavailable`: the same batch may be repeated, since what was exported is exported once.

mod answer;
mod request;
mod staged;
mod turns;

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use casefile::link::Asking;
use casefile::metrics;
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StorageFault;
use futures::{Stream, StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use super::ReviewExport;
use super::answer::ExportAnswer;
use super::keep::{Trail, UnstoredReview};
use super::problems::unavailable;
use crate::fallback::{Fallback, KeptAnswer};
pub use answer::BatchAnswer;
use answer::ItemAnswer;
use request::{Asked, BatchRequest, Item};
pub use staged::MAX_STAGED_BYTES;
use staged::Page;
use turns::{Turn, Turns, is_ours, is_settled};

/// The most reviews of one batch.
pub const MAX_ITEMS: usize = 100;
/// Reviews under way at a time: enough to hide S3's latency, and few enough for their documents to fit into memory.
const AT_ONCE: usize = 4;
/// What must be left of the batch's time for a review to begin: the largest document is marked and packed in less, and
/// the answer can't leave while that goes on.
const TIME_FOR_ONE: Duration = Duration::from_secs(8);

/// How long S3 may take for a review that can be kept: then there is time left to keep the others.
const S3_WITHIN: Duration = Duration::from_secs(10);

/// What became of a review.
#[derive(Debug)]
enum Done {
    Stored(Box<ExportAnswer>),
    Kept(Box<KeptAnswer>),
}

type Outcome = Result<Done, Problem>;

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
    fallback: &'a Fallback,
    /// How often storage was at fault. After the second time the reviews that haven't begun are kept at once.
    faults: AtomicUsize,
    fault: OnceLock<StorageFault>,
}

/// The items that haven't begun.
struct Queue<'a, 'i> {
    batch: &'a Batch<'a>,
    items: std::iter::Enumerate<std::slice::Iter<'a, Item<'i>>>,
    turns: Turns,
    /// An item couldn't be read, so nobody knows whose session it is, and nobody may overtake it.
    is_stuck: bool,
}

/// An item whose turn comes when those before it are settled.
struct Next<'a> {
    index: usize,
    begun: Instant,
    loaded: Result<(Cow<'a, str>, Turn), Problem>,
}

impl ReviewExport {
    /// Exports the reviews that `text`, a batch's JSON, names; `time` is how long that may take. Those that stand in it go to
    /// the `fallback` when storage is at fault; the others lie in S3 themselves, and wait there.
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
        fallback: &Fallback,
    ) -> Result<BatchAnswer, Problem> {
        let started = Instant::now();
        let until = started + time;
        let page = timeout_at(until, self.page(asking, text, door)).await;
        let Page { items, next_cursor } = page.map_err(|_| unavailable("storage took too long"))??;
        let batch = Batch {
            reviews: self,
            asking,
            until,
            fallback,
            faults: AtomicUsize::new(0),
            fault: OnceLock::new(),
        };
        let outcomes = batch.run(&items).await;
        note(&outcomes, started.elapsed());
        note_staged(&items, &outcomes);
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

    /// The items that the caller asks for, and may.
    async fn page<'a>(
        &self,
        asking: &Asking<'_>,
        text: &'a str,
        door: Door<'_>,
    ) -> Result<Page<'a>, Problem> {
        self.permit(asking).await?;
        let BatchRequest { asked } = BatchRequest::parse(text, door)?;
        match asked {
            Asked::Reviews(items) => Ok(Page {
                items,
                next_cursor: None,
            }),
            Asked::Staged(staged) => staged.page(&self.links.bucket, &asking.caller.tenant).await,
        }
    }
}

impl Batch<'_> {
    /// The outcome of each item, in their order.
    async fn run(&self, items: &[Item<'_>]) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = items.iter().map(|_| None).collect();
        let exports = self.queue(items).map(async |next| {
            let Next { index, begun, loaded } = next;
            let can_be_kept = matches!(items.get(index), Some(Item::Inline(_)));
            let outcome = match loaded {
                Ok((request, turn)) => turn.then(Box::pin(self.store(&request, can_be_kept))).await,
                Err(problem) => Err(problem),
            };
            count(&outcome, begun);
            (index, outcome)
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

    /// The items with their requests, read one after the other, and only when another review may begin: so their order is
    /// known, and memory is bounded.
    fn queue<'a>(&'a self, items: &'a [Item<'_>]) -> impl Stream<Item = Next<'a>> {
        let queue = Queue {
            batch: self,
            items: items.iter().enumerate(),
            turns: Turns::default(),
            is_stuck: false,
        };
        stream::unfold(queue, async |mut queue| Some((queue.next().await?, queue)))
    }

    async fn store(&self, request: &str, can_be_kept: bool) -> Outcome {
        let last = self.until.checked_sub(TIME_FOR_ONE);
        let last = last.unwrap_or_else(Instant::now).into_std();
        let trail = Trail::default();
        let storing = Box::pin(async {
            let stored = self.reviews.store(self.asking, request, last, &trail).await?;
            Ok(Done::Stored(Box::new(stored)))
        });
        if !can_be_kept || self.fallback.local().is_none() {
            return storing.await;
        }
        if let Some(fault) = self.fault.get() {
            return self.keep(request, &trail, *fault).await;
        }
        let keeping = async |fault| {
            if self.faults.fetch_add(1, Ordering::Relaxed) > 0 {
                self.fault.get_or_init(|| fault);
            }
            self.keep(request, &trail, fault).await
        };
        self.fallback.or(S3_WITHIN, storing, keeping).await
    }

    async fn keep(&self, request: &str, trail: &Trail, fault: StorageFault) -> Outcome {
        // Otherwise refused before it is stored, by what is allowed in a batch.
        super::of_batch(request)?;
        let unstored = UnstoredReview {
            came: self.reviews.links.audit.now(),
            asking: self.asking,
            text: request,
            envelope: &[],
            trail,
            returns_zip: false,
            fault,
        };
        let kept = self.reviews.keep(self.fallback, unstored).await?;
        Ok(Done::Kept(Box::new(kept)))
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

impl<'a> Queue<'a, '_> {
    async fn next(&mut self) -> Option<Next<'a>> {
        let (index, item) = self.items.next()?;
        let begun = Instant::now();
        let loaded = self.load(item).await;
        Some(Next {
            index,
            begun,
            loaded: loaded.map(|request| {
                let turn = self.turns.take(&request);
                (request, turn)
            }),
        })
    }

    /// Reads an item's request, at the second attempt if need be.
    async fn load(&mut self, item: &'a Item<'_>) -> Result<Cow<'a, str>, Problem> {
        if self.is_stuck {
            return Err(unavailable("an earlier review of this batch couldn't be read"));
        }
        let mut loaded = self.batch.load(item).await;
        if !is_settled(&loaded) {
            loaded = self.batch.load(item).await;
        }
        self.is_stuck = !is_settled(&loaded);
        loaded
    }
}

fn out_of_time() -> Outcome {
    let problem = unavailable("the batch's time was up before this review was exported");
    metrics::export_failed(&problem);
    Err(problem)
}

fn count(outcome: &Outcome, begun: Instant) {
    match outcome {
        Ok(Done::Stored(answer)) => answer.count(begun.elapsed()),
        // It was counted then.
        Ok(Done::Kept(_)) => {}
        Err(problem) => metrics::export_failed(problem),
    }
}

/// Tells the log: nobody may look at the answer of a batch that a schedule asked for.
fn note(outcomes: &[Outcome], took: Duration) {
    let kinds = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    let (failed, refused): (Vec<_>, Vec<_>) =
        kinds.map(|problem| problem.kind).partition(|kind| is_ours(*kind));
    let kept = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Ok(Done::Kept(_))))
        .count();
    let exported = outcomes.len() - kept - failed.len() - refused.len();
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (failed, refused) = (failed.len(), refused.len());
    if failed + kept > 0 {
        tracing::error!(
            batch.exported = exported,
            batch.kept = kept,
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

/// Tells the log of each staged review that is refused, for no repeat mends it, and whoever staged it gets no answer. What
/// it is called may name a patient.
fn note_staged(items: &[Item<'_>], outcomes: &[Outcome]) {
    for (index, (item, outcome)) in items.iter().zip(outcomes).enumerate() {
        if let (Item::Staged(_), Err(problem)) = (item, outcome)
            && !is_ours(problem.kind)
        {
            tracing::warn!(
                batch.index = index,
                problem.status = problem.kind.status(),
                problem.kind = problem.kind.name(),
                "a staged review was refused"
            );
        }
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
