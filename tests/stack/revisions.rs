//! Where an export goes when the session, the folder's name or the program isn't the only one of its kind.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use casefile::key::BasePath;
use casefile::problem::ProblemKind;
use casefile_local::s3::{Fault, FaultRule, When};
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{BUCKET, Harness, WRITES, noon, owned, sample, store, two_past_noon};

/// A clock that goes on by a minute each time it is asked.
fn a_minute_later() -> Timestamp {
    static CLOCK: AtomicI64 = AtomicI64::new(1_763_121_600);
    Timestamp::from_second(CLOCK.fetch_add(60, Ordering::Relaxed)).unwrap()
}

/// The first version gets as far as its files, and no further.
async fn leave_unfinished(harness: &Harness, request: &Value) {
    let rule = FaultRule::on("PutObject").suffix("/manifest.json");
    let denied = Fault::error(403, "AccessDenied");
    let fault = harness.s3.faults().inject(rule, When::Before, denied);
    let problem = harness.store(request).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Internal);
    fault.remove();
}

#[tokio::test]
async fn other_content_is_refused_unless_a_revision_is_asked_for() {
    let harness = Harness::start().await;
    let first = harness.store(&sample("rev")).await.unwrap();
    let mut other = sample("rev");
    other["session"]["completed_at"] = json!("2025-11-15T08:00:00Z");
    let problem = harness.store(&other).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Conflict);
    assert!(
        problem.detail.contains(&first.folder_name) && problem.detail.contains("revision"),
        "{problem}"
    );

    other["revision"] = json!(true);
    let second = harness.store(&other).await.unwrap();
    assert_eq!(
        (second.revision, second.folder_name.as_str()),
        (2, "20251114_120000_write-up_TR-20417_2")
    );
    let again = harness.store(&other).await.unwrap();
    assert_eq!((again.revision, &again.folder_name), (2, &second.folder_name));
    let mut first_again = sample("rev");
    first_again["revision"] = json!(true);
    assert_eq!(
        harness.store(&first_again).await.unwrap().folder_name,
        first.folder_name
    );
    assert_eq!(harness.visible_folders().await.len(), 2);
}

#[tokio::test]
async fn sessions_of_one_document_in_one_second_get_folders_of_their_own() {
    let harness = Harness::start().await;
    let requests: Vec<_> = (0..8).map(|n| sample(&format!("s{n}"))).collect();
    let answers = join_all(requests.iter().map(|request| harness.store(request))).await;
    let folders: BTreeSet<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap().folder_name)
        .collect();
    let name = |n| if n == 1 { String::new() } else { format!("_{n}") };
    let expected: BTreeSet<_> = (1..=8)
        .map(|n| format!("20251114_120000_write-up_TR-20417{}", name(n)))
        .collect();
    assert_eq!(folders, expected);
    assert_eq!(harness.visible_folders().await.len(), 8);
}

#[tokio::test]
async fn an_export_that_another_version_began_is_finished_in_a_new_folder() {
    let harness = Harness::start().await;
    leave_unfinished(&harness, &sample("v")).await;
    // It may be at work still.
    let problem = store(&harness.other_version(noon), &sample("v"))
        .await
        .unwrap_err();
    assert_eq!(
        (problem.kind, problem.retry_after),
        (ProblemKind::Unavailable, Some(30))
    );
    assert!(harness.visible_folders().await.is_empty());
    let other = harness.other_version(two_past_noon);
    let answer = store(&other, &sample("v")).await.unwrap();
    assert_eq!(answer.revision, 2);
    assert_eq!(
        store(&other, &sample("v")).await.unwrap().folder_name,
        answer.folder_name
    );
    assert_eq!(harness.visible_folders().await, [answer.folder_name]);
}

#[tokio::test]
async fn an_export_that_another_version_finished_is_the_answer() {
    let harness = Harness::start().await;
    let first = harness.store(&sample("v")).await.unwrap();
    let second = store(&harness.other_version(two_past_noon), &sample("v"))
        .await
        .unwrap();
    assert_eq!(second.folder_name, first.folder_name);
}

#[tokio::test]
async fn the_fiftieth_revision_costs_no_more_than_a_read_for_each_before_it() {
    let harness = Harness::start().await;
    let export = harness.at(a_minute_later);
    for revision in 1..=50 {
        let mut request = owned("many");
        request["session"]["feedback_data"] = json!({});
        request["session"]["round"] = json!(revision - 1);
        request["revision"] = json!(true);
        harness.s3.requests().record(true);
        let answer = store(&export, &request).await.unwrap();
        assert_eq!(answer.revision, revision);
        assert!(!answer.folder_name.ends_with("_2"), "{}", answer.folder_name);
        let requests = harness.s3.requests().take();
        let writes = requests
            .iter()
            .filter(|request| request.operation == "PutObject")
            .count();
        // One more than for a first export: the try at the first reservation.
        assert!(writes <= WRITES + 1, "{writes} writes for revision {revision}");
        assert!(
            requests.len() <= WRITES + 4 + revision as usize,
            "{} requests",
            requests.len()
        );
    }
    let mut again = owned("many");
    again["session"]["feedback_data"] = json!({});
    again["session"]["round"] = json!(20);
    assert_eq!(
        store(&export, &again).await.unwrap().revision,
        21,
        "a repeat needs no flag"
    );
}

#[tokio::test]
async fn the_hundredth_revision_is_the_last_and_can_be_repeated() {
    let harness = Harness::start().await;
    let request = |round: u32| {
        let mut request = sample("last");
        request["session"]["round"] = json!(round);
        request["revision"] = json!(true);
        request
    };
    harness.store(&request(1)).await.unwrap();
    let first = harness
        .bucket()
        .read("_casefile/sessions/acme/last.json", 10_000)
        .await
        .unwrap();
    let mut reservation: Value = serde_json::from_slice(&first).unwrap();
    reservation["request_sha256"] = json!("0".repeat(64));
    for revision in 2..100 {
        reservation["revision"] = json!(revision);
        let key = format!("_casefile/sessions/acme/last/revision-{revision}.json");
        let put = harness.client.put_object().bucket(BUCKET).key(key);
        put.body(reservation.to_string().into_bytes().into())
            .send()
            .await
            .unwrap();
    }
    assert_eq!(harness.store(&request(100)).await.unwrap().revision, 100);
    assert_eq!(harness.store(&request(100)).await.unwrap().revision, 100);
    let problem = harness.store(&request(101)).await.unwrap_err();
    assert!(
        problem.kind == ProblemKind::Conflict && problem.detail.contains("100 revisions"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_given_up_export_stays_given_up_when_its_version_comes_back() {
    let harness = Harness::start().await;
    leave_unfinished(&harness, &sample("back")).await;
    let answer = store(&harness.other_version(two_past_noon), &sample("back"))
        .await
        .unwrap();
    assert_eq!(answer.revision, 2);
    assert_eq!(
        harness.store(&sample("back")).await.unwrap().folder_name,
        answer.folder_name
    );
    assert_eq!(harness.visible_folders().await, [answer.folder_name]);
}

#[tokio::test]
async fn a_repeat_after_the_base_path_was_moved_finds_what_lies_at_the_old_one() {
    let harness = Harness::start().await;
    let first = harness.store(&sample("moved")).await.unwrap();
    let moved = harness.below(BasePath::parse("elsewhere/").unwrap());
    assert_eq!(
        store(&moved, &sample("moved")).await.unwrap().location,
        first.location
    );
    let new = store(&moved, &sample("new")).await.unwrap();
    assert!(
        new.location.starts_with("s3://artifacts/elsewhere/"),
        "{}",
        new.location
    );
}
