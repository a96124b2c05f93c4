//! Documents as callers name them: a collection and a path.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::bucket::{Bucket, Head, Metadata, NULL_VERSION, SHA256, TagSet, takes_tag};
use crate::collection::Collection;
use crate::digest::Sha256;
use crate::intake;
use crate::key::{BasePath, ObjectKey, SessionFile};
use crate::name::{Owner, TenantId};
use crate::permission::Resource;
use crate::status::{self, Status};
use crate::store_error::StoreError;
use crate::time;

/// The name of an object's own metadata that says whose it is.
pub const TENANT: &str = "tenant";
/// Another: whose it is within its tenant.
const OWNER: &str = "owner";
/// Where it comes from; and what stands there of everything that came through the inbox.
pub const SOURCE: &str = "source";
/// See [`SOURCE`].
pub const INBOX: &str = "inbox";

/// Another: when it was stored through the API, RFC 3339 in UTC.
pub const UPLOADED_AT: &str = "uploaded-at";

/// Another: what earlier versions of it held.
pub const BEFORE: &str = "before";

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
    /// Whether it must be restored from an archive before it can be read.
    pub is_archived: bool,
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
            is_archived: head.is_archived,
            metadata,
        }
    }

    /// The time of its entries in lists, where it was stored through the API.
    pub fn listed_at(&self) -> Option<Timestamp> {
        let uploaded = time::parse(self.metadata.get(UPLOADED_AT)?)?;
        Some(intake::listed_time(self.collection, &self.path, uploaded))
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

/// A document that lies in its place, and what was found of it, where links ask for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The document.
    pub document: Document,
    /// What this very version's tags say, where [`Found::unverified`] depends on it.
    pub status: Option<Status>,
    is_demanded: bool,
    /// Its tags leave room for a status.
    can_be_judged: bool,
}

/// Why no link leads to a document that lies in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unverified {
    /// Nobody has looked into it yet.
    Yet,
    /// It was looked into, and couldn't be verified.
    Ever,
    /// It lies in an archive, from which it must be restored first.
    Archived,
}

impl Found {
    /// Why no link may lead to it: it is archived, or its collection, or its way through the inbox, demands that it is
    /// verified.
    pub fn unverified(&self) -> Option<Unverified> {
        match self.status {
            _ if self.document.is_archived => Some(Unverified::Archived),
            _ if !self.is_demanded => None,
            Some(status) if status.is_good() => None,
            Some(_) => Some(Unverified::Ever),
            None => Some(Unverified::Yet),
        }
    }
}

/// Looks for a document to which links may lead.
///
/// # Errors
/// As for [`look`].
pub async fn find(
    bucket: &Bucket,
    base: &BasePath,
    collection: Collection,
    path: &str,
) -> Result<Option<Document>, StoreError> {
    let found = look(bucket, base, collection, path).await?;
    let may_be_linked = |found: &Found| found.unverified().is_none();
    Ok(found.filter(may_be_linked).map(|found| found.document))
}

/// Looks for a document: the object, and, where it belongs to a session, at the same time the manifest, for a folder
/// without one doesn't exist for any reader. Where the collection demands verification, its tags are asked for at the same
/// time, too; that very version's tags are what counts. What was rejected doesn't exist for any reader either.
///
/// # Errors
/// [`StoreError::Unavailable`], [`StoreError::Refused`]. That nothing is there isn't an error.
pub async fn look(
    bucket: &Bucket,
    base: &BasePath,
    collection: Collection,
    path: &str,
) -> Result<Option<Found>, StoreError> {
    let Some(key) = collection.key(base, path) else {
        return Ok(None);
    };
    // On the heap: the SDK's futures are 14 KB each, which every caller's future would hold.
    let (head, is_complete, tags) = Box::pin(futures::future::join3(
        optional(bucket.head(&key)),
        is_complete(bucket, base, &key),
        early_tags(bucket, collection, &key),
    ))
    .await;
    let (Some(head), true) = (head?, is_complete?) else {
        return Ok(None);
    };
    // A bill of lading's number leads to its path.
    let path = collection.path(base, &key).unwrap_or(path).to_owned();
    let document = Document::new(collection, path, key, head);
    judge(bucket, document, tags).await
}

/// The same of one version of a document, also where another one or a delete marker hides it. Its tags are read whatever
/// its collection demands: no marker hides it when it is rejected. Where ten tags of others leave no room for a verdict,
/// nobody can know whether it was, and it doesn't exist for any reader.
///
/// # Errors
/// As for [`look`].
pub async fn look_at_version(
    bucket: &Bucket,
    document: Document,
    version_id: &str,
) -> Result<Option<Found>, StoreError> {
    let Document {
        collection,
        path,
        key,
        ..
    } = document;
    let (head, tags) = Box::pin(futures::future::join(
        optional(bucket.head_version(&key, version_id)),
        bucket.tag_set(&key, Some(version_id)),
    ))
    .await;
    let Some(head) = head? else {
        return Ok(None);
    };
    let mut document = Document::new(collection, path, key, head);
    document.version_id = Some(version_id.to_owned());
    let found = judge(bucket, document, Some(tags)).await?;
    Ok(found.filter(|found| found.can_be_judged))
}

/// The newest version's tags, where the collection alone says that they will be needed.
async fn early_tags(
    bucket: &Bucket,
    collection: Collection,
    key: &str,
) -> Option<Result<TagSet, StoreError>> {
    if collection.demands_verification() {
        Some(bucket.tag_set(key, None).await)
    } else {
        None
    }
}

/// What was found of a document, by the tags that were read at the same time, or by another look at just its version's.
async fn judge(
    bucket: &Bucket,
    document: Document,
    early: Option<Result<TagSet, StoreError>>,
) -> Result<Option<Found>, StoreError> {
    let is_from_inbox = document
        .metadata
        .get(SOURCE)
        .is_some_and(|source| source == INBOX);
    let is_demanded = is_from_inbox || document.collection.demands_verification();
    let tags = match early {
        None if !is_demanded => Some(BTreeMap::new()),
        Some(Ok(early)) if is_one_version(&early, &document) => Some(early.tags),
        Some(Err(error @ StoreError::Unavailable(_))) => return Err(error),
        // Perhaps of another version, which was stored or removed in between; or not read.
        _ => {
            let tags = bucket.tags(&document.key, document.version_id.as_deref());
            Box::pin(optional(tags)).await?
        }
    };
    let Some(tags) = tags else {
        return Ok(None);
    };
    let status = Status::of(&tags);
    Ok((status != Some(Status::Rejected)).then_some(Found {
        document,
        status,
        is_demanded,
        can_be_judged: takes_tag(&tags, status::STATUS),
    }))
}

/// Whether tags are certainly those of the version that was looked at. Without versions, whatever is stored next has the
/// same id, or none.
fn is_one_version(tags: &TagSet, document: &Document) -> bool {
    let is_unique = |id: &str| id != NULL_VERSION;
    tags.version_id == document.version_id && tags.version_id.as_deref().is_some_and(is_unique)
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
