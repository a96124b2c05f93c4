//! A bucket's folder: names, and the steps that make a write durable and whole.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::version::{Part, Version, Versioning};
use super::view::{View, remove_if_there};

/// `bucket.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BucketRecord {
    pub created: Timestamp,
    pub versioning: Versioning,
}

/// A file under `tmp/`, removed unless it is moved away.
#[derive(Debug)]
pub(crate) struct TempFile {
    path: PathBuf,
}

impl TempFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if let Err(error) = remove_if_there(&self.path) {
            tracing::warn!(%error, "a temporary file stays until the next start");
        }
    }
}

#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
    pub(super) view: View,
    sync: bool,
}

impl Disk {
    pub(super) fn new(root: PathBuf, sync: bool) -> Self {
        let view = View::new(root.join("objects"));
        Self { root, view, sync }
    }

    /// Makes the folders, and empties `tmp/`.
    pub(super) fn prepare(&self) -> io::Result<()> {
        for name in ["meta", "uploads", "objects"] {
            fs::create_dir_all(self.root.join(name))?;
        }
        let tmp = self.root.join("tmp");
        if tmp.exists() {
            fs::remove_dir_all(&tmp)?;
        }
        fs::create_dir(tmp)
    }

    pub(super) fn destroy(&self) -> io::Result<()> {
        // Without its record the folder is no bucket, whatever of it is left.
        fs::remove_file(self.bucket_record())?;
        fs::remove_dir_all(&self.root)
    }

    pub(super) fn bucket_record(&self) -> PathBuf {
        self.root.join("bucket.json")
    }

    /// A free name; `seq` is one that nobody else has.
    pub(super) fn temp(&self, seq: u64) -> TempFile {
        TempFile {
            path: self.root.join("tmp").join(format!("{seq:016x}")),
        }
    }

    pub(super) fn blob(&self, seq: u64) -> PathBuf {
        self.meta(seq, "data")
    }

    fn record(&self, seq: u64) -> PathBuf {
        self.meta(seq, "json")
    }

    fn meta(&self, seq: u64, extension: &str) -> PathBuf {
        self.root
            .join("meta")
            .join(format!("{:02x}", seq & 0xff))
            .join(format!("{seq:016x}.{extension}"))
    }

    /// Stores a version. It exists once this returns, and not at all when this fails.
    pub(super) fn store(&self, version: &Version, bytes: Option<&TempFile>) -> io::Result<()> {
        if let Some(parent) = self.record(version.seq).parent() {
            fs::create_dir_all(parent)?;
        }
        if let Some(bytes) = bytes {
            fs::rename(bytes.path(), self.blob(version.seq))?;
        }
        let record = self.record(version.seq);
        let written = self.write_json(&record, version.seq, version);
        // The record may be in its place, and only its folder's sync have failed.
        if written.is_err() && remove_if_there(&record).is_ok() {
            let _ = remove_if_there(&self.blob(version.seq));
        }
        written
    }

    /// Replaces what is recorded of a version, at once.
    pub(super) fn rewrite(&self, version: &Version) -> io::Result<()> {
        self.write_json(&self.record(version.seq), version.seq, version)
    }

    /// Removes a version: gone once its record is, whatever follows. Bytes without one are swept at the next start.
    pub(super) fn remove(&self, seq: u64) -> io::Result<()> {
        let record = self.record(seq);
        remove_if_there(&record)?;
        let rest = self
            .sync_folder(&record)
            .and_then(|()| remove_if_there(&self.blob(seq)));
        if let Err(error) = rest {
            tracing::warn!(%error, "a removed version's bytes stay until the next start");
        }
        Ok(())
    }

    pub(super) fn write_json(&self, path: &Path, seq: u64, value: &impl Serialize) -> io::Result<()> {
        let temp = TempFile {
            path: self.root.join("tmp").join(format!("{seq:016x}.json")),
        };
        let mut file = File::create(temp.path())?;
        file.write_all(&serde_json::to_vec(value)?)?;
        if self.sync {
            file.sync_all()?;
        }
        fs::rename(temp.path(), path)?;
        self.sync_folder(path)
    }

    /// A rename is on the disk once its folder is.
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        match path.parent() {
            Some(parent) if self.sync => File::open(parent)?.sync_all(),
            _ => Ok(()),
        }
    }

    pub(super) fn upload_folder(&self, upload: &str) -> PathBuf {
        self.root.join("uploads").join(upload)
    }

    pub(super) fn part_bytes(&self, upload: &str, part: &Part) -> PathBuf {
        self.upload_folder(upload)
            .join(format!("{}-{:016x}.data", part.number, part.seq))
    }

    pub(super) fn part_record(&self, upload: &str, number: i32) -> PathBuf {
        self.upload_folder(upload).join(format!("{number}.json"))
    }

    /// Every version that was committed. Sweeps bytes that belong to none, and sets aside records that can't be read.
    pub(super) fn load_versions(&self) -> io::Result<Vec<Version>> {
        let mut versions = Vec::new();
        for folder in folders(&self.root.join("meta"))? {
            let (records, others) = json_files(&folder)?;
            for record in &records {
                match readable(record)? {
                    Some(version) => versions.push(version),
                    None => self.set_aside(&[record, &record.with_extension("data")])?,
                }
            }
            for other in others
                .iter()
                .filter(|other| !records.contains(&other.with_extension("json")))
            {
                remove_if_there(other)?;
            }
        }
        Ok(versions)
    }

    /// Keeps what can't be used, where nothing sweeps it.
    pub(super) fn set_aside(&self, paths: &[&Path]) -> io::Result<()> {
        let broken = self.root.join("broken");
        fs::create_dir_all(&broken)?;
        for path in paths.iter().filter(|path| path.exists()) {
            fs::rename(path, broken.join(path.file_name().unwrap_or_default()))?;
        }
        Ok(())
    }

    pub(super) fn load_upload_folders(&self) -> io::Result<Vec<PathBuf>> {
        folders(&self.root.join("uploads"))
    }
}

/// The folders in a folder; whatever else lies there is none of this store's.
fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let paths = paths.collect::<io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}

/// A record, or nothing and a warning when the file holds none: after a power failure it may be empty.
pub(super) fn readable<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match read_json(path) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            tracing::warn!(%error, "a record can't be read and is set aside");
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// The `.json` files of a folder, and the rest.
pub(super) fn json_files(folder: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let paths = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    Ok(paths
        .into_iter()
        .partition(|path| path.extension().is_some_and(|extension| extension == "json")))
}

/// # Errors
/// `InvalidData` names the file when it holds something else.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    serde_json::from_slice(&fs::read(path)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_without_a_record_is_removed_whatever_becomes_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path().to_owned(), true);
        // A folder in their place can't be removed as a file.
        fs::create_dir_all(disk.blob(1)).unwrap();
        fs::write(disk.record(1), "{}").unwrap();
        disk.remove(1).unwrap();
        assert!(!disk.record(1).exists());
    }
}
