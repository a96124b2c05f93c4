//! Training logs: one for a session, whole, in the month of its start, and never lost to a newer one.

use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile_local::s3::{FaultRule, When};
use futures::future::join_all;
use serde_json::{Value, json};

use super::office::{Office, ticking};
use super::{
    LOG, LOG_PATH, downloaded, listed, metadata_of, paths, post, settled, stored, versions, versions_of,
};
use crate::support::{BUCKET, Harness, TestStack, noon, office, pointers, two_past_noon, without_events};

const ROUTE: &str = "/v1/training-logs";
const REVISION: &str = "/v1/training-logs?revision=true";

fn sample() -> Value {
    serde_json::from_str(LOG).unwrap()
}

/// The sample with a loss of its own.
fn with_loss(loss: usize) -> Value {
    let mut log = sample();
    log["training_results"]["final_loss"] = json!(loss);
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_stored_by_its_session_and_month_and_linked_to_at_once() {
    let stack = TestStack::start().await;
    let dana = office("acme");
    let answer = stored(&stack, &dana, ROUTE, &LOG).await;
    let key = format!("training-logs/{LOG_PATH}");
    assert_eq!((&answer["path"], &answer["key"]), (&json!(LOG_PATH), &json!(key)));
    assert_eq!(answer["link"]["path"], LOG_PATH, "{answer}");
    let kept = metadata_of(&stack, &key).await;
    let names: Vec<_> = kept.keys().map(String::as_str).collect();
    assert_eq!(names, ["session-id", "tenant", "uploaded-at"]);
    assert_eq!(kept["session-id"], "abc12345-def6-4890-a1b2-c3d4e5f60718");
    assert_eq!(json!(kept["uploaded-at"]), answer["uploaded_at"]);
    assert_eq!(answer["metadata"], json!({"session-id": kept["session-id"]}));
    let there = downloaded(&stack, &dana, "training-logs", LOG_PATH).await;
    assert_eq!(serde_json::from_slice::<Value>(&there).unwrap(), sample());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_of_a_log_is_kept_as_it_came() {
    let stack = TestStack::start_with(without_events).await;
    let extra =
        r#""more": {"kept" : [1, 1.10, 2e-4, 12345678901234567890123, "a  b é \u00e9", null]}, "session""#;
    let text = LOG.replacen("\"session\"", extra, 1);
    let answer = stored(&stack, &office("acme"), ROUTE, &text).await;
    let there = stack
        .bucket()
        .read(answer["key"].as_str().unwrap(), 100_000)
        .await;
    let there = String::from_utf8(there.unwrap().to_vec()).unwrap();
    let expected =
        r#"{"more":{"kept":[1,1.10,2e-4,12345678901234567890123,"a  b é \u00e9",null]},"session":{"id":"#;
    assert!(there.starts_with(expected), "{there}");
    assert_eq!(answer["sha256"], Sha256::of(there.as_bytes()).to_string());
    assert_eq!(answer["size"], there.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_a_log_is_told_at_once() {
    let stack = TestStack::start_with(without_events).await;
    let mut log = sample();
    log["session"]["id"] = json!("../x");
    log["session"]["created_at"] = json!("yesterday, secretly");
    log["user"]["username"] = json!(" ");
    log["pod"] = json!([]);
    log.as_object_mut().unwrap().remove("training_config");
    let (status, problem) = post(&stack, &office("acme"), ROUTE, &log).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(
        pointers(&problem),
        [
            "/pod",
            "/training_config",
            "/session/id",
            "/session/created_at",
            "/user/username"
        ]
    );
    assert!(!problem.to_string().contains("secretly"), "{problem}");
    assert_eq!(post(&stack, &office("acme"), ROUTE, &"{").await.0, 400);
    for query in ["?revision=maybe", "?revisions=true"] {
        let (status, problem) = post(&stack, &office("acme"), &format!("{ROUTE}{query}"), &LOG).await;
        assert_eq!(status, 422, "{problem}");
    }
    let there = versions_of(&stack, "").await;
    assert!(there.is_empty(), "{there:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_log_is_stored_once_and_another_one_only_as_a_revision() {
    let stack = TestStack::start().await;
    let dana = office("acme");
    let first = stored(&stack, &dana, ROUTE, &LOG).await;
    let version = &first["version_id"];
    let dense = sample_text_without_blanks();
    assert_ne!(dense, LOG);
    for (route, same) in [
        (ROUTE, LOG),
        (ROUTE, dense.as_str()),
        (REVISION, LOG),
        (REVISION, dense.as_str()),
    ] {
        let again = stored(&stack, &dana, route, &same).await;
        assert_eq!(&again["version_id"], version);
        assert_eq!(again["uploaded_at"], first["uploaded_at"]);
    }
    let (status, refused) = post(&stack, &dana, ROUTE, &with_loss(7)).await;
    assert_eq!(status, 409, "{refused}");
    assert!(
        refused["detail"].as_str().unwrap().contains("revision"),
        "{refused}"
    );
    assert_eq!(versions_of(&stack, "training-logs/").await.len(), 1);

    let second = stored(&stack, &dana, REVISION, &with_loss(7)).await;
    assert_ne!(&second["version_id"], version);
    assert_eq!(second["path"], LOG_PATH);
    settled(&stack).await;
    assert_eq!(versions_of(&stack, "training-logs/").await.len(), 2);
    let key = format!("training-logs/{LOG_PATH}");
    let old = stack
        .bucket()
        .read_version(&key, version.as_str(), 100_000)
        .await
        .unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&old).unwrap(), sample());
    let new = downloaded(&stack, &dana, "training-logs", LOG_PATH).await;
    assert_eq!(serde_json::from_slice::<Value>(&new).unwrap(), with_loss(7));
    let list = listed(&stack, &dana, "training-logs", "").await;
    assert_eq!(paths(&list), [LOG_PATH]);
    assert_eq!(list[0]["sha256"], second["sha256"]);
    let row = &super::rows(&stack).await[&key];
    assert_eq!(
        (&row["version_id"], &row["status"]),
        (&second["version_id"], &json!("verified"))
    );
    // The first one again is what the session has no longer.
    assert_eq!(post(&stack, &dana, ROUTE, &LOG).await.0, 409);
}

/// The sample's own text, without a blank between its parts.
fn sample_text_without_blanks() -> String {
    LOG.lines()
        .map(str::trim)
        .collect::<String>()
        .replace("\": ", "\":")
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_revisions_at_once_all_end_well_and_each_is_a_version() {
    let harness = Harness::start().await;
    let dana = Office::at(&harness, "acme", ticking);
    let logs: Vec<_> = (0..16).map(|loss| with_loss(loss).to_string()).collect();
    let answers = join_all(logs.iter().map(|log| dana.log(log, true))).await;
    let mut ids = Vec::new();
    for (log, answer) in logs.iter().zip(answers) {
        let answer = answer.unwrap();
        let there = harness.bucket();
        let there = there.read_version(&answer.key, answer.version_id.as_deref(), 100_000);
        assert_eq!(there.await.unwrap(), log.as_bytes());
        ids.push(answer.version_id.unwrap());
    }
    ids.sort();
    let there = versions(&harness.client, BUCKET, "training-logs/").await;
    let mut stored: Vec<_> = there.into_iter().map(|version| version.id).collect();
    stored.sort();
    assert_eq!(ids, stored);
    assert_eq!(dana.list(Collection::training_logs()).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_logs_of_one_session_at_once_are_one_and_fifteen_refusals() {
    let harness = Harness::start().await;
    let dana = Office::at(&harness, "acme", ticking);
    let logs: Vec<_> = (0..16).map(|loss| with_loss(loss).to_string()).collect();
    let answers = join_all(logs.iter().map(|log| dana.log(log, false))).await;
    let stored: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(stored.len(), 1);
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(refused.kind.status(), 409, "{refused}");
    }
    assert_eq!(versions(&harness.client, BUCKET, "training-logs/").await.len(), 1);
    let list = dana.list(Collection::training_logs()).await;
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["sha256"], json!(stored[0].sha256));
}

#[tokio::test]
async fn a_session_lies_in_the_month_of_its_start_in_utc() {
    let harness = Harness::start().await;
    let dana = Office::at(&harness, "acme", noon);
    for (id, started, folder) in [
        ("west", "2024-03-31T23:30:00-05:00", "2024/04"),
        ("east", "2024-04-01T00:30:00+09:00", "2024/03"),
        ("leap", "2024-01-01T00:00:00+00:00", "2024/01"),
        ("year", "2024-01-01T05:00:00+14:00", "2023/12"),
    ] {
        let mut log = sample();
        log["session"]["id"] = json!(id);
        log["session"]["created_at"] = json!(started);
        log["session"]["ended_at"] = json!("2024-05-01T00:00:00Z");
        let answer = dana.log(&log.to_string(), false).await.unwrap();
        assert_eq!(answer.path, format!("{folder}/{id}.log"));
    }
    let list = dana.list(Collection::training_logs()).await;
    let expected = [
        "2024/04/west.log",
        "2024/03/east.log",
        "2024/01/leap.log",
        "2023/12/year.log",
    ];
    assert_eq!(paths(&list), expected);
}

#[tokio::test]
async fn another_tenant_s_session_of_the_same_id_stays_as_it_is() {
    let harness = Harness::start().await;
    let eve = Office::at(&harness, "globex", noon);
    let theirs = eve.log(LOG, false).await.unwrap();
    let dana = Office::at(&harness, "acme", two_past_noon);
    for (log, revision) in [(LOG.to_owned(), false), (with_loss(7).to_string(), true)] {
        let problem = dana.log(&log, revision).await.unwrap_err();
        assert_eq!(problem.kind.status(), 409, "{problem}");
        for secret in ["globex", theirs.version_id.as_deref().unwrap()] {
            assert!(!problem.to_string().contains(secret), "{problem}");
        }
    }
    assert_eq!(versions(&harness.client, BUCKET, "training-logs/").await.len(), 1);
    assert!(dana.list(Collection::training_logs()).await.is_empty());
    assert_eq!(eve.list(Collection::training_logs()).await.len(), 1);
}

/// Its entry has the name of the one before it, whose content it hasn't.
#[tokio::test]
async fn a_revision_of_the_same_millisecond_is_listed() {
    let harness = Harness::start().await;
    let dana = Office::at(&harness, "acme", noon);
    dana.log(LOG, false).await.unwrap();
    let second = dana.log(&with_loss(7).to_string(), true).await.unwrap();
    let list = dana.list(Collection::training_logs()).await;
    assert_eq!(paths(&list), [LOG_PATH]);
    assert_eq!(list[0]["sha256"], json!(second.sha256));
}

/// The slower one's entry is there first, the faster one's file.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_logs_at_the_same_millisecond_the_one_that_is_stored_is_listed() {
    let harness = Harness::start().await;
    let dana = Office::at(&harness, "acme", noon);
    let rule = FaultRule::on("PutObject").prefix("training-logs/").times(1);
    let mut pause = harness.s3.faults().pause(rule, When::Before);
    let (slow, fast) = (with_loss(1).to_string(), with_loss(2).to_string());
    let overtake = async {
        let held = pause.arrived().await.unwrap();
        let stored = dana.log(&fast, false).await.unwrap();
        held.release();
        stored
    };
    let (refused, stored) = futures::join!(dana.log(&slow, false), overtake);
    assert_eq!(refused.unwrap_err().kind.status(), 409);
    let list = dana.list(Collection::training_logs()).await;
    assert_eq!(paths(&list), [LOG_PATH]);
    assert_eq!(list[0]["sha256"], json!(stored.sha256));
}

/// What a log says of its start is content like the rest: it must not let a session have two logs.
#[tokio::test]
async fn a_session_whose_start_is_told_otherwise_is_refused_like_other_content() {
    let harness = Harness::start().await;
    let dana = Office::at(&harness, "acme", noon);
    dana.log(LOG, false).await.unwrap();
    let mut moved = sample();
    moved["session"]["created_at"] = json!("2024-02-29T09:02:11Z");
    let problem = dana.log(&moved.to_string(), false).await.unwrap_err();
    assert_eq!(problem.kind.status(), 409, "{problem}");
    assert_eq!(versions(&harness.client, BUCKET, "training-logs/").await.len(), 1);
}
