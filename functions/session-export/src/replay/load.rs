//! Reading what was kept, and whether it is still what it was.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use casefile::digest::Sha256;
use casefile::manifest::ManifestFile;
use casefile::problem::{Problem, ProblemKind};
use jiff::Timestamp;

use crate::fallback::local::{EntryName, LocalStore, Refusal};
use crate::fallback::{Entry, Task};
use crate::review::KeptReview;

/// An entry that isn't sent on yet.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) name: EntryName,
    /// Unknown of one whose record can't be read.
    pub(super) kept_at: Option<Timestamp>,
    /// What S3 has said of it before.
    pub(super) refusal: Option<Refusal>,
}

/// An entry, whole, and nobody else's as long as this lives.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) entry: Entry,
    pub(super) request: String,
    /// Of a review.
    pub(super) review: Option<KeptReview>,
    _lock: Option<File>,
}

pub(super) enum Loading {
    Whole(Box<Loaded>),
    /// Somebody else is at it.
    Busy,
    /// Somebody else was at it, and it is done.
    Done,
    /// It isn't what was kept.
    Damaged(String),
    /// It can't be read just now.
    Unreadable(String),
}

/// What waits, the oldest first; and how much is half-written.
///
/// # Errors
/// `unavailable` when the folder can't be read.
pub(super) async fn waiting(local: Arc<LocalStore>) -> Result<(Vec<Waiting>, usize), Problem> {
    let listing = tokio::task::spawn_blocking(move || {
        let listing = local.list()?;
        let waiting = listing.entries.into_iter().filter(|entry| !entry.is_sent);
        let mut waiting: Vec<_> = waiting
            .map(|entry| Waiting {
                kept_at: local.entry(&entry.name).ok().map(|entry| entry.kept_at),
                refusal: local.refusal(&entry.name),
                name: entry.name,
            })
            .collect();
        waiting.sort_by_key(|entry| (entry.kept_at, entry.name.clone()));
        Ok::<_, io::Error>((waiting, listing.unfinished))
    });
    match listing.await {
        Ok(Ok(listing)) => Ok(listing),
        Ok(Err(error)) => {
            let detail = format!("the folder of kept exports can't be read: {}", error.kind());
            Err(Problem::new(ProblemKind::Unavailable, detail))
        }
        Err(_) => Err(Problem::new(
            ProblemKind::Internal,
            "the folder of kept exports can't be read",
        )),
    }
}

/// Reads an entry, and takes it for oneself if it is to be sent.
pub(super) async fn load(local: Arc<LocalStore>, name: EntryName, is_dry: bool) -> Loading {
    let loading = tokio::task::spawn_blocking(move || read(&local, &name, is_dry));
    loading
        .await
        .unwrap_or_else(|_| Loading::Unreadable("it can't be read".to_owned()))
}

fn read(local: &LocalStore, name: &EntryName, is_dry: bool) -> Loading {
    let lock = if is_dry {
        Ok(None)
    } else {
        match local.lock(name) {
            Ok(None) => return Loading::Busy,
            lock => lock,
        }
    };
    if local.is_sent(name) || !local.path(name).exists() {
        return Loading::Done;
    }
    let whole = lock.map_err(|error| Unfit::of("record", &error));
    match whole.and_then(|lock| Ok((lock, whole_entry(local, name)?))) {
        Ok((lock, (entry, request, review))) => Loading::Whole(Box::new(Loaded {
            entry,
            request,
            review,
            _lock: lock,
        })),
        Err(Unfit::Damaged(why)) => Loading::Damaged(why),
        Err(Unfit::Unreadable(why)) => Loading::Unreadable(why),
    }
}

/// Why an entry isn't sent.
enum Unfit {
    Damaged(String),
    Unreadable(String),
}

impl Unfit {
    fn of(what: &str, error: &io::Error) -> Self {
        let why = format!("its {what} can't be read: {}", error.kind());
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::InvalidData => Self::Damaged(why),
            _ => Self::Unreadable(why),
        }
    }
}

type Whole = (Entry, String, Option<KeptReview>);

/// The request is what everything is made from: without it, nothing is sent.
fn whole_entry(local: &LocalStore, name: &EntryName) -> Result<Whole, Unfit> {
    let entry = local.entry(name).map_err(|error| Unfit::of("record", &error))?;
    let request = local
        .request(name)
        .map_err(|error| Unfit::of("request", &error))?;
    let damaged = |why: &str| Unfit::Damaged(why.to_owned());
    if Sha256::of(&request) != entry.request_sha256 {
        return Err(damaged("its request isn't what was kept"));
    }
    let request = String::from_utf8(request).map_err(|_| damaged("its request is no text"))?;
    let review = match &entry.task {
        Task::Review { place } => {
            let files: Vec<_> = entry.files.iter().cloned().map(ManifestFile::from).collect();
            Some(KeptReview::new(place.clone(), &files, |index| {
                let place = entry.files.get(index)?.place();
                local.file(name, &entry.folder, place).ok()
            }))
        }
        _ => None,
    };
    Ok((entry, request, review))
}
