//! Room for more: what was sent on goes, the oldest first, and nothing else does.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

use super::lists::{GOING, Listed, Listing, size_note};
use super::{LocalStore, NotKept};

impl LocalStore {
    /// Makes room for so many bytes.
    pub(super) fn make_room(&self, listing: &Listing, size: u64) -> Result<(), NotKept> {
        if size > self.max_bytes {
            return Err(NotKept::Full);
        }
        let mut too_many = listing.size.saturating_add(size).saturating_sub(self.max_bytes);
        if too_many == 0 {
            return Ok(());
        }
        for left in &listing.going {
            // What can't be removed now is tried again the next time.
            drop(fs::remove_dir_all(self.dir().join(left)));
        }
        for sent in self.sent_by_age(listing) {
            // Nor does one that can't be removed keep the others from going.
            if self.remove(sent).unwrap_or(false) {
                too_many = too_many.saturating_sub(sent.size);
            }
            if too_many == 0 {
                return Ok(());
            }
        }
        Err(NotKept::Full)
    }

    fn sent_by_age<'a>(&self, listing: &'a Listing) -> Vec<&'a Listed> {
        let mut sent: Vec<_> = listing.entries.iter().filter(|entry| entry.is_sent).collect();
        sent.sort_by_cached_key(|entry| sent_at(&self.sent_note(&entry.name)));
        sent
    }

    /// Removes an entry, whether it was sent on or is damaged: it is gone at once, its notes after it. `false` when
    /// somebody else was faster.
    pub(super) fn remove(&self, entry: &Listed) -> io::Result<bool> {
        let name = &entry.name;
        let going = self.dir().join(format!("{GOING}{name}"));
        if !is_done(fs::rename(self.path(name), &going))? {
            return Ok(false);
        }
        for note in [
            self.sent_note(name),
            self.refused_note(name),
            self.dir().join(size_note(name, entry.size)),
        ] {
            is_done(fs::remove_file(note))?;
        }
        is_done(fs::remove_dir_all(&going))?;
        Ok(true)
    }
}

/// Whether there was something to do it with.
pub(super) fn is_done(step: io::Result<()>) -> io::Result<bool> {
    match step {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn sent_at(note: &Path) -> SystemTime {
    let modified = fs::metadata(note).and_then(|note| note.modified());
    modified.unwrap_or(SystemTime::UNIX_EPOCH)
}
