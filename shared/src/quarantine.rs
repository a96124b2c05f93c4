//! The quarantine: a bucket of its own for what was rejected, each version with its reason, until an operator releases it.
//!
//! Nothing there is ever overwritten or triggers anything:
//! - `records/{id}.json`: what was rejected, and why
//! - `content/{id}`: that very version's bytes, as `application/octet-stream`
//!
//! An id is the first half of the SHA-256 of key and version, so that a repeat finds its own traces, and names hold
//! nothing of a patient.

mod release;

pub use release::{Place, ReleaseError, place, release};

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bucket::{Bucket, Merged, Metadata, NULL_VERSION, NewObject, Source, Target};
use crate::digest::Sha256;
use crate::document::optional;
use crate::status::{self, Status};
use crate::store_error::StoreError;

/// A record is well below this size: its longest parts are a key and a reason.
const MAX_RECORD_BYTES: u64 = 64 * 1024;
/// A longer reason is cut.
const MAX_REASON_CHARS: usize = 1_000;
const RECORDS: &str = "records/";
/// Items looked at at once, with three requests each.
const AT_ONCE: usize = 8;

/// A rejected version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Where it lies in the artifacts bucket.
    pub key: String,
    /// Of the version, in a bucket that keeps versions.
    pub version_id: Option<String>,
    /// The entity tag.
    pub etag: String,
    /// Of the content, as it was read.
    pub sha256: Sha256,
    /// In bytes.
    pub size: u64,
    /// The media type that it claims.
    pub content_type: String,
    /// Why, in words for people; nothing of the content.
    pub reason: String,
}

/// An item's name: 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ItemId(String);

impl ItemId {
    const DIGITS: usize = 32;

    /// The id of a version.
    pub fn of(key: &str, version_id: Option<&str>) -> Self {
        let name = format!("{key}\0{}", version_id.unwrap_or_default());
        let mut digits = Sha256::of(name.as_bytes()).to_string();
        digits.truncate(Self::DIGITS);
        Self(digits)
    }

    fn record(&self) -> String {
        format!("{RECORDS}{self}.json")
    }

    fn content(&self) -> String {
        format!("content/{self}")
    }

    fn at(record: &str) -> Option<Self> {
        let id = record.strip_prefix(RECORDS)?.strip_suffix(".json")?;
        id.parse().ok()
    }
}

impl FromStr for ItemId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == Self::DIGITS && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be 32 hexadecimal digits, as `casefile quarantine list` shows them")
        }
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What became of a rejected version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quarantined {
    /// It is recorded, tagged, hidden and copied.
    Held,
    /// An operator has released it before, and it stays as it is.
    Released,
}

/// Quarantines a version: its record → the tag `status=rejected` → a delete marker, where it is still the newest → the
/// copy of its bytes. Any of them may have been done before, by a call that ended in between or by a twin.
///
/// The record comes first, so that an operator sees whatever is begun, and the copy, which may take a minute, last: the
/// version's bytes stay where they are. Where a marker would destroy them, the copy comes before it.
///
/// A release at the same time wins: its tag is looked for again where the tag is set, and behind the marker, which is
/// removed then by a caller who may. S3 has no conditional write of tags, so a release that falls between that read and
/// that write is undone, and is to be repeated.
///
/// # Errors
/// [`StoreError::NotFound`] when the version is gone; [`StoreError::Unavailable`] and [`StoreError::Refused`], after
/// which the call is to be repeated.
pub async fn quarantine(
    artifacts: &Bucket,
    quarantine: &Bucket,
    item: &Item,
) -> Result<Quarantined, StoreError> {
    let version_id = item.version_id.as_deref();
    if is_released(&artifacts.tags(&item.key, version_id).await?) {
        // Perhaps by a call that ended behind its marker.
        return seen_again(artifacts, item).await;
    }
    record(quarantine, item).await?;
    if tag(artifacts, item).await? == Quarantined::Released {
        return Ok(Quarantined::Released);
    }
    if version_id.is_none_or(|version_id| version_id == NULL_VERSION) {
        copy(artifacts, quarantine, item).await?;
        artifacts.hide(&item.key, version_id, &item.etag).await?;
        return Ok(Quarantined::Held);
    }
    artifacts.hide(&item.key, version_id, &item.etag).await?;
    if is_released(&artifacts.tags(&item.key, version_id).await?) {
        return seen_again(artifacts, item).await;
    }
    copy(artifacts, quarantine, item).await?;
    Ok(Quarantined::Held)
}

fn is_released(tags: &BTreeMap<String, String>) -> bool {
    Status::of(tags) == Some(Status::Released)
}

/// It was released while it was hidden: the marker came too late. Whoever may not remove one, as post-process when it is
/// deployed, leaves that to the operator.
async fn seen_again(artifacts: &Bucket, item: &Item) -> Result<Quarantined, StoreError> {
    match release(artifacts, item).await {
        Err(ReleaseError::Store(StoreError::Refused(_))) => {
            tracing::warn!("a version was released while it was hidden: release it again");
            Ok(Quarantined::Released)
        }
        Err(ReleaseError::Store(error)) => Err(error),
        // Or something newer lies there, or it is gone: no marker is in its way.
        _ => Ok(Quarantined::Released),
    }
}

async fn record(quarantine: &Bucket, item: &Item) -> Result<(), StoreError> {
    let item = Item {
        reason: item.reason.chars().take(MAX_REASON_CHARS).collect(),
        ..item.clone()
    };
    let body = serde_json::to_vec(&item).map_err(|_| StoreError::Damaged("it can't be recorded as JSON"))?;
    let object = NewObject::json(ItemId::of(&item.key, item.version_id.as_deref()).record(), body);
    match quarantine.create(&object).await {
        // The first reason stands.
        Ok(_) | Err(StoreError::AlreadyExists) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Tags it as rejected, unless it is released.
async fn tag(artifacts: &Bucket, item: &Item) -> Result<Quarantined, StoreError> {
    let sha256 = item.sha256.to_string();
    let tags = [
        (status::STATUS, Status::Rejected.name()),
        (status::SHA256, sha256.as_str()),
    ];
    let version_id = item.version_id.as_deref();
    let merged = artifacts.merge_tags_unless(&item.key, version_id, &tags, is_released);
    match merged.await {
        Ok(Merged::Left) => Ok(Quarantined::Released),
        Ok(Merged::Now | Merged::Already) => Ok(Quarantined::Held),
        // It has ten of others. As the newest it is hidden all the same; and as an older one, which a share may be bound
        // to, it isn't linked for just that reason.
        Err(StoreError::Damaged(why)) => {
            tracing::warn!(why, "a rejected version can't be tagged");
            Ok(Quarantined::Held)
        }
        Err(error) => Err(error),
    }
}

async fn copy(artifacts: &Bucket, quarantine: &Bucket, item: &Item) -> Result<(), StoreError> {
    let source = Source {
        key: item.key.clone(),
        version_id: item.version_id.clone(),
        size: item.size,
        sha256: item.sha256,
    };
    let target = Target {
        key: ItemId::of(&item.key, item.version_id.as_deref()).content(),
        content_type: "application/octet-stream",
        metadata: Metadata::new(),
    };
    quarantine.copy_from(artifacts, &source, &target).await.map(drop)
}

/// An item, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Its name.
    pub id: ItemId,
    /// What the version's tag says now: `rejected`, or `released`; nothing where the tag isn't there yet.
    pub status: Option<Status>,
    /// Whether the version was removed for good since.
    pub is_gone: bool,
    /// When it was recorded.
    pub quarantined_at: Option<Timestamp>,
    /// What was rejected, and why.
    #[serde(flatten)]
    pub item: Item,
}

/// What the quarantine holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Released items, too; the latest first.
    #[serde(rename = "items")]
    pub held: Vec<Held>,
    /// Items whose record can't be read, in the order of their ids.
    pub damaged: Vec<ItemId>,
}

impl Listing {
    /// The items whose record can be read.
    pub fn iter(&self) -> impl Iterator<Item = &Held> {
        self.held.iter()
    }
}

/// Every item. A damaged record is listed as such, and keeps no other from being seen.
///
/// # Errors
/// [`StoreError::Unavailable`], [`StoreError::Refused`].
pub async fn list(artifacts: &Bucket, quarantine: &Bucket) -> Result<Listing, StoreError> {
    let keys = quarantine.keys(RECORDS).await?;
    let ids = keys.iter().filter_map(|key| ItemId::at(key));
    let found: Vec<_> = stream::iter(ids)
        .map(|id| async {
            match show(artifacts, quarantine, id.clone()).await {
                Ok(held) => Ok(held.map(Ok)),
                Err(StoreError::Damaged(_)) => Ok(Some(Err(id))),
                Err(error) => Err(error),
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let (mut held, mut damaged) = (Vec::new(), Vec::new());
    for item in found.into_iter().flatten() {
        match item {
            Ok(item) => held.push(item),
            Err(id) => damaged.push(id),
        }
    }
    held.sort_unstable_by(|a: &Held, b| (b.quarantined_at, &b.id).cmp(&(a.quarantined_at, &a.id)));
    damaged.sort_unstable();
    Ok(Listing { held, damaged })
}

/// The item of that id, if there is one.
///
/// # Errors
/// [`StoreError::Unavailable`], [`StoreError::Refused`]; [`StoreError::Damaged`] when its record can't be read.
pub async fn show(artifacts: &Bucket, quarantine: &Bucket, id: ItemId) -> Result<Option<Held>, StoreError> {
    let key = id.record();
    // On the heap: the SDK's futures are large, and every caller's would hold them.
    let looks = Box::pin(futures::future::try_join(
        optional(quarantine.read(&key, MAX_RECORD_BYTES)),
        optional(quarantine.head(&key)),
    ));
    let (record, head) = match looks.await {
        Ok((Some(record), Some(head))) => (record, head),
        Ok(_) => return Ok(None),
        Err(StoreError::TooLarge { .. }) => return Err(NO_RECORD),
        Err(error) => return Err(error),
    };
    let item = read(&record, &id).ok_or(NO_RECORD)?;
    let tags = optional(artifacts.tags(&item.key, item.version_id.as_deref())).await?;
    Ok(Some(Held {
        id,
        status: tags.as_ref().and_then(Status::of),
        is_gone: tags.is_none(),
        quarantined_at: head.last_modified,
        item,
    }))
}

const NO_RECORD: StoreError = StoreError::Damaged("it is no record of a quarantined version");

/// A record is about the version that its name says.
fn read(record: &[u8], id: &ItemId) -> Option<Item> {
    let item: Item = serde_json::from_slice(record).ok()?;
    (ItemId::of(&item.key, item.version_id.as_deref()) == *id).then_some(item)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_names_one_version_and_holds_nothing_of_it() {
        let id = ItemId::of("ecg-reports/2025/10/28/Alvarez.pdf", Some("v1"));
        assert_ne!(id, ItemId::of("ecg-reports/2025/10/28/Alvarez.pdf", Some("v2")));
        assert_ne!(id, ItemId::of("ecg-reports/2025/10/28/Alvarez.pd", Some("v1")));
        assert_eq!(id.to_string().parse(), Ok(id.clone()));
        assert_eq!(ItemId::at(&id.record()), Some(id));
    }

    #[test]
    fn what_is_no_id_leads_nowhere() {
        let id = "0123456789abcdef0123456789abcdef";
        assert!(id.parse::<ItemId>().is_ok());
        for text in [
            "",
            "../x",
            &id[1..],
            &format!("{id}0"),
            &id.to_uppercase(),
            "é".repeat(16).as_str(),
        ] {
            assert!(text.parse::<ItemId>().is_err(), "{text}");
        }
        assert_eq!(ItemId::at("records/x.json"), None);
        assert_eq!(ItemId::at(&format!("content/{id}")), None);
    }

    proptest! {
        #[test]
        fn no_name_leads_out_of_the_records(key in any::<String>(), version in any::<Option<String>>()) {
            let record = ItemId::of(&key, version.as_deref()).record();
            prop_assert_eq!(record.len(), RECORDS.len() + 32 + ".json".len());
        }
    }
}
