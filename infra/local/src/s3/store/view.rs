//! `objects/`: the current objects as plain files, for people to look at.
//!
//! Made of hard links to the versions' bytes. It is never read from, and when a file can't be shown (a path
//! longer than the system takes) the object is stored all the same.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::key_path::{BESIDE_FOLDER, components};

#[derive(Debug)]
pub(super) struct View {
    root: PathBuf,
}

impl View {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Shows `blob` as `key`, instead of whatever was shown before. `scratch` is a free name beside it.
    pub(super) fn show(&self, key: &str, blob: &Path, scratch: &Path) -> io::Result<()> {
        let mut folders = components(key);
        let name = folders.pop().unwrap_or_default();
        let folder = self.make_folders(&folders)?;
        let plain = folder.join(&name);
        let beside = folder.join(format!("{name}{BESIDE_FOLDER}"));
        link(blob, scratch)?;
        let target = if plain.is_dir() { &beside } else { &plain };
        fs::rename(scratch, target)?;
        if target == &plain {
            remove_if_there(&beside)?;
        }
        // Renaming one link of a file over another link of it does nothing: the scratch name stays.
        remove_if_there(scratch)
    }

    /// Stops showing `key`, and removes the folders this leaves empty.
    pub(super) fn hide(&self, key: &str) -> io::Result<()> {
        let mut folders = components(key);
        let name = folders.pop().unwrap_or_default();
        let mut folder = self.root.clone();
        folder.extend(&folders);
        let plain = folder.join(&name);
        if !plain.is_dir() {
            remove_if_there(&plain)?;
        }
        remove_if_there(&folder.join(format!("{name}{BESIDE_FOLDER}")))?;
        while folder != self.root && fs::remove_dir(&folder).is_ok() {
            folder.pop();
        }
        Ok(())
    }

    /// Shows exactly `current`, rebuilding the folder when it shows anything else.
    pub(super) fn repair(&self, current: &[(String, PathBuf)], scratch: &Path) -> io::Result<()> {
        fs::create_dir_all(&self.root)?;
        if self.shows_exactly(current)? {
            return Ok(());
        }
        fs::remove_dir_all(&self.root)?;
        fs::create_dir_all(&self.root)?;
        for (key, blob) in current {
            if let Err(error) = self.show(key, blob, scratch) {
                tracing::warn!(%error, "an object can't be shown as a file");
            }
        }
        Ok(())
    }

    fn shows_exactly(&self, current: &[(String, PathBuf)]) -> io::Result<bool> {
        let all_there = current.iter().all(|(key, blob)| self.shows(key, blob));
        Ok(all_there && count_files(&self.root)? == current.len())
    }

    fn shows(&self, key: &str, blob: &Path) -> bool {
        let path = self.root.join(components(key).join("/"));
        let mut beside = path.clone().into_os_string();
        beside.push(BESIDE_FOLDER);
        let Ok(blob) = fs::metadata(blob) else {
            return false;
        };
        [path, beside.into()]
            .iter()
            .filter_map(|shown| fs::symlink_metadata(shown).ok())
            .any(|shown| same_file(&shown, &blob))
    }

    /// A file where a folder must be makes room: it moves to its name beside the folder.
    fn make_folders(&self, folders: &[String]) -> io::Result<PathBuf> {
        let mut path = self.root.clone();
        path.extend(folders);
        if fs::create_dir_all(&path).is_ok() {
            return Ok(path);
        }
        let mut path = self.root.clone();
        for name in folders {
            let beside = path.join(format!("{name}{BESIDE_FOLDER}"));
            path.push(name);
            if path.is_file() {
                fs::rename(&path, beside)?;
            }
            fs::create_dir_all(&path)?;
        }
        Ok(path)
    }
}

/// A hard link, or a copy where the file system has none.
pub(super) fn link(from: &Path, to: &Path) -> io::Result<()> {
    remove_if_there(to)?;
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn count_files(folder: &Path) -> io::Result<usize> {
    let mut files = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files += if entry.file_type()?.is_dir() {
            count_files(&entry.path())?
        } else {
            1
        };
    }
    Ok(files)
}

#[cfg(unix)]
fn same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> (tempfile::TempDir, View) {
        let dir = tempfile::tempdir().unwrap();
        let view = View::new(dir.path().join("objects"));
        fs::create_dir_all(dir.path().join("objects")).unwrap();
        (dir, view)
    }

    fn show(dir: &Path, view: &View, key: &str) -> PathBuf {
        let blob = dir.join(format!("blob-{}", key.len()));
        fs::write(&blob, key).unwrap();
        view.show(key, &blob, &dir.join("scratch")).unwrap();
        blob
    }

    #[test]
    fn a_file_and_a_folder_of_one_name_are_both_shown_in_either_order() {
        for keys in [["a", "a/b"], ["a/b", "a"]] {
            let (dir, view) = view();
            for key in keys {
                show(dir.path(), &view, key);
            }
            assert_eq!(
                fs::read_to_string(dir.path().join("objects/a%file")).unwrap(),
                "a"
            );
            assert_eq!(fs::read_to_string(dir.path().join("objects/a/b")).unwrap(), "a/b");
        }
    }

    #[test]
    fn hiding_the_last_file_removes_the_empty_folders() {
        let (dir, view) = view();
        show(dir.path(), &view, "a/b/c");
        view.hide("a/b/c").unwrap();
        assert_eq!(fs::read_dir(dir.path().join("objects")).unwrap().count(), 0);
    }

    #[test]
    fn showing_the_same_file_again_leaves_no_scratch_behind() {
        let (dir, view) = view();
        let blob = show(dir.path(), &view, "a");
        view.show("a", &blob, &dir.path().join("scratch")).unwrap();
        assert!(!dir.path().join("scratch").exists());
    }

    #[test]
    fn a_view_that_was_tampered_with_is_rebuilt() {
        let (dir, view) = view();
        let current = vec![("a/b".to_owned(), show(dir.path(), &view, "a/b"))];
        fs::remove_file(dir.path().join("objects/a/b")).unwrap();
        fs::write(dir.path().join("objects/stray"), "stray").unwrap();
        view.repair(&current, &dir.path().join("scratch")).unwrap();
        assert!(dir.path().join("objects/a/b").exists());
        assert!(!dir.path().join("objects/stray").exists());
    }
}
