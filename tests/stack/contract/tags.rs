//! "Categorizing your objects using tags" (user guide).

use aws_sdk_s3::types::{Tag, Tagging};

use super::{Lax, Target, on_each_s3, on_each_s3_but, refusal};

#[tokio::test]
async fn tags_are_put_read_replaced_and_removed_without_a_new_version() {
    on_each_s3(async |s3| {
        let version = s3.put("a", "x").await.version_id.unwrap();
        set(s3, "a", None, &[("verdict", "verified"), ("by", "post-process")])
            .await
            .unwrap();
        assert_eq!(
            tags(s3, "a", None).await,
            [("by", "post-process"), ("verdict", "verified")].map(owned)
        );
        set(s3, "a", None, &[("verdict", "rejected")]).await.unwrap();
        assert_eq!(tags(s3, "a", None).await, [("verdict", "rejected")].map(owned));
        assert_eq!(s3.get("a").await.version_id(), Some(version.as_str()));
        s3.client
            .delete_object_tagging()
            .bucket(&s3.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        assert!(tags(s3, "a", None).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_answer_says_how_many_tags_there_are() {
    on_each_s3_but(Lax::TagCount, async |s3| {
        s3.put("a", "x").await;
        assert_eq!(s3.get("a").await.tag_count(), None);
        set(s3, "a", None, &[("verdict", "verified"), ("by", "post-process")])
            .await
            .unwrap();
        assert_eq!(s3.get("a").await.tag_count(), Some(2));
        let head = s3
            .client
            .head_object()
            .bucket(&s3.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        assert_eq!(head.tag_count(), Some(2));
    })
    .await;
}

#[tokio::test]
async fn each_version_has_tags_of_its_own() {
    on_each_s3(async |s3| {
        let old = s3.put("a", "old").await.version_id.unwrap();
        s3.put("a", "new").await;
        set(s3, "a", Some(&old), &[("state", "old")]).await.unwrap();
        assert_eq!(tags(s3, "a", Some(&old)).await, [("state", "old")].map(owned));
        assert!(tags(s3, "a", None).await.is_empty());
        assert_eq!(s3.text("a").await, "new");
    })
    .await;
}

#[tokio::test]
async fn tags_can_come_with_a_put() {
    on_each_s3(async |s3| {
        let request = s3
            .client
            .put_object()
            .bucket(&s3.bucket)
            .key("a")
            .body(b"x".to_vec().into());
        request.tagging("state=new&a%20b=c%2Bd").send().await.unwrap();
        assert_eq!(
            tags(s3, "a", None).await,
            [("a b", "c+d"), ("state", "new")].map(owned)
        );
    })
    .await;
}

#[tokio::test]
async fn tags_that_contradict_each_other_or_belong_to_aws_are_refused() {
    on_each_s3(async |s3| {
        s3.put("a", "x").await;
        for tags in [&[("k", "1"), ("k", "2")][..], &[("aws:k", "v")], &[("k<", "v")]] {
            assert_eq!(
                refusal(set(s3, "a", None, tags).await),
                (400, "InvalidTag".to_owned()),
                "{tags:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn tags_beyond_the_limits_are_refused() {
    on_each_s3_but(Lax::TagLimits, async |s3| {
        s3.put("a", "x").await;
        let long_key = "k".repeat(129);
        let long_value = "v".repeat(257);
        assert_eq!(
            refusal(set(s3, "a", None, &[(&long_key, "v")]).await),
            (400, "InvalidTag".to_owned())
        );
        assert_eq!(
            refusal(set(s3, "a", None, &[("k", &long_value)]).await),
            (400, "InvalidTag".to_owned())
        );
        let names: Vec<String> = (0..11).map(|number| number.to_string()).collect();
        let eleven: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
        assert_eq!(
            refusal(set(s3, "a", None, &eleven).await),
            (400, "BadRequest".to_owned())
        );
        set(s3, "a", None, &eleven[..10]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_has_no_tags() {
    on_each_s3(async |s3| {
        let request = s3.client.get_object_tagging().bucket(&s3.bucket).key("never");
        assert_eq!(refusal(request.send().await), (404, "NoSuchKey".to_owned()));
    })
    .await;
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

async fn tags(s3: &Target, key: &str, version: Option<&str>) -> Vec<(String, String)> {
    let request = s3.client.get_object_tagging().bucket(&s3.bucket).key(key);
    let answer = request
        .set_version_id(version.map(str::to_owned))
        .send()
        .await
        .unwrap();
    let mut tags: Vec<_> = answer
        .tag_set()
        .iter()
        .map(|tag| owned((tag.key(), tag.value())))
        .collect();
    tags.sort_unstable();
    tags
}

async fn set(
    s3: &Target,
    key: &str,
    version: Option<&str>,
    tags: &[(&str, &str)],
) -> Result<
    aws_sdk_s3::operation::put_object_tagging::PutObjectTaggingOutput,
    aws_sdk_s3::error::SdkError<aws_sdk_s3::operation::put_object_tagging::PutObjectTaggingError>,
> {
    let tags = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(*key).value(*value).build().unwrap());
    let tagging = Tagging::builder()
        .set_tag_set(Some(tags.collect()))
        .build()
        .unwrap();
    let request = s3
        .client
        .put_object_tagging()
        .bucket(&s3.bucket)
        .key(key)
        .tagging(tagging);
    request.set_version_id(version.map(str::to_owned)).send().await
}
