//! One file on its way: is it where and what the plan says → its path is noted, where it must be → its list entries → the
//! file itself, as an export through the API writes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use casefile::bucket::{Content, Metadata, Outgoing};
use casefile::digest::{Hasher, Sha256};
use casefile::link::Links;
use casefile::metadata::encode;
use casefile::name::FileName;
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::{StorageFault, StoreError};
use indicatif::ProgressBar;
use session_export::document::{Content as Inside, Document};
use session_export::files::{
    Held, NewFile, Overwrite, Placed as Stored, announce, deliver, note, noted, place,
};
use tokio::sync::Semaphore;

use super::body::Outflow;
use super::entry::{Entry, Is, To};
use super::folder::{Stat, unreadable};
use super::journal::Version;
use super::look::differs;
use super::place::{Placed, Rules, SESSION_ID};
use super::rate::Limiter;
use super::read::each_piece;
use super::scout::Way;

/// Files up to this size are read into memory, once. Of 64 that are sent and as many that are about to be, that is 8 MiB.
const SMALL: u64 = 64 * 1024;
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
    /// As the plan was made.
    pub(super) rules: Rules,
    pub(super) folder: &'a Path,
    pub(super) limiter: Arc<Limiter>,
    pub(super) transfers: u16,
    /// As many as [`Self::transfers`]: of the files themselves, while the next ones are prepared.
    pub(super) turns: Semaphore,
    /// Of bytes.
    pub(super) bar: ProgressBar,
}

/// A file's content on its way.
enum Load {
    Small(Document),
    Large(Outgoing, Outflow),
}

impl Sender<'_> {
    /// Stores a file that the plan wants stored.
    pub(super) async fn send(&self, entry: &Entry, way: &Way) -> Sent {
        match way {
            Way::Closed(why) => return Sent::Conflict(why.clone()),
            Way::Unknown(why) => return Sent::Failed(why.clone()),
            Way::Free | Way::Taken => {}
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
            Err(why) => return Sent::Conflict(why),
        };
        let sent = match self.note(to, placed).await {
            Ok(()) => self.store(&load, to, *way == Way::Free).await,
            Err(sent) => sent,
        };
        self.count(&load, is, &sent);
        match sent {
            // S3 takes nothing that isn't what it was said to be.
            Sent::Failed(_) if digest(&at).await != Ok(is.sha256) => Sent::Conflict(CHANGED.to_owned()),
            sent => sent,
        }
    }

    /// # Errors
    /// When it isn't what the plan says.
    async fn load(&self, at: &Path, to: &To, is: Is) -> Result<Load, String> {
        if Stat::of(at)?.size != is.size {
            return Err(CHANGED.to_owned());
        }
        if is.size <= SMALL {
            let bytes = fs::read(at).map_err(|error| unreadable(&error))?;
            let name = FileName::parse(to.path.rsplit('/').next().unwrap_or_default());
            let document = Document {
                name: name.map_err(|error| error.to_string())?,
                size: is.size,
                sha256: Sha256::of(&bytes),
                content: Inside::Bytes(Bytes::from(bytes)),
            };
            let is_it = document.sha256 == is.sha256;
            return is_it
                .then_some(Load::Small(document))
                .ok_or_else(|| CHANGED.to_owned());
        }
        if digest(at).await? != is.sha256 {
            return Err(CHANGED.to_owned());
        }
        let outflow = Outflow::new(
            at.to_owned(),
            is.size,
            Arc::clone(&self.limiter),
            self.bar.clone(),
        );
        let content = Content {
            size: is.size,
            sha256: is.sha256,
        };
        let time = self.limiter.longest(is.size, self.transfers);
        let source = outflow.clone();
        let outgoing = Outgoing::new(content, time, move || source.open());
        Ok(Load::Large(outgoing, outflow))
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

    async fn store(&self, load: &Load, to: &To, is_free: bool) -> Sent {
        let collection = self.rules.collection;
        let name = to.path.rsplit('/').next().unwrap_or_default();
        let Some(kind) = collection.kind_of(name) else {
            return Sent::Conflict("its collection doesn't take it".to_owned());
        };
        let new = NewFile {
            tenant: &self.rules.tenant,
            collection,
            path: &to.path,
            document: match load {
                Load::Small(document) => Held::Document(document),
                Load::Large(outgoing, _) => Held::Local(outgoing),
            },
            content_type: kind.content_type(),
            metadata: self.metadata(to),
            owner: to.owner.as_ref(),
            overwrite: Overwrite::Never,
        };
        match Box::pin(self.put(load, &new, is_free)).await {
            Ok(placed) if placed.is_new => Sent::Stored(placed.document.version_id.into()),
            Ok(placed) => match differs(&placed.document, to) {
                Some(why) => Sent::Conflict(why),
                None => Sent::There(placed.document.version_id.into()),
            },
            Err(problem) => problem.into(),
        }
    }

    /// While this one's entries are written, others have their turns.
    async fn put(&self, load: &Load, new: &NewFile<'_>, is_free: bool) -> Result<Stored, Problem> {
        let announced = if is_free {
            Some(announce(self.links, new).await?)
        } else {
            None
        };
        let _turn = self.turns.acquire().await;
        if let Load::Small(document) = load {
            self.limiter.pass(document.size).await;
        }
        match announced {
            Some(announced) => deliver(self.links, new, announced).await,
            None => place(self.links, new).await,
        }
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
    fn count(&self, load: &Load, is: Is, sent: &Sent) {
        if let Load::Large(_, outflow) = load {
            outflow.reset();
        }
        if matches!(sent, Sent::Stored(_) | Sent::There(_)) {
            self.bar.inc(is.size);
        }
    }
}

async fn digest(at: &Path) -> Result<Sha256, String> {
    let at: PathBuf = at.to_owned();
    let hashed = tokio::task::spawn_blocking(move || {
        let mut hasher = Hasher::default();
        each_piece(&at, |piece| hasher.update(piece))?;
        Ok(hasher.finish())
    });
    hashed
        .await
        .unwrap_or_else(|_| Err("it can't be read".to_owned()))
}
