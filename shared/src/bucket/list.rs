//! Keys, in the order of their bytes.

use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;

use super::Bucket;
use crate::store_error::{StoreError, classify};

/// The most keys that one answer of S3 holds.
pub(super) const MAX_KEYS: i32 = 1_000;

/// Some of the keys below a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In order.
    pub keys: Vec<String>,
    /// Whether there are more after the last one.
    pub is_cut: bool,
}

impl Bucket {
    /// The first keys that begin with `prefix` and come after `after`, at most `limit` of them and at most 1,000: one
    /// call, however many there are. S3 sends them percent-encoded: XML can't hold every key, and one that it can't hold
    /// would make the whole answer unreadable (Amazon S3 API reference, *`ListObjectsV2`*, `encoding-type`).
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`]; [`StoreError::Damaged`] when a key isn't UTF-8.
    pub async fn page(&self, prefix: &str, after: Option<&str>, limit: i32) -> Result<Page, StoreError> {
        let page = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(prefix)
            .set_start_after(after.map(str::to_owned))
            .max_keys(limit.clamp(1, MAX_KEYS))
            .encoding_type(EncodingType::Url)
            .send()
            .await
            .map_err(|error| classify("ListObjectsV2", &error))?;
        let is_cut = page.is_truncated().unwrap_or(false);
        // Stores that don't know the parameter answer without it.
        let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
        let objects = page.contents.unwrap_or_default();
        let keys = objects.into_iter().filter_map(|object| object.key);
        let keys = keys.map(|key| if is_encoded { decoded(&key) } else { Ok(key) });
        Ok(Page {
            keys: keys.collect::<Result<_, _>>()?,
            is_cut,
        })
    }

    /// All keys that begin with `prefix`, in order.
    ///
    /// # Errors
    /// As for [`Bucket::page`].
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let page = self
                .page(prefix, keys.last().map(String::as_str), MAX_KEYS)
                .await?;
            let is_last = !page.is_cut || page.keys.is_empty();
            keys.extend(page.keys);
            if is_last {
                return Ok(keys);
            }
        }
    }
}

/// The key that S3 wrote percent-encoded, with `+` for a blank.
pub(super) fn decoded(key: &str) -> Result<String, StoreError> {
    let key = key.replace('+', " ");
    let decoded = percent_decode_str(&key).decode_utf8();
    let decoded = decoded.map_err(|_| StoreError::Damaged("a key in a list is not UTF-8"))?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_s3_encodes_them() {
        for (encoded, key) in [
            ("a/b+c%2Bd.pdf", "a/b c+d.pdf"),
            ("a%20b%EF%BF%BE", "a b\u{fffe}"),
            ("100%25", "100%"),
        ] {
            assert_eq!(decoded(encoded).unwrap(), key);
        }
        assert!(matches!(decoded("%FF"), Err(StoreError::Damaged(_))));
    }
}
