//! `ListObjectsV2`, `ListObjects` (API reference); "Organizing objects using prefixes" (user guide).

use futures::stream::{self, StreamExt as _};

use super::{Lax, Target, on_each_s3, on_each_s3_but, refusal};

#[tokio::test]
async fn a_prefix_lists_what_begins_with_it_in_order() {
    on_each_s3(async |s3| {
        fill(s3, &["b/2", "a/1", "b/10", "b/1", "bb", "c"]).await;
        assert_eq!(s3.keys("b/").await, ["b/1", "b/10", "b/2"]);
        assert_eq!(s3.keys("b").await, ["b/1", "b/10", "b/2", "bb"]);
        assert!(s3.keys("none").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_entry_says_what_the_object_is() {
    on_each_s3(async |s3| {
        let put = s3.put("a", "hello").await;
        let listed = s3
            .client
            .list_objects_v2()
            .bucket(&s3.bucket)
            .send()
            .await
            .unwrap();
        let object = &listed.contents()[0];
        assert_eq!(
            (object.key(), object.size(), object.e_tag()),
            (Some("a"), Some(5), put.e_tag())
        );
        assert_eq!(listed.key_count(), Some(1));
        let head = s3
            .client
            .head_object()
            .bucket(&s3.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        assert_eq!(
            object.last_modified().unwrap().secs(),
            head.last_modified().unwrap().secs()
        );
    })
    .await;
}

#[tokio::test]
async fn a_delimiter_rolls_keys_up_and_counts_each_prefix_once() {
    on_each_s3(async |s3| {
        fill(s3, &["a", "b/1", "b/2", "c/1/x", "c/2", "d"]).await;
        let request = s3.client.list_objects_v2().bucket(&s3.bucket).delimiter("/");
        let listed = request.send().await.unwrap();
        let keys: Vec<_> = listed
            .contents()
            .iter()
            .map(|object| object.key().unwrap())
            .collect();
        let prefixes: Vec<_> = listed
            .common_prefixes()
            .iter()
            .map(|prefix| prefix.prefix().unwrap())
            .collect();
        assert_eq!((keys, prefixes), (vec!["a", "d"], vec!["b/", "c/"]));
        assert_eq!(listed.key_count(), Some(4));
        let request = s3
            .client
            .list_objects_v2()
            .bucket(&s3.bucket)
            .prefix("c/")
            .delimiter("/");
        let listed = request.send().await.unwrap();
        assert_eq!(listed.common_prefixes()[0].prefix(), Some("c/1/"));
        assert_eq!(listed.contents()[0].key(), Some("c/2"));
    })
    .await;
}

#[tokio::test]
async fn pages_with_a_delimiter_repeat_and_miss_nothing() {
    on_each_s3(async |s3| {
        fill(s3, &["a", "b/1", "b/2", "b/3", "c", "d/1", "d/2", "e"]).await;
        for size in 1..6 {
            let request = s3
                .client
                .list_objects_v2()
                .bucket(&s3.bucket)
                .delimiter("/")
                .max_keys(size);
            let mut pages = request.into_paginator().send();
            let mut seen = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.unwrap();
                assert!(page.key_count().unwrap() <= size);
                seen.extend(
                    page.contents()
                        .iter()
                        .map(|object| object.key().unwrap().to_owned()),
                );
                seen.extend(
                    page.common_prefixes()
                        .iter()
                        .map(|prefix| prefix.prefix().unwrap().to_owned()),
                );
            }
            seen.sort_unstable();
            assert_eq!(seen, ["a", "b/", "c", "d/", "e"], "{size} at a time");
        }
    })
    .await;
}

#[tokio::test]
async fn more_than_a_thousand_keys_come_in_pages_of_a_thousand() {
    on_each_s3(async |s3| {
        let keys: Vec<String> = (0..1100).map(|number| format!("n/{number:05}")).collect();
        stream::iter(&keys)
            .for_each_concurrent(16, async |key| drop(s3.put(key, "").await))
            .await;
        let first = s3
            .client
            .list_objects_v2()
            .bucket(&s3.bucket)
            .send()
            .await
            .unwrap();
        assert_eq!(first.contents().len(), 1000);
        assert_eq!((first.is_truncated(), first.max_keys()), (Some(true), Some(1000)));
        let token = first.next_continuation_token().unwrap();
        let rest = s3
            .client
            .list_objects_v2()
            .bucket(&s3.bucket)
            .continuation_token(token);
        let rest = rest.send().await.unwrap();
        assert_eq!((rest.contents().len(), rest.is_truncated()), (100, Some(false)));
        assert_eq!(s3.keys("n/").await, keys);
    })
    .await;
}

#[tokio::test]
async fn no_answer_lists_more_than_a_thousand_keys() {
    on_each_s3_but(Lax::ThousandKeys, async |s3| {
        stream::iter(0..1001)
            .for_each_concurrent(16, async |n| drop(s3.put(&format!("{n:05}"), "").await))
            .await;
        let listed = s3
            .client
            .list_objects_v2()
            .bucket(&s3.bucket)
            .max_keys(5000)
            .send()
            .await
            .unwrap();
        assert_eq!((listed.contents().len(), listed.max_keys()), (1000, Some(1000)));
        assert_eq!(listed.is_truncated(), Some(true));
    })
    .await;
}

#[tokio::test]
async fn a_list_can_start_after_a_key_that_need_not_exist() {
    on_each_s3(async |s3| {
        fill(s3, &["a", "b", "c"]).await;
        for (after, first) in [("a", "b"), ("aa", "b"), ("b", "c")] {
            let request = s3.client.list_objects_v2().bucket(&s3.bucket).start_after(after);
            assert_eq!(request.send().await.unwrap().contents()[0].key(), Some(first));
        }
    })
    .await;
}

#[tokio::test]
async fn a_write_is_listed_at_once_and_a_delete_too() {
    on_each_s3(async |s3| {
        for number in 0..20 {
            let key = format!("{number}");
            s3.put(&key, "").await;
            assert!(s3.keys("").await.contains(&key));
            s3.client
                .delete_object()
                .bucket(&s3.bucket)
                .key(&key)
                .send()
                .await
                .unwrap();
            assert!(!s3.keys("").await.contains(&key));
        }
    })
    .await;
}

#[tokio::test]
async fn the_older_list_goes_on_after_a_marker() {
    on_each_s3(async |s3| {
        fill(s3, &["a", "b/1", "b/2", "c", "d/1"]).await;
        let (mut seen, mut marker) = (Vec::new(), None);
        loop {
            let request = s3
                .client
                .list_objects()
                .bucket(&s3.bucket)
                .delimiter("/")
                .max_keys(2);
            let page = request.set_marker(marker).send().await.unwrap();
            seen.extend(
                page.contents()
                    .iter()
                    .map(|object| object.key().unwrap().to_owned()),
            );
            seen.extend(
                page.common_prefixes()
                    .iter()
                    .map(|prefix| prefix.prefix().unwrap().to_owned()),
            );
            if !page.is_truncated().unwrap() {
                break;
            }
            marker = page.next_marker;
        }
        seen.sort_unstable();
        assert_eq!(seen, ["a", "b/", "c", "d/"]);
    })
    .await;
}

#[tokio::test]
async fn a_bucket_that_is_not_there_lists_nothing() {
    on_each_s3(async |s3| {
        let request = s3.client.list_objects_v2().bucket(format!("{}-none", s3.bucket));
        assert_eq!(refusal(request.send().await), (404, "NoSuchBucket".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn buckets_are_listed_and_found() {
    on_each_s3(async |s3| {
        let listed = s3.client.list_buckets().send().await.unwrap();
        assert!(
            listed
                .buckets()
                .iter()
                .any(|bucket| bucket.name() == Some(s3.bucket.as_str()))
        );
        s3.client.head_bucket().bucket(&s3.bucket).send().await.unwrap();
        let location = s3
            .client
            .get_bucket_location()
            .bucket(&s3.bucket)
            .send()
            .await
            .unwrap();
        assert!(
            location
                .location_constraint()
                .is_none_or(|region| region.as_str().is_empty())
        );
        let versioning = s3
            .client
            .get_bucket_versioning()
            .bucket(&s3.bucket)
            .send()
            .await
            .unwrap();
        assert_eq!(
            versioning.status(),
            Some(&aws_sdk_s3::types::BucketVersioningStatus::Enabled)
        );
    })
    .await;
}

async fn fill(s3: &Target, keys: &[&str]) {
    for key in keys {
        s3.put(key, "x").await;
    }
}
