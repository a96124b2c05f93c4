//! Many reviews at once: each with its own outcome, whatever becomes of the others.

mod staged;

use std::time::Duration;

use casefile::caller::Origin;
use casefile::link::Asking;
use casefile::problem::{Problem, ProblemKind};
use casefile_local::s3::{Fault, FaultRule, RequestRecord, When};
use hyper::Method;
use serde_json::{Value, json};
use session_export::review::ReviewExport;
use session_export::review::batch::Door;

use crate::fallback::no_fallback;
use crate::links::records;
use crate::support::{
    AUDIT_BUCKET, Harness, TestStack, caller, office, pointers, sample, token, without_events,
};
use crate::uploads::{grant, send};

const A_MINUTE: Duration = Duration::from_mins(1);
/// Of one request to S3, before it is given up.
const ATTEMPTS: usize = 3;

/// A review that takes next to no time: its document isn't one.
fn small(session_id: &str) -> Value {
    json!({
        "session": {"session_id": session_id, "document_name": format!("{session_id}.docx")},
        "documents": {"before": {"file_name": "x.docx", "content_base64": "eA=="}},
    })
}

async fn post(stack: &TestStack, token: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let response = stack
        .call(Method::POST, "/v1/reviews/batch", Some(token), body)
        .await;
    let status = response.status().as_u16();
    (status, serde_json::from_slice(response.body()).unwrap())
}

/// A batch in this very process.
async fn export(
    export: &ReviewExport,
    batch: &Value,
    door: Door<'_>,
    time: Duration,
) -> Result<Value, Problem> {
    let origin = Origin::default();
    let caller = caller("dana", &["office"], "acme");
    let asking = Asking {
        caller: &caller,
        origin: &origin,
        base_url: None,
        kept_at: None,
    };
    let answer = export
        .export_batch(&asking, &batch.to_string(), door, time, &no_fallback())
        .await?;
    Ok(serde_json::to_value(answer).unwrap())
}

/// What became of each review: `exported`, or a problem's status.
fn outcomes(answer: &Value) -> Vec<String> {
    let reviews = answer["reviews"].as_array().unwrap();
    let indices = reviews.iter().map(|review| review["index"].as_u64().unwrap());
    assert!(indices.eq(0..reviews.len() as u64), "{answer}");
    let outcome = |review: &Value| match review["status"].as_str().unwrap() {
        "refused" => review["problem"]["status"].to_string(),
        status => status.to_owned(),
    };
    reviews.iter().map(outcome).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_review_of_a_batch_has_the_outcome_that_it_would_have_alone() {
    let stack = TestStack::start_with(without_events).await;
    let request = sample("uploaded").to_string();
    let (_, granted) = grant(&stack, &office("acme"), request.as_bytes()).await;
    assert_eq!(send(&granted, request.as_bytes(), &[]).await.status(), 200);
    let (_, junk) = grant(&stack, &office("acme"), b"{\"session\": ").await;
    assert_eq!(send(&junk, b"{\"session\": ", &[]).await.status(), 200);
    let mut wrong = small("wrong");
    wrong["session"]["feedback_data"] = json!([]);
    wrong["strickt"] = json!(true);
    let mut download = small("download");
    download["destination"] = json!("download");
    let mut other = small("one");
    other["session"]["completed_at"] = json!("2025-11-14T14:25:29Z");
    let batch = json!({"reviews": [
        small("one"),
        wrong,
        {"upload_id": granted["upload_id"]},
        {"upload_id": "01939b7e-0000-7000-8000-000000000000"},
        {"upload_id": junk["upload_id"]},
        other,
        download,
        small("one"),
    ]});
    let (status, answer) = post(&stack, &office("acme"), &batch).await;
    assert_eq!(status, 200, "{answer}");
    let expected = [
        "exported", "422", "exported", "422", "400", "409", "422", "exported",
    ];
    assert_eq!(outcomes(&answer), expected, "{answer}");
    let reviews = answer["reviews"].as_array().unwrap();
    let problem = |index: usize| pointers(&reviews[index]["problem"]);
    assert_eq!(problem(1), ["/session/feedback_data", "/strickt"]);
    assert_eq!(
        (problem(3), problem(6)),
        (vec!["/upload_id"], vec!["/destination"])
    );
    assert!(!reviews[1]["problem"]["instance"].as_str().unwrap().is_empty());
    // The same content twice has the same answer twice.
    let exported = |index: usize| &reviews[index]["export"];
    assert_eq!(exported(0)["folder_name"], exported(7)["folder_name"]);
    assert_eq!(exported(0)["manifest"], exported(7)["manifest"]);
    for index in [0, 2] {
        let export = exported(index);
        assert!(stack.verify(export).await.holds());
        let manifest = &export["manifest"];
        let stored = stack
            .bucket()
            .hash(manifest["key"].as_str().unwrap())
            .await
            .unwrap();
        assert_eq!(manifest["sha256"], stored.sha256.to_string());
        assert!(export["link"]["url"].as_str().unwrap().starts_with("http"));
        assert_eq!(export["uploaded_files"], Value::Null);
    }
    assert_eq!(exported(2)["total_files"], 14);
    // As alone: a record for each grant and each link.
    let records = records(&stack.stack.audit().unwrap()).await;
    assert_eq!(records.len(), 2 + 3);

    // Alone, they have the same outcome; and the batch again.
    let (status, alone) = stack.export(&small("one")).await;
    assert_eq!(
        (status, &alone["folder_name"]),
        (201, &exported(0)["folder_name"])
    );
    let (_, again) = post(&stack, &office("acme"), &batch).await;
    assert_eq!(outcomes(&again), expected);
    assert_eq!(
        again["reviews"][2]["export"]["folder_name"],
        exported(2)["folder_name"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_wrong_as_such_exports_nothing() {
    let stack = TestStack::start_with(without_events).await;
    let batch = json!({"reviews": [small("x"), 7, {"upload_id": "?"}], "staged": "nightly/"});
    let (status, problem) = post(&stack, &office("acme"), &batch).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(
        pointers(&problem),
        ["/staged", "/reviews/1", "/reviews/2/upload_id"]
    );
    let customer = token("sam", &["customer"], "acme", None);
    let (status, problem) = post(&stack, &customer, &json!({"reviews": [small("x")]})).await;
    assert_eq!(status, 403, "{problem}");
    assert_eq!(stack.bucket().keys("").await.unwrap(), Vec::<String>::new());
    let records = records(&stack.stack.audit().unwrap()).await;
    assert_eq!(records.iter().filter(|record| record.status_id == 2).count(), 1);
}

#[tokio::test]
async fn one_failed_write_costs_one_review_and_a_repeat_completes_it() {
    let harness = Harness::start().await;
    let batch = json!({"reviews": [small("a"), small("b"), small("c")]});
    let rule = FaultRule::on("PutObject").prefix("tara/20251114_120000_b/logs/");
    let down = Fault::error(503, "SlowDown");
    let injected = harness.s3.faults().inject(rule, When::Before, down.clone());
    let answer = export(&harness.export, &batch, Door::Http, A_MINUTE)
        .await
        .unwrap();
    assert!(injected.matched() > 0);
    assert_eq!(outcomes(&answer), ["exported", "503", "exported"]);
    assert_eq!(answer["reviews"][1]["problem"]["retry_after"], 5);
    assert_eq!(harness.visible_folders().await.len(), 2);
    injected.remove();
    let again = export(&harness.export, &batch, Door::Http, A_MINUTE)
        .await
        .unwrap();
    assert_eq!(outcomes(&again), ["exported"; 3]);
    assert_eq!(harness.visible_folders().await.len(), 3);
    for index in [0, 2] {
        let folder = |answer: &Value| answer["reviews"][index]["export"]["folder_name"].clone();
        assert_eq!(folder(&answer), folder(&again));
    }
    // Where no review has another outcome, the whole batch is to be repeated.
    let rule = FaultRule::on("PutObject");
    harness.s3.faults().inject(rule, When::Before, down);
    let problem = export(&harness.export, &batch, Door::Http, A_MINUTE)
        .await
        .unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Unavailable);
    assert!(problem.retry_after.is_some());
}

#[tokio::test]
async fn four_are_under_way_at_a_time() {
    let harness = Harness::start().await;
    let rule = FaultRule::on("PutObject");
    let delay = Fault::Delay(Duration::from_millis(30));
    harness.s3.faults().inject(rule, When::Before, delay);
    harness.s3.requests().record(true);
    let reviews: Vec<_> = (0..12).map(|n| small(&format!("s-{n}"))).collect();
    let batch = json!({ "reviews": reviews });
    let answer = export(&harness.export, &batch, Door::Http, A_MINUTE)
        .await
        .unwrap();
    assert_eq!(outcomes(&answer), ["exported"; 12]);
    let requests = harness.s3.requests().take();
    let span = |n: usize| {
        let prefix = format!("tara/20251114_120000_s-{n}/");
        let own: Vec<&RequestRecord> = requests
            .iter()
            .filter(|request| request.key.starts_with(&prefix))
            .collect();
        let start = own.iter().map(|request| request.started).min().unwrap();
        (start, own.iter().map(|request| request.ended).max().unwrap())
    };
    let spans: Vec<_> = (0..12).map(span).collect();
    let at_once = |moment| {
        spans
            .iter()
            .filter(|(start, end)| *start <= moment && moment < *end)
            .count()
    };
    let most = spans.iter().map(|(start, _)| at_once(*start)).max().unwrap();
    assert!((2..=4).contains(&most), "{most} at a time");
}

#[tokio::test]
async fn what_has_no_time_left_is_told_and_what_is_done_is_not_lost() {
    let harness = Harness::start().await;
    let reviews: Vec<_> = ["a", "slow", "b", "c", "slow", "d", "e"].map(small).into();
    let batch = json!({ "reviews": reviews });
    let rule = FaultRule::on("PutObject").prefix("tara/20251114_120000_slow/");
    let slow = Fault::Delay(Duration::from_secs(30));
    let injected = harness.s3.faults().inject(rule, When::Before, slow);
    let answer = export(&harness.export, &batch, Door::Http, Duration::from_secs(13)).await;
    let answer = answer.unwrap();
    let expected = [
        "exported", "503", "exported", "exported", "503", "exported", "exported",
    ];
    assert_eq!(outcomes(&answer), expected);
    let problem = &answer["reviews"][4]["problem"];
    assert!(
        problem["detail"].as_str().unwrap().contains("time was up"),
        "{problem}"
    );
    assert_eq!(problem["retry_after"], 5);
    // Nothing begins that may not be done in time.
    harness.s3.requests().record(true);
    for time in [Duration::ZERO, Duration::from_secs(7)] {
        let none = export(&harness.export, &batch, Door::Http, time).await;
        assert_eq!(none.unwrap_err().kind, ProblemKind::Unavailable);
    }
    let requests = harness.s3.requests().take();
    assert!(requests.iter().all(|request| request.operation != "PutObject"));
    injected.remove();
    let again = export(&harness.export, &batch, Door::Http, A_MINUTE)
        .await
        .unwrap();
    assert_eq!(outcomes(&again), ["exported"; 7]);
    assert_eq!(harness.visible_folders().await.len(), 6);
}

#[tokio::test]
async fn which_of_two_contents_is_a_session_s_does_not_depend_on_chance() {
    for _ in 0..4 {
        let harness = Harness::start().await;
        let mut other = small("x");
        other["owner"] = json!("c-17");
        // The first takes longer than the second would.
        let batch = json!({"reviews": [sample("x"), other, sample("x"), small("y")]});
        let answer = export(&harness.export, &batch, Door::Http, A_MINUTE)
            .await
            .unwrap();
        assert_eq!(outcomes(&answer), ["exported", "409", "exported", "exported"]);
    }
}

#[tokio::test]
async fn the_first_fails_and_the_others_of_its_session_wait_for_a_repeat() {
    let harness = Harness::start().await;
    let mut other = small("x");
    other["owner"] = json!("c-17");
    let batch = json!({"reviews": [small("x"), other, small("y"), small("x")]});
    // As many answers as the first's reservation asks for; the second's would be stored.
    let rule = FaultRule::on("PutObject").prefix("_casefile/sessions/acme/x");
    let rule = rule.times(ATTEMPTS);
    let down = Fault::error(503, "SlowDown");
    let injected = harness.s3.faults().inject(rule, When::Before, down);
    let answer = export(&harness.export, &batch, Door::Http, A_MINUTE)
        .await
        .unwrap();
    assert_eq!(injected.matched(), ATTEMPTS);
    assert_eq!(outcomes(&answer), ["503", "503", "exported", "503"]);
    for index in [1, 3] {
        let problem = &answer["reviews"][index]["problem"];
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("an earlier review of this session"), "{problem}");
    }
    let again = export(&harness.export, &batch, Door::Http, A_MINUTE)
        .await
        .unwrap();
    assert_eq!(outcomes(&again), ["exported", "409", "exported", "exported"]);
}

#[tokio::test]
async fn a_repeat_of_a_batch_writes_nothing_but_its_records() {
    let harness = Harness::start().await;
    let mut other = small("b");
    other["owner"] = json!("c-17");
    let mut revision = small("b");
    revision["owner"] = json!("c-18");
    revision["revision"] = json!(true);
    let batch = json!({"reviews": [sample("a"), small("b"), other, revision]});
    let first = export(&harness.export, &batch, Door::Http, A_MINUTE)
        .await
        .unwrap();
    assert_eq!(outcomes(&first), ["exported", "exported", "409", "exported"]);
    harness.s3.requests().record(true);
    let again = export(&harness.export, &batch, Door::Http, A_MINUTE)
        .await
        .unwrap();
    assert_eq!(outcomes(&again), outcomes(&first));
    for index in [0, 1, 3] {
        let export = |answer: &Value| answer["reviews"][index]["export"].clone();
        let (mut first, mut again) = (export(&first), export(&again));
        for each in [&mut first, &mut again] {
            let fields = each.as_object_mut().unwrap();
            fields.retain(|name, _| name != "link" && name != "duration_ms");
        }
        assert_eq!(first, again);
    }
    let requests = harness.s3.requests().take();
    let writes = requests.iter().filter(|request| request.operation == "PutObject");
    let buckets: Vec<_> = writes.map(|request| request.bucket.as_str()).collect();
    assert_eq!(buckets, [AUDIT_BUCKET; 3]);
}
