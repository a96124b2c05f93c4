//! What is known about an object, as it is kept on disk.

use std::collections::BTreeMap;
use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::checksum::Checksum;

/// The version id of what is written while a bucket keeps no versions.
pub(crate) const NULL_VERSION: &str = "null";

/// What a client sets when it writes, and S3 gives back.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Attributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// As an HTTP date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website_redirect: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
}

/// One part of a multipart upload, finished or not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    pub number: i32,
    pub size: u64,
    /// Hexadecimal MD5, without quotes.
    pub etag: String,
    pub modified: Timestamp,
    pub checksum: Checksum,
    /// Names the file while the upload is under way.
    pub seq: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Content {
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    pub checksum: Checksum,
    pub attributes: Attributes,
    /// Empty unless it came by a multipart upload.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// One version of one key. It never changes, but for its tags.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Version {
    pub key: String,
    /// Opaque, or [`NULL_VERSION`].
    pub id: String,
    /// Orders the versions of a key, and names the files. Never used twice in a store.
    pub seq: u64,
    /// Whole seconds, as in S3's headers.
    pub modified: Timestamp,
    /// Absent for a delete marker.
    pub content: Option<Content>,
}

impl Version {
    pub(crate) fn is_delete_marker(&self) -> bool {
        self.content.is_none()
    }

    /// What answers say: nothing for a version from before the bucket kept any.
    pub(crate) fn shown_id(&self, versioning: Versioning) -> Option<String> {
        (versioning != Versioning::Off).then(|| self.id.clone())
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Versioning {
    /// Never switched on.
    #[default]
    Off,
    Enabled,
    Suspended,
}

/// Dates as the protocol's types have them.
pub(crate) fn s3_time(time: Timestamp) -> s3s::dto::Timestamp {
    SystemTime::from(time).into()
}
