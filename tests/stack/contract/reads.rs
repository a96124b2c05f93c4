//! `GetObject`, `HeadObject` (API reference).

use aws_sdk_s3::primitives::DateTime;

use super::{Lax, bytes_of, on_each_s3, on_each_s3_but, refusal};

#[tokio::test]
async fn a_range_gives_just_those_bytes() {
    on_each_s3(async |s3| {
        s3.put("a", "0123456789").await;
        for (range, bytes, content_range) in [
            ("bytes=2-4", "234", "bytes 2-4/10"),
            ("bytes=7-", "789", "bytes 7-9/10"),
            ("bytes=-3", "789", "bytes 7-9/10"),
            ("bytes=8-99", "89", "bytes 8-9/10"),
        ] {
            let request = s3.client.get_object().bucket(&s3.bucket).key("a").range(range);
            let got = request.send().await.unwrap();
            assert_eq!(got.content_range(), Some(content_range));
            assert_eq!(got.content_length(), Some(i64::try_from(bytes.len()).unwrap()));
            assert_eq!(bytes_of(got).await, bytes.as_bytes());
        }
    })
    .await;
}

#[tokio::test]
async fn a_range_beyond_the_end_is_not_satisfiable() {
    on_each_s3(async |s3| {
        s3.put("a", "0123456789").await;
        let request = s3
            .client
            .get_object()
            .bucket(&s3.bucket)
            .key("a")
            .range("bytes=10-");
        assert_eq!(refusal(request.send().await), (416, "InvalidRange".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn an_empty_object_is_read_whole() {
    on_each_s3(async |s3| {
        s3.put("a", "").await;
        let got = s3.get("a").await;
        assert_eq!(got.content_length(), Some(0));
        assert!(bytes_of(got).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_large_object_comes_back_as_it_was_sent() {
    on_each_s3(async |s3| {
        let body: Vec<u8> = (0..2_000_000_u32).flat_map(u32::to_le_bytes).collect();
        s3.put("large", body.clone()).await;
        assert!(bytes_of(s3.get("large").await).await == body);
        let request = s3
            .client
            .get_object()
            .bucket(&s3.bucket)
            .key("large")
            .range("bytes=3000000-7000000");
        assert!(bytes_of(request.send().await.unwrap()).await == body[3_000_000..=7_000_000]);
    })
    .await;
}

#[tokio::test]
async fn a_read_on_condition_of_an_etag_answers_412_or_304() {
    on_each_s3(async |s3| {
        let etag = s3.put("a", "x").await.e_tag.unwrap();
        let read = || s3.client.get_object().bucket(&s3.bucket).key("a");
        read().if_match(&etag).send().await.unwrap();
        read().if_none_match("\"other\"").send().await.unwrap();
        assert_eq!(
            refusal(read().if_match("\"other\"").send().await),
            (412, "PreconditionFailed".to_owned())
        );
        assert_eq!(refusal(read().if_none_match(&etag).send().await).0, 304);
        let head = s3
            .client
            .head_object()
            .bucket(&s3.bucket)
            .key("a")
            .if_none_match(&etag);
        assert_eq!(refusal(head.send().await).0, 304);
    })
    .await;
}

#[tokio::test]
async fn a_read_on_condition_of_a_date_answers_412_or_304() {
    on_each_s3(async |s3| {
        s3.put("a", "x").await;
        // Not in the future: S3 ignores a date that is.
        let modified = *s3.get("a").await.last_modified().unwrap();
        let (past, future) = (DateTime::from_secs(1_000_000_000), modified);
        let read = || s3.client.get_object().bucket(&s3.bucket).key("a");
        read().if_modified_since(past).send().await.unwrap();
        read().if_unmodified_since(future).send().await.unwrap();
        assert_eq!(refusal(read().if_modified_since(future).send().await).0, 304);
        assert_eq!(refusal(read().if_unmodified_since(past).send().await).0, 412);
    })
    .await;
}

#[tokio::test]
async fn an_etag_that_matches_overrules_a_date_that_does_not() {
    on_each_s3_but(Lax::EtagBeforeDate, async |s3| {
        let etag = s3.put("a", "x").await.e_tag.unwrap();
        let past = DateTime::from_secs(1_000_000_000);
        let request = s3.client.get_object().bucket(&s3.bucket).key("a").if_match(&etag);
        request.if_unmodified_since(past).send().await.unwrap();
        let request = s3
            .client
            .get_object()
            .bucket(&s3.bucket)
            .key("a")
            .if_none_match(&etag);
        assert_eq!(refusal(request.if_modified_since(past).send().await).0, 304);
    })
    .await;
}

#[tokio::test]
async fn a_read_can_name_the_headers_of_its_answer() {
    on_each_s3(async |s3| {
        s3.put("a", "x").await;
        let request = s3.client.get_object().bucket(&s3.bucket).key("a");
        let got = request
            .response_content_type("application/pdf")
            .response_content_disposition("attachment; filename=\"b.pdf\"")
            .response_cache_control("no-store")
            .send()
            .await
            .unwrap();
        assert_eq!(got.content_type(), Some("application/pdf"));
        assert_eq!(got.content_disposition(), Some("attachment; filename=\"b.pdf\""));
        assert_eq!(got.cache_control(), Some("no-store"));
    })
    .await;
}
