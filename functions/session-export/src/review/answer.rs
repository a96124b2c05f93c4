//! What a caller gets for a stored export.

use std::time::Duration;

use casefile::bucket::Bucket;
use casefile::key::{BasePath, session_prefix};
use casefile::link::Link;
use casefile::manifest::{Manifest, ManifestFile, Warning};
use casefile::metrics;
use serde::Serialize;

use super::folder::NewFile;

/// The answer to an export. A repeat gets the same, but for `link` and `duration_ms`, which are each call's own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportAnswer {
    /// The session.
    pub session_id: String,
    /// 1 for the first export of the session, 2 for its next revision, …
    pub revision: u32,
    /// The folder as an S3 URI.
    pub location: String,
    /// The folder's name.
    pub folder_name: String,
    /// How many files it holds, the manifest included.
    pub total_files: usize,
    /// Every file, the manifest last.
    pub uploaded_files: Vec<UploadedFile>,
    /// How many comments the after document got.
    pub comments: usize,
    /// What didn't go as asked without costing the export.
    pub warnings: Vec<Warning>,
    /// A link to the after document, or to the comprehensive report where there is none; null when the caller may
    /// not read what it exports.
    pub link: Option<Link>,
    /// How long this call took, in milliseconds.
    pub duration_ms: u64,
}

/// A file of the export.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UploadedFile {
    /// Its place in the bucket.
    pub key: String,
    /// Path below the folder, size, SHA-256 and media type.
    #[serde(flatten)]
    pub file: ManifestFile,
}

impl ExportAnswer {
    /// The answer for a complete export.
    pub fn new(
        bucket: &Bucket,
        base: &BasePath,
        manifest: Manifest,
        manifest_file: &NewFile,
        link: Option<Link>,
        duration: Duration,
    ) -> Self {
        let prefix = session_prefix(base, &manifest.folder_name);
        let files = manifest.files.into_iter().chain([manifest_file.listed()]);
        let uploaded_files: Vec<_> = files
            .map(|file| UploadedFile {
                key: format!("{prefix}{}", file.path),
                file,
            })
            .collect();
        Self {
            session_id: manifest.session_id.into(),
            revision: manifest.revision,
            location: format!("s3://{}/{prefix}", bucket.name()),
            folder_name: manifest.folder_name.into(),
            total_files: uploaded_files.len(),
            uploaded_files,
            comments: manifest.comments.len(),
            warnings: manifest.warnings,
            link,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Counts the export, which took this long for its caller.
    pub fn count(&self, took: Duration) {
        metrics::export_succeeded(self.total_files, self.total_bytes(), took);
        if let Some(link) = &self.link {
            metrics::link_granted(link.kind);
        }
    }

    /// The size of all files.
    pub fn total_bytes(&self) -> u64 {
        self.uploaded_files
            .iter()
            .map(|uploaded| uploaded.file.size)
            .sum()
    }
}
