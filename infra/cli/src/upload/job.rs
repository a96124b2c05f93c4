//! A file that is to be sent, by what it is: so that one that changes on the way, or while it waits, is noticed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use casefile::digest::{Hasher, Sha256};
use serde::{Deserialize, Serialize};

const PIECE: usize = 1024 * 1024;
const CHANGED: &str = "it has changed since it was read first; name it again to send it as it is now";

/// Where a file is to go, beside its place: the same for all files of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wish {
    pub(super) collection: String,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) owner: Option<String>,
    #[serde(default)]
    pub(super) replaces: Option<String>,
}

/// A file, and where it is to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    /// Absolute.
    pub(super) path: PathBuf,
    /// In bytes.
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    #[serde(flatten)]
    pub(super) wish: Wish,
}

impl Job {
    /// Reads a file once. Nothing of it stays in memory.
    ///
    /// # Errors
    /// Why it can't be sent.
    pub(super) async fn read(path: PathBuf, wish: Wish) -> Result<Self, String> {
        let (size, sha256) = seen(&path).await?;
        if size == 0 {
            return Err("it is empty".to_owned());
        }
        Ok(Self {
            path,
            size,
            sha256,
            wish,
        })
    }

    /// That it is still what it was.
    ///
    /// # Errors
    /// When it isn't, or is gone.
    pub(super) async fn check(&self) -> Result<(), String> {
        let is_same = seen(&self.path).await? == (self.size, self.sha256);
        is_same.then_some(()).ok_or_else(|| CHANGED.to_owned())
    }

    /// A small file's content.
    ///
    /// # Errors
    /// When it isn't what it was.
    pub(super) fn content(&self) -> Result<Bytes, String> {
        let bytes = fs::read(&self.path).map_err(|error| unreadable(&error))?;
        let is_same = Sha256::of(&bytes) == self.sha256;
        is_same
            .then(|| Bytes::from(bytes))
            .ok_or_else(|| CHANGED.to_owned())
    }

    /// Without its folders.
    pub(super) fn name(&self) -> &str {
        let name = self.path.file_name().and_then(|name| name.to_str());
        name.unwrap_or_default()
    }
}

/// A path that can be written down: absolute, and UTF-8.
///
/// # Errors
/// When it can't.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, String> {
    let path = std::path::absolute(path).map_err(|error| unreadable(&error))?;
    match path.to_str() {
        Some(_) => Ok(path),
        None => Err("its path isn't UTF-8, so no log can hold it: rename it first".to_owned()),
    }
}

/// A path that can't be written down as it is, as people read it: absolute as far as that can be told.
pub(super) fn shown(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.to_string_lossy().into_owned().into()
}

async fn seen(path: &Path) -> Result<(u64, Sha256), String> {
    let path = path.to_owned();
    let seen = tokio::task::spawn_blocking(move || hash(&path)).await;
    seen.unwrap_or_else(|_| Err("it can't be read".to_owned()))
}

fn hash(path: &Path) -> Result<(u64, Sha256), String> {
    let failed = |error: io::Error| unreadable(&error);
    let mut file = File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err("it is no file; name the files themselves".to_owned());
    }
    let mut hasher = Hasher::default();
    let mut piece = vec![0; PIECE];
    let mut size = 0;
    loop {
        let read = file.read(&mut piece).map_err(failed)?;
        if read == 0 {
            return Ok((size, hasher.finish()));
        }
        hasher.update(piece.get(..read).unwrap_or_default());
        size += read as u64;
    }
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it isn't there".to_owned(),
        _ => format!("it can't be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_utf_8_is_refused_and_can_be_told_in_json() {
        use std::os::unix::ffi::OsStrExt as _;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"report-\xff.pdf"));
        assert!(absolute(path).unwrap_err().contains("isn't UTF-8"));
        let shown = shown(path);
        assert!(shown.is_absolute() && serde_json::to_string(&shown).is_ok());
    }

    #[tokio::test]
    async fn a_file_that_has_changed_or_is_gone_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report ü.pdf");
        let wish = Wish {
            collection: "ecg-reports".to_owned(),
            metadata: BTreeMap::new(),
            owner: None,
            replaces: None,
        };
        assert_eq!(
            Job::read(path.clone(), wish.clone()).await.unwrap_err(),
            "it isn't there"
        );
        fs::write(&path, "").unwrap();
        assert_eq!(
            Job::read(path.clone(), wish.clone()).await.unwrap_err(),
            "it is empty"
        );
        fs::write(&path, "content").unwrap();
        let job = Job::read(path.clone(), wish.clone()).await.unwrap();
        assert_eq!((job.size, job.name()), (7, "report ü.pdf"));
        assert_eq!(
            (job.check().await, job.content().unwrap().as_ref()),
            (Ok(()), b"content".as_ref())
        );
        fs::write(&path, "CONTENT").unwrap();
        assert!(job.check().await.unwrap_err().contains("changed") && job.content().is_err());
        assert!(
            Job::read(folder.path().to_owned(), wish)
                .await
                .unwrap_err()
                .contains("no file")
        );
    }
}
