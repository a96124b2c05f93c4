//! "Uploading and copying objects using multipart upload" (user guide).

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::{Lax, Target, bytes_of, on_each_s3, on_each_s3_but, refusal};

pub(super) const PART: usize = 5 * 1024 * 1024;

pub(super) fn body(of: u8, size: usize) -> Vec<u8> {
    (0..size)
        .map(|place| of.wrapping_add(u8::try_from(place % 251).unwrap()))
        .collect()
}

pub(super) async fn start(s3: &Target, key: &str) -> String {
    let request = s3.client.create_multipart_upload().bucket(&s3.bucket).key(key);
    let request = request
        .content_type("text/plain")
        .metadata("tenant", "acme")
        .tagging("state=new");
    request.send().await.unwrap().upload_id.unwrap()
}

async fn upload(s3: &Target, key: &str, id: &str, number: i32, body: Vec<u8>) -> CompletedPart {
    let request = s3.client.upload_part().bucket(&s3.bucket).key(key).upload_id(id);
    let part = request
        .part_number(number)
        .body(body.into())
        .send()
        .await
        .unwrap();
    CompletedPart::builder()
        .part_number(number)
        .set_e_tag(part.e_tag)
        .build()
}

pub(super) fn finish(
    s3: &Target,
    key: &str,
    id: &str,
    parts: Vec<CompletedPart>,
) -> aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder {
    let upload = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    s3.client
        .complete_multipart_upload()
        .bucket(&s3.bucket)
        .key(key)
        .upload_id(id)
        .multipart_upload(upload)
}

#[tokio::test]
async fn parts_become_one_object_once_the_upload_is_completed() {
    on_each_s3(async |s3| {
        let id = start(s3, "a").await;
        // Later parts may come first.
        let second = upload(s3, "a", &id, 2, b"the end".to_vec()).await;
        let first = upload(s3, "a", &id, 1, body(1, PART)).await;
        assert!(
            s3.keys("").await.is_empty(),
            "nothing is there before it is completed"
        );
        let done = finish(s3, "a", &id, vec![first, second]).send().await.unwrap();
        assert!(done.e_tag().unwrap().ends_with("-2\""));
        let got = s3.get("a").await;
        assert_eq!(got.version_id(), done.version_id());
        assert_eq!(got.content_type(), Some("text/plain"));
        assert_eq!(got.metadata().unwrap()["tenant"], "acme");
        let tags = s3
            .client
            .get_object_tagging()
            .bucket(&s3.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        assert_eq!(tags.tag_set()[0].value(), "new");
        let mut expected = body(1, PART);
        expected.extend_from_slice(b"the end");
        assert!(bytes_of(got).await == expected);
    })
    .await;
}

#[tokio::test]
async fn a_part_sent_again_replaces_the_first_and_parts_not_named_are_left_out() {
    on_each_s3(async |s3| {
        let id = start(s3, "a").await;
        upload(s3, "a", &id, 3, b"wrong".to_vec()).await;
        let right = upload(s3, "a", &id, 3, b"right".to_vec()).await;
        upload(s3, "a", &id, 7, b"left out".to_vec()).await;
        finish(s3, "a", &id, vec![right]).send().await.unwrap();
        assert_eq!(s3.text("a").await, "right");
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_is_aborted_leaves_nothing() {
    on_each_s3(async |s3| {
        let id = start(s3, "a").await;
        let part = upload(s3, "a", &id, 1, b"x".to_vec()).await;
        let request = s3
            .client
            .abort_multipart_upload()
            .bucket(&s3.bucket)
            .key("a")
            .upload_id(&id);
        request.send().await.unwrap();
        let refused = finish(s3, "a", &id, vec![part]).send().await;
        assert_eq!(refusal(refused), (404, "NoSuchUpload".to_owned()));
        let listed = s3
            .client
            .list_multipart_uploads()
            .bucket(&s3.bucket)
            .send()
            .await
            .unwrap();
        assert!(listed.uploads().is_empty());
        assert!(s3.keys("").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_completed_is_refused_and_the_upload_goes_on() {
    on_each_s3(async |s3| {
        let id = start(s3, "a").await;
        let small = upload(s3, "a", &id, 1, b"too small".to_vec()).await;
        let last = upload(s3, "a", &id, 2, b"last".to_vec()).await;
        let refused = finish(s3, "a", &id, vec![small.clone(), last.clone()])
            .send()
            .await;
        assert_eq!(refusal(refused), (400, "EntityTooSmall".to_owned()));
        let refused = finish(s3, "a", &id, vec![last.clone(), small]).send().await;
        assert_eq!(refusal(refused), (400, "InvalidPartOrder".to_owned()));
        let never = CompletedPart::builder()
            .part_number(9)
            .e_tag(last.e_tag().unwrap())
            .build();
        let refused = finish(s3, "a", &id, vec![never]).send().await;
        assert_eq!(refusal(refused), (400, "InvalidPart".to_owned()));
        let wrong = CompletedPart::builder()
            .part_number(2)
            .e_tag("\"00000000000000000000000000000000\"")
            .build();
        let refused = finish(s3, "a", &id, vec![wrong]).send().await;
        assert_eq!(refusal(refused), (400, "InvalidPart".to_owned()));
        finish(s3, "a", &id, vec![last]).send().await.unwrap();
        assert_eq!(s3.text("a").await, "last");
    })
    .await;
}

#[tokio::test]
async fn a_create_only_completion_is_refused_when_the_object_exists() {
    on_each_s3(async |s3| {
        let id = start(s3, "a").await;
        let part = upload(s3, "a", &id, 1, b"new".to_vec()).await;
        s3.put("a", "there").await;
        let refused = finish(s3, "a", &id, vec![part]).if_none_match("*").send().await;
        assert_eq!(refusal(refused), (412, "PreconditionFailed".to_owned()));
        assert_eq!(s3.text("a").await, "there");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_create_only_completions_exactly_one_wins() {
    on_each_s3_but(Lax::RacingCompletions, async |s3| {
        let mut uploads = Vec::new();
        for number in 0..8 {
            let id = start(s3, "a").await;
            let part = upload(s3, "a", &id, 1, format!("upload {number}").into_bytes()).await;
            uploads.push((id, part));
        }
        let race = uploads.into_iter().map(|(id, part)| async move {
            finish(s3, "a", &id, vec![part]).if_none_match("*").send().await
        });
        let results = futures::future::join_all(race).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    })
    .await;
}

#[tokio::test]
async fn parts_can_be_copied_from_objects_pinned_to_a_version() {
    on_each_s3(async |s3| {
        let version = s3.put("source", "0123456789").await.version_id.unwrap();
        s3.put("source", "changed").await;
        let id = start(s3, "a").await;
        let request = s3
            .client
            .upload_part_copy()
            .bucket(&s3.bucket)
            .key("a")
            .upload_id(&id)
            .part_number(1);
        let source = format!("{}/source?versionId={version}", s3.bucket);
        let copied = request
            .copy_source(source)
            .copy_source_range("bytes=2-4")
            .send()
            .await
            .unwrap();
        let etag = copied.copy_part_result().unwrap().e_tag().unwrap();
        let part = CompletedPart::builder().part_number(1).e_tag(etag).build();
        finish(s3, "a", &id, vec![part]).send().await.unwrap();
        assert_eq!(s3.text("a").await, "234");
    })
    .await;
}

#[tokio::test]
async fn uploads_and_their_parts_are_listed() {
    on_each_s3(async |s3| {
        let id = start(s3, "b").await;
        start(s3, "a").await;
        for number in [1, 2, 5] {
            upload(s3, "b", &id, number, b"12345".to_vec()).await;
        }
        let listed = s3
            .client
            .list_multipart_uploads()
            .bucket(&s3.bucket)
            .send()
            .await
            .unwrap();
        let keys: Vec<_> = listed
            .uploads()
            .iter()
            .map(|upload| upload.key().unwrap())
            .collect();
        assert_eq!(keys, ["a", "b"]);
        let request = s3.client.list_parts().bucket(&s3.bucket).key("b").upload_id(&id);
        let first = request.clone().max_parts(2).send().await.unwrap();
        let numbers = |parts: &[aws_sdk_s3::types::Part]| -> Vec<_> {
            parts
                .iter()
                .map(|part| (part.part_number().unwrap(), part.size().unwrap()))
                .collect()
        };
        assert_eq!(numbers(first.parts()), [(1, 5), (2, 5)]);
        assert_eq!(first.is_truncated(), Some(true));
        let rest = request
            .part_number_marker(first.next_part_number_marker().unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(numbers(rest.parts()), [(5, 5)]);
    })
    .await;
}

#[tokio::test]
async fn one_part_of_an_object_can_be_read() {
    on_each_s3(async |s3| {
        let id = start(s3, "a").await;
        let first = upload(s3, "a", &id, 1, body(1, PART)).await;
        let second = upload(s3, "a", &id, 2, b"the end".to_vec()).await;
        finish(s3, "a", &id, vec![first, second]).send().await.unwrap();
        let got = s3
            .client
            .get_object()
            .bucket(&s3.bucket)
            .key("a")
            .part_number(2)
            .send()
            .await
            .unwrap();
        assert_eq!(got.parts_count(), Some(2));
        assert_eq!(bytes_of(got).await, b"the end");
        let head = s3
            .client
            .head_object()
            .bucket(&s3.bucket)
            .key("a")
            .part_number(1)
            .send()
            .await
            .unwrap();
        assert_eq!(head.content_length(), Some(i64::try_from(PART).unwrap()));
    })
    .await;
}

#[tokio::test]
async fn a_copy_of_a_multipart_object_is_one_piece() {
    on_each_s3(async |s3| {
        let id = start(s3, "a").await;
        let part = upload(s3, "a", &id, 1, b"hello".to_vec()).await;
        finish(s3, "a", &id, vec![part]).send().await.unwrap();
        let request = s3.client.copy_object().bucket(&s3.bucket).key("b");
        request
            .copy_source(format!("{}/a", s3.bucket))
            .send()
            .await
            .unwrap();
        assert_eq!(
            s3.get("b").await.e_tag(),
            Some("\"5d41402abc4b2a76b9719d911017c592\"")
        );
    })
    .await;
}

#[tokio::test]
async fn uploads_are_listed_in_pages_that_count_common_prefixes() {
    on_each_s3_but(Lax::RepeatedPrefix, async |s3| {
        for key in ["a", "b/1", "b/2", "c", "d/1"] {
            start(s3, key).await;
        }
        let request = s3
            .client
            .list_multipart_uploads()
            .bucket(&s3.bucket)
            .delimiter("/");
        let mut pages = Vec::new();
        let (mut key, mut id) = (None, None);
        while pages.len() < 5 {
            let page = request.clone().set_key_marker(key).set_upload_id_marker(id);
            let page = page.max_uploads(2).send().await.unwrap();
            let uploads = page.uploads().iter().filter_map(|upload| upload.key());
            let prefixes = page.common_prefixes().iter().filter_map(|prefix| prefix.prefix());
            pages.push(uploads.chain(prefixes).map(str::to_owned).collect::<Vec<_>>());
            if page.is_truncated() != Some(true) {
                break;
            }
            // A page that ends with a prefix names no upload.
            let marker = page.next_upload_id_marker().filter(|id| !id.is_empty());
            (key, id) = (
                page.next_key_marker().map(str::to_owned),
                marker.map(str::to_owned),
            );
        }
        assert_eq!(pages, [["a", "b/"], ["c", "d/"]]);
    })
    .await;
}
