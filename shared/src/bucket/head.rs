//! What S3 says of an object without its content.

use std::collections::HashMap;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ChecksumMode, StorageClass};
use jiff::Timestamp;

use super::Bucket;
use crate::digest::Sha256;
use crate::store_error::{StoreError, classify};

/// An object, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// In bytes.
    pub size: u64,
    /// The digest that S3 checked when the object came in one piece.
    pub checksum: Option<Sha256>,
    /// Which version it is, in a bucket that keeps versions.
    pub version_id: Option<String>,
    /// The entity tag of just this content.
    pub etag: Option<String>,
    /// The media type that it was stored with.
    pub content_type: Option<String>,
    /// When it was stored.
    pub last_modified: Option<Timestamp>,
    /// Whether its content must be restored from an archive before it can be read.
    pub is_archived: bool,
    /// Its own metadata; names are in lower case.
    pub metadata: HashMap<String, String>,
}

/// The name under which a copy carries its digest, for S3 has none of a whole object that came in parts.
pub const SHA256: &str = "sha256";

impl Head {
    /// The content's digest: as S3 checked it, else as the copy carries it.
    pub fn sha256(&self) -> Option<Sha256> {
        let carried = || Sha256::from_hex(self.metadata.get(SHA256)?);
        self.checksum.or_else(carried)
    }
}

/// What a key shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// An object.
    There(Box<Head>),
    /// Nothing: a delete marker hides what lay there.
    Hidden,
    /// Nothing, and no marker.
    Nothing,
}

impl Bucket {
    /// Looks at the newest version of an object, or at the delete marker over it.
    /// Source: S3 API reference, *`HeadObject`*, `x-amz-delete-marker`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn seen(&self, key: &str) -> Result<Seen, StoreError> {
        let head = self.client.head_object().bucket(&self.name).key(key);
        match head.checksum_mode(ChecksumMode::Enabled).send().await {
            Ok(head) => Ok(Seen::There(Box::new(described(head)?))),
            Err(error) => {
                let marker = error
                    .raw_response()
                    .and_then(|response| response.headers().get("x-amz-delete-marker"));
                let is_marked = marker == Some("true");
                match classify("HeadObject", &error) {
                    StoreError::NotFound if is_marked => Ok(Seen::Hidden),
                    StoreError::NotFound => Ok(Seen::Nothing),
                    error => Err(error),
                }
            }
        }
    }

    /// Looks at the newest version of an object. One that a delete marker hides doesn't exist.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn head(&self, key: &str) -> Result<Head, StoreError> {
        self.look(key, None).await
    }

    /// Looks at one version of an object, also where a newer one or a delete marker hides it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn head_version(&self, key: &str, version_id: &str) -> Result<Head, StoreError> {
        self.look(key, Some(version_id)).await
    }

    async fn look(&self, key: &str, version_id: Option<&str>) -> Result<Head, StoreError> {
        let head = self
            .client
            .head_object()
            .bucket(&self.name)
            .key(key)
            .set_version_id(version_id.map(str::to_owned))
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .map_err(|error| classify("HeadObject", &error))?;
        described(head)
    }
}

fn described(head: HeadObjectOutput) -> Result<Head, StoreError> {
    let size = head.content_length().and_then(|size| u64::try_from(size).ok());
    let is_archived = is_archived(&head);
    Ok(Head {
        size: size.ok_or(StoreError::Damaged("it has no length"))?,
        checksum: head.checksum_sha256().and_then(Sha256::from_base64),
        version_id: head.version_id,
        etag: head.e_tag,
        content_type: head.content_type,
        last_modified: head
            .last_modified
            .and_then(|time| Timestamp::new(time.secs(), 0).ok()),
        is_archived,
        metadata: head.metadata.unwrap_or_default(),
    })
}

/// Source: S3 user guide, *Restoring an archived object*.
fn is_archived(head: &HeadObjectOutput) -> bool {
    let is_restored = head
        .restore()
        .is_some_and(|restore| restore.contains("ongoing-request=\"false\""));
    let is_in_archive = matches!(
        head.storage_class(),
        Some(StorageClass::Glacier | StorageClass::DeepArchive)
    );
    is_in_archive && !is_restored
}
