//! What of a plan is done: JSON Lines beside it, one a file, each written when S3 has the file. Nothing in it is ever
//! changed, so that a run that was killed goes on where it was.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use casefile::digest::Sha256;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::plan::{line, private};
use crate::failure::Failure;

/// The first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Of {
    /// The plan's digest.
    journal_of: Sha256,
}

/// A file that S3 has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// Its place in the plan.
    entry: usize,
    version_id: Version,
    at: Timestamp,
}

/// The version that a file became, in a bucket that keeps versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version(Option<Box<str>>);

impl Version {
    pub(super) fn id(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl From<Option<String>> for Version {
    fn from(id: Option<String>) -> Self {
        Self(id.map(String::into_boxed_str))
    }
}

/// What is done, and which versions that made.
pub(super) type Done = BTreeMap<usize, Version>;

/// A journal that nobody else writes as long as this lives.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Opens a plan's journal, or begins one; what it says is done.
    ///
    /// # Errors
    /// When another run is at it, it is another plan's, or it can't be read and written.
    pub(super) fn open(path: &Path, plan: Sha256) -> Result<(Self, Done), Failure> {
        let failed = |error: io::Error| Failure::Failed(format!("{}: {error}", path.display()));
        let foreign = || {
            let path = path.display();
            Failure::Refused(format!(
                "{path} isn't the journal of this plan: move it away, or make the plan anew"
            ))
        };
        if path.is_symlink() {
            return Err(foreign());
        }
        let file = private()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let mut file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::Refused(
                    "another run is at this plan just now".to_owned(),
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let whole = whole_lines(&text);
        let of = Of { journal_of: plan };
        let first = line(&of).map_err(failed)?;
        // What is somebody else's stays as it is.
        let done = match whole {
            [] if first.starts_with(&text) => Some(Done::new()),
            [] => None,
            whole => read(whole, &of),
        };
        let done = done.ok_or_else(foreign)?;
        // The last line of a run that was killed in the middle of it.
        file.set_len(whole.len() as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut journal = Self {
            file,
            path: path.to_owned(),
        };
        if whole.is_empty() {
            journal.write(&of)?;
        }
        Ok((journal, done))
    }

    /// Notes a file that S3 has.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn note(&mut self, entry: usize, version_id: Version, at: Timestamp) -> Result<(), Failure> {
        self.write(&Note {
            entry,
            version_id,
            at,
        })
    }

    /// So that it outlives the machine.
    pub(super) fn sync(&self) {
        // What is missing is found in S3 the next time.
        let _ = self.file.sync_data();
    }

    fn write(&mut self, of: &impl Serialize) -> Result<(), Failure> {
        let written = line(of).and_then(|line| self.file.write_all(&line));
        written.map_err(|error| Failure::Failed(format!("{}: {error}", self.path.display())))
    }
}

fn whole_lines(text: &[u8]) -> &[u8] {
    let end = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    text.get(..end).unwrap_or_default()
}

fn read(text: &[u8], of: &Of) -> Option<Done> {
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let first: Of = serde_json::from_slice(lines.next()?).ok()?;
    if first != *of {
        return None;
    }
    let notes = lines.map(|line| {
        let note: Note = serde_json::from_slice(line).ok()?;
        Some((note.entry, note.version_id))
    });
    notes.collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_journal_is_taken_up_where_it_was_left_also_in_the_middle_of_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.journal");
        let plan = Sha256::of(b"plan");
        let v7 = Version(Some("v7".into()));
        let (mut journal, done) = Journal::open(&path, plan).unwrap();
        assert!(done.is_empty());
        journal.note(7, v7.clone(), Timestamp::UNIX_EPOCH).unwrap();
        journal.note(2, Version(None), Timestamp::UNIX_EPOCH).unwrap();
        assert!(
            matches!(Journal::open(&path, plan), Err(Failure::Refused(why)) if why.contains("another run"))
        );
        drop(journal);
        let whole = fs::read(&path).unwrap();
        let expected: Done = [(2, Version(None)), (7, v7.clone())].into();
        for cut in 1..40 {
            fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let (mut journal, done) = Journal::open(&path, plan).unwrap();
            assert_eq!(done, [(7, v7.clone())].into());
            journal.note(2, Version(None), Timestamp::UNIX_EPOCH).unwrap();
            drop(journal);
            assert_eq!(Journal::open(&path, plan).unwrap().1, expected);
        }
        assert!(matches!(
            Journal::open(&path, Sha256::of(b"x")),
            Err(Failure::Refused(_))
        ));
    }

    #[test]
    fn what_is_no_journal_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.journal");
        let plan = Sha256::of(b"plan");
        for text in [
            "not a journal\n",
            "one line",
            "{\"journal_of\":\"x\"}\nand a half",
        ] {
            fs::write(&path, text).unwrap();
            assert!(
                matches!(Journal::open(&path, plan), Err(Failure::Refused(_))),
                "{text}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        fs::write(&path, "{\"journal_of").unwrap();
        assert!(Journal::open(&path, plan).is_ok());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &link).unwrap();
        assert!(matches!(Journal::open(&link, plan), Err(Failure::Refused(_))));
        assert!(!folder.path().join("nowhere").exists());
    }
}
