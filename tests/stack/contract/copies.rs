//! "Copying, moving, and renaming objects" (user guide); `CopyObject` (API reference).

use aws_sdk_s3::operation::copy_object::builders::CopyObjectFluentBuilder;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, MetadataDirective, TaggingDirective};

use super::{Lax, Target, on_each_s3, on_each_s3_but, refusal};

#[tokio::test]
async fn a_copy_has_the_bytes_metadata_and_tags_of_its_source() {
    on_each_s3(async |s3| {
        put_described(s3, "source").await;
        let copied = copy(s3, "source", None, "target").send().await.unwrap();
        let original = s3.get("source").await;
        let target = s3.get("target").await;
        assert_eq!(target.e_tag(), original.e_tag());
        assert_eq!(copied.copy_object_result().unwrap().e_tag(), original.e_tag());
        assert_eq!(copied.copy_source_version_id(), original.version_id());
        assert_eq!(copied.version_id(), target.version_id());
        assert_eq!(target.content_type(), Some("text/plain"));
        assert_eq!(target.metadata().unwrap()["tenant"], "acme");
        assert_eq!(tags(s3, "target").await, ["state=new"]);
        assert_eq!(s3.text("target").await, "described");
    })
    .await;
}

#[tokio::test]
async fn a_copy_pinned_to_a_version_takes_that_version() {
    on_each_s3(async |s3| {
        let pinned = s3.put("source", "checked").await.version_id.unwrap();
        s3.put("source", "changed since").await;
        let copied = copy(s3, "source", Some(&pinned), "target").send().await.unwrap();
        assert_eq!(copied.copy_source_version_id(), Some(pinned.as_str()));
        assert_eq!(s3.text("target").await, "checked");
    })
    .await;
}

#[tokio::test]
async fn a_copy_stays_when_its_source_is_gone() {
    on_each_s3(async |s3| {
        let version = s3.put("source", "kept").await.version_id.unwrap();
        copy(s3, "source", None, "target").send().await.unwrap();
        let request = s3
            .client
            .delete_object()
            .bucket(&s3.bucket)
            .key("source")
            .version_id(version);
        request.send().await.unwrap();
        assert_eq!(s3.text("target").await, "kept");
    })
    .await;
}

#[tokio::test]
async fn a_copy_can_replace_metadata_and_tags() {
    on_each_s3(async |s3| {
        put_described(s3, "source").await;
        let request = copy(s3, "source", None, "target")
            .metadata_directive(MetadataDirective::Replace)
            .metadata("owner", "north")
            .content_type("application/pdf")
            .tagging_directive(TaggingDirective::Replace)
            .tagging("verdict=rejected&reason=a%20b");
        request.send().await.unwrap();
        let target = s3.get("target").await;
        assert_eq!(target.content_type(), Some("application/pdf"));
        assert_eq!(target.metadata().unwrap().len(), 1);
        assert_eq!(target.metadata().unwrap()["owner"], "north");
        assert_eq!(tags(s3, "target").await, ["reason=a b", "verdict=rejected"]);
    })
    .await;
}

#[tokio::test]
async fn a_copy_of_a_source_that_changed_is_refused() {
    on_each_s3(async |s3| {
        let old = s3.put("source", "old").await.e_tag.unwrap();
        s3.put("source", "new").await;
        let request = copy(s3, "source", None, "target").copy_source_if_match(old);
        assert_eq!(
            refusal(request.send().await),
            (412, "PreconditionFailed".to_owned())
        );
        assert!(s3.keys("target").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_create_only_copy_is_refused_when_its_target_exists() {
    on_each_s3_but(Lax::ConditionalCopy, async |s3| {
        s3.put("source", "new").await;
        s3.put("target", "there").await;
        let request = copy(s3, "source", None, "target").if_none_match("*");
        assert_eq!(
            refusal(request.send().await),
            (412, "PreconditionFailed".to_owned())
        );
        assert_eq!(s3.text("target").await, "there");
        copy(s3, "source", None, "free")
            .if_none_match("*")
            .send()
            .await
            .unwrap();
        assert_eq!(s3.text("free").await, "new");
    })
    .await;
}

#[tokio::test]
async fn a_copy_of_nothing_is_not_found() {
    on_each_s3(async |s3| {
        let request = copy(s3, "never", None, "target");
        assert_eq!(refusal(request.send().await), (404, "NoSuchKey".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_copy_onto_itself_must_change_something() {
    on_each_s3(async |s3| {
        s3.put("a", "x").await;
        let request = copy(s3, "a", None, "a");
        assert_eq!(refusal(request.send().await), (400, "InvalidRequest".to_owned()));
        let request = copy(s3, "a", None, "a").metadata_directive(MetadataDirective::Replace);
        request.metadata("tenant", "acme").send().await.unwrap();
        assert_eq!(s3.get("a").await.metadata().unwrap()["tenant"], "acme");
    })
    .await;
}

#[tokio::test]
async fn an_older_version_copied_over_its_key_restores_it() {
    on_each_s3_but(Lax::RestoreByCopy, async |s3| {
        let old = s3.put("a", "old").await.version_id.unwrap();
        s3.put("a", "new").await;
        copy(s3, "a", Some(&old), "a").send().await.unwrap();
        assert_eq!(s3.text("a").await, "old");
    })
    .await;
}

#[tokio::test]
async fn a_copy_gets_the_checksum_it_is_asked_for() {
    on_each_s3(async |s3| {
        s3.put("source", "hello").await;
        let request = copy(s3, "source", None, "target").checksum_algorithm(ChecksumAlgorithm::Sha256);
        request.send().await.unwrap();
        let request = s3.client.head_object().bucket(&s3.bucket).key("target");
        let target = request.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        assert_eq!(
            target.checksum_sha256(),
            Some("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=")
        );
    })
    .await;
}

#[tokio::test]
async fn keys_that_need_encoding_can_be_copied() {
    on_each_s3(async |s3| {
        for source in ["a b+c%20d", "ü/日本語 🙂", "question?versionId=x"] {
            s3.put(source, source).await;
            copy(s3, source, None, "target").send().await.unwrap();
            assert_eq!(s3.text("target").await, source);
        }
    })
    .await;
}

async fn tags(s3: &Target, key: &str) -> Vec<String> {
    let answer = s3
        .client
        .get_object_tagging()
        .bucket(&s3.bucket)
        .key(key)
        .send()
        .await
        .unwrap();
    let mut tags: Vec<_> = answer
        .tag_set()
        .iter()
        .map(|tag| format!("{}={}", tag.key(), tag.value()))
        .collect();
    tags.sort_unstable();
    tags
}

async fn put_described(s3: &Target, key: &str) {
    let request = s3
        .client
        .put_object()
        .bucket(&s3.bucket)
        .key(key)
        .body(b"described".to_vec().into());
    let request = request
        .content_type("text/plain")
        .metadata("tenant", "acme")
        .tagging("state=new");
    request.send().await.unwrap();
}

fn copy(s3: &Target, source: &str, version: Option<&str>, target: &str) -> CopyObjectFluentBuilder {
    let encoded: Vec<String> = source.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let version = version.map(|id| format!("?versionId={id}")).unwrap_or_default();
    let source = format!("{}/{}{version}", s3.bucket, encoded.concat());
    s3.client
        .copy_object()
        .bucket(&s3.bucket)
        .key(target)
        .copy_source(source)
}
