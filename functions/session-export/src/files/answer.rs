//! What a caller gets for a stored file.

use std::collections::BTreeMap;

use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::{Document, UPLOADED_AT};
use casefile::json::FieldError;
use casefile::link::Link;
use serde::Serialize;

use super::metadata::Sorted;
use super::request::FileRequest;
use super::shown;
use crate::fallback::KeptAnswer;

/// What became of a file.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Filed {
    /// It is stored.
    Stored(Box<FileAnswer>),
    /// Its collection doesn't take it, which is no error. Nothing is stored.
    Skipped(Skipped),
    /// S3 doesn't take it: it is kept, and sent on later.
    #[serde(untagged)]
    Kept(Box<KeptAnswer>),
}

/// A file that its collection doesn't take.
#[derive(Debug, Serialize)]
pub struct Skipped {
    /// The collection.
    pub collection: &'static str,
    /// Why not.
    pub reason: String,
}

impl Skipped {
    pub(super) fn new(collection: Collection, reason: String) -> Self {
        Self {
            collection: collection.name(),
            reason,
        }
    }
}

/// A stored file. A repeat gets the same, but for `link`.
#[derive(Debug, Clone, Serialize)]
pub struct FileAnswer {
    /// Its collection.
    pub collection: &'static str,
    /// Below the collection: what links and lists call it.
    pub path: String,
    /// In the bucket.
    pub key: String,
    /// The last part of its path.
    pub file_name: String,
    /// The version, in a bucket that keeps versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// In bytes.
    pub size: u64,
    /// Of the content.
    pub sha256: Option<Sha256>,
    /// The media type.
    pub content_type: String,
    /// When it was stored: RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uploaded_at: Option<String>,
    /// The metadata that is stored with it.
    pub metadata: BTreeMap<String, String>,
    /// The names of what isn't kept of the metadata that was sent.
    pub dropped: Vec<String>,
    /// What is odd about it without costing the file.
    pub warnings: Vec<FieldError>,
    /// A link to it; null when the caller may not read it, and until it is verified where links wait for that.
    pub link: Option<Link>,
}

impl FileAnswer {
    pub(crate) fn new(document: Document, link: Option<Link>) -> Self {
        let shown = shown(&document).map(|(name, value)| (name.to_owned(), value));
        Self {
            metadata: shown.collect(),
            collection: document.collection.name(),
            path: document.path,
            key: document.key,
            file_name: document.file_name,
            version_id: document.version_id,
            size: document.size,
            sha256: document.sha256,
            content_type: document.content_type,
            uploaded_at: document.metadata.get(UPLOADED_AT).cloned(),
            dropped: Vec::new(),
            warnings: Vec::new(),
            link,
        }
    }

    /// What its sender knows of a file that lay there already.
    pub(super) fn sent(document: &Document, request: &FileRequest) -> Self {
        Self {
            metadata: request.metadata.values().into_iter().collect(),
            uploaded_at: None,
            ..Self::new(document.clone(), None)
        }
    }

    pub(super) fn with(self, sorted: Sorted) -> Self {
        Self {
            dropped: sorted.dropped,
            warnings: sorted.warnings,
            ..self
        }
    }
}
