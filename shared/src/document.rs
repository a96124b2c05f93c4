//! Documents as callers name them: a collection and a path.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::bucket::{Bucket, Head, Metadata};
use crate::collection::Collection;
use crate::digest::Sha256;
use crate::key::{BasePath, ObjectKey, SessionFile};
use crate::name::{Owner, TenantId};
use crate::permission::Resource;
use crate::store_error::StoreError;

/// Names of an object's own metadata: whose it is; and its digest, which is told otherwise.
const TENANT: &str = "tenant";
const OWNER: &str = "owner";
const SHA256: &str = "sha256";

/// A document that a reader may come to see: it is complete and not hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its kind.
    pub collection: Collection,
    /// Below the collection.
    pub path: String,
    /// In the bucket.
    pub key: String,
    /// What the file is called when it is saved: the last part of its key, where nothing else is said.
    pub file_name: String,
    /// The version that was looked at, in a bucket that keeps versions.
    pub version_id: Option<String>,
    /// In bytes.
    pub size: u64,
    /// Of the content, where it is known.
    pub sha256: Option<Sha256>,
    /// The media type.
    pub content_type: String,
    /// When it was stored.
    pub last_modified: Option<Timestamp>,
    /// Whose it is. A document that names no tenant is nobody's.
    pub tenant: Option<TenantId>,
    /// Whose it is within its tenant.
    pub owner: Option<Owner>,
    /// The rest of the object's own metadata.
    pub metadata: HashMap<String, String>,
}

/// Whose an object is, as metadata that it carries.
pub fn ownership(tenant: &TenantId, owner: Option<&Owner>) -> Metadata {
    let tenant = (TENANT, tenant.as_str().to_owned());
    let owner = owner.map(|owner| (OWNER, owner.encoded()));
    [tenant].into_iter().chain(owner).collect()
}

impl Document {
    /// The document that lies at `key`, as S3 describes it.
    pub fn new(collection: Collection, path: String, key: String, head: Head) -> Self {
        let sha256 = head.sha256();
        let mut metadata = head.metadata;
        metadata.remove(SHA256);
        let tenant = metadata.remove(TENANT);
        let owner = metadata.remove(OWNER);
        Self {
            collection,
            path,
            file_name: last_part(&key).to_owned(),
            key,
            version_id: head.version_id,
            size: head.size,
            sha256,
            content_type: head
                .content_type
                .unwrap_or_else(|| "application/octet-stream".to_owned()),
            last_modified: head.last_modified,
            tenant: tenant.and_then(|tenant| TenantId::parse(&tenant).ok()),
            owner: owner.and_then(|owner| Owner::decode(&owner).ok()),
            metadata,
        }
    }

    /// The document as permissions see it; `None` when it is nobody's.
    pub fn resource(&self) -> Option<Resource<'_>> {
        Some(Resource::Document {
            tenant: self.tenant.as_ref()?.as_str(),
            owner: self.owner.as_ref().map(Owner::as_str),
            collection: self.collection.name(),
            path: &self.path,
        })
    }
}

fn last_part(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or_default()
}

/// Looks for a document: the object, and, where it belongs to a session, at the same time the manifest, for a folder
/// without one doesn't exist for any reader.
///
/// # Errors
/// [`StoreError::Unavailable`], [`StoreError::Refused`]. That nothing is there isn't an error.
pub async fn find(
    bucket: &Bucket,
    base: &BasePath,
    collection: Collection,
    path: &str,
) -> Result<Option<Document>, StoreError> {
    let Some(key) = collection.key(base, path) else {
        return Ok(None);
    };
    // On the heap: two of the SDK's futures at once are 27 KB, which every caller's future would hold.
    let looks = Box::pin(futures::future::try_join(
        optional(bucket.head(&key)),
        is_complete(bucket, base, &key),
    ));
    let (head, is_complete) = looks.await?;
    // A bill of lading's number leads to its path.
    let path = collection.path(base, &key).unwrap_or(path).to_owned();
    Ok(head
        .filter(|_| is_complete)
        .map(|head| Document::new(collection, path, key, head)))
}

async fn is_complete(bucket: &Bucket, base: &BasePath, key: &str) -> Result<bool, StoreError> {
    match ObjectKey::parse(key, base) {
        Ok(ObjectKey::SessionFile { folder, file }) if file != SessionFile::Manifest => {
            let manifest = ObjectKey::SessionFile {
                folder,
                file: SessionFile::Manifest,
            };
            let manifest = optional(bucket.head(&manifest.path(base))).await?;
            Ok(manifest.is_some())
        }
        _ => Ok(true),
    }
}

/// What is there, if anything is.
///
/// # Errors
/// All but [`StoreError::NotFound`].
pub async fn optional<T>(
    found: impl Future<Output = Result<T, StoreError>>,
) -> Result<Option<T>, StoreError> {
    match found.await {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
