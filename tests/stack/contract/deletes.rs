//! "Deleting object versions from a versioning-enabled bucket", "How to perform conditional deletes".

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::{on_each_s3, refusal};

#[tokio::test]
async fn a_delete_hides_the_object_under_a_marker_and_removing_the_marker_brings_it_back() {
    on_each_s3(async |s3| {
        let version = s3.put("a", "kept").await.version_id.unwrap();
        let deleted = s3
            .client
            .delete_object()
            .bucket(&s3.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        assert_eq!(deleted.delete_marker(), Some(true));
        let marker = deleted.version_id().unwrap().to_owned();
        assert!(s3.keys("").await.is_empty());
        let request = s3.client.get_object().bucket(&s3.bucket).key("a");
        let error = request.send().await.unwrap_err();
        let answer = error.raw_response().unwrap();
        assert_eq!(answer.status().as_u16(), 404);
        assert_eq!(answer.headers().get("x-amz-delete-marker"), Some("true"));
        let request = s3
            .client
            .get_object()
            .bucket(&s3.bucket)
            .key("a")
            .version_id(&version);
        request.send().await.unwrap();
        let request = s3
            .client
            .delete_object()
            .bucket(&s3.bucket)
            .key("a")
            .version_id(&marker);
        assert_eq!(request.send().await.unwrap().delete_marker(), Some(true));
        assert_eq!(s3.text("a").await, "kept");
    })
    .await;
}

#[tokio::test]
async fn a_delete_marker_cannot_be_read_by_its_id() {
    on_each_s3(async |s3| {
        let deleted = s3
            .client
            .delete_object()
            .bucket(&s3.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        let marker = deleted.version_id().unwrap();
        let request = s3
            .client
            .get_object()
            .bucket(&s3.bucket)
            .key("a")
            .version_id(marker);
        assert_eq!(
            refusal(request.send().await),
            (405, "MethodNotAllowed".to_owned())
        );
        let request = s3
            .client
            .head_object()
            .bucket(&s3.bucket)
            .key("a")
            .version_id(marker);
        assert_eq!(refusal(request.send().await).0, 405);
    })
    .await;
}

#[tokio::test]
async fn deleting_the_current_version_makes_the_one_before_it_current() {
    on_each_s3(async |s3| {
        s3.put("a", "first").await;
        let second = s3.put("a", "second").await.version_id.unwrap();
        let request = s3
            .client
            .delete_object()
            .bucket(&s3.bucket)
            .key("a")
            .version_id(&second);
        assert_eq!(request.send().await.unwrap().version_id(), Some(second.as_str()));
        assert_eq!(s3.text("a").await, "first");
    })
    .await;
}

#[tokio::test]
async fn deleting_a_version_twice_succeeds() {
    on_each_s3(async |s3| {
        let version = s3.put("a", "x").await.version_id.unwrap();
        for _ in 0..2 {
            let request = s3
                .client
                .delete_object()
                .bucket(&s3.bucket)
                .key("a")
                .version_id(&version);
            request.send().await.unwrap();
        }
        let listed = s3
            .client
            .list_object_versions()
            .bucket(&s3.bucket)
            .send()
            .await
            .unwrap();
        assert!(listed.versions().is_empty() && listed.delete_markers().is_empty());
    })
    .await;
}

#[tokio::test]
async fn many_objects_and_versions_are_deleted_by_one_request() {
    on_each_s3(async |s3| {
        s3.put("plain", "x").await;
        let version = s3.put("pinned", "x").await.version_id.unwrap();
        let delete = Delete::builder()
            .objects(ObjectIdentifier::builder().key("plain").build().unwrap())
            .objects(
                ObjectIdentifier::builder()
                    .key("pinned")
                    .version_id(&version)
                    .build()
                    .unwrap(),
            )
            .objects(ObjectIdentifier::builder().key("never there").build().unwrap())
            .build()
            .unwrap();
        let request = s3.client.delete_objects().bucket(&s3.bucket).delete(delete);
        let answer = request.send().await.unwrap();
        assert!(answer.errors().is_empty());
        assert_eq!(answer.deleted().len(), 3);
        let plain = answer
            .deleted()
            .iter()
            .find(|object| object.key() == Some("plain"))
            .unwrap();
        assert_eq!(plain.delete_marker(), Some(true));
        let pinned = answer
            .deleted()
            .iter()
            .find(|object| object.key() == Some("pinned"))
            .unwrap();
        assert_eq!(pinned.version_id(), Some(version.as_str()));
        let listed = s3
            .client
            .list_object_versions()
            .bucket(&s3.bucket)
            .send()
            .await
            .unwrap();
        assert_eq!((listed.versions().len(), listed.delete_markers().len()), (1, 2));
    })
    .await;
}

#[tokio::test]
async fn a_bucket_with_a_delete_marker_is_not_empty() {
    on_each_s3(async |s3| {
        let deleted = s3
            .client
            .delete_object()
            .bucket(&s3.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        let request = s3.client.delete_bucket().bucket(&s3.bucket);
        assert_eq!(refusal(request.send().await), (409, "BucketNotEmpty".to_owned()));
        let request = s3.client.delete_object().bucket(&s3.bucket).key("a");
        request
            .version_id(deleted.version_id().unwrap())
            .send()
            .await
            .unwrap();
        s3.client.delete_bucket().bucket(&s3.bucket).send().await.unwrap();
        assert_eq!(
            refusal(s3.client.head_bucket().bucket(&s3.bucket).send().await).0,
            404
        );
    })
    .await;
}
