//! Numbers from storage: taking one, and issuing it with its document.

use std::time::Duration;

use futures::future::{FutureExt as _, try_join, try_join_all};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::number::{BolNumber, NumberFormat, Series};
use super::state::{Given, Looked, Open, State};
use crate::backoff::Backoff;
use crate::bucket::{Bucket, Created, Head, NewObject, Replaced, Seen};
use crate::digest::Sha256;
use crate::document::optional;
use crate::id::Entropy;
use crate::key::{BasePath, ObjectKey};
use crate::store_error::{Cause, StoreError};
use crate::time::Clock;

/// The name of a document's own metadata that says whose its number is: the digest of the request.
pub const REQUEST: &str = "request";
/// A thousand open numbers, and as many void ones with their reasons, are well below this.
const MAX_STATE_BYTES: u64 = 4 * 1024 * 1024;
const MAX_MEMORY_BYTES: u64 = 1_024;
/// The longest first pause between two tries; it doubles up to the last one. Of those who try at once one gets on in the
/// time of a read and a write, so that hundreds need seconds.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(25),
    last: Duration::from_millis(3_200),
};

/// Gives out the numbers of bills of lading.
#[derive(Debug, Clone)]
pub struct Numbers<'a> {
    /// Where documents and states lie.
    pub bucket: &'a Bucket,
    /// What comes before a review's folder.
    pub base: &'a BasePath,
    /// How new series write their numbers.
    pub format: NumberFormat,
    /// The time.
    pub clock: Clock,
    /// For pauses that don't meet again.
    pub entropy: Entropy,
    /// Until when it is tried.
    pub until: Instant,
}

/// A number that a request has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Which one.
    pub number: BolNumber,
    /// How it came to it.
    pub from: TakenFrom,
}

/// How a request came to its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenFrom {
    /// It was given just now.
    Now,
    /// An earlier call of the same request, or a twin, was given it, and may have used it.
    Before,
    /// The request has used it.
    Memory,
}

/// What became of making a document.
#[derive(Debug)]
pub struct Made<T> {
    /// The end of [`Bucket::create`] or [`Bucket::copy`].
    pub written: Result<Created, StoreError>,
    /// Whatever its maker wants to know of it.
    pub document: T,
}

/// A number with its document.
#[derive(Debug)]
pub struct Issued<T> {
    /// The number.
    pub number: BolNumber,
    /// Its document.
    pub outcome: Outcome<T>,
}

/// Where a document comes from.
#[derive(Debug)]
pub enum Outcome<T> {
    /// This call made it.
    New(Created, T),
    /// An earlier call of the same request, or a twin, made it.
    Found(Head),
}

/// Why no number is issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError<E> {
    /// Storage fails, or too many others were faster.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The document can't be made.
    #[error("the document can't be made")]
    Make(E),
}

/// Why a state isn't changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError<E> {
    /// Storage fails, or too many others were faster.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It must not be.
    #[error("{0}")]
    Refused(E),
}

/// What a request remembers, in `_casefile/bols/requests/{digest}.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Memory {
    number: BolNumber,
}

/// A series as it was read; without a tag nothing is there yet.
struct Stored {
    state: State,
    etag: Option<String>,
}

/// What lies where a document is to be.
enum Place {
    Free,
    /// A document that was rejected, or deleted: the number is used.
    Hidden,
    Own(Head),
    /// Another request's, or nobody's; whoever it is remembers it.
    Lost,
}

impl Numbers<'_> {
    /// Gives a request a number of the series and has its document made, once: `make` creates it, create-only, at the
    /// number's key, with `request` in its metadata as [`REQUEST`]. A repeat gets the same number and finds the document.
    ///
    /// `make` is called anew for another number when another document lies at the first one's key.
    ///
    /// # Errors
    /// What `make` fails with. [`StoreError::Unavailable`] when storage fails or too many others were faster;
    /// [`StoreError::AlreadyExists`] when another document lies where this request's was. After each of them a repeat
    /// goes on with the same number, or the number is given to somebody else.
    pub async fn issue<T, E, F>(
        &self,
        request: Sha256,
        series: &Series,
        make: impl Fn(BolNumber) -> F,
    ) -> Result<Issued<T>, IssueError<E>>
    where
        F: Future<Output = Result<Made<T>, E>>,
    {
        let mut lost = Vec::new();
        loop {
            let taken = Box::pin(self.take(request, series, &lost)).await?;
            let number = taken.number;
            if taken.from != TakenFrom::Now {
                match Box::pin(self.place(request, &number)).await? {
                    Place::Own(head) => return Ok(Box::pin(self.found(request, number, head)).await?),
                    Place::Lost if taken.from == TakenFrom::Memory => {
                        return Err(StoreError::AlreadyExists.into());
                    }
                    Place::Lost => {
                        self.patience()?;
                        lost.push(number);
                        continue;
                    }
                    Place::Free | Place::Hidden => {}
                }
            }
            let Made { written, document } = make(number.clone()).await.map_err(IssueError::Make)?;
            match written {
                Ok(created) if created.is_new => {
                    let outcome = Outcome::New(created, document);
                    return Ok(Box::pin(self.made(request, number, outcome)).await?);
                }
                // The same content may be another request's all the same: its metadata tell.
                Ok(_) | Err(StoreError::AlreadyExists) => {}
                Err(error) => return Err(error.into()),
            }
            match Box::pin(self.place(request, &number)).await? {
                Place::Own(head) => return Ok(Box::pin(self.found(request, number, head)).await?),
                Place::Lost => {
                    self.patience()?;
                    lost.push(number);
                }
                // Removed since.
                Place::Free | Place::Hidden => return Err(busy().into()),
            }
        }
    }

    /// Whatever is repeated ends in time.
    fn patience(&self) -> Result<(), StoreError> {
        if Instant::now() > self.until {
            return Err(busy());
        }
        Ok(())
    }

    async fn found<T>(
        &self,
        request: Sha256,
        number: BolNumber,
        head: Head,
    ) -> Result<Issued<T>, StoreError> {
        self.made(request, number, Outcome::Found(head)).await
    }

    /// The number with its document; or the one that the request remembers, where a call that slept for minutes has
    /// stored a second document.
    async fn made<T>(
        &self,
        request: Sha256,
        number: BolNumber,
        outcome: Outcome<T>,
    ) -> Result<Issued<T>, StoreError> {
        match self.finish(request, &number).await {
            Ok(remembered) if remembered == number => {}
            Ok(remembered) => {
                if let Place::Own(head) = self.place(request, &remembered).await? {
                    let (number, outcome) = (remembered, Outcome::Found(head));
                    return Ok(Issued { number, outcome });
                }
            }
            // Not before it is remembered: otherwise, were the document hidden, its number could be given again.
            Err(error) => return Err(error),
        }
        Ok(Issued { number, outcome })
    }

    /// Gives a request a number, which stays its own for two minutes, and after that until another request takes it. None
    /// of `lost`: another's document lies there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when storage fails, or too many others were faster; [`StoreError::Damaged`].
    pub async fn take(
        &self,
        request: Sha256,
        series: &Series,
        lost: &[BolNumber],
    ) -> Result<Taken, StoreError> {
        let counts: Vec<_> = lost
            .iter()
            .filter(|number| number.series() == series)
            .map(BolNumber::count)
            .collect();
        for tried in 0.. {
            // The memory is read after the state: a number is open until its request remembers it, and what changes
            // between here and our own change makes that one fail.
            let Stored { mut state, etag } = self.stored(series).await?;
            let now = (self.clock)();
            let doubtful = state.doubtful(now, self.random().into());
            let (memory, looked) = try_join(
                Box::pin(self.remembered(request)),
                Box::pin(self.look_at(series, &state, doubtful)),
            )
            .await?;
            if let Some(number) = memory {
                let from = TakenFrom::Memory;
                return Ok(Taken { number, from });
            }
            let Some(given) = state.give(request, now, &counts, &looked) else {
                tracing::error!(bol.series = %series, "the series has too many open numbers, or no number left");
                return Err(busy());
            };
            let taken = |count, from| Taken {
                number: state.number(series, count),
                from,
            };
            let taken = match given {
                Given::Kept(count) => return Ok(taken(count, TakenFrom::Before)),
                Given::Renewed(count) => taken(count, TakenFrom::Before),
                Given::New(count) => taken(count, TakenFrom::Now),
            };
            if self.write(series, &state, etag.as_deref()).await?.is_now() {
                return Ok(taken);
            }
            self.pause(tried).await?;
        }
        Err(busy())
    }

    /// Lets a request remember the number that its document has. The number that it remembers: another one, if it had one.
    ///
    /// That the number isn't open any more is left to whoever takes the next one: to say so here would change the state,
    /// which all wait for, twice as often.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], after which it may remember it; [`StoreError::Refused`], [`StoreError::Damaged`].
    pub async fn finish(&self, request: Sha256, number: &BolNumber) -> Result<BolNumber, StoreError> {
        let memory = Memory {
            number: number.clone(),
        };
        let body = serde_json::to_vec(&memory).map_err(|_| StoreError::Damaged("a number isn't JSON"))?;
        let key = ObjectKey::BolRequest(request).path(self.base);
        match self.bucket.create(&NewObject::json(key, body)).await {
            Ok(_) => Ok(number.clone()),
            Err(StoreError::AlreadyExists) => {
                let remembered = self.remembered(request).await?.ok_or_else(busy)?;
                tracing::warn!(bol.number = %number, bol.remembered = %remembered, "a request has two documents");
                Ok(remembered)
            }
            Err(error) => Err(error),
        }
    }

    /// The number that a request has used, if it has.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`], [`StoreError::Damaged`].
    pub async fn remembered(&self, request: Sha256) -> Result<Option<BolNumber>, StoreError> {
        let key = ObjectKey::BolRequest(request).path(self.base);
        let Some(bytes) = optional(self.bucket.read(&key, MAX_MEMORY_BYTES)).await? else {
            return Ok(None);
        };
        let memory = serde_json::from_slice::<Memory>(&bytes);
        let memory = memory.map_err(|_| StoreError::Damaged("it isn't the number of a request"))?;
        Ok(Some(memory.number))
    }

    /// The state of a series; `None` when none of its numbers was given out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`], [`StoreError::Damaged`].
    pub async fn state(&self, series: &Series) -> Result<Option<State>, StoreError> {
        let stored = self.stored(series).await?;
        Ok(stored.etag.map(|_| stored.state))
    }

    /// Changes the state of a series as `decide` says, which is asked again when somebody else was faster, or when nobody
    /// knows whether the change took effect: it must know its own work again. `false` leaves everything as it is.
    ///
    /// # Errors
    /// As for [`Numbers::take`], and what `decide` refuses with.
    pub async fn change<E>(
        &self,
        series: &Series,
        decide: impl Fn(&mut State) -> Result<bool, E>,
    ) -> Result<State, ChangeError<E>> {
        for tried in 0.. {
            let Stored { mut state, etag } = self.stored(series).await?;
            if !decide(&mut state).map_err(ChangeError::Refused)? {
                return Ok(state);
            }
            if self.write(series, &state, etag.as_deref()).await?.is_now() {
                return Ok(state);
            }
            self.pause(tried).await?;
        }
        Err(busy().into())
    }

    async fn stored(&self, series: &Series) -> Result<Stored, StoreError> {
        let key = ObjectKey::BolSeries(series.clone()).path(self.base);
        let Some(tagged) = optional(self.bucket.read_tagged(&key, MAX_STATE_BYTES)).await? else {
            return Ok(Stored {
                state: State::new(self.format.width()),
                etag: None,
            });
        };
        let state = serde_json::from_slice::<State>(&tagged.bytes).ok();
        let state = state.filter(State::is_whole);
        Ok(Stored {
            state: state.ok_or(StoreError::Damaged("it isn't the state of a series of numbers"))?,
            etag: Some(tagged.etag),
        })
    }

    async fn write(
        &self,
        series: &Series,
        state: &State,
        etag: Option<&str>,
    ) -> Result<Replaced, StoreError> {
        let body = serde_json::to_vec(state).map_err(|_| StoreError::Damaged("a state isn't JSON"))?;
        let object = NewObject::json(ObjectKey::BolSeries(series.clone()).path(self.base), body);
        let written = match etag {
            Some(etag) => self.bucket.replace(&object, etag).await,
            None => self.bucket.create(&object).await.map(|_| Replaced::Now(None)),
        };
        match written {
            // It may have taken effect, which only another look tells.
            Err(StoreError::AlreadyExists | StoreError::Unavailable(_)) => Ok(Replaced::Changed),
            written => written,
        }
    }

    async fn look_at(
        &self,
        series: &Series,
        state: &State,
        doubtful: Vec<Open>,
    ) -> Result<Vec<Looked>, StoreError> {
        let looks = doubtful
            .into_iter()
            .map(|open| self.look(open, state.number(series, open.number)).boxed());
        try_join_all(looks.collect::<Vec<_>>())
            .await
            .map(|looked| looked.into_iter().flatten().collect())
    }

    /// What became of an open number; `None` when that can't be read: it stays open then, and keeps no other number from
    /// being given.
    async fn look(&self, open: Open, number: BolNumber) -> Result<Option<Looked>, StoreError> {
        let looked = async {
            let is_used = self.remembered(open.request).await?.as_ref() == Some(&number)
                || !matches!(self.place(open.request, &number).await?, Place::Free);
            Ok(is_used)
        };
        match looked.await {
            Ok(is_used) => Ok(Some(Looked { open, is_used })),
            Err(error @ StoreError::Unavailable(_)) => Err(error),
            Err(error) => {
                tracing::error!(storage.error = %error, bol.number = %number, "an open number can't be looked at");
                Ok(None)
            }
        }
    }

    /// What lies where a number's document is to be. Whoever's it is, remembers it from then on: the number may be
    /// forgotten here.
    async fn place(&self, request: Sha256, number: &BolNumber) -> Result<Place, StoreError> {
        let key = number
            .key(self.base)
            .ok_or(StoreError::Damaged("a number has no key"))?;
        let head = match self.bucket.seen(&key).await? {
            Seen::There(head) => *head,
            Seen::Hidden => return Ok(Place::Hidden),
            Seen::Nothing => return Ok(Place::Free),
        };
        let owner = head.metadata.get(REQUEST).and_then(|hex| Sha256::from_hex(hex));
        if let Some(owner) = owner {
            self.finish(owner, number).await?;
        }
        Ok(if owner == Some(request) {
            Place::Own(head)
        } else {
            Place::Lost
        })
    }

    /// Waits a random part of a time that doubles, so that those who met once don't meet again.
    async fn pause(&self, tried: u32) -> Result<(), StoreError> {
        let pause = BACKOFF.pause(tried, self.entropy);
        if Instant::now() + pause > self.until {
            tracing::warn!("no number could be taken, for others were faster again and again");
            return Err(busy());
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }

    fn random(&self) -> u16 {
        let mut random = [0x7f; 2];
        // Without randomness it takes longer, and nothing else.
        let _ = (self.entropy)(&mut random);
        u16::from_le_bytes(random)
    }
}

/// Somebody else was faster, or nobody knows: a repeat finds out.
fn busy() -> StoreError {
    StoreError::Unavailable(Cause::conflict("PutObject"))
}
