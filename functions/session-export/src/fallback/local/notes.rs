//! What is noted beside an entry: that it was sent on, or that S3 has refused it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use casefile::id::TimeId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::lists::{REFUSED, SENT, WRITING};
use super::name::EntryName;
use super::room::is_done;
use super::{LocalStore, damaged, write};

/// Why an entry isn't in S3, and won't be as things are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// When that was said.
    pub at: Timestamp,
    /// Why.
    pub detail: String,
}

impl LocalStore {
    /// Whether an entry was sent on.
    pub fn is_sent(&self, name: &EntryName) -> bool {
        self.sent_note(name).exists()
    }

    /// Notes that an entry was sent on, and what became of it.
    ///
    /// # Errors
    /// When that can't be written; the entry counts as waiting then.
    pub fn mark_sent(&self, name: &EntryName, note: &impl Serialize, id: TimeId) -> io::Result<()> {
        if self.path(name).exists() {
            self.note(&self.sent_note(name), note, id)?;
        }
        is_done(fs::remove_file(self.refused_note(name))).map(drop)
    }

    /// Why an entry was refused, if it was.
    pub fn refusal(&self, name: &EntryName) -> Option<Refusal> {
        let note = fs::read(self.refused_note(name)).ok()?;
        serde_json::from_slice(&note).ok()
    }

    /// Notes that an entry was refused.
    ///
    /// # Errors
    /// When that can't be written.
    pub fn mark_refused(&self, name: &EntryName, note: &Refusal, id: TimeId) -> io::Result<()> {
        self.note(&self.refused_note(name), note, id)
    }

    fn note(&self, path: &Path, note: &impl Serialize, id: TimeId) -> io::Result<()> {
        let note = serde_json::to_vec_pretty(note).map_err(|_| damaged())?;
        let draft = self.dir().join(format!("{WRITING}0_{id}"));
        write::write_file(&draft, &note)?;
        fs::rename(&draft, path)?;
        write::sync_folder(self.dir())
    }

    pub(super) fn sent_note(&self, name: &EntryName) -> PathBuf {
        self.dir().join(format!("{name}{SENT}"))
    }

    pub(super) fn refused_note(&self, name: &EntryName) -> PathBuf {
        self.dir().join(format!("{name}{REFUSED}"))
    }
}
