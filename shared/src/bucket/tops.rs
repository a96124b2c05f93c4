//! What many keys show, from lists of versions: a thousand of them in one call, where a look at each would be as many.

use aws_sdk_s3::types::EncodingType;

use super::Bucket;
use super::list::{MAX_KEYS, decoded};
use crate::store_error::{StoreError, classify};

/// What a key that has versions shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// An object.
    There,
    /// Nothing: a delete marker hides what lay there.
    Hidden,
}

/// Where a list of versions goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Keys after this one.
    pub key: String,
    /// Of this very key, versions after this one.
    pub version_id: Option<String>,
}

/// Some of the keys below a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tops {
    /// In order.
    pub keys: Vec<(String, Shown)>,
    /// Where the rest begins, if there is more.
    pub next: Option<Mark>,
}

impl Bucket {
    /// What keys show that begin with `prefix` and come after `mark`: one call, which reads at most `limit` versions, and
    /// at most 1,000. A key without any version isn't among them. Keys come percent-encoded, as for [`Bucket::page`].
    /// Source: S3 API reference, *`ListObjectVersions`*: of each key the newest version comes first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`]; [`StoreError::Damaged`] when a key isn't UTF-8.
    pub async fn tops(&self, prefix: &str, mark: Option<&Mark>, limit: i32) -> Result<Tops, StoreError> {
        let list = self
            .client
            .list_object_versions()
            .bucket(&self.name)
            .prefix(prefix);
        let list = list
            .set_key_marker(mark.map(|mark| mark.key.clone()))
            .set_version_id_marker(mark.and_then(|mark| mark.version_id.clone()))
            .max_keys(limit.clamp(1, MAX_KEYS))
            .encoding_type(EncodingType::Url);
        let listed = list.send().await;
        let listed = listed.map_err(|error| classify("ListObjectVersions", &error))?;
        // Stores that don't know the parameter answer without it.
        let is_encoded = listed.encoding_type() == Some(&EncodingType::Url);
        let read = |key: &str| {
            if is_encoded {
                decoded(key)
            } else {
                Ok(key.to_owned())
            }
        };
        let newest = listed
            .versions()
            .iter()
            .map(|top| (top.key(), top.is_latest(), Shown::There));
        let markers = listed.delete_markers().iter();
        let markers = markers.map(|top| (top.key(), top.is_latest(), Shown::Hidden));
        let mut keys = Vec::new();
        for (key, is_latest, shown) in newest.chain(markers) {
            if let (Some(key), Some(true)) = (key, is_latest) {
                keys.push((read(key)?, shown));
            }
        }
        keys.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let key = listed
            .next_key_marker()
            .filter(|_| listed.is_truncated() == Some(true));
        let next = key.map(|key| {
            let version_id = listed.next_version_id_marker().map(str::to_owned);
            Ok::<_, StoreError>(Mark {
                key: read(key)?,
                version_id,
            })
        });
        Ok(Tops {
            keys,
            next: next.transpose()?,
        })
    }
}
