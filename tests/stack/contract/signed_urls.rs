//! The functions' own presigned URLs ([`Bucket::presign_read`]), where S3 takes them: "Authenticating requests: using
//! query parameters (AWS Signature Version 4)". They are compared with the SDK's beside the code that signs.

use std::time::Duration;

use casefile::bucket::{Bucket, SignedRead, SignedUrl, SignedWrite};
use casefile::digest::Sha256;

use super::http::send;
use super::target::{
    ACCESS_KEY, SECRET_KEY, SESSION_ACCESS_KEY, SESSION_SECRET_KEY, SESSION_TOKEN, embedded, now,
};
use super::{Target, on_each_s3};

pub(super) const KEYS: [&str; 10] = [
    "plain/x.pdf",
    "a b+c%/ü//x",
    "?#&=",
    "per%2Fcent",
    "/leading",
    "trailing/ ",
    "emoji 🙂/日本語",
    "e\u{301} is not \u{e9}",
    "quote'double\"angle<>",
    "tilde~star*(paren)!;:@,$",
];

async fn read(bucket: &Bucket, key: &str, version_id: Option<&str>) -> SignedUrl {
    let read = SignedRead {
        key,
        version_id,
        content_disposition: "attachment; filename=\"a b.pdf\"; filename*=UTF-8''%C3%BC.pdf",
        content_type: "application/pdf",
        now: now(),
        expires_in: Duration::from_mins(1),
        grant_id: "019a83b3-5d0c-7f20-b1a4-3c5e7f9b1d24",
    };
    bucket.presign_read(&read).await.unwrap()
}

/// Writes by a signed URL, reads by another, and finds all as it was asked for.
async fn assert_written_and_read(s3: &Target, bucket: &Bucket, key: &str) {
    let body = format!("content of {key}");
    let write = SignedWrite {
        key,
        size: body.len() as u64,
        sha256: Sha256::of(body.as_bytes()),
        content_type: "text/plain",
        now: now(),
        expires_in: Duration::from_mins(1),
        grant_id: "019a83b3-5d0c-7f20-b1a4-3c5e7f9b1d24",
    };
    let put = bucket.presign_write(&write).await.unwrap();
    let headers: Vec<_> = put
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let other = body.to_uppercase();
    let refused = send(s3, "PUT", put.url.expose(), &headers, other.as_bytes()).await;
    assert_eq!(refused.status, 400, "{key}: {}", refused.text());
    let stored = send(s3, "PUT", put.url.expose(), &headers, body.as_bytes()).await;
    assert_eq!(stored.status, 200, "{key}: {}", stored.text());
    let again = send(s3, "PUT", put.url.expose(), &headers, body.as_bytes()).await;
    assert_eq!(again.status, 412, "{key}: {}", again.text());
    assert_eq!(s3.text(key).await, body);

    let first = s3.get(key).await.version_id.unwrap();
    s3.put(key, "newer").await;
    for (version_id, expected) in [(None, "newer"), (Some(first.as_str()), body.as_str())] {
        let url = read(bucket, key, version_id).await;
        let got = send(s3, "GET", url.expose(), &[], b"").await;
        assert_eq!((got.status, got.text().as_str()), (200, expected), "{key}");
        for header in [
            "content-disposition: attachment; filename=\"a b.pdf\"; filename*=utf-8''%c3%bc.pdf",
            "content-type: application/pdf",
        ] {
            assert!(got.head.contains(header), "{key}: {}", got.head);
        }
    }
}

#[tokio::test]
async fn a_bucket_s_urls_write_and_read_odd_keys() {
    on_each_s3(async |s3| {
        let bucket = s3.bucket_as(ACCESS_KEY, SECRET_KEY, None);
        for key in KEYS {
            assert_written_and_read(s3, &bucket, key).await;
        }
    })
    .await;
}

/// Keys that look like ways upwards, which HTTP servers other than S3 may follow.
#[tokio::test]
async fn a_bucket_s_urls_lead_nowhere_but_to_their_key() {
    let s3 = embedded().await;
    let bucket = s3.bucket_as(ACCESS_KEY, SECRET_KEY, None);
    for key in ["../x", "a/../x", "./x", "a/./x", "..", "x"] {
        assert_written_and_read(&s3, &bucket, key).await;
    }
    assert_eq!(s3.keys("").await, ["..", "../x", "./x", "a/../x", "a/./x", "x"]);
}

#[tokio::test]
async fn a_role_s_session_token_goes_with_its_urls() {
    let s3 = embedded().await;
    let bucket = s3.bucket_as(SESSION_ACCESS_KEY, SESSION_SECRET_KEY, Some(SESSION_TOKEN));
    for key in ["a b+c%/ü//x", "?#&="] {
        assert_written_and_read(&s3, &bucket, key).await;
    }
    let url = read(&bucket, "?#&=", None).await;
    let token = "&X-Amz-Security-Token=session-token%2B%2F%3D";
    assert!(url.expose().contains(token));
    let without = url.expose().replace(token, "");
    assert_eq!(send(&s3, "GET", &without, &[], b"").await.status, 403);
}

#[tokio::test]
async fn a_bucket_s_url_that_was_tampered_with_is_denied() {
    on_each_s3(async |s3| {
        s3.put("a", "open").await;
        s3.put("b", "secret").await;
        let bucket = s3.bucket_as(ACCESS_KEY, SECRET_KEY, None);
        let url = read(&bucket, "a", None).await.expose().to_owned();
        for (from, to) in [
            (format!("{}/a?", s3.bucket), format!("{}/b?", s3.bucket)),
            ("X-Amz-Expires=60".to_owned(), "X-Amz-Expires=600".to_owned()),
            ("x-grant-id=019a".to_owned(), "x-grant-id=019b".to_owned()),
            ("application%2Fpdf".to_owned(), "text%2Fhtml".to_owned()),
        ] {
            let tampered = url.replacen(&from, &to, 1);
            assert_ne!(tampered, url);
            let answer = send(s3, "GET", &tampered, &[], b"").await;
            assert!(
                answer.is_error(403, "SignatureDoesNotMatch"),
                "{from}: {}",
                answer.text()
            );
        }
    })
    .await;
}
