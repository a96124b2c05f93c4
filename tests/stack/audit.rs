//! The audit log as auditors see it: all of their tenant's records, nothing of another's, and only the days asked for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casefile::audit::{Activity, Asked, Event, File, Given, Outcome, Record, key};
use casefile::bucket::Metadata;
use casefile::caller::Origin;
use casefile::id::{TimeId, system_entropy};
use casefile::problem::ProblemKind;
use casefile_local::s3::{Fault, FaultRule, When};
use futures::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::documents::{AUDIT, Desk, caller, noon};

/// A record in a tenant's log, so many seconds before noon; its id.
async fn write(desk: &Desk, tenant: &str, seconds: i64, path: &str, outcome: Outcome) -> String {
    let time = noon() - SignedDuration::from_secs(seconds);
    write_at(desk, tenant, time, path, outcome).await
}

async fn write_at(desk: &Desk, tenant: &str, time: Timestamp, path: &str, outcome: Outcome) -> String {
    let id = TimeId::new(time, system_entropy).unwrap();
    let event = Event {
        activity: Activity::Share,
        outcome,
        caller: Some(&caller("office", tenant, "")),
        origin: &Origin::default(),
        tenant: Some(tenant),
        policies: &["office".to_owned()],
        file: Some(File {
            collection: "bols".to_owned(),
            path: path.to_owned(),
            ..File::default()
        }),
        grant_id: None,
        asked: Asked::default(),
        given: Given::default(),
    };
    let body = serde_json::to_vec(&Record::new(id, &event)).unwrap();
    desk.put(desk.links.audit.bucket(), key(id), body, Metadata::new())
        .await;
    id.to_string()
}

fn ids(answer: &Value) -> Vec<String> {
    let records = answer["records"].as_array().unwrap();
    records
        .iter()
        .map(|record| record["metadata"]["uid"].as_str().unwrap().to_owned())
        .collect()
}

/// Every page, from the first on.
async fn pages(desk: &Desk, tenant: &str, query: &str) -> Vec<Vec<String>> {
    let auditor = caller("auditor", tenant, "");
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let more = cursor
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let answer = desk.audit(&auditor, &format!("{query}{more}")).await.unwrap();
        pages.push(ids(&answer));
        cursor = answer["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return pages;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_each_record_of_the_tenant_once_and_newest_first() {
    let desk = Desk::start().await;
    let (mut acme, mut other) = (Vec::new(), Vec::new());
    for n in 1..=60 {
        // Over five days, with two empty ones in between.
        let seconds = if n <= 30 { n * 1_000 } else { n * 7_000 };
        acme.push(write(&desk, "acme", seconds, "x", Outcome::Success).await);
        if n % 2 == 0 {
            other.push(write(&desk, "other", seconds, "x", Outcome::Success).await);
        }
    }
    let span = "from=2025-11-08&to=2025-11-14T11:59:59Z";
    for limit in [7, 60, 200] {
        let pages = pages(&desk, "acme", &format!("{span}&limit={limit}")).await;
        let (_, full) = pages.split_last().unwrap();
        assert!(full.iter().all(|page| page.len() == limit));
        assert_eq!(pages.concat(), acme, "{limit}");
    }
    assert_eq!(pages(&desk, "other", span).await.concat(), other);
    assert!(pages(&desk, "third", span).await.concat().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_records_of_one_hour_are_all_found() {
    let desk = &Desk::start().await;
    let times = (0..3_000).map(|n| noon() - SignedDuration::from_millis(1 + n * 1_200));
    let written = times.map(|time| write_at(desk, "acme", time, "x", Outcome::Success));
    let written: Vec<_> = stream::iter(written).buffered(32).collect().await;
    let span = "from=2025-11-14T11:00:00Z&to=2025-11-14T11:59:59.999Z&limit=200";
    desk.lists();
    let pages = pages(desk, "acme", span).await;
    assert_eq!(pages.concat(), written);
    let lists = desk.lists().len();
    assert!(
        pages.len() == 15 && lists <= 15 * 4,
        "{} pages, {lists} LISTs",
        pages.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_days_asked_for_are_read() {
    let desk = Desk::start().await;
    for day in 0..8 {
        write(&desk, "acme", day * 86_400 + 60, "x", Outcome::Success).await;
    }
    desk.lists();
    desk.s3.requests().record(true);
    let pages = pages(&desk, "acme", "from=2025-11-11&to=2025-11-12").await;
    assert_eq!(pages.concat().len(), 2);
    let lists = desk.lists();
    for query in &lists {
        let is_asked_for = ["11", "12"]
            .iter()
            .any(|day| query.contains(&format!("prefix=audit%2Fdt%3D2025-11-{day}%2F")));
        assert!(is_asked_for, "{query}");
    }
    assert!(lists.len() <= 6, "{lists:?}");
    let requests = desk.s3.requests().take();
    let reads: Vec<_> = requests
        .iter()
        .filter(|request| request.operation == "GetObject")
        .collect();
    assert_eq!(reads.len(), 2, "{reads:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_found_by_who_what_and_how_it_ended() {
    let desk = Desk::start().await;
    let refused = Outcome::Refused {
        status: 404,
        reason: "forbidden",
    };
    let a = write(&desk, "acme", 3, "2025/a.pdf", Outcome::Success).await;
    let b = write(&desk, "acme", 2, "2025/b.pdf", refused).await;
    let c = write(&desk, "acme", 1, "2024/c.pdf", Outcome::Success).await;
    for (query, found) in [
        ("path=2025/", vec![&b, &a]),
        ("path=2025/b.pdf", vec![&b]),
        ("path=2025", vec![]),
        ("outcome=failure", vec![&b]),
        ("outcome=success&collection=bols", vec![&c, &a]),
        ("user=office%40acme&collection=bols", vec![&c, &b, &a]),
        ("user=nobody", vec![]),
        ("collection=reviews", vec![]),
    ] {
        assert!(
            pages(&desk, "acme", query).await.concat().iter().eq(found),
            "{query}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_s_records_show_in_no_way_however_many_there_are() {
    let desk = &Desk::start().await;
    let own = write(desk, "acme", 3_000, "x", Outcome::Success).await;
    let foreign = (1..2_600).map(|n| write(desk, "other", n, "secret", Outcome::Success));
    stream::iter(foreign)
        .buffer_unordered(32)
        .collect::<Vec<_>>()
        .await;
    let auditor = caller("auditor", "acme", "");
    let (mut found, mut query) = (Vec::new(), "to=2025-11-14T11:59:59.999Z".to_owned());
    let mut calls = 0;
    loop {
        calls += 1;
        let answer = desk.audit(&auditor, &query).await.unwrap();
        assert!(!answer.to_string().contains("secret"));
        found.extend(ids(&answer));
        let Some(cursor) = answer["next_cursor"].as_str() else {
            break;
        };
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
        assert!(text.ends_with("-7000-8000-000000000000"), "{text}");
        query = format!("to=2025-11-14T11:59:59.999Z&cursor={cursor}");
    }
    assert_eq!(found, [own]);
    assert!((2..5).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_look_into_the_log_is_recorded_and_only_auditors_have_one() {
    let desk = Desk::start().await;
    let auditor = caller("auditor", "acme", "");
    let first = desk.audit(&auditor, "").await.unwrap();
    assert!(ids(&first).is_empty());
    for (caller, query) in [
        (caller("office", "acme", ""), "user=x"),
        (caller("customer", "acme", "c-17"), "limit=none"),
    ] {
        let problem = desk.audit(&caller, query).await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Forbidden);
    }
    let second = desk.audit(&auditor, "limit=10").await.unwrap();
    let records = second["records"].as_array().unwrap();
    assert_eq!(records.len(), 3);
    assert!(
        records
            .iter()
            .all(|record| record["activity_name"] == "Read Audit")
    );
    let refused = |record: &&Value| record["status_code"] == "403" && record["status_detail"] == "forbidden";
    assert_eq!(records.iter().filter(refused).count(), 2);
    let asked = "from=2025-11-13T12%3A00%3A00.001Z&to=2025-11-14T12%3A00%3A00.000Z&limit=50";
    let queries = records.iter().map(|record| &record["unmapped"]["asked"]["query"]);
    assert!(
        queries.clone().any(|query| query == asked),
        "{:?}",
        queries.collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_damaged_record_hides_no_other() {
    let desk = Desk::start().await;
    let good = write(&desk, "acme", 2, "x", Outcome::Success).await;
    let bad = key(TimeId::new(noon() - SignedDuration::from_secs(1), system_entropy).unwrap());
    let log = desk.links.audit.bucket();
    desk.put(log, bad, b"{}".to_vec(), Metadata::new()).await;
    let strange = "audit/dt=2025-11-14/note.txt".to_owned();
    desk.put(log, strange, b"x".to_vec(), Metadata::new()).await;
    assert_eq!(
        pages(&desk, "acme", "to=2025-11-14T11:59:59.999Z").await.concat(),
        [good]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_failing_is_known_to_the_caller() {
    let desk = Desk::start().await;
    write(&desk, "acme", 1, "x", Outcome::Success).await;
    let auditor = caller("auditor", "acme", "");
    let slow = || Fault::error(503, "SlowDown");
    for (operation, when, fault) in [
        ("PutObject", When::Before, slow()),
        ("PutObject", When::After, Fault::Cut),
        ("ListObjectsV2", When::Before, slow()),
        ("GetObject", When::Before, slow()),
    ] {
        let rule = FaultRule::on(operation).bucket(AUDIT);
        let injected = desk.s3.faults().inject(rule, when, fault);
        let problem = desk.audit(&auditor, "").await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Unavailable, "{operation} {when:?}");
        if operation == "PutObject" {
            let office = caller("office", "acme", "");
            let problem = desk.audit(&office, "").await.unwrap_err();
            assert_eq!(problem.kind, ProblemKind::Unavailable);
        }
        injected.remove();
    }
}
