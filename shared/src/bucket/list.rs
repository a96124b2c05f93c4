//! Keys, in the order of their bytes.

use super::Bucket;
use crate::store_error::{StoreError, classify};

/// The most keys that one answer of S3 holds.
const MAX_KEYS: i32 = 1_000;

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
    /// call, however many there are.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn page(&self, prefix: &str, after: Option<&str>, limit: i32) -> Result<Page, StoreError> {
        let page = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(prefix)
            .set_start_after(after.map(str::to_owned))
            .max_keys(limit.clamp(1, MAX_KEYS))
            .send()
            .await
            .map_err(|error| classify("ListObjectsV2", &error))?;
        let is_cut = page.is_truncated().unwrap_or(false);
        let objects = page.contents.unwrap_or_default();
        Ok(Page {
            keys: objects.into_iter().filter_map(|object| object.key).collect(),
            is_cut,
        })
    }

    /// All keys that begin with `prefix`, in order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`].
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
