//! The folder that requests are kept in. All of it is blocking: call it where that is allowed.
//!
//! An entry is complete or not there: it is written beside its place, every file and folder of it is flushed to the disk,
//! and only then it is renamed into place. Whoever finds half of one, after a power failure too, knows it by its name.

mod lists;
mod name;
mod notes;
mod room;
mod write;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use casefile::digest::Sha256;
use casefile::id::TimeId;

pub use lists::{Listed, Listing};
pub use name::EntryName;
pub use notes::Refusal;

use super::entry::{ENTRY_VERSION, Entry};

/// An entry's files, by the bucket's layout.
pub const BUCKET: &str = "bucket";
const ENTRY: &str = "entry.json";
const REQUEST: &str = "request.json";
/// Rounds with somebody else who keeps the same request, or makes room.
const TRIES: u32 = 5;

/// The folder.
#[derive(Debug)]
pub struct LocalStore {
    dir: PathBuf,
    max_bytes: u64,
}

/// What is to be kept.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) name: EntryName,
    /// What it takes on the disk, in bytes.
    pub(crate) size: u64,
    /// Whether another request of the same subject is in its way.
    pub(crate) is_alone: bool,
    pub(crate) entry: Entry,
    /// Of each file, in the entry's order.
    pub(crate) contents: Vec<Bytes>,
    pub(crate) zip: Bytes,
    pub(crate) request: Bytes,
    pub(crate) record: Bytes,
}

/// What is kept, now or since before.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) name: EntryName,
    pub(crate) entry: Entry,
    /// The files as one, if that could be read.
    pub(crate) zip: Option<Bytes>,
}

/// Why something isn't kept.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// Other content of the same subject is.
    #[error("other content is kept")]
    Other,
    /// There is no room, and nothing that could make some.
    #[error("there is no room")]
    Full,
    /// The folder can't be written.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for NotKept {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(error),
        }
    }
}

impl LocalStore {
    /// The folder `dir`, which must exist, for at most `max_bytes`.
    pub fn new(dir: PathBuf, max_bytes: u64) -> Self {
        Self { dir, max_bytes }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where an entry is.
    pub fn path(&self, name: &EntryName) -> PathBuf {
        self.dir.join(name.to_string())
    }

    /// Keeps a request, or finds it kept. When this returns, it is on the disk.
    ///
    /// # Errors
    /// When it isn't.
    pub(crate) fn keep(&self, packed: Packed, id: TimeId) -> Result<Kept, NotKept> {
        for _ in 0..TRIES {
            let listing = self.list()?;
            if let Some(twin) = listing.find(&packed.name) {
                match self.take_up(twin) {
                    Ok(kept) => return Ok(kept),
                    // It is damaged, or has just made room for another one. What has come now is whole.
                    Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::NotFound) => {
                        self.remove(twin)?;
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if packed.is_alone && listing.has_other(&packed.name) {
                return Err(NotKept::Other);
            }
            self.make_room(&listing, packed.size)?;
            if self.write(&packed, id)? {
                return Ok(Kept {
                    name: packed.name,
                    entry: packed.entry,
                    zip: Some(packed.zip),
                });
            }
        }
        Err(NotKept::Io(io::Error::from(ErrorKind::ResourceBusy)))
    }

    /// An entry that is there already, waiting or in S3 since. Whoever has written it may not have flushed its name yet.
    fn take_up(&self, twin: &Listed) -> io::Result<Kept> {
        let entry = self.entry(&twin.name)?;
        if Sha256::of(&self.request(&twin.name)?) != entry.request_sha256 {
            return Err(damaged());
        }
        write::sync_folder(&self.dir)?;
        let zip = fs::read(self.path(&twin.name).join(&entry.zip.file_name));
        let zip = zip.ok().filter(|zip| Sha256::of(zip) == entry.zip.sha256);
        Ok(Kept {
            name: twin.name.clone(),
            entry,
            zip: zip.map(Bytes::from),
        })
    }

    /// What an entry says of itself.
    ///
    /// # Errors
    /// When it can't be read; `InvalidData` when it is damaged, or another version's.
    pub fn entry(&self, name: &EntryName) -> io::Result<Entry> {
        let record = fs::read(self.path(name).join(ENTRY))?;
        let entry: Entry = serde_json::from_slice(&record).map_err(|_| damaged())?;
        if entry.entry_version == ENTRY_VERSION {
            Ok(entry)
        } else {
            Err(damaged())
        }
    }

    /// The request of an entry, as it came.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn request(&self, name: &EntryName) -> io::Result<Vec<u8>> {
        fs::read(self.path(name).join(REQUEST))
    }

    /// A file of an entry, by where it lies below the bucket's folder.
    ///
    /// # Errors
    /// When it can't be read; `InvalidData` for a path that leads elsewhere.
    pub fn file(&self, name: &EntryName, folder: &str, place: &str) -> io::Result<Vec<u8>> {
        let path = Path::new(folder).join(place);
        let is_below = path
            .components()
            .all(|component| matches!(component, Component::Normal(_)));
        if is_below {
            fs::read(self.path(name).join(BUCKET).join(path))
        } else {
            Err(damaged())
        }
    }

    /// Takes an entry for oneself, for as long as what is given lives; `None` when somebody else has it.
    ///
    /// # Errors
    /// When the entry is gone. Where the file system knows no locks, it is everybody's: what is done with it may be done
    /// twice.
    pub fn lock(&self, name: &EntryName) -> io::Result<Option<File>> {
        // For writing: a network file system locks nothing else.
        let file = OpenOptions::new().write(true).open(self.path(name).join(ENTRY))?;
        match file.try_lock() {
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
        }
    }
}

fn damaged() -> io::Error {
    io::Error::from(ErrorKind::InvalidData)
}

#[cfg(test)]
mod tests;
