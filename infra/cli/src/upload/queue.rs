//! Files that wait for a network: a folder with an entry for each, which says where the file is and where it is to go. The
//! file itself stays in its place.
//!
//! Entries appear whole or not at all, and are never changed. One sender at a time sends them on.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use casefile::digest::Sha256;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::job::Job;
use super::settings::Destination;
use crate::failure::Failure;

const SUFFIX: &str = ".json";
const LOCK: &str = ".lock";

/// A file that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) queued_at: Timestamp,
    pub(super) to: Destination,
    #[serde(flatten)]
    pub(super) job: Job,
}

/// An entry, by the file that it lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) at: PathBuf,
    /// `None` when it can't be read.
    pub(super) entry: Option<Entry>,
}

/// The folder.
#[derive(Debug)]
pub(super) struct Queue {
    folder: PathBuf,
}

/// The right to send on what waits, as long as it lives.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "the lock goes with it")] File);

impl Queue {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The turn to send on what waits; `None` while another one has it.
    ///
    /// # Errors
    /// When the folder can't be used.
    pub(super) fn turn(&self) -> Result<Option<Turn>, Failure> {
        let lock = || {
            self.make_folder()?;
            let mut options = OpenOptions::new();
            let file = options
                .write(true)
                .create(true)
                .truncate(false)
                .open(self.folder.join(LOCK))?;
            match file.try_lock() {
                Ok(()) => Ok(Some(Turn(file))),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(error),
            }
        };
        lock().map_err(|error| self.failed(&error))
    }

    /// What waits, the oldest first. A folder that isn't there is empty.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub(super) fn waiting(&self) -> Result<Vec<Waiting>, Failure> {
        let files = match fs::read_dir(&self.folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed(&error)),
        };
        let mut waiting = Vec::new();
        for file in files {
            let at = file.map_err(|error| self.failed(&error))?.path();
            let name = at.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.ends_with(SUFFIX) && !name.starts_with('.') {
                let entry = fs::read(&at)
                    .ok()
                    .and_then(|text| serde_json::from_slice(&text).ok());
                waiting.push(Waiting { at, entry });
            }
        }
        waiting.sort_by_key(|waiting| {
            (
                waiting.entry.as_ref().map(|entry| entry.queued_at),
                waiting.at.clone(),
            )
        });
        Ok(waiting)
    }

    /// Puts a file into it. One that waits already, for the same place and with the same content, does so once.
    ///
    /// # Errors
    /// When it can't be written: then the file doesn't wait.
    pub(super) fn add(&self, entry: &Entry) -> Result<(), Failure> {
        self.write(entry).map_err(|error| self.failed(&error))
    }

    fn write(&self, entry: &Entry) -> io::Result<()> {
        self.make_folder()?;
        let what = serde_json::to_string(&(&entry.to, &entry.job))?;
        let at = self
            .folder
            .join(format!("{}{SUFFIX}", Sha256::of(what.as_bytes())));
        let mut file = NamedTempFile::with_prefix_in(".entry-", &self.folder)?;
        file.write_all(&serde_json::to_vec_pretty(entry)?)?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(at) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => return Err(error.error),
            _ => {}
        }
        File::open(&self.folder)?.sync_all()
    }

    /// Takes out what needs to wait no longer.
    ///
    /// # Errors
    /// When it can't be removed; it is sent once more then, which does no harm.
    pub(super) fn remove(&self, at: &Path) -> Result<(), Failure> {
        match fs::remove_file(at) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed(&error)),
            _ => Ok(()),
        }
    }

    /// Its user's alone: names of patients may be in it.
    fn make_folder(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&self.folder)
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::Failed(format!(
            "the queue {} can't be used: {error}",
            self.folder.display()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::job::Wish;
    use super::*;

    fn entry(path: &str, at: &str) -> Entry {
        Entry {
            queued_at: at.parse().unwrap(),
            to: Destination::Api("https://files.example.com".to_owned()),
            job: Job {
                path: path.into(),
                size: 3,
                sha256: Sha256::of(b"abc"),
                wish: Wish {
                    collection: "ecg-reports".to_owned(),
                    metadata: [("patient_name".to_owned(), "Jane".to_owned())].into(),
                    owner: None,
                    replaces: None,
                },
            },
        }
    }

    #[test]
    fn what_waits_is_found_the_oldest_first_and_once_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::new(folder.path().join("state/queue"));
        assert_eq!(queue.waiting().unwrap(), []);
        let old = entry("/b", "2025-11-14T12:00:00Z");
        queue.add(&entry("/a", "2025-11-14T12:00:01Z")).unwrap();
        queue.add(&old).unwrap();
        queue.add(&entry("/b", "2025-11-15T12:00:00Z")).unwrap();
        let waiting = queue.waiting().unwrap();
        assert_eq!((waiting.len(), waiting[0].entry.as_ref()), (2, Some(&old)));
        queue.remove(&waiting[0].at).unwrap();
        queue.remove(&waiting[0].at).unwrap();
        assert_eq!(queue.waiting().unwrap().len(), 1);
    }

    #[test]
    fn an_entry_that_can_not_be_read_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.json"), "{").unwrap();
        fs::write(folder.path().join(".entry-half"), "{").unwrap();
        let waiting = Queue::new(folder.path().to_owned()).waiting().unwrap();
        assert_eq!((waiting.len(), waiting[0].entry.as_ref()), (1, None));
    }

    #[test]
    fn one_at_a_time_has_the_turn() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::new(folder.path().to_owned());
        let turn = queue.turn().unwrap();
        assert!(turn.is_some() && queue.turn().unwrap().is_none());
        drop(turn);
        assert!(queue.turn().unwrap().is_some());
    }
}
