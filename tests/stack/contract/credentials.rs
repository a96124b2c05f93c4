//! What a signature must cover, which signatures count, and which session token goes with a key.
//!
//! Sources: "Authenticating requests: using query parameters (AWS Signature Version 4)", "Error responses".

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};

use super::http::send;
use super::target::{
    ACCESS_KEY, SECRET_KEY, SESSION_ACCESS_KEY, SESSION_SECRET_KEY, SESSION_TOKEN, client_with, embedded,
};
use super::{Lax, Target, on_each_s3, on_each_s3_but, refusal};

fn lasting(seconds: u64) -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(seconds)).unwrap()
}

async fn presigned_put(client: &Client, s3: &Target) -> PresignedRequest {
    let request = client.put_object().bucket(&s3.bucket).key("a");
    request.presigned(lasting(60)).await.unwrap()
}

#[tokio::test]
async fn a_header_that_was_not_signed_is_refused() {
    on_each_s3(async |s3| {
        s3.put("secret", "secret").await;
        let source = format!("{}/secret", s3.bucket);
        let url = presigned_put(&s3.client, s3).await;
        for header in [
            ("x-amz-copy-source", source.as_str()),
            ("x-amz-meta-tenant", "other"),
            ("x-amz-tagging", "state=verified"),
            ("x-amz-storage-class", "GLACIER"),
        ] {
            let answer = send(s3, "PUT", url.uri(), &[header], b"x").await;
            assert!(
                answer.is_error(403, "AccessDenied")
                    && answer
                        .text()
                        .contains("headers present in the request which were not signed"),
                "{header:?}: {}",
                answer.text()
            );
        }
        assert_eq!(s3.keys("").await, ["secret"]);
    })
    .await;
}

/// As browsers and AWS's own tools send it along: the body is held to it.
#[tokio::test]
async fn the_bodys_hash_need_not_be_signed() {
    on_each_s3(async |s3| {
        let url = presigned_put(&s3.client, s3).await;
        let hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"; // of "x"
        let answer = send(s3, "PUT", url.uri(), &[("x-amz-content-sha256", hash)], b"x").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(s3.text("a").await, "x");
    })
    .await;
}

#[tokio::test]
async fn signature_version_2_is_refused() {
    on_each_s3_but(Lax::OldSignatures, async |s3| {
        let path = format!("/{}/a", s3.bucket);
        let in_query = format!("{path}?AWSAccessKeyId={ACCESS_KEY}&Expires=4102444800&Signature=AAAA");
        let header = format!("AWS {ACCESS_KEY}:AAAA");
        let in_header = [
            ("authorization", header.as_str()),
            ("date", "Tue, 27 Mar 2007 19:36:42 +0000"),
        ];
        for (uri, headers) in [(&in_query, &[][..]), (&path, &in_header)] {
            let answer = send(s3, "GET", uri, headers, b"").await;
            assert!(
                answer.is_error(400, "InvalidRequest")
                    && answer.text().contains("Please use AWS4-HMAC-SHA256"),
                "{uri}: {}",
                answer.text()
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_presigned_url_lasts_a_week_at_most() {
    on_each_s3_but(Lax::LongLinks, async |s3| {
        s3.put("a", "x").await;
        let week = 7 * 24 * 60 * 60;
        let request = s3.client.get_object().bucket(&s3.bucket).key("a");
        let url = request.presigned(lasting(week)).await.unwrap().uri().to_owned();
        assert_eq!(send(s3, "GET", &url, &[], b"").await.status, 200);
        for seconds in ["604801", "99999999999", "-1", "soon"] {
            let longer = url.replacen("X-Amz-Expires=604800", &format!("X-Amz-Expires={seconds}"), 1);
            let answer = send(s3, "GET", &longer, &[], b"").await;
            assert!(
                answer.is_error(400, "AuthorizationQueryParametersError"),
                "{seconds}: {}",
                answer.text()
            );
        }
    })
    .await;
}

fn session(s3: &Target, token: Option<&str>) -> Client {
    let token = token.map(str::to_owned);
    let credentials = Credentials::new(SESSION_ACCESS_KEY, SESSION_SECRET_KEY, token, None, "contract");
    client_with(&s3.endpoint, credentials)
}

#[tokio::test]
async fn a_temporary_key_works_with_its_session_token_and_not_without() {
    let s3 = embedded().await;
    s3.put("a", "x").await;
    let list = async |client: Client| {
        let request = client.list_objects_v2().bucket(&s3.bucket);
        request.send().await
    };
    assert_eq!(
        list(session(&s3, Some(SESSION_TOKEN))).await.unwrap().key_count(),
        Some(1)
    );
    let mut events = s3.embedded.as_ref().unwrap().server.events();
    let request = session(&s3, Some(SESSION_TOKEN)).put_object();
    request.bucket(&s3.bucket).key("b").send().await.unwrap();
    assert_eq!(events.try_recv().unwrap().principal, SESSION_ACCESS_KEY);
    assert_eq!(
        refusal(list(session(&s3, None)).await),
        (403, "InvalidAccessKeyId".to_owned())
    );
    assert_eq!(
        refusal(list(session(&s3, Some("another"))).await),
        (400, "InvalidToken".to_owned())
    );
    let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, Some("any".to_owned()), None, "contract");
    assert_eq!(
        refusal(list(client_with(&s3.endpoint, credentials)).await),
        (400, "InvalidToken".to_owned()),
        "a key that has no token"
    );
}

#[tokio::test]
async fn a_url_that_a_temporary_key_signed_holds_its_token_and_is_bound_to_it() {
    let s3 = embedded().await;
    let url = presigned_put(&session(&s3, Some(SESSION_TOKEN)), &s3).await;
    assert!(url.uri().contains("X-Amz-Security-Token="), "{}", url.uri());
    assert_eq!(send(&s3, "PUT", url.uri(), &[], b"x").await.status, 200);
    let (before, token) = url.uri().split_once("&X-Amz-Security-Token=").unwrap();
    let after = token.find('&').map_or("", |end| &token[end..]);
    for tampered in [
        format!("{before}{after}"),
        format!("{before}&X-Amz-Security-Token=another{after}"),
    ] {
        let answer = send(&s3, "PUT", &tampered, &[], b"x").await;
        assert!(answer.is_error(403, "SignatureDoesNotMatch"), "{}", answer.text());
    }
    let without = presigned_put(&session(&s3, None), &s3).await;
    let answer = send(&s3, "PUT", without.uri(), &[], b"x").await;
    assert!(answer.is_error(403, "InvalidAccessKeyId"), "{}", answer.text());
    let unsigned = [("x-amz-security-token", SESSION_TOKEN)];
    let answer = send(&s3, "PUT", without.uri(), &unsigned, b"x").await;
    assert!(answer.is_error(403, "AccessDenied"), "{}", answer.text());
}
