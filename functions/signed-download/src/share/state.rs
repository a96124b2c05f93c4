//! A share link's state: one small object, which changes by `If-Match` alone.

use std::time::Duration;

use casefile::backoff::Backoff;
use casefile::bucket::{Bucket, Replaced, Tagged};
use casefile::digest::Sha256;
use casefile::document::optional;
use casefile::link::share::{MAX_SHARE_BYTES, Share};
use casefile::link::{Links, storage_problem};
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StoreError;
use tokio::time::Instant;

/// A change is tried this often, and for this long: API Gateway waits 30 s for an answer.
const TRIES: u32 = 40;
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest first pause between two tries; it doubles up to the last one.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(25),
    last: Duration::from_millis(800),
};
/// Seconds after which a caller should try again when too many others were faster.
const RETRY_AFTER: u32 = 2;

/// A share link as it was read.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) share: Share,
    etag: String,
}

/// What is to be done about a share link's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change<T> {
    /// Nothing.
    Keep(T),
    /// This is its new state.
    Write(Box<Share>, T),
}

/// Reads a share link's state; `None` when there is no such link.
///
/// # Errors
/// `unavailable` and `internal` when storage fails.
pub(super) async fn read(bucket: &Bucket, grant_id: Sha256) -> Result<Option<Stored>, Problem> {
    let key = Share::key(grant_id);
    let tagged = optional(bucket.read_tagged(&key, MAX_SHARE_BYTES)).await;
    let stored = tagged.and_then(|tagged| tagged.map(|tagged| parse(tagged, grant_id)).transpose());
    stored.map_err(|error| storage_problem(&error))
}

fn parse(tagged: Tagged, grant_id: Sha256) -> Result<Stored, StoreError> {
    let share = serde_json::from_slice::<Share>(&tagged.bytes).ok();
    let share = share.filter(|share| share.grant_id == grant_id);
    Ok(Stored {
        share: share.ok_or(StoreError::Damaged("it isn't a share link's state"))?,
        etag: tagged.etag,
    })
}

/// Changes a share link's state as `decide` says. When somebody else was faster, or nobody knows whether the change took
/// effect, it is read again and decided anew: `decide` must know its own work again. `None` when the link is gone.
///
/// # Errors
/// `unavailable` when storage fails, or too many others were faster for 40 times or 10 s; the change may have taken
/// effect.
pub(super) async fn change<T>(
    links: &Links,
    mut stored: Stored,
    decide: impl Fn(&Share) -> Change<T>,
) -> Result<Option<T>, Problem> {
    let end = Instant::now() + PATIENCE;
    for tried in 0..TRIES {
        let (next, value) = match decide(&stored.share) {
            Change::Keep(value) => return Ok(Some(value)),
            Change::Write(next, value) => (next, value),
        };
        let grant_id = next.grant_id;
        match replace(&links.bucket, *next, &stored.etag).await? {
            Replaced::Now(_) => return Ok(Some(value)),
            Replaced::Changed => {}
        }
        let pause = BACKOFF.pause(tried, links.audit.entropy());
        if Instant::now() + pause > end {
            break;
        }
        tokio::time::sleep(pause).await;
        match read(&links.bucket, grant_id).await? {
            Some(again) => stored = again,
            None => return Ok(None),
        }
    }
    tracing::warn!("a share link's state couldn't be changed, for others were faster again and again");
    Err(Problem {
        retry_after: Some(RETRY_AFTER),
        ..Problem::new(
            ProblemKind::Unavailable,
            "too many use this link at once; repeat the request",
        )
    })
}

async fn replace(bucket: &Bucket, mut next: Share, etag: &str) -> Result<Replaced, Problem> {
    next.changes = next.changes.wrapping_add(1);
    match bucket.replace(&next.object()?, etag).await {
        Ok(replaced) => Ok(replaced),
        // It may have taken effect, which only another look tells.
        Err(StoreError::Unavailable(_)) => Ok(Replaced::Changed),
        Err(error) => Err(storage_problem(&error)),
    }
}
