//! What lies in the folder, by names alone.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;

use super::LocalStore;
use super::name::EntryName;

/// What the name of something half-written begins with, before its size.
pub(super) const WRITING: &str = "writing_";
/// What is on its way out.
pub(super) const GOING: &str = "going_";
/// What the note about an entry that was sent on ends with.
pub(super) const SENT: &str = ".sent.json";
/// And that about one that S3 has refused.
pub(super) const REFUSED: &str = ".refused.json";
/// And that about its size, which the name says itself.
const SIZE: &str = ".size";

/// A complete entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: EntryName,
    /// What it takes on the disk, in bytes; 0 when whoever kept it was stopped before it said so.
    pub size: u64,
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
    pub(super) going: Vec<String>,
}

impl Listing {
    pub(super) fn find(&self, name: &EntryName) -> Option<&Listed> {
        self.entries.iter().find(|entry| entry.name == *name)
    }

    /// Whether another request about the same is kept.
    pub(super) fn has_other(&self, name: &EntryName) -> bool {
        let mut others = self.entries.iter().filter(|entry| entry.name != *name);
        others.any(|entry| entry.name.subject() == name.subject())
    }
}

impl LocalStore {
    /// Looks what there is.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn list(&self) -> io::Result<Listing> {
        let mut listing = Listing::default();
        let mut names = Vec::new();
        let mut sent = HashSet::new();
        let mut sizes = HashMap::new();
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
            } else if let Some((entry, size)) = read_size(name) {
                sizes.insert(entry, size);
            } else {
                names.extend(EntryName::parse(name));
            }
        }
        for name in names {
            let size = sizes.get(&name).copied().unwrap_or(0);
            listing.size = listing.size.saturating_add(size);
            listing.entries.push(Listed {
                size,
                is_sent: sent.contains(&name),
                name,
            });
        }
        Ok(listing)
    }
}

/// What a size is noted under.
pub(super) fn size_note(name: &EntryName, size: u64) -> String {
    format!("{name}.{size}{SIZE}")
}

fn read_size(note: &str) -> Option<(EntryName, u64)> {
    let (entry, size) = note.strip_suffix(SIZE)?.rsplit_once('.')?;
    Some((EntryName::parse(entry)?, size.parse().ok()?))
}
