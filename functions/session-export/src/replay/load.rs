//! Reading what was kept, and whether it is still what it was.

use std::fs::File;
use std::io::ErrorKind;
use std::sync::Arc;

use casefile::digest::Sha256;
use casefile::manifest::ManifestFile;
use casefile::problem::{Problem, ProblemKind};
use jiff::Timestamp;

use crate::fallback::local::{EntryName, LocalStore};
use crate::fallback::{Entry, Task};
use crate::review::KeptReview;

/// An entry that isn't sent on yet.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) name: EntryName,
    /// Unknown of one whose record can't be read.
    pub(super) kept_at: Option<Timestamp>,
}

/// An entry, whole, and nobody else's as long as this lives.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) entry: Entry,
    pub(super) request: String,
    /// Of a review.
    pub(super) review: Option<KeptReview>,
    _lock: File,
}

pub(super) enum Loading {
    Whole(Box<Loaded>),
    /// Somebody else is at it.
    Busy,
    /// Somebody else was at it, and it is done.
    Done,
    /// It isn't what was kept.
    Damaged(String),
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
                name: entry.name,
            })
            .collect();
        waiting.sort_by_key(|entry| (entry.kept_at, entry.name.clone()));
        Ok::<_, std::io::Error>((waiting, listing.unfinished))
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

/// Takes an entry for oneself, and reads it.
pub(super) async fn load(local: Arc<LocalStore>, waiting: Waiting) -> Loading {
    let loading = tokio::task::spawn_blocking(move || read(&local, &waiting.name));
    loading
        .await
        .unwrap_or_else(|_| Loading::Damaged("it can't be read".to_owned()))
}

fn read(local: &LocalStore, name: &EntryName) -> Loading {
    let lock = match local.lock(name) {
        Ok(Some(lock)) => lock,
        Ok(None) => return Loading::Busy,
        Err(error) if error.kind() == ErrorKind::NotFound && !local.path(name).exists() => {
            return Loading::Done;
        }
        Err(error) => return Loading::Damaged(format!("its record can't be opened: {}", error.kind())),
    };
    if local.is_sent(name) {
        return Loading::Done;
    }
    match whole(local, name) {
        Ok((entry, request, review)) => Loading::Whole(Box::new(Loaded {
            entry,
            request,
            review,
            _lock: lock,
        })),
        Err(why) => Loading::Damaged(why),
    }
}

type Whole = (Entry, String, Option<KeptReview>);

/// The request is what everything is made from: without it, nothing is sent.
fn whole(local: &LocalStore, name: &EntryName) -> Result<Whole, String> {
    let entry = local.entry(name);
    let entry = entry.map_err(|error| format!("its record can't be read: {}", error.kind()))?;
    let request = local.request(name);
    let request = request.map_err(|error| format!("its request can't be read: {}", error.kind()))?;
    if Sha256::of(&request) != entry.request_sha256 {
        return Err("its request isn't what was kept".to_owned());
    }
    let request = String::from_utf8(request).map_err(|_| "its request is no text".to_owned())?;
    let review = match &entry.task {
        Task::Review { place } => {
            let files: Vec<_> = entry.files.iter().map(listed).collect();
            Some(KeptReview::new(place.clone(), &files, |index| {
                let place = entry.files.get(index)?.place();
                local.file(name, &entry.folder, place).ok()
            }))
        }
        _ => None,
    };
    Ok((entry, request, review))
}

fn listed(file: &crate::fallback::entry::EntryFile) -> ManifestFile {
    ManifestFile {
        path: file.path.clone(),
        size: file.size,
        sha256: file.sha256,
        content_type: file.content_type.clone(),
    }
}
