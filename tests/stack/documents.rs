//! Lists of documents and what is known of one: what shows, to whom, and at what cost.

mod desk;

use std::collections::BTreeMap;

use casefile::digest::Sha256;
use casefile::key::List;
use casefile::name::{Owner, TenantId};
use casefile::pointer::PointerName;
use casefile::problem::ProblemKind;
use casefile_local::s3::{Fault, FaultRule, When};
use futures::{StreamExt as _, stream};
use serde_json::Value;

use self::desk::{ARTIFACTS, Session, paths};
pub(crate) use self::desk::{AUDIT, Desk, caller, noon};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_fifty_costs_the_same_among_five_thousand_as_among_a_hundred() {
    let mut costs = Vec::new();
    for count in [100, 5_000] {
        let desk = &Desk::start().await;
        // Only the newest ones are ever looked at.
        let stored = (0..count).map(|n| async move {
            desk.store(&Session::new("acme", None, n), n < 60).await;
        });
        stream::iter(stored).buffer_unordered(32).collect::<()>().await;
        let office = caller("office", "acme", "");
        let page = desk.costs(async {
            let answer = desk.list(&office, "reviews", "").await.unwrap();
            assert_eq!(paths(&answer).len(), 50);
            assert!(answer["next_cursor"].is_string());
        });
        costs.push(Box::pin(page).await);
    }
    assert_eq!(costs[0], costs[1]);
    let expected = [
        ("GetObject", 50),
        ("HeadObject", 50),
        ("ListObjectsV2", 1),
        ("PutObject", 1),
    ];
    let expected = expected.map(|(operation, count)| (operation.to_owned(), count));
    assert_eq!(costs[0], BTreeMap::from(expected));
}

#[tokio::test]
async fn pages_are_filled_with_complete_sessions_newest_first_and_each_shows_once() {
    let desk = Desk::start().await;
    let mut complete = Vec::new();
    for n in 0..31 {
        let session = Session::new("acme", None, n);
        desk.store(&session, n % 3 != 0).await;
        if n % 3 != 0 {
            complete.push(session.path());
        }
    }
    let office = caller("office", "acme", "");
    for limit in [1, 4, 7, 20, 200] {
        let pages = desk.pages(&office, &format!("limit={limit}")).await;
        let (last, full) = pages.split_last().unwrap();
        assert!(full.iter().all(|page| page.len() == limit), "{limit}: {pages:?}");
        assert!(last.len() <= limit);
        assert_eq!(pages.concat(), complete, "{limit}");
    }
}

#[tokio::test]
async fn a_list_shows_to_each_only_what_it_may_read() {
    let desk = Desk::start().await;
    let sessions = [
        Session::new("acme", Some("c 17/x"), 1),
        Session::new("acme", Some("c-18"), 2),
        Session::new("acme", None, 3),
        Session::new("other", Some("c 17/x"), 4),
        Session::new("third", None, 5),
    ];
    for session in &sessions {
        desk.store(session, true).await;
    }
    let wanted = |of: &[usize]| of.iter().map(|n| sessions[*n].path()).collect::<Vec<_>>();
    for (caller, seen) in [
        (caller("office", "acme", ""), vec![0, 1, 2]),
        (caller("office", "other", ""), vec![3]),
        (caller("office", "third", ""), vec![4]),
        (caller("office", "fourth", ""), vec![]),
        (caller("customer", "acme", "c 17/x"), vec![0]),
        (caller("customer", "acme", "c-18"), vec![1]),
        (caller("customer", "other", "c 17/x"), vec![3]),
        (caller("customer", "other", "c-18"), vec![]),
        (caller("auditor", "acme", "c-18"), vec![]),
        (caller("device", "acme", "c-18"), vec![]),
    ] {
        let answer = desk.list(&caller, "reviews", "").await.unwrap();
        assert_eq!(paths(&answer), wanted(&seen), "{caller:?}");
        assert!(answer.get("next_cursor").is_none());
    }
    let records = desk.records().await;
    let first = records
        .iter()
        .find(|record| record["actor"]["user"]["uid"] == "customer@acme")
        .unwrap();
    assert_eq!(first["activity_name"], "List");
    assert_eq!(first["unmapped"]["given"]["entries"], 1);
    assert_eq!(records.len(), 10);
}

#[tokio::test]
async fn entries_that_are_damaged_or_lead_elsewhere_do_not_show() {
    let desk = Desk::start().await;
    let good = Session::new("acme", Some("c-17"), 9);
    let foreign = Session::new("other", None, 8);
    desk.store(&good, true).await;
    desk.store(&foreign, true).await;
    let acme = || List::Tenant(TenantId::parse("acme").unwrap());
    let own = List::Owner(TenantId::parse("acme").unwrap(), Owner::parse("c-18").unwrap());
    let at = |minutes| Session::new("acme", None, minutes).name();
    let foreign_body = serde_json::to_vec(&foreign.pointer()).unwrap();
    let good_body = serde_json::to_vec(&good.pointer()).unwrap();
    desk.put_pointer(acme(), foreign.name(), foreign_body).await;
    desk.put_pointer(acme(), at(1), b"{}".to_vec()).await;
    desk.put_pointer(acme(), at(2), vec![b' '; 20_000]).await;
    desk.put_pointer(acme(), at(3), good_body.clone()).await;
    desk.put_pointer(own, good.name(), good_body).await;
    let strange = PointerName::new(noon(), "no folder");
    desk.put_pointer(acme(), strange, b"{}".to_vec()).await;
    let office = desk
        .list(&caller("office", "acme", ""), "reviews", "limit=1")
        .await;
    assert_eq!(paths(&office.unwrap()), [good.path()]);
    let other = desk
        .list(&caller("customer", "acme", "c-18"), "reviews", "")
        .await;
    assert!(paths(&other.unwrap()).is_empty());
}

#[tokio::test]
async fn a_prefix_narrows_the_list_by_its_time_and_then_by_name() {
    let desk = Desk::start().await;
    let sessions: Vec<_> = (0..10).map(|n| Session::new("acme", None, n * 12 * 60)).collect();
    for session in &sessions {
        desk.store(session, true).await;
    }
    let office = caller("office", "acme", "");
    desk.lists();
    let day = desk.pages(&office, "prefix=20251113&limit=1").await.concat();
    assert_eq!(day, [sessions[2].path(), sessions[3].path()]);
    for query in desk.lists() {
        assert!(query.contains("reviews%2F79748886"), "{query}");
    }
    let exact = format!("prefix={}", sessions[4].path());
    assert_eq!(desk.pages(&office, &exact).await.concat(), [sessions[4].path()]);
    for nothing in ["prefix=20251112_1200_x", "prefix=x", "prefix=2025/11"] {
        assert!(
            desk.pages(&office, nothing).await.concat().is_empty(),
            "{nothing}"
        );
    }
}

#[tokio::test]
async fn a_collection_that_does_not_exist_is_refused_as_what_may_not_be_read_is() {
    let desk = Desk::start().await;
    let office = caller("office", "acme", "");
    let foreign = Session::new("other", None, 1);
    desk.store(&foreign, true).await;
    let refused = desk.list(&office, "secrets", "prefix=x").await.unwrap_err();
    assert_eq!(refused.kind, ProblemKind::NotFound);
    for (collection, path) in [
        ("secrets", "x".to_owned()),
        ("reviews", foreign.path()),
        ("reviews", format!("{}/manifest.json", foreign.path())),
        ("reviews", "20251114_120000_none".to_owned()),
        ("reviews", "x".to_owned()),
        ("bols", "PRT-2025-0042".to_owned()),
    ] {
        let other = desk.metadata(&office, collection, &path).await.unwrap_err();
        assert_eq!(other, refused, "{path}");
    }
    let records = desk.records().await;
    assert_eq!(records.len(), 7);
    assert!(
        records
            .iter()
            .all(|record| record["status_code"] == "404" && record["status_detail"] == "not_found")
    );
}

#[tokio::test]
async fn what_is_known_of_a_document_is_told_to_those_who_may_read_it() {
    let desk = Desk::start().await;
    let session = Session::new("acme", Some("c-17"), 1);
    desk.store(&session, true).await;
    let customer = caller("customer", "acme", "c-17");
    let known = desk
        .metadata(&customer, "reviews", &session.path())
        .await
        .unwrap();
    let manifest = serde_json::to_vec(&session.manifest()).unwrap();
    for (field, value) in [
        ("kind", Value::from("session")),
        ("path", session.path().into()),
        ("owner", "c-17".into()),
        ("session_id", "s".into()),
        ("total_files", 2.into()),
        ("total_bytes", (manifest.len() + 3).into()),
    ] {
        assert_eq!(known[field], value, "{field}");
    }
    assert_eq!(known["files"][0]["sha256"], Sha256::of(b"abc").to_string());
    assert_eq!(known["summary"]["acceptance_rate"], 25.0);
    let path = format!("{}/manifest.json", session.path());
    let file = desk.metadata(&customer, "reviews", &path).await.unwrap();
    assert_eq!(file["kind"], "file");
    assert_eq!(file["file_name"], "manifest.json");
    assert_eq!(file["sha256"], Sha256::of(&manifest).to_string());
    assert_eq!(file["metadata"], serde_json::json!({}));
    for other in [
        caller("customer", "acme", "c-18"),
        caller("office", "other", ""),
        caller("auditor", "acme", "c-17"),
    ] {
        for path in [&session.path(), &path] {
            let problem = desk.metadata(&other, "reviews", path).await.unwrap_err();
            assert_eq!(problem.kind, ProblemKind::NotFound);
        }
    }
    let reasons: Vec<_> = desk
        .records()
        .await
        .iter()
        .filter_map(|record| record["status_detail"].as_str().map(str::to_owned))
        .collect();
    let count = |reason: &str| reasons.iter().filter(|other| *other == reason).count();
    assert_eq!((count("forbidden"), count("not_found")), (4, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_record_nothing_is_told() {
    for (when, fault) in [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::After, Fault::Cut),
    ] {
        let desk = Desk::start().await;
        let session = Session::new("acme", None, 1);
        desk.store(&session, true).await;
        let office = caller("office", "acme", "");
        let rule = FaultRule::on("PutObject").bucket(AUDIT);
        let injected = desk.s3.faults().inject(rule, when, fault);
        let answers = [
            desk.list(&office, "reviews", "").await,
            desk.list(&office, "secrets", "").await,
            desk.metadata(&office, "reviews", &session.path()).await,
            desk.metadata(&office, "reviews", "x").await,
        ];
        for answer in answers {
            let problem = answer.unwrap_err();
            assert_eq!(problem.kind, ProblemKind::Unavailable, "{when:?}");
            assert!(problem.retry_after.is_some());
        }
        injected.remove();
        assert!(desk.list(&office, "reviews", "").await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_storage_is_no_shorter_page() {
    let desk = Desk::start().await;
    desk.store(&Session::new("acme", None, 1), true).await;
    let office = caller("office", "acme", "");
    for operation in ["ListObjectsV2", "GetObject", "HeadObject"] {
        let rule = FaultRule::on(operation).bucket(ARTIFACTS);
        let fault = Fault::error(503, "SlowDown");
        let injected = desk.s3.faults().inject(rule, When::Before, fault);
        let problem = desk.list(&office, "reviews", "").await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Unavailable, "{operation}");
        injected.remove();
    }
}
