//! A share link outlives no verdict: what was rejected since isn't handed out, whichever version it is by now.

use casefile::bucket::NewObject;
use casefile::document::{INBOX, SOURCE, ownership};
use casefile::name::TenantId;

use super::desk::*;

/// The newest version of the document, in its bucket.
async fn newest(desk: &Desk) -> String {
    desk.links.bucket.head(KEY).await.unwrap().version_id.unwrap()
}

async fn tag(desk: &Desk, version_id: &str, status: &str) {
    let tags = [("status", status)];
    desk.links
        .bucket
        .merge_tags(KEY, Some(version_id), &tags)
        .await
        .unwrap();
}

async fn last_reason(desk: &Desk) -> Option<String> {
    desk.reasons("Download").await.pop().flatten()
}

#[tokio::test]
async fn a_shared_version_that_was_rejected_is_not_handed_out_though_a_newer_one_lies_over_it() {
    let desk = Desk::start().await;
    let made = desk.make("uses=5").await;
    let shared = newest(&desk).await;
    desk.put(b"%PDF-1.7 another", "acme").await;
    let used = desk.ask(&made.call("GET")).await;
    assert_eq!(desk.follow(&used.location.unwrap()).await.body(), BODY);
    tag(&desk, &shared, "rejected").await;
    for method in ["GET", "POST", "HEAD"] {
        let refused = desk.ask(&made.call(method)).await;
        assert_eq!((refused.status, refused.location), (404, None), "{method}");
        assert_eq!(last_reason(&desk).await.as_deref(), Some("not_found"));
    }
    tag(&desk, &shared, "released").await;
    assert_eq!(desk.ask(&made.call("GET")).await.status, 302);
    assert_eq!(desk.uses(&made).await, 2);
}

#[tokio::test]
async fn what_came_through_the_inbox_is_shared_only_while_it_is_verified() {
    let desk = Desk::start().await;
    desk.delete().await;
    let mut metadata = ownership(&TenantId::parse("acme").unwrap(), None);
    metadata.push((SOURCE, INBOX.to_owned()));
    let sha256 = casefile::digest::Sha256::of(BODY);
    let object = NewObject {
        key: KEY.to_owned(),
        body: BODY.into(),
        sha256,
        content_type: "application/pdf",
        metadata,
    };
    desk.links.bucket.create(&object).await.unwrap();
    let version = newest(&desk).await;
    let ask = Call::to("GET", "/v1/links/bols/PRT-2025-0042".to_owned()).by(of_office("acme"));
    let early = desk.ask(&ask).await;
    assert_eq!((early.status, early.retry_after), (409, true));
    tag(&desk, &version, "verified").await;
    let made = desk.make("").await;
    assert_eq!(desk.ask(&made.call("GET")).await.status, 302);
    for (status, reason) in [
        ("unsupported", "not_verified"),
        ("skipped", "not_verified"),
        ("rejected", "not_found"),
    ] {
        tag(&desk, &version, status).await;
        let refused = desk.ask(&made.call("GET")).await;
        assert_eq!((refused.status, refused.location), (404, None), "{status}");
        assert_eq!(last_reason(&desk).await.as_deref(), Some(reason), "{status}");
    }
}
