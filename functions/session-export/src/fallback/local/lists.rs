//! What lies in the folder, by names alone; and room for more.

use std::collections::HashSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

use super::name::EntryName;
use super::{LocalStore, NotKept};

/// What the name of something half-written begins with, before its size.
pub(super) const WRITING: &str = "writing_";
/// What is on its way out.
const GOING: &str = "going_";
/// What the note about an entry that was sent on ends with.
pub(super) const SENT: &str = ".sent.json";

/// A complete entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: EntryName,
    /// Whether it was sent on.
    pub is_sent: bool,
}

/// What lies in the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Complete entries.
    pub entries: Vec<Listed>,
    /// How many are half-written: under way, or left behind.
    pub unfinished: usize,
    /// What all of it takes, in bytes.
    pub size: u64,
    /// What was about to be removed when somebody was stopped.
    going: Vec<String>,
}

impl Listing {
    pub(super) fn twin(&self, name: &EntryName) -> Option<&Listed> {
        self.entries.iter().find(|entry| entry.name.is_twin(name))
    }

    /// Whether another request about the same is kept.
    pub(super) fn has_other(&self, name: &EntryName) -> bool {
        let mut others = self.entries.iter().filter(|entry| !entry.name.is_twin(name));
        others.any(|entry| entry.name.is_about_the_same(name))
    }
}

impl LocalStore {
    /// Looks what there is.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn list(&self) -> io::Result<Listing> {
        let mut listing = Listing::default();
        let mut sent = HashSet::new();
        for entry in fs::read_dir(self.dir())? {
            let name = entry?.file_name();
            let Some(name) = name.to_str() else {
                continue;
            };
            if name.starts_with(GOING) {
                listing.going.push(name.to_owned());
            } else if let Some(rest) = name.strip_prefix(WRITING) {
                listing.unfinished += 1;
                let size = rest.split_once('_').and_then(|(size, _)| size.parse().ok());
                listing.size = listing.size.saturating_add(size.unwrap_or(0));
            } else if let Some(entry) = name.strip_suffix(SENT) {
                sent.extend(EntryName::parse(entry));
            } else if let Some(name) = EntryName::parse(name) {
                listing.size = listing.size.saturating_add(name.size());
                listing.entries.push(Listed { name, is_sent: false });
            }
        }
        for entry in &mut listing.entries {
            entry.is_sent = sent.contains(&entry.name);
        }
        Ok(listing)
    }

    /// Makes room for so many bytes: what was sent on goes, the oldest first.
    pub(super) fn make_room(&self, listing: &Listing, size: u64) -> Result<(), NotKept> {
        let mut too_many = listing.size.saturating_add(size).saturating_sub(self.max_bytes);
        if too_many == 0 {
            return Ok(());
        }
        for left in &listing.going {
            // What can't be removed now is tried again the next time.
            drop(fs::remove_dir_all(self.dir().join(left)));
        }
        for name in self.sent_by_age(listing) {
            if self.remove(&name)? {
                too_many = too_many.saturating_sub(name.size());
            }
            if too_many == 0 {
                return Ok(());
            }
        }
        Err(NotKept::Full)
    }

    fn sent_by_age(&self, listing: &Listing) -> Vec<EntryName> {
        let sent = listing.entries.iter().filter(|entry| entry.is_sent);
        let mut sent: Vec<_> = sent
            .map(|entry| (sent_at(&self.mark(&entry.name)), entry.name.clone()))
            .collect();
        sent.sort();
        sent.into_iter().map(|(_, name)| name).collect()
    }

    /// Removes an entry that was sent on. Its note goes first: whoever removes that decides what becomes of the entry, and
    /// should this end early, it is sent again.
    fn remove(&self, name: &EntryName) -> io::Result<bool> {
        if !is_done(fs::remove_file(self.mark(name)))? {
            return Ok(false);
        }
        let going = self.dir().join(format!("{GOING}{name}"));
        Ok(is_done(fs::rename(self.path(name), &going))? && is_done(fs::remove_dir_all(&going))?)
    }
}

/// Whether there was something to do it with.
fn is_done(step: io::Result<()>) -> io::Result<bool> {
    match step {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn sent_at(mark: &Path) -> SystemTime {
    let modified = fs::metadata(mark).and_then(|mark| mark.modified());
    modified.unwrap_or(SystemTime::UNIX_EPOCH)
}
