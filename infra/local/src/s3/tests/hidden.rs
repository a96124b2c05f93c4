//! What taking an object out of sight needs: copies to another bucket, tags of a version, conditional deletes.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{MetadataDirective, Tag, Tagging, TaggingDirective};

use super::{BUCKET, Running, refusal};

const OTHER: &str = "other-bucket";

impl Running {
    async fn with_another() -> Self {
        Self::start(|config| config.buckets.push(OTHER.to_owned())).await
    }

    async fn tag(&self, key: &str, version: Option<&str>, tags: &[(&str, &str)]) -> Option<String> {
        let tags = tags
            .iter()
            .map(|(name, value)| Tag::builder().key(*name).value(*value).build().unwrap());
        let tags = Tagging::builder()
            .set_tag_set(Some(tags.collect()))
            .build()
            .unwrap();
        let request = self.client.put_object_tagging().bucket(BUCKET).key(key);
        let request = request.set_version_id(version.map(str::to_owned)).tagging(tags);
        request.send().await.unwrap().version_id
    }

    /// The tags of a version, and which version that is.
    async fn tags(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> (BTreeMap<String, String>, String) {
        let request = self.client.get_object_tagging().bucket(bucket).key(key);
        let answer = request.set_version_id(version.map(str::to_owned)).send().await;
        let answer = answer.unwrap();
        let tags = answer.tag_set.into_iter().map(|tag| (tag.key, tag.value));
        (tags.collect(), answer.version_id.unwrap())
    }

    async fn etag(&self, key: &str) -> String {
        let head = self.client.head_object().bucket(BUCKET).key(key).send().await;
        head.unwrap().e_tag.unwrap()
    }
}

fn map(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
    let tags = tags.iter();
    tags.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn tags_belong_to_one_version() {
    let running = Running::with_another().await;
    let first = running.put("a", "1").await;
    let second = running.put("a", "2").await;
    let tagged = running.tag("a", Some(&first), &[("status", "rejected")]).await;
    assert_eq!(tagged.as_ref(), Some(&first));
    assert_eq!(running.tag("a", None, &[("x", "y")]).await, Some(second.clone()));
    let rejected = map(&[("status", "rejected")]);
    assert_eq!(
        running.tags(BUCKET, "a", Some(&first)).await,
        (rejected, first.clone())
    );
    assert_eq!(
        running.tags(BUCKET, "a", None).await,
        (map(&[("x", "y")]), second)
    );
    // Replaced, not merged; and gone with the version.
    running.tag("a", Some(&first), &[("z", "1")]).await;
    assert_eq!(
        running.tags(BUCKET, "a", Some(&first)).await.0,
        map(&[("z", "1")])
    );
    let delete = running.client.delete_object().bucket(BUCKET).key("a");
    delete.version_id(&first).send().await.unwrap();
    let get = running.client.get_object_tagging().bucket(BUCKET).key("a");
    let gone = refusal(get.version_id(&first).send().await);
    assert_eq!(gone, (404, "NoSuchVersion".to_owned()));
}

#[tokio::test]
async fn the_tags_of_a_hidden_version_can_be_read_and_set() {
    let running = Running::with_another().await;
    let version = running.put("a", "1").await;
    let delete = running.client.delete_object().bucket(BUCKET).key("a");
    let marker = delete.send().await.unwrap();
    assert_eq!(marker.delete_marker(), Some(true));
    running.tag("a", Some(&version), &[("status", "rejected")]).await;
    let tags = running.tags(BUCKET, "a", Some(&version)).await.0;
    assert_eq!(tags, map(&[("status", "rejected")]));
    let get = running.client.get_object_tagging().bucket(BUCKET).key("a");
    assert_eq!(refusal(get.send().await), (404, "NoSuchKey".to_owned()));
    // Without its marker it is there again.
    let delete = running.client.delete_object().bucket(BUCKET).key("a");
    let delete = delete.version_id(marker.version_id().unwrap());
    assert_eq!(delete.send().await.unwrap().delete_marker(), Some(true));
    assert_eq!(running.tags(BUCKET, "a", None).await.1, version);
}

/// Source: Amazon S3 User Guide, "How to perform conditional deletes".
#[tokio::test]
async fn a_delete_with_an_etag_hides_that_content_alone() {
    let running = Running::with_another().await;
    running.put("a", "1").await;
    let old = running.etag("a").await;
    let newest = running.put("a", "2").await;
    let delete = |key: &str, etag: &str| {
        let request = running.client.delete_object().bucket(BUCKET).key(key);
        request.if_match(etag).send()
    };
    let failed = (412, "PreconditionFailed".to_owned());
    assert_eq!(refusal(delete("a", &old).await), failed);
    assert_eq!(running.tags(BUCKET, "a", None).await.1, newest);
    let current = running.etag("a").await;
    let hidden = delete("a", &current).await.unwrap();
    assert_eq!(hidden.delete_marker(), Some(true));
    // Hidden already, or never there: nothing is done a second time.
    let missing = (404, "NoSuchKey".to_owned());
    assert_eq!(refusal(delete("a", &current).await), missing);
    assert_eq!(refusal(delete("b", &current).await), missing);
    assert_eq!(refusal(delete("a", "*").await), failed);
    let versions = running.client.list_object_versions().bucket(BUCKET).send().await;
    let versions = versions.unwrap();
    assert_eq!(versions.versions().len(), 2);
    assert_eq!(versions.delete_markers().len(), 1);
}

#[tokio::test]
async fn a_version_is_copied_to_another_bucket_once_with_or_without_its_tags() {
    let running = Running::with_another().await;
    let first = running.put("a ü+", "1").await;
    running.put("a ü+", "2").await;
    running.tag("a ü+", Some(&first), &[("status", "rejected")]).await;
    let copy = |key: &str| {
        let source = format!("{BUCKET}/a%20%C3%BC%2B?versionId={first}");
        let request = running.client.copy_object().bucket(OTHER).key(key);
        request.copy_source(source).if_none_match("*")
    };
    let made = copy("with").send().await.unwrap();
    assert_eq!(made.copy_source_version_id(), Some(first.as_str()));
    let rejected = map(&[("status", "rejected")]);
    assert_eq!(running.tags(OTHER, "with", None).await.0, rejected);
    let replaced = copy("without")
        .tagging_directive(TaggingDirective::Replace)
        .tagging("kept=for%20ever")
        .metadata_directive(MetadataDirective::Replace)
        .metadata("reason", "no PDF");
    replaced.send().await.unwrap();
    let kept = map(&[("kept", "for ever")]);
    assert_eq!(running.tags(OTHER, "without", None).await.0, kept);
    let get = running
        .client
        .get_object()
        .bucket(OTHER)
        .key("without")
        .send()
        .await;
    let get = get.unwrap();
    assert_eq!(get.metadata().unwrap()["reason"], "no PDF");
    assert_eq!(get.body.collect().await.unwrap().to_vec(), b"1");
    let again = refusal(copy("with").send().await);
    assert_eq!(again, (412, "PreconditionFailed".to_owned()));
}
