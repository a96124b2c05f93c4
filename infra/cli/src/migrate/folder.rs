//! What lies in a folder and below it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// Something that was found, by its path below the folder, with `/` between its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) file: String,
    /// Where it is to be read.
    pub(super) at: PathBuf,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    File(Stat),
    /// It isn't taken: why.
    Other(String),
}

/// A file's size and time, by which a change is noticed without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// In bytes.
    pub(super) size: u64,
    pub(super) modified_at: Timestamp,
}

/// Why a file can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unread {
    pub(super) why: String,
    /// The disk or the network is at fault, and not the file: it may be read another time.
    pub(super) may_pass: bool,
}

impl Unread {
    fn no_file(why: &str) -> Self {
        let why = why.to_owned();
        Self { why, may_pass: false }
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self {
            why: format!("it can't be read: {error}"),
            may_pass: error.kind() != io::ErrorKind::NotFound,
        }
    }
}

impl From<Unread> for String {
    fn from(unread: Unread) -> Self {
        unread.why
    }
}

impl Stat {
    /// # Errors
    /// When it is no file of its own, or can't be looked at.
    pub(super) fn of(path: &Path) -> Result<Self, Unread> {
        let metadata = fs::symlink_metadata(path)?;
        if metadata.is_symlink() {
            return Err(Unread::no_file(
                "it is a symbolic link, and links aren't followed",
            ));
        }
        if !metadata.is_file() {
            return Err(Unread::no_file("it is neither a file nor a folder"));
        }
        let modified = metadata.modified()?;
        Ok(Self {
            size: metadata.len(),
            modified_at: Timestamp::try_from(modified).unwrap_or(Timestamp::UNIX_EPOCH),
        })
    }
}

/// All files below a folder, by their paths. Of hidden folders and links, only that they are there.
///
/// # Errors
/// When the folder itself can't be read.
pub(super) fn walk(folder: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut waiting = list(folder, "")?;
    while let Some((file, at)) = waiting.pop() {
        let other = |why: String| Found {
            file: file.clone(),
            at: at.clone(),
            kind: Kind::Other(why),
        };
        if let Some(why) = unfit(&at) {
            found.push(other(why));
        } else if fs::symlink_metadata(&at).is_ok_and(|metadata| metadata.is_dir()) {
            match list(&at, &format!("{file}/")) {
                Ok(more) => waiting.extend(more),
                Err(error) => found.push(other(Unread::from(error).why)),
            }
        } else {
            found.push(match Stat::of(&at) {
                Ok(stat) => Found {
                    kind: Kind::File(stat),
                    ..other(String::new())
                },
                Err(unread) => other(unread.why),
            });
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(found)
}

/// Why nothing of this name is taken.
fn unfit(path: &Path) -> Option<String> {
    match path.file_name().and_then(|name| name.to_str()) {
        None => Some("its name isn't UTF-8".to_owned()),
        Some(name) if name.starts_with('.') => Some("it is hidden: its name begins with a dot".to_owned()),
        Some(_) => None,
    }
}

fn list(folder: &Path, prefix: &str) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = fs::read_dir(folder)?;
    let named = entries.map(|entry| {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok((format!("{prefix}{name}"), path))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plain_file_is_found_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("deep/er")).unwrap();
        fs::create_dir_all(at(".git/objects")).unwrap();
        fs::write(at("deep/er/ü.pdf"), "x").unwrap();
        fs::write(at(".DS_Store"), "x").unwrap();
        fs::write(at("a.pdf"), "xyz").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(at("a.pdf"), at("link.pdf")).unwrap();
        let found = walk(folder.path()).unwrap();
        let names: Vec<_> = found.iter().map(|found| found.file.as_str()).collect();
        assert_eq!(names, [".DS_Store", ".git", "a.pdf", "deep/er/ü.pdf", "link.pdf"]);
        assert!(matches!(&found[0].kind, Kind::Other(why) if why.contains("hidden")));
        assert!(matches!(found[2].kind, Kind::File(Stat { size: 3, .. })));
        assert!(matches!(&found[4].kind, Kind::Other(why) if why.contains("symbolic link")));
        assert!(walk(&at("nowhere")).is_err());
    }
}
