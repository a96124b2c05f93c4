//! The end of share links.

use casefile::digest::Sha256;
use casefile_local::s3::{Fault, FaultRule, When};
use serde_json::Value;

use super::desk::*;

#[tokio::test]
async fn a_revoked_link_leads_nowhere() {
    let desk = Desk::start().await;
    let made = desk.make("uses=3").await;
    assert_eq!(desk.ask(&made.call("GET")).await.status, 302);
    for _ in 0..2 {
        let answer = desk.ask(&made.revoke().by(of_office("acme"))).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    }
    assert_eq!(desk.ask(&made.call("GET")).await.status, 404);
    let share = desk.share(&made).await;
    assert_eq!(
        (share.revoked.unwrap().by.as_str(), share.used.len()),
        ("dana", 1)
    );
    let record = desk.records("Unshare").await.pop().unwrap();
    assert_eq!(record.unmapped.grant_id.as_ref(), Some(&made.grant_id));
    assert_eq!(record.file.path, KEY);
    assert_eq!(
        record.actor.authorizations[0].policy.as_ref().unwrap().uid,
        "office"
    );
}

#[tokio::test]
async fn who_may_not_revoke_learns_nothing() {
    let desk = Desk::start().await;
    let made = desk.made_by(of_customer("c-17"), "").await;
    let shouted = Call::to("DELETE", format!("/v1/s/{}", made.grant_id.to_uppercase()));
    let unknown = Call::to("DELETE", format!("/v1/s/{}", Sha256::of(b"x")));
    let token = Call::to("DELETE", format!("/v1/s/{}", made.token));
    let office = || of_office("acme");
    let mut bodies = Vec::new();
    let mut reasons = Vec::new();
    for (call, reason) in [
        (made.revoke().by(of_office("other")), "not_found"),
        (made.revoke().by(of_customer("c-18")), "forbidden"),
        (shouted.by(office()), "not_found"),
        (unknown.by(office()), "not_found"),
        (token.by(office()), "not_found"),
    ] {
        let answer = desk.ask(&call).await;
        assert_eq!(answer.status, 404, "{reason}");
        bodies.push(answer.body);
        reasons.push(Some(reason.to_owned()));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(desk.reasons("Unshare").await, reasons);
    let foreign = desk.records("Unshare").await.remove(0);
    assert!(foreign.file.name == "unknown" && foreign.actor.authorizations.is_empty());
    assert_eq!(foreign.unmapped.tenant.as_deref(), Some("other"));
    assert!(desk.share(&made).await.revoked.is_none());
    let own = made.revoke().by(of_customer("c-17"));
    let asking_more = Call {
        query: "now=true",
        ..own.clone()
    };
    assert_eq!(desk.ask(&asking_more).await.status, 422);
    assert_eq!(desk.ask(&own.clone().by(Value::Null)).await.status, 401);
    assert_eq!(desk.ask(&own).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_stays_revoked_when_that_can_not_be_recorded() {
    let desk = Desk::start().await;
    let made = desk.make("").await;
    let rule = FaultRule::on("PutObject").bucket(AUDIT);
    let injected = desk
        .s3
        .faults()
        .inject(rule, When::Before, Fault::error(503, "SlowDown"));
    assert_eq!(desk.ask(&made.revoke().by(of_office("acme"))).await.status, 503);
    injected.remove();
    assert_eq!(desk.ask(&made.call("GET")).await.status, 404);
    assert_eq!(desk.ask(&made.revoke().by(of_office("acme"))).await.status, 204);
}
