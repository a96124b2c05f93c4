//! Object Lock, with a default retention.

use aws_sdk_s3::types::{BucketVersioningStatus, Delete, ObjectIdentifier, VersioningConfiguration};

use super::*;
use crate::client::call;

async fn start(retention: Duration) -> Running {
    Running::start(|config| {
        config.retention.insert(BUCKET.to_owned(), retention);
    })
    .await
}

async fn delete(s3: &Running, key: &str, version: &str) -> Result<(), (u16, String)> {
    let request = s3.client.delete_object().bucket(BUCKET).key(key);
    match request.version_id(version).send().await {
        Ok(_) => Ok(()),
        refused => Err(refusal(refused)),
    }
}

fn denied() -> Result<(), (u16, String)> {
    Err((403, "AccessDenied".to_owned()))
}

#[tokio::test]
async fn a_locked_version_can_not_be_deleted_and_no_write_replaces_it() {
    let s3 = start(365 * DAY).await;
    let first = s3.put("a", "first").await;
    let second = s3.put("a", "second").await;
    assert_ne!(first, second);
    for version in [&first, &second] {
        assert_eq!(delete(&s3, "a", version).await, denied());
    }
    let both = [&first, &second].map(|version| {
        let object = ObjectIdentifier::builder().key("a").version_id(version);
        object.build().unwrap()
    });
    let both = Delete::builder()
        .set_objects(Some(both.to_vec()))
        .build()
        .unwrap();
    let answer = s3
        .client
        .delete_objects()
        .bucket(BUCKET)
        .delete(both)
        .send()
        .await;
    let answer = answer.unwrap();
    assert_eq!((answer.deleted().len(), answer.errors().len()), (0, 2));
    assert_eq!(answer.errors()[0].code(), Some("AccessDenied"));
    let request = s3.client.get_object().bucket(BUCKET).key("a").version_id(first);
    let kept = request.send().await.unwrap().body.collect().await.unwrap();
    assert_eq!(kept.to_vec(), b"first");
}

#[tokio::test]
async fn a_key_can_be_hidden_and_shown_again() {
    let s3 = start(365 * DAY).await;
    s3.put("a", "x").await;
    let hidden = s3.client.delete_object().bucket(BUCKET).key("a").send().await;
    let marker = hidden.unwrap().version_id.unwrap();
    assert_eq!(delete(&s3, "a", &marker).await, Ok(()));
    s3.client
        .head_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_lock_ends() {
    let s3 = start(DAY).await;
    let version = s3.put("a", "x").await;
    assert_eq!(delete(&s3, "a", &version).await, denied());
    DAYS.fetch_add(1, Ordering::Relaxed);
    assert_eq!(delete(&s3, "a", &version).await, Ok(()));
}

#[tokio::test]
async fn a_bucket_with_locks_keeps_versions_and_takes_no_unchecked_bytes() {
    let s3 = start(365 * DAY).await;
    let configuration = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended);
    let request = s3.client.put_bucket_versioning().bucket(BUCKET);
    let request = request.versioning_configuration(configuration.build());
    assert_eq!(
        refusal(request.send().await),
        (409, "InvalidBucketState".to_owned())
    );

    let request = s3.client.put_object().bucket(BUCKET).key("a");
    let url = request.presigned(presigned::lasting(60)).await.unwrap();
    let target = url.uri().strip_prefix(&s3.server.endpoint()).unwrap();
    let put = async |headers: &[(&str, &str)]| {
        let answer = call(s3.server.address(), hyper::Method::PUT, target, headers, "x").await;
        answer.unwrap().status().as_u16()
    };
    assert_eq!(put(&[]).await, 400);
    assert_eq!(
        put(&[("content-md5", "nUF+ZexwUfo8hoGV2d6M9g==")]).await,
        400,
        "another body's"
    );
    assert_eq!(
        put(&[("content-md5", "nUF+ZexwR4fB3wlAbGgGrw==")]).await,
        400,
        "and another"
    );
}
