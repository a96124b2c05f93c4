//! A version's tags: they change without a new version, and say what was found of it.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{Tag, Tagging};

use super::Bucket;
use crate::store_error::{StoreError, classify};

/// The most tags that an object has (S3 user guide, *Categorizing your objects using tags*).
pub const MAX_TAGS: usize = 10;

/// Tags, and of which version they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSet {
    /// The version that was looked at, in a bucket that keeps versions.
    pub version_id: Option<String>,
    /// By name.
    pub tags: BTreeMap<String, String>,
}

/// What became of the wish to set tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// They are written now.
    Now,
    /// They were there already.
    Already,
    /// Those that were found are to stay as they are.
    Left,
}

impl Bucket {
    /// The tags of one version of an object, or of the newest, and which version that is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unavailable`], [`StoreError::Refused`]: also, as S3 answers it, when the
    /// newest is a delete marker.
    pub async fn tag_set(&self, key: &str, version_id: Option<&str>) -> Result<TagSet, StoreError> {
        let get = self.client.get_object_tagging().bucket(&self.name).key(key);
        let answer = get.set_version_id(version_id.map(str::to_owned)).send().await;
        let answer = answer.map_err(|error| classify("GetObjectTagging", &error))?;
        Ok(TagSet {
            version_id: answer.version_id,
            tags: answer
                .tag_set
                .into_iter()
                .map(|tag| (tag.key, tag.value))
                .collect(),
        })
    }

    /// The tags of one version of an object, or of the newest.
    ///
    /// # Errors
    /// As for [`Bucket::tag_set`].
    pub async fn tags(
        &self,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        Ok(self.tag_set(key, version_id).await?.tags)
    }

    /// Sets these tags of a version and leaves its others as they are. Where S3 takes no more than ten, as many of
    /// these as fit, in their order. Nothing is written when nothing changes.
    ///
    /// S3 has no conditional write of tags: one that somebody else sets between the read and the write is lost.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when not even the first one fits; [`StoreError::NotFound`];
    /// [`StoreError::Unavailable`], after which the tags may be there; [`StoreError::Refused`].
    pub async fn merge_tags(
        &self,
        key: &str,
        version_id: Option<&str>,
        tags: &[(&str, &str)],
    ) -> Result<(), StoreError> {
        self.merge_tags_unless(key, version_id, tags, |_| false)
            .await
            .map(drop)
    }

    /// The same, unless `stays` says of the tags found that they are to stay as they are.
    ///
    /// # Errors
    /// As for [`Bucket::merge_tags`].
    pub async fn merge_tags_unless(
        &self,
        key: &str,
        version_id: Option<&str>,
        tags: &[(&str, &str)],
        stays: impl FnOnce(&BTreeMap<String, String>) -> bool,
    ) -> Result<Merged, StoreError> {
        let found = self.tags(key, version_id).await?;
        if stays(&found) {
            return Ok(Merged::Left);
        }
        let merged = merged(&found, tags)?;
        if merged == found {
            return Ok(Merged::Already);
        }
        let put = self.client.put_object_tagging().bucket(&self.name).key(key);
        let put = put
            .set_version_id(version_id.map(str::to_owned))
            .tagging(tagging(merged).map_err(|_| StoreError::Damaged("its tags can't be written"))?);
        put.send()
            .await
            .map(|_| Merged::Now)
            .map_err(|error| classify("PutObjectTagging", &error))
    }
}

/// Whether a version with these tags could have one of that name.
pub fn takes_tag(tags: &BTreeMap<String, String>, name: &str) -> bool {
    tags.contains_key(name) || tags.len() < MAX_TAGS
}

fn merged(
    found: &BTreeMap<String, String>,
    tags: &[(&str, &str)],
) -> Result<BTreeMap<String, String>, StoreError> {
    let mut merged = found.clone();
    for (number, (name, value)) in tags.iter().enumerate() {
        if takes_tag(&merged, name) {
            merged.insert((*name).to_owned(), (*value).to_owned());
        } else if number == 0 {
            return Err(StoreError::Damaged("it has ten tags of others already"));
        }
    }
    Ok(merged)
}

fn tagging(tags: BTreeMap<String, String>) -> Result<Tagging, aws_sdk_s3::error::BuildError> {
    let tags = tags
        .into_iter()
        .map(|(name, value)| Tag::builder().key(name).value(value).build());
    Tagging::builder()
        .set_tag_set(Some(tags.collect::<Result<_, _>>()?))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(count: usize) -> BTreeMap<String, String> {
        (0..count)
            .map(|number| (format!("own-{number}"), "x".to_owned()))
            .collect()
    }

    #[test]
    fn tags_are_added_and_changed_and_those_of_others_stay() {
        let mut found = numbered(2);
        found.insert("status".to_owned(), "verified".to_owned());
        let all = merged(&found, &[("status", "rejected"), ("sha256", "00")]).unwrap();
        let names: Vec<_> = all.keys().map(String::as_str).collect();
        assert_eq!(names, ["own-0", "own-1", "sha256", "status"]);
        assert_eq!(all["status"], "rejected");
    }

    #[test]
    fn where_there_is_little_room_the_first_ones_come_in() {
        let wanted = [("status", "verified"), ("collection", "bols"), ("sha256", "00")];
        for (count, expected) in [(7, 10), (8, 10), (9, 10)] {
            let all = merged(&numbered(count), &wanted).unwrap();
            assert_eq!(
                (all.len(), all["status"].as_str()),
                (expected, "verified"),
                "{count}"
            );
        }
        assert!(matches!(
            merged(&numbered(10), &wanted),
            Err(StoreError::Damaged(_))
        ));
        let mut full = numbered(9);
        full.insert("status".to_owned(), "verified".to_owned());
        assert_eq!(
            merged(&full, &[("status", "rejected")]).unwrap()["status"],
            "rejected"
        );
    }
}
