//! Share links, used and ended: never more redirects than uses, none without a durable audit record, and one same answer
//! for whoever doesn't get one.

mod desk;
mod failures;
mod quarantined;
mod revoke;

use casefile::id::{Token, system_entropy};
use futures::future::join_all;
use jiff::Timestamp;

use desk::*;

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_callers_at_once_get_exactly_as_many_redirects_as_there_are_uses() {
    let desk = Desk::start().await;
    let made = desk.make("uses=5").await;
    let functions: Vec<_> = (0..64).map(|_| desk.other(Timestamp::now)).collect();
    let calls = functions.into_iter().enumerate().map(|(number, function)| {
        let call = made.call(if number % 2 == 0 { "GET" } else { "POST" });
        async move { ask(&function, &call).await }
    });
    let answers: Vec<_> = join_all(calls).await;
    let redirects: Vec<_> = answers
        .iter()
        .filter_map(|answer| answer.location.as_deref())
        .collect();
    assert_eq!(redirects.len(), 5);
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 404).count(),
        59,
        "{answers:?}"
    );
    let mut handed_out: Vec<_> = redirects
        .iter()
        .filter_map(|url| parameter(url, "x-grant-id"))
        .collect();
    handed_out.sort();
    let records = desk.records("Download").await;
    let (uses, refusals): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| record.status_id == 1);
    let recorded: Vec<_> = uses
        .iter()
        .map(|record| record.metadata.uid.to_string())
        .collect();
    assert_eq!(handed_out, recorded);
    assert_eq!(refusals.len(), 59);
    assert!(
        refusals
            .iter()
            .all(|record| record.status_detail.as_deref() == Some("used_up"))
    );
    assert_eq!(desk.uses(&made).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_at_once_use_a_link_up_to_its_last_use() {
    let desk = Desk::start().await;
    let made = desk.make("uses=32").await;
    let functions: Vec<_> = (0..32).map(|_| desk.other(Timestamp::now)).collect();
    let calls = functions.into_iter().map(|function| {
        let call = made.call("GET");
        async move { ask(&function, &call).await.status }
    });
    let statuses: Vec<_> = join_all(calls).await;
    assert_eq!(statuses, [302; 32]);
}

#[tokio::test]
async fn a_use_leads_to_the_file_under_its_name_and_its_record_to_the_use() {
    let desk = Desk::start().await;
    for (method, status, query) in [("GET", 302, "uses=1"), ("POST", 303, "uses=1"), ("GET", 302, "")] {
        let made = desk.make(query).await;
        let mut call = made.call(method);
        call.query = "utm_source=mail&utm_source=mail";
        let answer = desk.ask(&call).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (status, ""),
            "{method} {query}"
        );
        let url = answer.location.unwrap();
        assert_eq!(parameter(&url, "X-Amz-Expires").as_deref(), Some("60"));
        let file = desk.follow(&url).await;
        assert_eq!((file.status().as_u16(), file.body().as_ref()), (200, BODY));
        assert_eq!(file.headers()["content-type"], "application/pdf");
        let disposition = file.headers()["content-disposition"].to_str().unwrap();
        assert!(
            disposition.starts_with("attachment; filename=\"PRT-2025-0042.pdf\""),
            "{disposition}"
        );
        let record = desk.records("Download").await.pop().unwrap();
        assert_eq!(
            parameter(&url, "x-grant-id"),
            Some(record.metadata.uid.to_string())
        );
        assert_eq!(record.unmapped.grant_id.as_ref(), Some(&made.grant_id));
        assert_eq!(record.unmapped.tenant.as_deref(), Some("acme"));
        assert_eq!(record.unmapped.given.expires_in, Some(60));
        assert!(record.actor.user.is_none() && record.actor.authorizations.is_empty());
        let file = &record.file;
        assert_eq!((file.path.as_str(), file.size), (KEY, Some(BODY.len() as u64)));
        let written = serde_json::to_string(&record).unwrap();
        assert!(!written.contains(&made.token) && !written.contains("X-Amz"));
    }
}

#[tokio::test]
async fn every_refusal_is_one_same_answer_and_its_own_record() {
    let desk = Desk::start().await;
    let used_up = desk.make("uses=1").await;
    desk.ask(&used_up.call("GET")).await;
    let revoked = desk.make("uses=1").await;
    desk.ask(&revoked.revoke().by(of_office("acme"))).await;
    let elsewhere = desk.make("network=198.51.100.0/24").await;
    let plain = desk.make("").await;
    let unknown = Token::new(system_entropy).unwrap();
    let unknown = Call::to("GET", format!("/v1/s/{}", unknown.expose()));
    let late = desk.other(in_a_day);
    let before = desk.records("Download").await.len();
    let mut bodies = Vec::new();
    let mut expected = Vec::new();
    for (function, call, reason) in [
        (&desk.function, unknown, "unknown_link"),
        (
            &desk.function,
            Call::to("GET", "/v1/s/not-a-token".to_owned()),
            "unknown_link",
        ),
        (&desk.function, used_up.call("GET"), "used_up"),
        (&desk.function, used_up.call("HEAD"), "used_up"),
        (&desk.function, used_up.page(), "used_up"),
        (&desk.function, revoked.call("POST"), "revoked"),
        (&desk.function, elsewhere.call("GET"), "wrong_network"),
        (&late, plain.call("GET"), "expired"),
    ] {
        let answer = ask(function, &call).await;
        assert_eq!((answer.status, answer.location), (404, None), "{reason}");
        bodies.push(answer.body);
        expected.push(Some(reason.to_owned()));
    }
    desk.delete().await;
    bodies.push(desk.ask(&plain.call("GET")).await.body);
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    // The one of tomorrow is the last of the log.
    let mut reasons = desk.reasons("Download").await.split_off(before);
    expected.insert(expected.len() - 1, Some("not_found".to_owned()));
    assert_eq!(reasons.pop(), expected.pop());
    assert_eq!(reasons, expected);
}

#[tokio::test]
async fn a_network_is_where_a_link_works() {
    let desk = Desk::start().await;
    let made = desk.make("network=192.0.2.0/28").await;
    for (ip, status) in [
        ("192.0.2.7", 302),
        ("192.0.2.16", 404),
        ("2001:db8::1", 404),
        ("", 404),
    ] {
        let call = Call {
            ip,
            ..made.call("GET")
        };
        assert_eq!(desk.ask(&call).await.status, status, "{ip}");
    }
}

#[tokio::test]
async fn looking_at_a_link_uses_nothing_up() {
    let desk = Desk::start().await;
    let made = desk.make("uses=2").await;
    for _ in 0..3 {
        let head = desk.ask(&made.call("HEAD")).await;
        assert_eq!((head.status, head.location, head.body.as_str()), (200, None, ""));
        let page = desk.ask(&made.page()).await;
        assert_eq!((page.status, page.location), (200, None));
        assert!(page.body.contains("<form method=\"post\">") && page.body.contains("<dd>2</dd>"));
        assert!(!page.body.contains(&made.token) && !page.body.contains("PRT-2025-0042"));
    }
    assert_eq!(
        (desk.uses(&made).await, desk.records("Download").await.len()),
        (0, 0)
    );
    let button = Call {
        method: "POST",
        ..made.page()
    };
    assert_eq!(desk.ask(&button).await.status, 303);
    assert!(desk.ask(&made.page()).await.body.contains("<dd>1</dd>"));
    let unlimited = desk.make("").await;
    assert_eq!(desk.ask(&unlimited.page()).await.status, 302);
}

#[tokio::test]
async fn a_link_leads_to_the_version_that_was_shared_as_long_as_the_document_is_there() {
    let desk = Desk::start().await;
    let made = desk.make("").await;
    let shared = desk.share(&made).await.version_id;
    desk.put(b"newer", "acme").await;
    let url = desk.ask(&made.call("GET")).await.location.unwrap();
    assert_eq!(desk.follow(&url).await.body().as_ref(), BODY);
    let record = desk.records("Download").await.pop().unwrap().file;
    assert_eq!((record.version, record.size), (shared, Some(BODY.len() as u64)));
    // Hidden, as what is deleted or quarantined is; then another tenant's.
    desk.delete().await;
    assert_eq!(desk.ask(&made.call("GET")).await.status, 404);
    desk.put(b"another's", "other").await;
    assert_eq!(desk.ask(&made.call("GET")).await.status, 404);
    let reasons = desk.reasons("Download").await;
    assert_eq!(
        reasons,
        [None, Some("not_found".to_owned()), Some("not_found".to_owned())]
    );
}

#[tokio::test]
async fn the_bucket_knows_a_link_only_by_its_digest() {
    let desk = Desk::start().await;
    let made = desk.make("uses=1").await;
    desk.ask(&made.call("GET")).await;
    for (bucket, keys) in [
        (&desk.links.bucket, desk.links.bucket.keys("").await.unwrap()),
        (
            desk.links.audit.bucket(),
            desk.links.audit.bucket().keys("").await.unwrap(),
        ),
    ] {
        for key in keys {
            let bytes = bucket.read(&key, 1_000_000).await.unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!key.contains(&made.token) && !text.contains(&made.token), "{key}");
            assert!(!text.contains("X-Amz-Signature"), "{key}");
        }
    }
}
