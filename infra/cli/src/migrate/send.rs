//! One file on its way: is it where and what the plan says → its path is noted, where it must be → its list entries → the
//! file itself, as an export through the API writes them.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_s3::primitives::SdkBody;
use bytes::Bytes;
use casefile::bol::Numbers;
use casefile::bucket::{Content, Metadata, Outgoing};
use casefile::digest::{Hasher, Sha256};
use casefile::link::Links;
use casefile::metadata::encode;
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::{StorageFault, StoreError};
use indicatif::ProgressBar;
use session_export::files::{
    Held, NewFile, Overwrite, Placed as Stored, announce, deliver, note, noted, place,
};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::body::Outflow;
use super::entry::{Entry, Is, To};
use super::folder::{Stat, Unread};
use super::journal::Version;
use super::look::differs;
use super::place::{Placed, Rules, SESSION_ID, last_part};
use super::rate::Limiter;
use super::read::{beginning, compacted, each_piece, is_log};
use super::scout::{Way, look_again};

/// Files up to this size are in memory while they are sent.
const SMALL: u64 = 64 * 1024;
/// Files that are read at once to be compared. It is the disk that takes the time, and others wait for threads, too: pieces
/// of what is being sent, and names of hosts.
pub(super) const READS: usize = 4;
/// Larger logs that are in memory at once, for what is stored of a log has to be made of all of it.
pub(super) const LOGS: usize = 4;
/// What was seen longer ago than this is looked at again before a file is sent.
const FRESH: Duration = Duration::from_mins(1);
const CHANGED: &str = "it changed since the plan was made";

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sent {
    /// This run stored it, as this version.
    Stored(Version),
    /// It lay there already: an earlier run, or somebody else, stored the same.
    There(Version),
    /// It isn't stored, and a repeat wouldn't store it either.
    Conflict(String),
    /// A repeat tries again.
    Failed(String),
}

impl From<Unread> for Sent {
    fn from(unread: Unread) -> Self {
        if unread.may_pass {
            Self::Failed(unread.why)
        } else {
            Self::Conflict(unread.why)
        }
    }
}

impl From<Problem> for Sent {
    fn from(problem: Problem) -> Self {
        match problem.kind {
            ProblemKind::Conflict => Self::Conflict(problem.detail),
            _ => Self::Failed(match problem.fault {
                Some(StorageFault::SetUp(fault)) => format!("S3 refuses: {}", fault.advice()),
                _ => problem.detail,
            }),
        }
    }
}

/// What is needed to send files.
#[derive(Debug)]
pub(super) struct Sender<'a> {
    pub(super) links: &'a Links,
    /// Where files have them.
    pub(super) numbers: Option<&'a Numbers<'a>>,
    /// As the plan was made.
    pub(super) rules: Rules,
    pub(super) folder: &'a Path,
    pub(super) limiter: Arc<Limiter>,
    pub(super) transfers: u16,
    /// As many as [`Self::transfers`]: of the files themselves, while the next ones are prepared.
    pub(super) turns: Semaphore,
    /// Of [`READS`].
    pub(super) reads: Semaphore,
    /// Of [`LOGS`].
    pub(super) logs: Semaphore,
    /// Of bytes.
    pub(super) bar: ProgressBar,
}

/// A file's content on its way.
struct Load<'a> {
    outgoing: Outgoing,
    /// In memory from the beginning, where nobody changes it.
    is_held: bool,
    /// Of a small file, which is in memory from its turn on.
    small: Option<Arc<OnceLock<Bytes>>>,
    /// Of a large file, which is read while it is sent.
    outflow: Option<Outflow>,
    /// Of a large log.
    _room: Option<SemaphorePermit<'a>>,
}

impl Sender<'_> {
    /// Stores a file that the plan wants stored, in whose way something lay at that moment, or nothing.
    pub(super) async fn send(&self, entry: &Entry, way: &Way, seen: Instant) -> Sent {
        if let Err(sent) = open(way) {
            return sent;
        }
        let Some((to, is)) = entry.wanted() else {
            return Sent::Conflict("the plan doesn't say where it goes".to_owned());
        };
        let placed = match self.rules.confirm(entry) {
            Ok(placed) => placed,
            Err(why) => return Sent::Conflict(format!("the plan was edited: {why}")),
        };
        let at = self.folder.join(&entry.file);
        let load = match self.load(&at, to, is).await {
            Ok(load) => load,
            Err(sent) => return sent,
        };
        let sent = match Box::pin(self.note(to, placed)).await {
            Ok(()) => self.store(&load, entry, to, (way, seen)).await,
            Err(sent) => sent,
        };
        self.count(&load, is, &sent);
        match sent {
            // S3 takes nothing that isn't what it was said to be.
            Sent::Failed(_) if !load.is_held => self.another(&at, is).await.unwrap_or(sent),
            sent => sent,
        }
    }

    /// # Errors
    /// When it isn't what the plan says, or can't be read.
    async fn load(&self, at: &Path, to: &To, is: Is) -> Result<Load<'_>, Sent> {
        let changed = || Sent::Conflict(CHANGED.to_owned());
        let (stat, is_log) = (Stat::of(at)?, is_log(self.rules.collection, last_part(&to.path)));
        if !is_log && stat.size != is.size {
            return Err(changed());
        }
        if is_log {
            let room = if stat.size > SMALL {
                self.logs.acquire().await.ok()
            } else {
                None
            };
            let (log, limit) = (at.to_owned(), self.rules.collection.max_bytes());
            let bytes = Bytes::from(self.read(move || compacted(&log, limit)).await?);
            if Sha256::of(&bytes) != is.sha256 {
                return Err(changed());
            }
            let load = self.load_of(is, None, move || SdkBody::from(bytes.clone()));
            return Ok(Load {
                is_held: true,
                _room: room,
                ..load
            });
        }
        if self.digest(at).await? != is.sha256 {
            return Err(changed());
        }
        if is.size <= SMALL {
            let small = Arc::new(OnceLock::<Bytes>::new());
            let bytes = Arc::clone(&small);
            let load = self.load_of(is, None, move || {
                SdkBody::from(bytes.get().cloned().unwrap_or_default())
            });
            return Ok(Load {
                small: Some(small),
                ..load
            });
        }
        let outflow = Outflow::new(
            at.to_owned(),
            is.size,
            Arc::clone(&self.limiter),
            self.bar.clone(),
        );
        let source = outflow.clone();
        Ok(self.load_of(is, Some(outflow), move || source.open()))
    }

    fn load_of<'a>(
        &self,
        is: Is,
        outflow: Option<Outflow>,
        body: impl Fn() -> SdkBody + Send + Sync + 'static,
    ) -> Load<'a> {
        let content = Content {
            size: is.size,
            sha256: is.sha256,
        };
        let time = self.limiter.longest(is.size, self.transfers);
        Load {
            outgoing: Outgoing::new(content, time, body),
            is_held: false,
            small: None,
            outflow,
            _room: None,
        }
    }

    /// So that the same file finds its path again, by whatever way it comes.
    async fn note(&self, to: &To, placed: Placed) -> Result<(), Sent> {
        if to.note.is_empty() {
            return Ok(());
        }
        let links = self.links;
        let what = to.noted_of();
        let path = match placed {
            Placed::Anew => Some(noted(links, &what, to.path.clone()).await?),
            Placed::AsNoted => note(&links.bucket, &links.base, &what)
                .await
                .map_err(|error: StoreError| Sent::Failed(error.to_string()))?,
        };
        match path {
            Some(path) if path == to.path => Ok(()),
            Some(path) => {
                let why = format!("since the plan was made, its place has become {path}");
                Err(Sent::Conflict(why))
            }
            None => Err(Sent::Conflict(
                "the place that the plan has for it isn't noted any more".to_owned(),
            )),
        }
    }

    async fn store(&self, load: &Load<'_>, entry: &Entry, to: &To, seen: (&Way, Instant)) -> Sent {
        let collection = self.rules.collection;
        let Some(kind) = collection.kind_of(last_part(&to.path)) else {
            return Sent::Conflict("its collection doesn't take it".to_owned());
        };
        let new = NewFile {
            tenant: &self.rules.tenant,
            collection,
            path: &to.path,
            document: Held::Local(&load.outgoing),
            content_type: kind.content_type(),
            metadata: self.metadata(to),
            owner: to.owner.as_ref(),
            overwrite: Overwrite::Never,
        };
        match Box::pin(self.put(load, entry, &new, seen)).await {
            Ok(placed) if placed.is_new => Sent::Stored(placed.document.version_id.into()),
            Ok(placed) => match differs(&placed.document, to) {
                Some(why) => Sent::Conflict(why),
                None => Sent::There(placed.document.version_id.into()),
            },
            Err(sent) => sent,
        }
    }

    /// While this one's entries are written, others have their turns. What is seldom done is in a box, so that it takes room
    /// only where it is: there are a hundred of these at once.
    async fn put(
        &self,
        load: &Load<'_>,
        entry: &Entry,
        new: &NewFile<'_>,
        (way, seen): (&Way, Instant),
    ) -> Result<Stored, Sent> {
        let announced = if *way == Way::Free {
            Some(announce(self.links, new).await?)
        } else {
            None
        };
        let _turn = self.turns.acquire().await;
        if load.outflow.is_none() {
            self.limiter.pass(load.outgoing.content().size).await;
        }
        if seen.elapsed() > FRESH {
            open(&Box::pin(look_again(&self.links.bucket, self.numbers, entry)).await)?;
        }
        if let Some(small) = &load.small {
            let bytes = self.again(entry, load.outgoing.content().size).await?;
            let _ = small.set(bytes);
        }
        Ok(match announced {
            Some(announced) => deliver(self.links, new, announced).await?,
            None => Box::pin(place(self.links, new)).await?,
        })
    }

    /// A small file once more. S3 is told its digest, and compares.
    async fn again(&self, entry: &Entry, size: u64) -> Result<Bytes, Sent> {
        let at = self.folder.join(&entry.file);
        // Taken here: what each thread takes for itself stays with it.
        let room = Vec::with_capacity(usize::try_from(size + 1).unwrap_or_default());
        let bytes = self.read(move || beginning(&at, size + 1, room)).await?;
        if bytes.len() as u64 == size {
            Ok(Bytes::from(bytes))
        } else {
            Err(Sent::Conflict(CHANGED.to_owned()))
        }
    }

    /// What is wrong with a file that couldn't be sent, if it is the file's fault.
    async fn another(&self, at: &Path, is: Is) -> Option<Sent> {
        match self.digest(at).await {
            Ok(sha256) if sha256 == is.sha256 => None,
            Ok(_) => Some(Sent::Conflict(CHANGED.to_owned())),
            Err(unread) => Some(unread.into()),
        }
    }

    async fn digest(&self, at: &Path) -> Result<Sha256, Unread> {
        let at = at.to_owned();
        self.read(move || {
            let mut hasher = Hasher::default();
            each_piece(&at, |piece| hasher.update(piece))?;
            Ok(hasher.finish())
        })
        .await
    }

    /// Reads while others are sent: a disk may be slow.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, Unread> + Send + 'static,
    ) -> Result<T, Unread> {
        let _read = self.reads.acquire().await;
        let read = tokio::task::spawn_blocking(read).await;
        read.unwrap_or_else(|error| Err(std::io::Error::other(error).into()))
    }

    /// As it is stored: encoded, in the collection's order.
    fn metadata(&self, to: &To) -> Metadata {
        let names = self.rules.collection.metadata().iter().map(|field| field.name);
        let found = names.chain([SESSION_ID]);
        found
            .filter_map(|name| Some((name, encode(to.metadata.get(name)?))))
            .collect()
    }

    /// What a large file has sent is counted while it is sent.
    fn count(&self, load: &Load<'_>, is: Is, sent: &Sent) {
        if let Some(outflow) = &load.outflow {
            outflow.reset();
        }
        if matches!(sent, Sent::Stored(_) | Sent::There(_)) {
            self.bar.inc(is.size);
        }
    }
}

/// # Errors
/// Why a file isn't sent.
fn open(way: &Way) -> Result<(), Sent> {
    match way {
        Way::Closed(why) => Err(Sent::Conflict(why.clone())),
        Way::Unknown(why) => Err(Sent::Failed(why.clone())),
        Way::Free | Way::Taken => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn a_disk_that_fails_is_no_conflict_and_a_file_that_is_gone_is_one() {
        let sent = |kind| Sent::from(Unread::from(Error::from(kind)));
        for kind in [ErrorKind::PermissionDenied, ErrorKind::TimedOut, ErrorKind::Other] {
            assert!(matches!(sent(kind), Sent::Failed(_)), "{kind}");
        }
        assert!(matches!(sent(ErrorKind::NotFound), Sent::Conflict(_)));
        let folder = tempfile::tempdir().unwrap();
        let no_file = Stat::of(folder.path()).unwrap_err();
        assert!(matches!(Sent::from(no_file), Sent::Conflict(_)));
    }
}
