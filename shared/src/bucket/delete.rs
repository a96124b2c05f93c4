//! Delete markers: a version is hidden by one, and comes back when it is removed. And the end of single versions, where
//! they are named: [`Bucket::delete_version`] alone removes one for good.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;

use super::{Bucket, CONFLICT_ATTEMPTS, CONFLICT_PAUSE};
use crate::store_error::{Cause, StoreError, classify, status};

/// The newest entries of a key that are looked at: a version under its marker are two.
const MAX_ENTRIES: i32 = 100;

/// What became of the wish to hide a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// A delete marker lies over it now.
    Now,
    /// Nobody sees the key: a marker lies there already, or nothing at all.
    Already,
    /// Another version is the newest, which stays as it is; this one is reached by its id alone.
    Replaced,
}

/// What a key shows, and what lies under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Top {
    /// The delete marker that hides the key, if one does.
    pub marker: Option<String>,
    /// The newest version, which the marker hides.
    pub version_id: Option<String>,
}

impl Bucket {
    /// Hides a version under a delete marker, if it is the newest; any other one stays as it is. May be repeated.
    ///
    /// S3 compares contents (`If-Match`), not versions: one of the very same content that is stored between the look and
    /// the marker is hidden in its place. A bucket that keeps no versions loses the object.
    /// Source: S3 user guide, *How to perform conditional deletes*.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], after which it may be hidden; [`StoreError::Refused`].
    pub async fn hide(&self, key: &str, version_id: Option<&str>, etag: &str) -> Result<Hidden, StoreError> {
        let mut pause = CONFLICT_PAUSE;
        for _ in 0..CONFLICT_ATTEMPTS {
            let newest = match self.newest(key).await {
                Ok(newest) => newest,
                Err(StoreError::NotFound) => return Ok(Hidden::Already),
                Err(error) => return Err(error),
            };
            let found = newest.e_tag().unwrap_or_default();
            let is_wanted = match (version_id, newest.version_id()) {
                (Some(wanted), Some(found)) => wanted == found,
                _ => bare(etag) == bare(found),
            };
            if !is_wanted {
                return Ok(Hidden::Replaced);
            }
            if self.mark_deleted(key, found).await? {
                return Ok(Hidden::Now);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(StoreError::Unavailable(Cause::conflict("DeleteObject")))
    }

    async fn newest(&self, key: &str) -> Result<HeadObjectOutput, StoreError> {
        let head = self.client.head_object().bucket(&self.name).key(key).send().await;
        head.map_err(|error| classify("HeadObject", &error))
    }

    /// `false` when it must be looked at again: something changed, or this marker is there and its answer was lost.
    async fn mark_deleted(&self, key: &str, etag: &str) -> Result<bool, StoreError> {
        let delete = self.client.delete_object().bucket(&self.name).key(key);
        match delete.if_match(etag).send().await {
            Ok(_) => Ok(true),
            Err(error) if matches!(status(&error), Some(404 | 409 | 412)) => Ok(false),
            Err(error) => Err(classify("DeleteObject", &error)),
        }
    }

    /// What lies on top of a key's history.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn top(&self, key: &str) -> Result<Top, StoreError> {
        // A key comes before all others that begin with it.
        let list = self.client.list_object_versions().bucket(&self.name).prefix(key);
        // XML can't hold every key as it is.
        let list = list.max_keys(MAX_ENTRIES).encoding_type(EncodingType::Url);
        let listed = list.send().await;
        let listed = listed.map_err(|error| classify("ListObjectVersions", &error))?;
        let is_encoded = listed.encoding_type() == Some(&EncodingType::Url);
        let is_wanted = |name: Option<&str>| name.is_some_and(|name| is_name_of(key, name, is_encoded));
        let mut markers = listed.delete_markers().iter();
        let marker = markers.find(|marker| is_wanted(marker.key()) && marker.is_latest() == Some(true));
        // Newest first, as S3 lists them.
        let version = listed.versions().iter().find(|version| is_wanted(version.key()));
        Ok(Top {
            marker: marker.and_then(|marker| marker.version_id()).map(str::to_owned),
            version_id: version
                .and_then(|version| version.version_id())
                .map(str::to_owned),
        })
    }

    /// Hides whatever lies at a key, or removes it where the bucket keeps no versions. May be repeated.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], after which it may be hidden; [`StoreError::Refused`].
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let deleted = self
            .client
            .delete_object()
            .bucket(&self.name)
            .key(key)
            .send()
            .await;
        deleted
            .map(drop)
            .map_err(|error| classify("DeleteObject", &error))
    }

    /// Removes a version for good: what was copied elsewhere. May be repeated.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], after which it may be removed; [`StoreError::Refused`].
    pub async fn delete_version(&self, key: &str, version_id: &str) -> Result<(), StoreError> {
        let delete = self.client.delete_object().bucket(&self.name).key(key);
        let deleted = delete.version_id(version_id).send().await;
        deleted
            .map(drop)
            .map_err(|error| classify("DeleteObject", &error))
    }

    /// Removes a delete marker of [`Bucket::top`]: what it hid is seen again. May be repeated.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], after which it may be removed; [`StoreError::Refused`].
    pub async fn remove_marker(&self, key: &str, marker: &str) -> Result<(), StoreError> {
        self.delete_version(key, marker).await
    }
}

/// Whether a list means `key` by `name`. S3 writes an encoded blank as a plus, others as `%20`.
fn is_name_of(key: &str, name: &str, is_encoded: bool) -> bool {
    if !is_encoded {
        return name == key;
    }
    let blanks = name.replace('+', " ");
    percent_decode_str(&blanks).eq(key.bytes())
}

/// An entity tag without its quotes: events have none, answers have them.
fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_lists_are_told_as_they_are_encoded() {
        for (key, name) in [
            ("a b", "a+b"),
            ("a b", "a%20b"),
            ("a+b", "a%2Bb"),
            ("a\u{1}b", "a%01b"),
            ("ü/100%", "%C3%BC/100%25"),
        ] {
            assert!(is_name_of(key, name, true), "{key:?}");
            assert!(!is_name_of(key, name, false), "{key:?}");
        }
        assert!(is_name_of("a+b", "a+b", false));
        assert!(!is_name_of("a+b", "a+b", true));
        assert!(!is_name_of("a", "a%20", true));
    }
}
