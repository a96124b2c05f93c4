//! "Retaining multiple versions of objects with S3 Versioning" (user guide).

use aws_sdk_s3::types::BucketVersioningStatus;

use super::{Target, bytes_of, on_each_s3, refusal};

#[tokio::test]
async fn each_put_makes_a_version_and_each_stays_readable_by_its_id() {
    on_each_s3(async |s3| {
        let first = s3.put("a", "first").await.version_id.unwrap();
        let second = s3.put("a", "second").await.version_id.unwrap();
        assert_ne!(first, second);
        assert_eq!(read_version(s3, "a", &first).await, "first");
        assert_eq!(read_version(s3, "a", &second).await, "second");
        assert_eq!(s3.get("a").await.version_id(), Some(second.as_str()));
    })
    .await;
}

#[tokio::test]
async fn a_version_that_does_not_exist_is_not_found() {
    on_each_s3(async |s3| {
        s3.put("a", "x").await;
        let known = s3.put("b", "x").await.version_id.unwrap();
        let request = s3
            .client
            .get_object()
            .bucket(&s3.bucket)
            .key("a")
            .version_id(&known);
        assert_eq!(refusal(request.send().await), (404, "NoSuchVersion".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_a_version_id_finds_nothing() {
    on_each_s3(async |s3| {
        s3.put("a", "x").await;
        let request = s3
            .client
            .get_object()
            .bucket(&s3.bucket)
            .key("a")
            .version_id("no such id");
        // AWS documents no code for it: it answers the first, others the second.
        let refusal = refusal(request.send().await);
        assert!(
            ["InvalidArgument", "NoSuchVersion"].contains(&refusal.1.as_str()),
            "{refusal:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_that_never_was_is_not_found() {
    on_each_s3(async |s3| {
        let request = s3.client.get_object().bucket(&s3.bucket).key("never");
        assert_eq!(refusal(request.send().await), (404, "NoSuchKey".to_owned()));
        let request = s3.client.head_object().bucket(&s3.bucket).key("never");
        assert_eq!(refusal(request.send().await).0, 404);
    })
    .await;
}

#[tokio::test]
async fn without_versioning_a_put_replaces_and_says_no_version() {
    on_each_s3(async |s3| {
        let bucket = format!("{}-plain", s3.bucket);
        s3.client.create_bucket().bucket(&bucket).send().await.unwrap();
        let plain = Target {
            client: s3.client.clone(),
            bucket,
            endpoint: s3.endpoint.clone(),
            embedded: None,
        };
        assert_eq!(plain.put("a", "first").await.version_id, None);
        plain.put("a", "second").await;
        let listed = plain
            .client
            .list_object_versions()
            .bucket(&plain.bucket)
            .send()
            .await
            .unwrap();
        assert_eq!(listed.versions().len(), 1);
        assert_eq!(listed.versions()[0].version_id(), Some("null"));
        plain
            .client
            .delete_object()
            .bucket(&plain.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        assert!(plain.keys("").await.is_empty());
        plain
            .client
            .delete_bucket()
            .bucket(&plain.bucket)
            .send()
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn suspended_versioning_replaces_the_null_version_and_keeps_the_others() {
    on_each_s3(async |s3| {
        let kept = s3.put("a", "kept").await.version_id.unwrap();
        s3.set_versioning(BucketVersioningStatus::Suspended).await;
        s3.put("a", "null 1").await;
        s3.put("a", "null 2").await;
        assert_eq!(s3.text("a").await, "null 2");
        assert_eq!(read_version(s3, "a", "null").await, "null 2");
        assert_eq!(read_version(s3, "a", &kept).await, "kept");
        let listed = s3
            .client
            .list_object_versions()
            .bucket(&s3.bucket)
            .send()
            .await
            .unwrap();
        assert_eq!(listed.versions().len(), 2);
        s3.client
            .delete_object()
            .bucket(&s3.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        let listed = s3
            .client
            .list_object_versions()
            .bucket(&s3.bucket)
            .send()
            .await
            .unwrap();
        assert_eq!((listed.versions().len(), listed.delete_markers().len()), (1, 1));
        assert_eq!(listed.delete_markers()[0].version_id(), Some("null"));
        s3.set_versioning(BucketVersioningStatus::Enabled).await;
        s3.put("a", "again").await;
        assert_eq!(s3.text("a").await, "again");
    })
    .await;
}

#[tokio::test]
async fn versions_are_listed_by_key_and_of_each_the_newest_first() {
    on_each_s3(async |s3| {
        let mut ids = Vec::new();
        for (key, body) in [("b", "1"), ("a", "1"), ("a", "2"), ("b", "2")] {
            ids.push((key, s3.put(key, body).await.version_id.unwrap()));
        }
        let listed = s3
            .client
            .list_object_versions()
            .bucket(&s3.bucket)
            .send()
            .await
            .unwrap();
        let shown: Vec<_> = listed
            .versions()
            .iter()
            .map(|version| {
                (
                    version.key().unwrap(),
                    version.version_id().unwrap(),
                    version.is_latest().unwrap(),
                )
            })
            .collect();
        let id = |place: usize| ids[place].1.as_str();
        let expected = [
            ("a", id(2), true),
            ("a", id(1), false),
            ("b", id(3), true),
            ("b", id(0), false),
        ];
        assert_eq!(shown, expected);
    })
    .await;
}

#[tokio::test]
async fn versions_come_in_pages_that_go_on_where_the_last_one_ended() {
    on_each_s3(async |s3| {
        for number in 0..3 {
            for key in ["a", "b", "c"] {
                s3.put(key, number.to_string()).await;
            }
        }
        let (mut shown, mut key, mut id) = (Vec::new(), None, None);
        loop {
            let request = s3.client.list_object_versions().bucket(&s3.bucket).max_keys(2);
            let page = request
                .set_key_marker(key)
                .set_version_id_marker(id)
                .send()
                .await
                .unwrap();
            shown.extend(
                page.versions()
                    .iter()
                    .map(|version| version.version_id().unwrap().to_owned()),
            );
            if !page.is_truncated().unwrap() {
                break;
            }
            (key, id) = (page.next_key_marker, page.next_version_id_marker);
        }
        let all = s3
            .client
            .list_object_versions()
            .bucket(&s3.bucket)
            .send()
            .await
            .unwrap();
        let all: Vec<_> = all
            .versions()
            .iter()
            .map(|version| version.version_id().unwrap().to_owned())
            .collect();
        assert_eq!(all.len(), 9);
        assert_eq!(shown, all);
    })
    .await;
}

#[tokio::test]
async fn versions_roll_up_at_a_delimiter() {
    on_each_s3(async |s3| {
        for key in ["a/1", "a/2", "b", "c/1"] {
            s3.put(key, "1").await;
            s3.put(key, "2").await;
        }
        let request = s3.client.list_object_versions().bucket(&s3.bucket).delimiter("/");
        let listed = request.send().await.unwrap();
        let prefixes: Vec<_> = listed
            .common_prefixes()
            .iter()
            .map(|prefix| prefix.prefix().unwrap())
            .collect();
        assert_eq!(prefixes, ["a/", "c/"]);
        assert_eq!(listed.versions().len(), 2);
    })
    .await;
}

async fn read_version(s3: &Target, key: &str, id: &str) -> String {
    let request = s3.client.get_object().bucket(&s3.bucket).key(key).version_id(id);
    String::from_utf8(bytes_of(request.send().await.unwrap()).await).unwrap()
}
