//! "Authenticating requests (AWS Signature Version 4)", "Download and upload objects with presigned URLs".

use std::time::Duration;

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};

use super::http::{Answer, send};
use super::target::{ACCESS_KEY, SECRET_KEY, client};
use super::{Lax, Target, on_each_s3, on_each_s3_but, refusal};

const HELLO_SHA256: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

#[tokio::test]
async fn a_request_without_a_signature_is_denied() {
    on_each_s3_but(Lax::Unauthenticated, async |s3| {
        s3.put("a", "secret").await;
        let answer = send(s3, "GET", &format!("/{}/a", s3.bucket), &[], b"").await;
        assert!(answer.is_error(403, "AccessDenied"), "{}", answer.text());
        let answer = send(s3, "PUT", &format!("/{}/b", s3.bucket), &[], b"x").await;
        assert!(answer.is_error(403, "AccessDenied"), "{}", answer.text());
        assert_eq!(s3.keys("").await, ["a"]);
    })
    .await;
}

#[tokio::test]
async fn a_request_signed_with_another_secret_is_denied() {
    on_each_s3_but(Lax::Unauthenticated, async |s3| {
        let wrong = client(&s3.endpoint, ACCESS_KEY, "another secret");
        let request = wrong
            .put_object()
            .bucket(&s3.bucket)
            .key("a")
            .body(b"x".to_vec().into());
        assert_eq!(
            refusal(request.send().await),
            (403, "SignatureDoesNotMatch".to_owned())
        );
        assert!(s3.keys("").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_unknown_access_key_is_denied() {
    on_each_s3_but(Lax::Unauthenticated, async |s3| {
        let unknown = client(&s3.endpoint, "nobody", SECRET_KEY);
        let request = unknown.list_objects_v2().bucket(&s3.bucket);
        assert_eq!(
            refusal(request.send().await),
            (403, "InvalidAccessKeyId".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn a_presigned_url_reads_what_it_was_made_for() {
    on_each_s3(async |s3| {
        for key in ["plain", "a b+c%20d/ü 🙂"] {
            s3.put(key, key).await;
            let answer = fetch(s3, &presigned_get(s3, key, 60).await).await;
            assert_eq!((answer.status, answer.text().as_str()), (200, key));
        }
    })
    .await;
}

#[tokio::test]
async fn a_presigned_url_names_the_headers_of_its_answer() {
    on_each_s3(async |s3| {
        s3.put("a", "x").await;
        let request = s3.client.get_object().bucket(&s3.bucket).key("a");
        let request = request.response_content_disposition("attachment; filename=\"a b.pdf\"");
        let url = request.presigned(lasting(60)).await.unwrap();
        let answer = fetch(s3, &url).await;
        assert!(
            answer
                .head
                .contains("content-disposition: attachment; filename=\"a b.pdf\""),
            "{}",
            answer.head
        );
    })
    .await;
}

#[tokio::test]
async fn a_presigned_url_that_was_tampered_with_is_denied() {
    on_each_s3(async |s3| {
        s3.put("a", "open").await;
        s3.put("b", "secret").await;
        let url = presigned_get(s3, "a", 60).await.uri().to_owned();
        let other_key = url.replacen(&format!("{}/a?", s3.bucket), &format!("{}/b?", s3.bucket), 1);
        let longer = url.replacen("X-Amz-Expires=60", "X-Amz-Expires=6000", 1);
        let with_more = format!("{url}&response-content-type=text%2Fhtml");
        for tampered in [other_key, longer, with_more] {
            assert_ne!(tampered, url);
            let answer = send(s3, "GET", &tampered, &[], b"").await;
            assert!(
                answer.is_error(403, "SignatureDoesNotMatch"),
                "{tampered}: {}",
                answer.text()
            );
        }
        let answer = send(s3, "DELETE", &url, &[], b"").await;
        assert_eq!(answer.status, 403, "another method");
        assert_eq!(s3.keys("").await, ["a", "b"]);
    })
    .await;
}

#[tokio::test]
async fn a_presigned_url_that_has_expired_is_denied() {
    on_each_s3(async |s3| {
        s3.put("a", "x").await;
        let url = presigned_get(s3, "a", 1).await;
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let answer = fetch(s3, &url).await;
        assert!(answer.is_error(403, "AccessDenied"), "{}", answer.text());
        assert!(answer.text().contains("Request has expired"), "{}", answer.text());
    })
    .await;
}

#[tokio::test]
async fn a_presigned_put_takes_just_the_bytes_it_was_made_for() {
    on_each_s3(async |s3| {
        let grant = presigned_put(s3, "inbox/1", 5).await;
        let stored = use_grant(s3, &grant, &[], b"hello").await;
        assert_eq!(stored.status, 200, "{}", stored.text());
        assert_eq!(s3.text("inbox/1").await, "hello");
        let again = use_grant(s3, &grant, &[], b"hello").await;
        assert!(again.is_error(412, "PreconditionFailed"), "{}", again.text());
    })
    .await;
}

#[tokio::test]
async fn a_presigned_put_refuses_other_bytes_of_the_same_length() {
    on_each_s3(async |s3| {
        let grant = presigned_put(s3, "inbox/1", 5).await;
        let answer = use_grant(s3, &grant, &[], b"HELLO").await;
        assert!(answer.is_error(400, "BadDigest"), "{}", answer.text());
        assert!(s3.keys("").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_presigned_put_refuses_what_changes_or_lacks_a_signed_header() {
    on_each_s3(async |s3| {
        let grant = presigned_put(s3, "inbox/1", 5).await;
        let longer = use_grant(s3, &grant, &[("content-length", "6")], b"hello!").await;
        assert!(
            longer.is_error(403, "SignatureDoesNotMatch"),
            "length: {}",
            longer.text()
        );
        let other = (
            "x-amz-checksum-sha256",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        );
        let other_hash = use_grant(s3, &grant, &[other], b"HELLO").await;
        assert!(
            other_hash.is_error(403, "SignatureDoesNotMatch"),
            "hash: {}",
            other_hash.text()
        );
        for left_out in ["if-none-match", "x-amz-checksum-sha256"] {
            let headers: Vec<_> = grant.headers().filter(|(name, _)| *name != left_out).collect();
            let answer = send(s3, "PUT", grant.uri(), &headers, b"hello").await;
            assert_eq!(answer.status, 403, "without {left_out}: {}", answer.text());
        }
        assert!(s3.keys("").await.is_empty());
    })
    .await;
}

fn lasting(seconds: u64) -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(seconds)).unwrap()
}

async fn presigned_get(s3: &Target, key: &str, seconds: u64) -> PresignedRequest {
    s3.client
        .get_object()
        .bucket(&s3.bucket)
        .key(key)
        .presigned(lasting(seconds))
        .await
        .unwrap()
}

/// For "hello", once.
async fn presigned_put(s3: &Target, key: &str, length: i64) -> PresignedRequest {
    let request = s3
        .client
        .put_object()
        .bucket(&s3.bucket)
        .key(key)
        .content_length(length);
    let request = request.if_none_match("*").checksum_sha256(HELLO_SHA256);
    request.presigned(lasting(60)).await.unwrap()
}

async fn fetch(s3: &Target, url: &PresignedRequest) -> Answer {
    let headers: Vec<_> = url.headers().collect();
    send(s3, "GET", url.uri(), &headers, b"").await
}

/// Sends the headers of the grant, but for those replaced.
async fn use_grant(s3: &Target, grant: &PresignedRequest, replaced: &[(&str, &str)], body: &[u8]) -> Answer {
    let kept = grant
        .headers()
        .filter(|(name, _)| !replaced.iter().any(|(other, _)| other == name));
    let headers: Vec<_> = kept.chain(replaced.iter().copied()).collect();
    send(s3, "PUT", grant.uri(), &headers, body).await
}
