//! What was kept meets what has happened since, and what others have kept.

use casefile_local::s3::{Fault, FaultRule, When};
use serde_json::{Value, json};
use session_export::handler::SessionExport;
use session_export::replay::report::Outcome;

use super::Kind;
use super::counter::{Counter, post, replay};
use crate::support::{sample, two_past_noon};

/// S3 refuses, which takes no retries.
async fn keep(
    counter: &Counter,
    function: &SessionExport,
    user: &str,
    target: &str,
    request: &Value,
) -> Value {
    let refused = Fault::error(403, "AccessDenied");
    let injected = counter
        .harness
        .s3
        .faults()
        .inject(FaultRule::any(), When::Before, refused);
    let answered = post(function, user, "office", target, request).await;
    assert_eq!(answered.status, 202, "{}", answered.body);
    injected.remove();
    answered.body
}

fn log(loss: u32) -> Value {
    let mut log = Kind::Log.request();
    log["training_results"]["final_loss"] = json!(loss);
    log
}

#[tokio::test]
async fn two_sessions_that_were_kept_under_one_name_have_two_folders_in_s3() {
    let counter = Counter::open().await;
    let unlucky = counter.unlucky();
    let first = keep(&counter, &unlucky, "dana", "/v1/reviews", &sample("a")).await;
    let second = keep(&counter, &unlucky, "kim@globex", "/v1/reviews", &sample("b")).await;
    assert_eq!(first["folder_name"], second["folder_name"]);
    for sent in [2, 0] {
        let report = counter.replay().await;
        assert_eq!((report.sent, report.waiting), (sent, 0), "{report:?}");
    }
    let folders = counter.harness.visible_folders().await;
    assert_eq!(folders.len(), 2, "{folders:?}");
    for (user, session) in [("dana", "a"), ("kim@globex", "b")] {
        let again = counter
            .post_as(user, "office", "/v1/reviews", &sample(session))
            .await;
        assert_eq!((again.status, &again.body["session_id"]), (201, &json!(session)));
        let folder = again.body["folder_name"].as_str().unwrap();
        let verified = counter.harness.verify(folder).await;
        assert_eq!(verified.manifest.session_id.as_str(), session);
    }
}

#[tokio::test]
async fn a_folder_that_holds_another_session_is_never_taken_for_one_s_own() {
    let counter = Counter::open().await;
    let theirs = counter.post("/v1/reviews", &sample("theirs")).await.body;
    // A reservation without its files.
    let bare = counter.with(&[("FALLBACK_DIR", "")], crate::support::noon);
    let rule = FaultRule::on("PutObject").prefix("tara/");
    let denied = Fault::error(403, "AccessDenied");
    let injected = counter.harness.s3.faults().inject(rule, When::Before, denied);
    assert_eq!(
        post(&bare, "dana", "office", "/v1/reviews", &sample("mine"))
            .await
            .status,
        503
    );
    injected.remove();
    // As if both had been given one name.
    let key = "_casefile/sessions/acme/mine.json";
    let reserved = counter.harness.bucket().read(key, 10_000).await.unwrap();
    let mut reserved: Value = serde_json::from_slice(&reserved).unwrap();
    reserved["folder_name"] = theirs["folder_name"].clone();
    let put = counter
        .harness
        .client
        .put_object()
        .bucket(crate::support::BUCKET)
        .key(key);
    put.body(reserved.to_string().into_bytes().into())
        .send()
        .await
        .unwrap();

    let mine = counter.post("/v1/reviews", &sample("mine")).await;
    assert_eq!(mine.status, 201, "{}", mine.body);
    assert_ne!(mine.body["folder_name"], theirs["folder_name"]);
    let folder = mine.body["folder_name"].as_str().unwrap();
    assert_eq!(
        counter.harness.verify(folder).await.manifest.session_id.as_str(),
        "mine"
    );
}

#[tokio::test]
async fn a_log_that_was_kept_does_not_replace_a_newer_one() {
    let counter = Counter::open().await;
    let route = "/v1/training-logs?revision=true";
    assert_eq!(counter.post(route, &log(1)).await.status, 201);
    keep(&counter, &counter.function, "dana", route, &log(2)).await;
    let later = counter.at(two_past_noon);
    assert_eq!(post(&later, "dana", "office", route, &log(3)).await.status, 201);
    let report = counter.replay().await;
    assert_eq!((report.refused, report.waiting), (1, 1), "{report:?}");
    let detail = report.entries[0].detail.as_ref().unwrap();
    assert!(detail.contains("newer version"), "{detail}");
    let keys = counter.harness.bucket().keys("training-logs/").await.unwrap();
    let current = counter.harness.bucket().read(&keys[0], 100_000).await.unwrap();
    let current: Value = serde_json::from_slice(&current).unwrap();
    assert_eq!(current["training_results"]["final_loss"], 3);
}

#[tokio::test]
async fn revisions_that_were_kept_are_sent_in_the_order_in_which_they_came() {
    let counter = Counter::open().await;
    let route = "/v1/training-logs?revision=true";
    let later = counter.at(two_past_noon);
    keep(&counter, &later, "dana", route, &log(2)).await;
    keep(&counter, &counter.function, "dana", route, &log(1)).await;
    let report = replay(&later).await;
    assert_eq!((report.sent, report.waiting), (2, 0), "{report:?}");
    let keys = counter.harness.bucket().keys("training-logs/").await.unwrap();
    let current = counter.harness.bucket().read(&keys[0], 100_000).await.unwrap();
    let current: Value = serde_json::from_slice(&current).unwrap();
    assert_eq!(current["training_results"]["final_loss"], 2);
}

#[tokio::test]
async fn a_right_that_is_missing_for_one_collection_does_not_keep_the_others_waiting() {
    let counter = Counter::open().await;
    keep(&counter, &counter.function, "dana", "/v1/training-logs", &log(1)).await;
    let later = counter.at(two_past_noon);
    keep(&counter, &later, "dana", "/v1/reviews", &sample("x")).await;
    keep(&counter, &later, "dana", "/v1/bols", &Kind::Record.request()).await;
    let rule = FaultRule::on("PutObject").prefix("training-logs/");
    let denied = Fault::error(403, "AccessDenied");
    let injected = counter.harness.s3.faults().inject(rule, When::Before, denied);
    let report = counter.replay().await;
    assert_eq!(
        (report.sent, report.failed, report.waiting),
        (2, 1, 1),
        "{report:?}"
    );
    injected.remove();
    assert_eq!(counter.replay().await.sent, 1);
}

#[tokio::test]
async fn a_schedule_takes_a_refusal_for_a_day_and_a_person_asks_again() {
    let counter = Counter::open().await;
    keep(&counter, &counter.function, "dana", "/v1/training-logs", &log(1)).await;
    assert_eq!(counter.post("/v1/training-logs", &log(2)).await.status, 201);
    let command = json!({"command": "replay"});
    let report = counter.command(&command).await.unwrap();
    assert_eq!(report["refused"], 1, "{report}");
    counter.harness.s3.requests().record(true);
    assert_eq!(counter.command(&command).await.unwrap(), report);
    assert_eq!(counter.harness.s3.requests().take().len(), 0);
    assert_eq!(replay_again(&counter.function).await, Outcome::Refused);
    assert!(!counter.harness.s3.requests().take().is_empty());
    let tomorrow = counter.at(|| two_past_noon() + jiff::SignedDuration::from_hours(24));
    assert_eq!(replay(&tomorrow).await.refused, 1);
    assert!(!counter.harness.s3.requests().take().is_empty());
}

async fn replay_again(function: &SessionExport) -> Outcome {
    let options = session_export::replay::ReplayOptions {
        retries_refused: true,
        ..Default::default()
    };
    let report = Box::pin(function.replay(options, |_, _| ())).await.unwrap();
    report.entries[0].outcome
}

#[tokio::test]
async fn a_review_goes_where_it_was_kept_for_though_the_base_path_is_another_now() {
    let counter = Counter::open().await;
    let kept = keep(&counter, &counter.function, "dana", "/v1/reviews", &sample("x")).await;
    let moved = counter.with(&[("S3_BASE_PATH", "moved/")], two_past_noon);
    assert_eq!(replay(&moved).await.sent, 1);
    assert_eq!(
        json!(counter.harness.visible_folders().await),
        json!([kept["folder_name"]])
    );
}

#[tokio::test]
async fn who_may_not_store_any_more_is_refused_and_on_record() {
    let counter = Counter::open().await;
    keep(&counter, &counter.function, "dana", "/v1/reviews", &sample("x")).await;
    let entry = counter.entries().remove(0).join("entry.json");
    let record = std::fs::read_to_string(&entry).unwrap();
    std::fs::write(&entry, record.replace("\"office\"", "\"customer\"")).unwrap();
    let report = counter.replay().await;
    assert_eq!((report.refused, report.waiting), (1, 1), "{report:?}");
    assert!(counter.harness.visible_folders().await.is_empty());
    let audit = casefile::bucket::Bucket::new(
        counter.harness.client.clone(),
        crate::support::AUDIT_BUCKET.to_owned(),
    );
    assert_eq!(audit.keys("audit/").await.unwrap().len(), 1);
}
