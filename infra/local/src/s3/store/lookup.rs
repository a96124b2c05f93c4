//! Finding the version a request means, with the answers S3 gives when there is none.
//!
//! Sources: `GetObject`, "Working with delete markers", "Retrieving object versions".

use std::fs::File;
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, LAST_MODIFIED};
use s3s::{S3Error, S3Result, s3_error};

use super::bucket::{Bucket, State};
use super::version::{Content, NULL_VERSION, Version, Versioning};
use super::{disk_error, http_date};

/// A version that has content, whatever else it may be.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    version: Arc<Version>,
    pub versioning: Versioning,
}

impl Stored {
    pub(crate) fn version(&self) -> &Version {
        &self.version
    }

    /// What answers say of its version.
    pub(crate) fn shown_id(&self) -> Option<String> {
        self.version.shown_id(self.versioning)
    }
}

/// A [`Stored`] version with its bytes, open: they stay readable when the version is deleted meanwhile.
#[derive(Debug)]
pub(crate) struct Found {
    pub stored: Stored,
    pub content: Content,
    pub file: File,
}

impl State {
    /// # Errors
    /// `NoSuchKey`, `NoSuchVersion`, `InvalidArgument` for an id that can't be one, and `MethodNotAllowed`
    /// for the id of a delete marker.
    pub(crate) fn find(&self, key: &str, id: Option<&str>) -> S3Result<(Stored, Content)> {
        let version = match id {
            None => self.current(key).ok_or_else(no_such_key)?,
            Some(id) => self.version(key, check_id(id)?).ok_or_else(no_such_version)?,
        };
        let Some(content) = version.content.clone() else {
            return Err(is_marker(version, id.is_some()));
        };
        Ok((
            Stored {
                version: Arc::clone(version),
                versioning: self.versioning,
            },
            content,
        ))
    }
}

impl Bucket {
    /// [`State::find`], and its bytes.
    ///
    /// # Errors
    /// As there, and `InternalError` when the disk fails.
    pub(crate) fn open(&self, key: &str, id: Option<&str>) -> S3Result<Found> {
        // Under the lock, so that the file is there.
        self.read(|state| {
            let (stored, content) = state.find(key, id)?;
            let file = File::open(self.blob(stored.version.seq)).map_err(disk_error)?;
            Ok(Found {
                stored,
                content,
                file,
            })
        })
    }
}

/// # Errors
/// `InvalidArgument` for what can't be a version id.
pub(crate) fn check_id(id: &str) -> S3Result<&str> {
    let opaque = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if opaque || id == NULL_VERSION {
        Ok(id)
    } else {
        Err(s3_error!(InvalidArgument, "Invalid version id specified"))
    }
}

pub(crate) fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

fn no_such_version() -> S3Error {
    s3_error!(NoSuchVersion, "The specified version does not exist.")
}

/// 404 for the current version, 405 for one that was named; both say that it is a delete marker.
fn is_marker(version: &Version, named: bool) -> S3Error {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
    if let Ok(id) = HeaderValue::from_str(&version.id) {
        headers.insert("x-amz-version-id", id);
    }
    let mut error = if named {
        headers.insert(ALLOW, HeaderValue::from_static("DELETE"));
        headers.extend(http_date(version.modified).map(|date| (LAST_MODIFIED, date)));
        s3_error!(
            MethodNotAllowed,
            "The specified method is not allowed against this resource."
        )
    } else {
        no_such_key()
    };
    error.set_headers(headers);
    error
}
