//! S3 down, or not to be used as it is set up: what can't be stored there is kept in a folder, `FALLBACK_DIR`, with the
//! same bytes and names, until [`replay`](crate::replay) sends it on.
//!
//! ```text
//! FALLBACK_DIR/
//!   reviews_5f0c…_91ab…/             complete: it was renamed into place after every byte was on the disk
//!     entry.json                     what it is, whose, since when; written for the replay
//!     request.json                   the request, as it came
//!     20251114_142510_write-up.zip   the folder below as one file
//!     bucket/tara/20251114_142510…/  the files, by the bucket's own layout
//!   reviews_5f0c…_91ab….482113.size  how much room it takes
//!   reviews_5f0c…_91ab….sent.json    it is in S3; it goes when the room is needed
//!   reviews_5f0c…_91ab….refused.json S3 holds something else in its place, or it isn't allowed any more
//!   writing_482113_0198…/            half-written: somebody is at it, or was stopped
//!   going_reviews_…/                 to be removed, whoever comes next
//! ```
//!
//! Who may read or write the folder may do so with everything in it, so it must be the function's alone, as its bucket is;
//! files are made for their owner's eyes only. An entry's name tells its collection, what it is about and which request
//! it is, both as digests: one look at the folder finds a twin, and how much room is taken, and of two that are renamed at
//! the same moment one is there.

pub mod answer;
pub mod entry;
mod kept;
pub mod local;
pub mod settings;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use casefile::id::{Entropy, TimeId};
use casefile::metrics;
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StorageFault;
use casefile::time::Clock;

pub use answer::KeptAnswer;
pub use entry::{Entry, KeptPlace, Task};
pub(crate) use kept::{KeptFile, ToKeep};
use local::{Kept, LocalStore, NotKept};
pub use settings::FallbackSettings;

/// An answer must leave within 25 s: so long may S3 take, in all its calls and retries, before a request is kept. The rest is
/// for what can't be interrupted, the marking of a large document, and for the folder.
const S3_WITHIN: Duration = Duration::from_secs(12);
/// And so long may the folder take, which may lie on a network.
const KEPT_WITHIN: Duration = Duration::from_secs(4);
/// Seconds after which a caller should try again when nothing could be kept.
const RETRY_AFTER: u32 = 30;

/// Where exports go that S3 doesn't take. Built once in a process.
#[derive(Debug, Clone)]
pub struct Fallback {
    local: Option<Arc<LocalStore>>,
    clock: Clock,
    entropy: Entropy,
}

impl Fallback {
    /// The folder of the settings; without them, what S3 doesn't take is refused.
    pub fn new(settings: Option<FallbackSettings>, clock: Clock, entropy: Entropy) -> Self {
        let local =
            settings.map(|FallbackSettings { dir, max_bytes }| Arc::new(LocalStore::new(dir, max_bytes)));
        Self {
            local,
            clock,
            entropy,
        }
    }

    /// The folder, if there is one.
    pub fn local(&self) -> Option<&Arc<LocalStore>> {
        self.local.as_ref()
    }

    /// How long S3 may take: what is left after that is needed to keep the request.
    pub(crate) fn s3_within(&self, deadline: Duration) -> Duration {
        match self.local {
            Some(_) => deadline.min(S3_WITHIN),
            None => deadline,
        }
    }

    /// Does some work with S3, and something else when storage is at fault, or the time is up.
    ///
    /// # Errors
    /// Those of the work, but for those that storage is at fault for; of them, what keeping it ends with.
    pub(crate) async fn or<T>(
        &self,
        within: Duration,
        work: Pin<Box<impl Future<Output = Result<T, Problem>>>>,
        keep: impl AsyncFnOnce(StorageFault) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let fault = match tokio::time::timeout(within, work).await {
            Ok(Err(Problem {
                fault: Some(fault), ..
            })) => fault,
            Ok(done) => return done,
            Err(_) => {
                tracing::error!(export.within_s = within.as_secs(), "the export took too long");
                StorageFault::Outage
            }
        };
        keep(fault).await
    }

    /// Keeps a request with its files. The same request, however often it comes, is kept once.
    ///
    /// # Errors
    /// `unavailable` when nothing can be kept; `conflict` when something else is kept in its place.
    pub(crate) async fn keep(&self, new: ToKeep<'_>, fault: StorageFault) -> Result<KeptAnswer, Problem> {
        let local = self.folder(fault)?;
        let dir = local.dir().to_owned();
        let (returns_zip, conflict) = (new.returns_zip, new.conflict);
        let id = TimeId::new((self.clock)(), self.entropy);
        let id = id.map_err(|_| Problem::new(ProblemKind::Internal, "no id can be made"))?;
        let packed = new.pack(fault)?;
        let keeping = tokio::task::spawn_blocking(move || local.keep(packed, id));
        let kept = match tokio::time::timeout(KEPT_WITHIN, keeping).await {
            Ok(Ok(kept)) => kept,
            Ok(Err(_)) => return Err(not_kept(fault, "the folder to keep it in can't be used")),
            Err(_) => return Err(not_kept(fault, "the folder to keep it in is too slow")),
        };
        let Kept { name, entry, zip } = kept.map_err(|why| refused(fault, &why, conflict))?;
        metrics::export_fell_back();
        tracing::error!(
            fallback.reason = fault.name(),
            fallback.collection = entry.collection.as_str(),
            fallback.bytes = entry.size,
            "storage is at fault: a request is kept to be sent on"
        );
        let zip = zip.filter(|_| returns_zip);
        Ok(KeptAnswer::new(&dir.join(name.to_string()), entry, zip))
    }

    /// The folder.
    ///
    /// # Errors
    /// `unavailable` when there is none.
    pub(crate) fn folder(&self, fault: StorageFault) -> Result<Arc<LocalStore>, Problem> {
        let local = self.local.clone();
        local.ok_or_else(|| not_kept(fault, "there is no folder to keep it in"))
    }
}

/// Nothing is stored, and the request is the caller's to keep.
pub(crate) fn not_kept(fault: StorageFault, why: &str) -> Problem {
    let what = match fault {
        StorageFault::Outage => "storage can't be reached just now",
        StorageFault::SetUp(_) => "storage refuses this service, whose operator finds the cause in the log",
    };
    let detail = format!(
        "{what}, and {why}: nothing is promised to be stored. Keep the request and repeat it; what was written so far is \
         continued, never doubled"
    );
    Problem {
        retry_after: Some(RETRY_AFTER),
        fault: Some(fault),
        ..Problem::new(ProblemKind::Unavailable, detail)
    }
}

fn refused(fault: StorageFault, why: &NotKept, conflict: Option<&'static str>) -> Problem {
    match why {
        NotKept::Other => Problem::new(
            ProblemKind::Conflict,
            conflict.unwrap_or("something else is kept there"),
        ),
        NotKept::Full => {
            tracing::error!("the fallback folder is full: replay what it holds, or give it more room");
            not_kept(fault, "the folder to keep it in is full")
        }
        NotKept::Io(error) => {
            tracing::error!(error.kind = %error.kind(), "the fallback folder can't be written");
            not_kept(fault, "the folder to keep it in can't be written")
        }
    }
}
