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
        let written = self.write_json(&self.record(version.seq), version.seq, version);
        if written.is_err() {
            let _ = remove_if_there(&self.blob(version.seq));
        }
        written
    }

    /// Replaces what is recorded of a version, at once.
    pub(super) fn rewrite(&self, version: &Version) -> io::Result<()> {
        self.write_json(&self.record(version.seq), version.seq, version)
    }

    /// Removes a version: gone once its record is, and bytes without one are swept at the next start.
    pub(super) fn remove(&self, seq: u64) -> io::Result<()> {
        remove_if_there(&self.record(seq))?;
        remove_if_there(&self.blob(seq))
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

    /// Every version that was committed. Sweeps bytes that belong to none.
    pub(super) fn load_versions(&self) -> io::Result<Vec<Version>> {
        let mut versions = Vec::new();
        for folder in fs::read_dir(self.root.join("meta"))? {
            let (records, others) = json_files(&folder?.path())?;
            for record in records {
                versions.push(read_json(&record)?);
            }
            for other in others
                .iter()
                .filter(|other| !other.with_extension("json").exists())
            {
                remove_if_there(other)?;
            }
        }
        Ok(versions)
    }

    pub(super) fn load_upload_folders(&self) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(self.root.join("uploads"))?
            .map(|entry| Ok(entry?.path()))
            .collect()
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
