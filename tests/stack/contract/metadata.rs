//! "Working with object metadata" (user guide).

use super::{Lax, on_each_s3, on_each_s3_but, refusal};

#[tokio::test]
async fn what_was_said_of_the_bytes_comes_back_with_them() {
    on_each_s3(async |s3| {
        let request = s3
            .client
            .put_object()
            .bucket(&s3.bucket)
            .key("a")
            .body(b"x".to_vec().into());
        request
            .content_type("application/pdf")
            .content_disposition("attachment; filename=\"a b.pdf\"")
            .content_encoding("identity")
            .content_language("de")
            .cache_control("private, max-age=0")
            .send()
            .await
            .unwrap();
        let head = s3
            .client
            .head_object()
            .bucket(&s3.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        assert_eq!(head.content_type(), Some("application/pdf"));
        assert_eq!(
            head.content_disposition(),
            Some("attachment; filename=\"a b.pdf\"")
        );
        assert_eq!(head.content_encoding(), Some("identity"));
        assert_eq!(head.content_language(), Some("de"));
        assert_eq!(head.cache_control(), Some("private, max-age=0"));
        assert_eq!(head.content_length(), Some(1));
        assert_eq!(
            s3.get("a").await.content_disposition(),
            Some("attachment; filename=\"a b.pdf\"")
        );
    })
    .await;
}

#[tokio::test]
async fn bytes_of_no_stated_type_are_just_bytes() {
    on_each_s3(async |s3| {
        s3.put("a", "x").await;
        let got = s3.get("a").await;
        // The SDK states `application/octet-stream` by itself; S3's own default is for those who state none.
        assert!(got.content_type().unwrap().ends_with("octet-stream"));
        assert_eq!(got.content_encoding(), None, "how a body was sent is not stored");
    })
    .await;
}

#[tokio::test]
async fn user_metadata_is_kept_under_names_in_lower_case() {
    on_each_s3(async |s3| {
        let request = s3
            .client
            .put_object()
            .bucket(&s3.bucket)
            .key("a")
            .body(b"x".to_vec().into());
        let request = request
            .metadata("Tenant", "acme")
            .metadata("sha256", "ab+/=")
            .metadata("empty", "");
        request.send().await.unwrap();
        let head = s3
            .client
            .head_object()
            .bucket(&s3.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        let metadata = head.metadata().unwrap();
        assert_eq!(metadata["tenant"], "acme");
        assert_eq!(metadata["sha256"], "ab+/=");
        assert_eq!(metadata.get("empty").map(String::as_str), Some(""));
    })
    .await;
}

#[tokio::test]
async fn metadata_up_to_2048_bytes_with_its_names_is_kept_and_more_is_refused() {
    on_each_s3_but(Lax::MetadataLimit, async |s3| {
        for (value, fits) in [(2048 - 1, true), (2048, false)] {
            let request = s3
                .client
                .put_object()
                .bucket(&s3.bucket)
                .key("a")
                .body(b"x".to_vec().into());
            let put = request.metadata("m", "v".repeat(value)).send().await;
            if fits {
                put.unwrap();
            } else {
                assert_eq!(refusal(put), (400, "MetadataTooLarge".to_owned()));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn encoded_words_in_metadata_come_back_as_encoded_words() {
    on_each_s3(async |s3| {
        // What is not ASCII travels as RFC 2047 has it; S3 decodes it, and encodes it again for the answer.
        let request = s3
            .client
            .put_object()
            .bucket(&s3.bucket)
            .key("a")
            .body(b"x".to_vec().into());
        request.metadata("name", "=?UTF-8?B?w7w=?=").send().await.unwrap();
        let head = s3
            .client
            .head_object()
            .bucket(&s3.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        let value = &head.metadata().unwrap()["name"];
        assert!(
            ["=?UTF-8?B?w7w=?=", "=?UTF-8?Q?=C3=BC?="].contains(&value.as_str()),
            "{value}"
        );
    })
    .await;
}
