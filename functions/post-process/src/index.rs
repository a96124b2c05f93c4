//! The index: one JSON object for each file and each session, laid out for Athena, with the newest state of what it
//! describes.

use std::collections::BTreeMap;

use casefile::bucket::{Bucket, NewObject, Replaced};
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::optional;
use casefile::intake::day_of_path;
use casefile::key::{BasePath, ObjectKey};
use casefile::status::Status;
use casefile::store_error::StoreError;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A row is well below this size: its longest part are the columns of a table.
const MAX_ROW_BYTES: u64 = 1024 * 1024;

/// A row: everything that is known of a file or a session. The same for the same objects, whichever events told of them,
/// and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The collection's name.
    pub collection: String,
    /// Below the collection: a file's path, or a session's folder.
    pub path: String,
    /// Of the file, or of the session's manifest.
    pub key: String,
    /// Of the object at that key, in a bucket that keeps versions.
    pub version_id: Option<String>,
    /// Of its content.
    pub etag: Option<String>,
    /// Whose it is.
    pub tenant: Option<String>,
    /// Whose it is within its tenant.
    pub owner: Option<String>,
    /// When that version was stored: RFC 3339, UTC.
    pub stored_at: Option<String>,
    /// The verdict.
    pub status: Status,
    /// Why it is no better; nothing of the content.
    pub reason: Option<String>,
    /// In bytes; a session's, all its files together.
    pub size: u64,
    /// Of the content, where it is known; a session's, of its manifest.
    pub sha256: Option<Sha256>,
    /// What it is.
    #[serde(flatten)]
    pub about: About,
}

/// What a row describes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum About {
    /// A file.
    File {
        /// The media type that it was stored with.
        content_type: String,
        /// What it is by its content: `pdf`, `docx`, `json`, …
        content_kind: Value,
        /// What readers should know: `encrypted`, `macros`.
        flags: Value,
        /// Pages of a PDF; rows, row groups and columns of a table.
        facts: Value,
    },
    /// A session of document review.
    Session {
        /// The session.
        session_id: String,
        /// 1 for the first export of the session, 2 for its next revision, …
        revision: u32,
        /// The reviewed document's name.
        document_name: String,
        /// When the export began: RFC 3339, UTC.
        exported_at: String,
        /// How many files there are, the manifest included.
        total_files: usize,
        /// `summary_statistics` of its report.
        statistics: Map<String, Value>,
        /// `category_acceptance` of its report, where it has one.
        #[serde(default)]
        categories: BTreeMap<String, Acceptance>,
        /// `available` or `unavailable`; null where nothing is summarised.
        summary: Option<String>,
    },
}

/// What became of the AI's suggestions in one category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// All.
    pub suggestions: u64,
    /// Of them.
    pub accepted: u64,
    /// Of them.
    pub rejected: u64,
}

/// Where a row lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// The row of what lies at `key`, which is `path` in its collection. A key's day never changes, so there is never more
    /// than one row.
    pub fn of(collection: Collection, path: &str, key: &str) -> Self {
        Self::on(collection, day_of_path(collection, path), key)
    }

    /// The row of what was told apart by `name`, on a day of its own.
    pub fn on(collection: Collection, day: Date, name: &str) -> Self {
        let row = ObjectKey::IndexRow {
            collection,
            day,
            id: Sha256::of(name.as_bytes()),
        };
        // The base path is the sessions' own.
        Self(row.path(&BasePath::default()))
    }
}

/// The index, in the artifacts bucket.
#[derive(Debug, Clone)]
pub struct Index {
    bucket: Bucket,
}

/// A row as it was found, to be changed from.
#[derive(Debug)]
pub struct Seen {
    /// What it says, if it is there and can be read.
    pub row: Option<Row>,
    etag: Option<String>,
}

impl Index {
    /// The index in `bucket`.
    pub fn new(bucket: Bucket) -> Self {
        Self { bucket }
    }

    /// Looks at a row.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn look(&self, place: &Place) -> Result<Seen, StoreError> {
        let found = optional(self.bucket.read_tagged(&place.0, MAX_ROW_BYTES)).await?;
        Ok(match found {
            None => Seen {
                row: None,
                etag: None,
            },
            // One of another form is written anew.
            Some(found) => Seen {
                row: serde_json::from_slice(&found.bytes).ok(),
                etag: Some(found.etag),
            },
        })
    }

    /// Writes a row, if it is still as it was seen.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] when it is no row that could be read again; [`StoreError::Unavailable`], after which it
    /// may be written; [`StoreError::Refused`].
    pub async fn write(&self, place: &Place, row: &Row, seen: &Seen) -> Result<Written, StoreError> {
        if seen.row.as_ref() == Some(row) {
            return Ok(Written::Already);
        }
        let mut body = serde_json::to_vec(row).map_err(|_| StoreError::Damaged("its row is no JSON"))?;
        body.push(b'\n');
        if body.len() as u64 > MAX_ROW_BYTES {
            return Err(StoreError::TooLarge { limit: MAX_ROW_BYTES });
        }
        let object = NewObject::json(place.0.clone(), body);
        let Some(etag) = &seen.etag else {
            return match self.bucket.create(&object).await {
                Ok(created) if created.is_new => Ok(Written::Now),
                Ok(_) => Ok(Written::Already),
                Err(StoreError::AlreadyExists) => Ok(Written::Changed),
                Err(error) => Err(error),
            };
        };
        Ok(match self.bucket.replace(&object, etag).await? {
            Replaced::Now(_) => Written::Now,
            Replaced::Changed => Written::Changed,
        })
    }
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// This call wrote it.
    Now,
    /// It was there as it is.
    Already,
    /// Somebody else changed it: what it describes may have changed, too, and must be looked at again.
    Changed,
}
