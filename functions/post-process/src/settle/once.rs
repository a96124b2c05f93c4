//! What is to be done once, whichever of several twins comes first: telling subscribers, asking a model.
//!
//! Whoever begins takes a claim, with a time in it. A twin that meets a fresh claim waits, and comes again later; one
//! that is older than anything that is done under a claim was left by a call that ended, and is taken over. So nothing
//! is done by two at once, and what was begun and perhaps not ended is done again: at least once.

use std::time::Duration;

use casefile::bucket::{NewObject, Replaced};
use casefile::digest::Sha256;
use casefile::document::optional;
use casefile::id::TimeId;
use casefile::key::ObjectKey;
use casefile::store_error::StoreError;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Settling, Stop};
use crate::failure::Failure;

/// Longer than a summary takes, retries included, and what is written after it.
const HELD: SignedDuration = SignedDuration::from_secs(90);
/// How often, and how long, a twin waits for the other one to come to an end, and longer than [`HELD`] in all: what a call
/// that was ended has left is taken over at once, and not delivered again and again into the dead letters.
const WAITS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(500);
/// How many writes of a claim may fail before the event is delivered again.
const MAX_FAILURES: u32 = 2;
/// A claim is well below this size.
const MAX_CLAIM_BYTES: u64 = 4 * 1024;

/// How far something has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Claim {
    /// Somebody is about it.
    Taken {
        /// Who, and since when.
        by: TimeId,
    },
    /// Nobody is, for it didn't come to an end.
    Open,
    /// It is done.
    Done,
}

impl Settling {
    /// Does something, unless it was done before. `act` says whether it was done; if not, the next one may try.
    pub(super) async fn once(
        &self,
        what: Sha256,
        act: impl Future<Output = Result<bool, Stop>>,
    ) -> Result<(), Stop> {
        let key = ObjectKey::Once(what).path(&self.base);
        let Some(etag) = self.take(&key).await? else {
            return Ok(());
        };
        let outcome = act.await;
        let after = if matches!(outcome, Ok(true)) {
            Claim::Done
        } else {
            Claim::Open
        };
        let noted = self.note(&key, after, &etag).await;
        outcome?;
        // Taken over meanwhile: the other one sees to it.
        noted.map(drop)
    }

    /// The claim's tag, when it is ours; `None` when there is nothing left to do.
    async fn take(&self, key: &str) -> Result<Option<String>, Stop> {
        let id = TimeId::new((self.clock)(), self.entropy)
            .map_err(|error| Failure::Transient(format!("no claim can be made: {error}")))?;
        let ours = Claim::Taken { by: id };
        let mut failures = 0;
        for _ in 0..WAITS {
            let Some(found) = optional(self.artifacts.read_tagged(key, MAX_CLAIM_BYTES)).await? else {
                match self.artifacts.create(&object(key, ours)?).await {
                    Ok(_) | Err(StoreError::AlreadyExists) => {}
                    // It may have taken effect, which only another look tells.
                    Err(StoreError::Unavailable(_)) if failures < MAX_FAILURES => failures += 1,
                    Err(error) => return Err(error.into()),
                }
                continue;
            };
            match serde_json::from_slice(&found.bytes) {
                Ok(Claim::Done) => return Ok(None),
                Ok(claim) if claim == ours => return Ok(Some(found.etag)),
                Ok(Claim::Taken { by }) if (self.clock)().duration_since(by.time()) < HELD => {
                    tokio::time::sleep(PAUSE).await;
                }
                _ => match self.note(key, ours, &found.etag).await {
                    Ok(_) => {}
                    Err(Stop::Store(StoreError::Unavailable(_))) if failures < MAX_FAILURES => failures += 1,
                    Err(stop) => return Err(stop),
                },
            }
        }
        let why = "a twin of this event is being worked on; it is looked at again later";
        Err(Failure::Transient(why.to_owned()).into())
    }

    async fn note(&self, key: &str, claim: Claim, etag: &str) -> Result<Replaced, Stop> {
        Ok(self.artifacts.replace(&object(key, claim)?, etag).await?)
    }
}

fn object(key: &str, claim: Claim) -> Result<NewObject, Stop> {
    let body = serde_json::to_vec(&claim).map_err(|_| StoreError::Damaged("a claim is no JSON"))?;
    Ok(NewObject::json(key.to_owned(), body))
}
