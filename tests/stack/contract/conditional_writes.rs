//! "How to prevent object overwrites with conditional writes" (S3 user guide).

use std::collections::BTreeSet;

use futures::future::join_all;

use super::{Target, on_each_s3, refusal};

const WRITERS: usize = 32;
const ROUNDS: usize = 6;

#[tokio::test]
async fn a_create_only_put_is_refused_when_the_object_exists_and_changes_nothing() {
    on_each_s3(async |s3| {
        s3.create("a", "first").await.unwrap();
        assert_eq!(
            refusal(s3.create("a", "second").await),
            (412, "PreconditionFailed".to_owned())
        );
        assert_eq!(s3.text("a").await, "first");
        assert_eq!(versions_of(s3, "a").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_delete_marker_counts_as_absent_for_a_create_only_put() {
    on_each_s3(async |s3| {
        s3.create("a", "first").await.unwrap();
        s3.client
            .delete_object()
            .bucket(&s3.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        s3.create("a", "second").await.unwrap();
        assert_eq!(s3.text("a").await, "second");
    })
    .await;
}

#[tokio::test]
async fn an_if_match_put_needs_the_current_etag() {
    on_each_s3(async |s3| {
        let first = s3.put("a", "first").await.e_tag.unwrap();
        let second = put_if(s3, "a", &first, "second").await.unwrap().e_tag.unwrap();
        let stale = put_if(s3, "a", &first, "third").await;
        assert_eq!(refusal(stale), (412, "PreconditionFailed".to_owned()));
        // S3 takes etags with or without quotes.
        put_if(s3, "a", second.trim_matches('"'), "fourth").await.unwrap();
        assert_eq!(s3.text("a").await, "fourth");
    })
    .await;
}

#[tokio::test]
async fn an_if_match_put_on_nothing_or_a_delete_marker_is_not_found() {
    on_each_s3(async |s3| {
        let etag = s3.put("deleted", "x").await.e_tag.unwrap();
        s3.client
            .delete_object()
            .bucket(&s3.bucket)
            .key("deleted")
            .send()
            .await
            .unwrap();
        for key in ["never", "deleted"] {
            assert_eq!(
                refusal(put_if(s3, key, &etag, "y").await),
                (404, "NoSuchKey".to_owned()),
                "{key}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_32_racing_create_only_puts_exactly_one_wins() {
    on_each_s3(async |s3| {
        for round in 0..ROUNDS {
            let key = format!("race/{round}");
            let results =
                join_all((0..WRITERS).map(|writer| s3.create(&key, format!("writer {writer}")))).await;
            let won: Vec<_> = (0..WRITERS).filter(|writer| results[*writer].is_ok()).collect();
            assert_eq!(won.len(), 1, "round {round}: {won:?}");
            for lost in results.into_iter().filter(Result::is_err) {
                assert_eq!(refusal(lost).0, 412);
            }
            assert_eq!(s3.text(&key).await, format!("writer {}", won[0]));
            assert_eq!(versions_of(s3, &key).await.len(), 1);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_32_racing_if_match_puts_exactly_one_wins() {
    on_each_s3(async |s3| {
        for round in 0..ROUNDS {
            let key = format!("race/{round}");
            let etag = s3.put(&key, "start").await.e_tag.unwrap();
            let results =
                join_all((0..WRITERS).map(|writer| put_if(s3, &key, &etag, format!("writer {writer}"))))
                    .await;
            let won: Vec<_> = (0..WRITERS).filter(|writer| results[*writer].is_ok()).collect();
            assert_eq!(won.len(), 1, "round {round}: {won:?}");
            assert_eq!(s3.text(&key).await, format!("writer {}", won[0]));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_counter_that_moves_by_if_match_loses_no_step() {
    on_each_s3(async |s3| {
        s3.put("counter", "0").await;
        let seen = join_all((0..8).map(|_| increment(s3, "counter"))).await;
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>().len(), 8);
        assert_eq!(s3.text("counter").await, "8");
    })
    .await;
}

/// Reads, adds one, writes on condition, and starts over when somebody was faster.
async fn increment(s3: &Target, key: &str) -> u64 {
    loop {
        let current = s3.get(key).await;
        let etag = current.e_tag().unwrap().to_owned();
        let text = String::from_utf8(super::bytes_of(current).await).unwrap();
        let next = text.parse::<u64>().unwrap() + 1;
        match put_if(s3, key, &etag, next.to_string()).await {
            Ok(_) => return next,
            refused => assert_eq!(refusal(refused).0, 412),
        }
    }
}

#[tokio::test]
async fn unconditional_puts_that_race_leave_one_of_their_bodies_whole() {
    on_each_s3(async |s3| {
        let bodies: Vec<Vec<u8>> = (0..8_u8).map(|writer| vec![writer; 300_000]).collect();
        join_all(bodies.iter().map(|body| s3.put("a", body.clone()))).await;
        let stored = super::bytes_of(s3.get("a").await).await;
        assert!(bodies.contains(&stored));
    })
    .await;
}

async fn put_if(
    s3: &Target,
    key: &str,
    etag: &str,
    body: impl Into<Vec<u8>>,
) -> Result<
    aws_sdk_s3::operation::put_object::PutObjectOutput,
    aws_sdk_s3::error::SdkError<aws_sdk_s3::operation::put_object::PutObjectError>,
> {
    let request = s3.client.put_object().bucket(&s3.bucket).key(key).if_match(etag);
    request.body(body.into().into()).send().await
}

async fn versions_of(s3: &Target, key: &str) -> Vec<String> {
    let listed = s3
        .client
        .list_object_versions()
        .bucket(&s3.bucket)
        .prefix(key)
        .send()
        .await
        .unwrap();
    let versions = listed
        .versions()
        .iter()
        .filter(|version| version.key() == Some(key));
    versions
        .map(|version| version.version_id().unwrap().to_owned())
        .collect()
}
