//! Multipart uploads that are under way.
//!
//! Source: "Uploading and copying objects using multipart upload" (user guide).

use std::collections::BTreeMap;
use std::fs;
use std::io;

use jiff::Timestamp;
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::bucket::{Bucket, State};
use super::checksum::{Algorithm, Kind};
use super::disk::{Disk, TempFile, json_files, readable};
use super::version::{Attributes, Part};
use super::{disk_error, place, whole_second};

/// `upload.json`, and the parts beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub id: String,
    pub key: String,
    pub initiated: Timestamp,
    pub attributes: Attributes,
    /// What the client asked for; without it, parts get S3's default and the object a full checksum.
    pub algorithm: Option<Algorithm>,
    pub kind: Kind,
    #[serde(skip)]
    pub parts: BTreeMap<i32, Part>,
}

impl Upload {
    pub(crate) fn part_algorithm(&self) -> Algorithm {
        self.algorithm.unwrap_or(Algorithm::DEFAULT)
    }
}

impl State {
    /// # Errors
    /// `NoSuchUpload`, also when the id belongs to another key.
    pub(crate) fn upload(&self, id: &str, key: &str) -> S3Result<&Upload> {
        self.uploads.get(id).filter(|upload| upload.key == key).ok_or_else(|| {
            s3_error!(
                NoSuchUpload,
                "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
            )
        })
    }
}

impl Bucket {
    /// # Errors
    /// `InternalError` when the disk fails.
    pub(crate) fn start_upload(
        &self,
        key: String,
        attributes: Attributes,
        algorithm: Option<Algorithm>,
        kind: Kind,
    ) -> S3Result<Upload> {
        let seq = self.shared.next_seq();
        let id = self.opaque(&key, seq);
        let initiated = whole_second(self.shared.now());
        let upload = Upload {
            id,
            key,
            initiated,
            attributes,
            algorithm,
            kind,
            parts: BTreeMap::new(),
        };
        let mut state = self.write()?;
        self.store_upload(&upload, seq).map_err(disk_error)?;
        state.uploads.insert(upload.id.clone(), upload.clone());
        Ok(upload)
    }

    fn store_upload(&self, upload: &Upload, seq: u64) -> io::Result<()> {
        let folder = self.disk.upload_folder(&upload.id);
        fs::create_dir_all(&folder)?;
        self.disk.write_json(&folder.join("upload.json"), seq, upload)
    }

    /// Keeps a part; one with the same number is replaced.
    ///
    /// # Errors
    /// `NoSuchUpload`, and `InternalError` when the disk fails.
    pub(crate) fn put_part(
        &self,
        upload: &str,
        key: &str,
        mut part: Part,
        bytes: &TempFile,
    ) -> S3Result<Part> {
        let mut state = self.write()?;
        state.upload(upload, key)?;
        part.seq = self.shared.next_seq();
        part.modified = whole_second(self.shared.now());
        place(bytes, &self.disk.part_bytes(upload, &part)).map_err(disk_error)?;
        let record = self.disk.part_record(upload, part.number);
        self.disk
            .write_json(&record, part.seq, &part)
            .map_err(disk_error)?;
        let parts = state.uploads.get_mut(upload).map(|upload| &mut upload.parts);
        if let Some(old) = parts.and_then(|parts| parts.insert(part.number, part.clone())) {
            // What stays is swept with the upload.
            let _ = fs::remove_file(self.disk.part_bytes(upload, &old));
        }
        Ok(part)
    }

    /// The parts' bytes, in this order. Each is opened when its turn comes: 10,000 are more than a process may hold.
    pub(crate) fn open_parts(
        &self,
        upload: &str,
        parts: &[Part],
    ) -> impl Iterator<Item = io::Result<fs::File>> {
        parts
            .iter()
            .map(move |part| fs::File::open(self.disk.part_bytes(upload, part)))
    }

    /// # Errors
    /// `NoSuchUpload`.
    pub(crate) fn abort_upload(&self, id: &str, key: &str) -> S3Result<()> {
        let mut state = self.write()?;
        state.upload(id, key)?;
        if let Some(upload) = state.uploads.remove(id) {
            self.discard(&upload);
        }
        Ok(())
    }

    /// Without `upload.json` the folder is none, whatever of it is left.
    pub(super) fn discard(&self, upload: &Upload) {
        let folder = self.disk.upload_folder(&upload.id);
        let removed = fs::remove_file(folder.join("upload.json")).and_then(|()| fs::remove_dir_all(folder));
        if let Err(error) = removed {
            tracing::warn!(%error, "a finished upload's parts stay until the next start");
        }
    }
}

impl Disk {
    /// Sweeps the folders of uploads that are over, and parts' bytes that were replaced or never recorded.
    pub(super) fn load_uploads(&self) -> io::Result<Vec<Upload>> {
        let mut uploads = Vec::new();
        for folder in self.load_upload_folders()? {
            let record = folder.join("upload.json");
            if !record.exists() {
                fs::remove_dir_all(&folder)?;
                continue;
            }
            let Some(mut upload) = readable::<Upload>(&record)? else {
                self.set_aside(&[&folder])?;
                continue;
            };
            let (records, others) = json_files(&folder)?;
            for path in records.iter().filter(|path| **path != record) {
                match readable::<Part>(path)? {
                    Some(part) => drop(upload.parts.insert(part.number, part)),
                    // Its bytes are swept below: the client can send the part again.
                    None => self.set_aside(&[path])?,
                }
            }
            let kept: Vec<_> = upload
                .parts
                .values()
                .map(|part| self.part_bytes(&upload.id, part))
                .collect();
            for stray in others.iter().filter(|path| !kept.contains(path)) {
                fs::remove_file(stray)?;
            }
            uploads.push(upload);
        }
        Ok(uploads)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::super::checksum::Checksum;
    use super::*;
    use crate::s3::S3Config;

    #[test]
    fn a_part_is_opened_when_its_turn_comes() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = S3Config::new(folder.path(), || Timestamp::UNIX_EPOCH);
        config.buckets = vec!["files".to_owned()];
        let bucket = Store::open(&config).unwrap().bucket("files").unwrap();
        let part = |number| Part {
            number,
            size: 0,
            etag: String::new(),
            modified: Timestamp::UNIX_EPOCH,
            checksum: Checksum {
                algorithm: Algorithm::DEFAULT,
                kind: Kind::FullObject,
                value: String::new(),
            },
            seq: 1,
        };
        let parts = [part(1), part(2)];
        fs::create_dir_all(bucket.disk.upload_folder("u")).unwrap();
        let mut opened = bucket.open_parts("u", &parts);
        for part in &parts {
            fs::write(bucket.disk.part_bytes("u", part), "x").unwrap();
            assert!(opened.next().unwrap().is_ok());
        }
    }
}
