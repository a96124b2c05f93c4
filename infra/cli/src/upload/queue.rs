//! Files that wait for a network: a folder with an entry for each, which says where the file is and where it is to go. The
//! file itself stays in its place.
//!
//! Entries appear and change whole or not at all. One sender at a time sends them on.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use casefile::digest::Sha256;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::job::Job;
use super::outcome::Status;
use super::settings::Destination;
use crate::failure::Failure;

const SUFFIX: &str = ".json";
const LOCK: &str = ".lock";
/// What entries are called while they are written.
const HALF: &str = ".entry-";

/// A file that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) queued_at: Timestamp,
    pub(super) to: Destination,
    /// What became of it when it was tried itself the last time, in vain.
    #[serde(default)]
    pub(super) last: Option<Status>,
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

impl Waiting {
    /// Whether it was tried before, in vain.
    pub(super) fn was_tried(&self) -> bool {
        self.entry.as_ref().is_none_or(|entry| entry.last.is_some())
    }
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

    /// What waits, the oldest first, and behind it what was tried in vain. A folder that isn't there is empty.
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
                waiting
                    .entry
                    .as_ref()
                    .map(|entry| (entry.last.is_some(), entry.queued_at)),
                waiting.at.clone(),
            )
        });
        Ok(waiting)
    }

    /// Puts a file into it; whether it wasn't there. One that waits already, for the same place and with the same content, does
    /// so once.
    ///
    /// # Errors
    /// When it can't be written: then the file doesn't wait.
    pub(super) fn add(&self, entry: &Entry) -> Result<bool, Failure> {
        let add = || {
            self.make_folder()?;
            sweep(&self.folder, HALF, entry.queued_at);
            self.write(entry)
        };
        add().map_err(|error| self.failed(&error))
    }

    fn write(&self, entry: &Entry) -> io::Result<bool> {
        let what = serde_json::to_string(&(&entry.to, &entry.job))?;
        let at = self
            .folder
            .join(format!("{}{SUFFIX}", Sha256::of(what.as_bytes())));
        let is_new = match self.half(entry)?.persist_noclobber(at) {
            Ok(_) => true,
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error.error),
        };
        File::open(&self.folder)?.sync_all()?;
        Ok(is_new)
    }

    fn half(&self, entry: &Entry) -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::with_prefix_in(HALF, &self.folder)?;
        file.write_all(&serde_json::to_vec_pretty(entry)?)?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    /// Notes what became of an entry, in whose place nobody else puts another one as long as there is a [`Turn`].
    ///
    /// # Errors
    /// When it can't be written: it waits as before then.
    pub(super) fn note(&self, at: &Path, entry: &Entry) -> Result<(), Failure> {
        let noted = self.half(entry).and_then(|file| Ok(file.persist(at)?));
        noted.map(|_| ()).map_err(|error| self.failed(&error))
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

/// An unfinished file that nobody has written to for so long is a dead run's.
const ABANDONED: SignedDuration = SignedDuration::from_hours(1);

/// Removes what dead runs have left of files that begin so: names of patients may be in it. What can't be removed stays.
pub(super) fn sweep(folder: &Path, prefix: &str, now: Timestamp) {
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_half = file
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(prefix));
        let modified = file.metadata().and_then(|metadata| metadata.modified());
        let modified = modified.ok().and_then(|time| Timestamp::try_from(time).ok());
        if is_half && modified.is_some_and(|at| now.duration_since(at) > ABANDONED) {
            let _ = fs::remove_file(file.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::job::Wish;
    use super::*;

    fn entry(path: &str, at: &str) -> Entry {
        Entry {
            queued_at: at.parse().unwrap(),
            to: Destination::Api {
                url: "https://files.example.com".to_owned(),
                caller: None,
            },
            last: None,
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
        assert!(queue.add(&entry("/a", "2025-11-14T12:00:01Z")).unwrap());
        assert!(queue.add(&old).unwrap());
        assert!(!queue.add(&entry("/b", "2025-11-15T12:00:00Z")).unwrap());
        let waiting = queue.waiting().unwrap();
        assert_eq!((waiting.len(), waiting[0].entry.as_ref()), (2, Some(&old)));
        queue.remove(&waiting[0].at).unwrap();
        queue.remove(&waiting[0].at).unwrap();
        assert_eq!(queue.waiting().unwrap().len(), 1);
    }

    #[test]
    fn what_was_tried_in_vain_goes_behind_and_is_no_second_entry() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::new(folder.path().to_owned());
        queue.add(&entry("/old", "2025-11-14T12:00:00Z")).unwrap();
        queue.add(&entry("/new", "2025-11-14T12:00:01Z")).unwrap();
        let first = queue.waiting().unwrap().remove(0);
        let noted = Entry {
            last: Some(Status::Queued),
            ..first.entry.unwrap()
        };
        queue.note(&first.at, &noted).unwrap();
        let waiting = queue.waiting().unwrap();
        assert_eq!((waiting.len(), waiting[1].entry.as_ref()), (2, Some(&noted)));
        assert!(!queue.add(&entry("/old", "2025-11-15T12:00:00Z")).unwrap());
    }

    #[test]
    fn what_a_killed_upload_has_left_goes_after_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        let half = folder.path().join(".entry-half");
        fs::write(&half, "{").unwrap();
        let queue = Queue::new(folder.path().to_owned());
        queue.add(&entry("/a", "2025-11-14T12:00:00Z")).unwrap();
        assert!(half.exists());
        queue.add(&entry("/b", "9999-01-01T00:00:00Z")).unwrap();
        assert!(!half.exists());
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
