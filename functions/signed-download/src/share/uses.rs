//! A limited link's uses. One is reserved before its audit record is written, so that no two callers get the same one, and
//! it counts from then on. A function that ends in between leaves a use that led to nothing; when the link looks used up,
//! the next caller settles that: a use that has a record keeps counting and isn't looked at again, one that has none is
//! taken back. Its record is written first, so that its own function, should it only have slept, can't write one any more
//! and hands out nothing: there are never more redirects than uses.

use std::time::Duration;

use casefile::audit::{self, Event, Outcome, Record};
use casefile::caller::Origin;
use casefile::digest::Sha256;
use casefile::document::optional;
use casefile::id::TimeId;
use casefile::link::share::Share;
use casefile::link::storage_problem;
use casefile::problem::Problem;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::judge::{self, Fate, Look, Refused, look};
use super::state::{self, Change, Stored};
use super::{Stop, Visit, event, shared_file};

/// Uses looked at once.
const AT_ONCE: usize = 16;
/// A link may look used up again after its uses were settled, with the doubts of a minute later.
const SETTLINGS: usize = 3;
/// A record is well below this size.
const MAX_RECORD_BYTES: u64 = 64 * 1024;
/// A use is given back for at most this long.
const PATIENCE: Duration = Duration::from_secs(6);
const PAUSE: Duration = Duration::from_millis(100);
/// What a function that ends early leaves its caller with: API Gateway's own 500.
const ENDED_EARLY: u16 = 500;

impl Visit<'_> {
    /// The link's state, when it may be used now and from here.
    pub(super) async fn usable(&self, mut stored: Stored) -> Result<Stored, Stop> {
        for _ in 0..SETTLINGS {
            match look(&stored.share, self.links.audit.now(), self.origin.source_ip) {
                Look::Usable => return Ok(stored),
                Look::Refused(why) => return Err(why.into()),
                Look::Doubtful(ids) => stored = Box::pin(self.settle(stored, &ids)).await?,
            }
        }
        Err(Refused::UsedUp.into())
    }

    /// Reserves a use, whose record will have this id.
    pub(super) async fn reserve(&self, mut stored: Stored, id: TimeId) -> Result<(), Stop> {
        let grant_id = stored.share.grant_id;
        for _ in 0..SETTLINGS {
            let decide =
                |share: &Share| judge::reserve(share, id, self.links.audit.now(), self.origin.source_ip);
            let ids = match state::change(self.links, stored, decide).await? {
                Some(Look::Usable) => return Ok(()),
                Some(Look::Refused(why)) => return Err(why.into()),
                Some(Look::Doubtful(ids)) => ids,
                None => return Err(Refused::UnknownLink.into()),
            };
            stored = Box::pin(self.settle(self.read(grant_id).await?, &ids)).await?;
        }
        Err(Refused::UsedUp.into())
    }

    /// Gives a use back, if it is reserved. When that fails, too, the log says so, and [`Visit::settle`] does it later.
    pub(super) async fn give_back(&self, grant_id: Sha256, id: TimeId) {
        let given_back = async {
            let mut pause = PAUSE;
            while self.give_back_once(grant_id, id).await.is_err() {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        };
        if tokio::time::timeout(PATIENCE, given_back).await.is_err() {
            tracing::error!(
                share.grant_id = %grant_id,
                audit.record = %id,
                "a use of a share link that led to nothing couldn't be given back"
            );
        }
    }

    async fn give_back_once(&self, grant_id: Sha256, id: TimeId) -> Result<(), Problem> {
        let Some(stored) = state::read(&self.links.bucket, grant_id).await? else {
            return Ok(());
        };
        let decide = |share: &Share| judge::give_back(share, id);
        state::change(self.links, stored, decide).await.map(drop)
    }

    /// Finds out what became of uses, and gives back those that led to nothing.
    async fn settle(&self, stored: Stored, ids: &[TimeId]) -> Result<Stored, Stop> {
        let share = &stored.share.clone();
        let fates: Vec<_> = stream::iter(ids.to_vec())
            .map(|id| async move { Ok::<_, Problem>((id, self.fate(share, id).await?)) })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let decide = |share: &Share| -> Change<()> { judge::settle(share, &fates) };
        state::change(self.links, stored, decide).await?;
        self.read(share.grant_id).await
    }

    async fn read(&self, grant_id: Sha256) -> Result<Stored, Stop> {
        let stored = state::read(&self.links.bucket, grant_id).await?;
        Ok(stored.ok_or(Refused::UnknownLink)?)
    }

    async fn fate(&self, share: &Share, id: TimeId) -> Result<Fate, Problem> {
        if let Some(fate) = Box::pin(self.recorded(id)).await? {
            return Ok(fate);
        }
        // The same from whoever writes it, so that two at once agree.
        let outcome = Outcome::Refused {
            status: ENDED_EARLY,
            reason: "abandoned",
        };
        let nowhere = Origin::default();
        let event = Event {
            file: Some(shared_file(&self.links.bucket, share)),
            ..event(outcome, &nowhere, Some(share.grant_id), Some(share))
        };
        if self.links.audit.write_instead(id, &event).await? {
            return Ok(Fate::Abandoned);
        }
        Ok(Box::pin(self.recorded(id)).await?.unwrap_or(Fate::Recorded))
    }

    /// What a use's record says, if it has one.
    async fn recorded(&self, id: TimeId) -> Result<Option<Fate>, Problem> {
        let bucket = self.links.audit.bucket();
        let record = Box::pin(optional(bucket.read(&audit::key(id), MAX_RECORD_BYTES))).await;
        let record = record.map_err(|error| storage_problem(&error))?;
        Ok(record.map(|bytes| fate_of(&bytes)))
    }
}

/// In doubt a use counts.
fn fate_of(record: &[u8]) -> Fate {
    let record = serde_json::from_slice::<Record>(record);
    if record.is_ok_and(|record| record.is_failure()) {
        Fate::Abandoned
    } else {
        Fate::Recorded
    }
}
