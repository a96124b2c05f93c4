//! Replays: the oldest first, as often as one likes, several at once, stopped anywhere.

use std::path::Path;
use std::time::Duration;

use casefile::digest::Sha256;
use casefile_local::s3::{Fault, FaultRule, When};
use futures::future::join_all;
use serde_json::{Value, json};
use session_export::handler::SessionExport;
use session_export::replay::ReplayOptions;
use session_export::replay::report::Outcome;

use super::counter::{Counter, post, replay};
use super::{KINDS, Kind, with_other_document};
use crate::support::{sample, two_past_noon};

async fn keep(counter: &Counter, target: &str, request: &Value) -> Value {
    keep_by(counter, &counter.function, target, request).await
}

/// S3 refuses, which takes no retries.
async fn keep_by(counter: &Counter, function: &SessionExport, target: &str, request: &Value) -> Value {
    let refused = Fault::error(403, "AccessDenied");
    let faults = counter.harness.s3.faults();
    let injected = faults.inject(FaultRule::any(), When::Before, refused);
    let answered = post(function, "dana", "office", target, request).await;
    assert_eq!(answered.status, 202, "{}", answered.body);
    injected.remove();
    answered.body
}

/// One of each kind that needs nothing before it.
async fn keep_all(counter: &Counter) -> usize {
    let kinds = KINDS.into_iter().filter(|kind| kind.first().is_none());
    let mut kept = 0;
    for kind in kinds {
        keep(counter, kind.route(), &kind.request()).await;
        kept += 1;
    }
    kept
}

#[tokio::test(flavor = "multi_thread")]
async fn several_replays_at_once_store_everything_once() {
    let counter = Counter::open().await;
    let kept = keep_all(&counter).await;
    let others: Vec<_> = (0..4).map(|_| counter.at(two_past_noon)).collect();
    let reports = join_all(others.iter().map(replay)).await;
    let sent: usize = reports.iter().map(|report| report.sent).sum();
    assert_eq!(sent, kept, "{reports:?}");
    assert!(
        reports
            .iter()
            .all(|report| report.failed + report.refused + report.damaged == 0)
    );
    assert_eq!(replay(&others[0]).await.entries, []);
    assert_eq!(counter.harness.visible_folders().await.len(), 1);
    let bols = counter.harness.bucket().keys("bols/").await.unwrap();
    assert_eq!(bols.len(), 2, "{bols:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_locks_two_replays_of_an_entry_end_as_one() {
    let counter = Counter::open().await;
    let kept = keep_all(&counter).await;
    let marks = || {
        let names = std::fs::read_dir(counter.dir())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        names.filter(|path| path.extension().is_some_and(|extension| extension == "json"))
    };
    for _ in 0..3 {
        // As if no replay had known of the one before.
        marks().for_each(|mark| std::fs::remove_file(mark).unwrap());
        let report = counter.replay().await;
        assert_eq!((report.sent, report.waiting), (kept, 0), "{report:?}");
    }
    assert_eq!(counter.harness.visible_folders().await.len(), 1);
    assert_eq!(counter.harness.bucket().keys("bols/").await.unwrap().len(), 2);
    assert_eq!(
        counter.harness.bucket().keys("ecg-reports/").await.unwrap().len(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_stopped_anywhere_goes_on_where_it_was() {
    let kinds = [Kind::Review, Kind::Record, Kind::UndatedReport];
    for kind in kinds {
        let mut call = 0;
        loop {
            let counter = Counter::open().await;
            keep(&counter, kind.route(), &kind.request()).await;
            let faults = counter.harness.s3.faults();
            let mut point = faults.pause(FaultRule::any().skip(call).times(1), When::After);
            let other = counter.at(two_past_noon);
            let is_stopped = tokio::select! {
                // The call has taken effect, and whoever made it is gone.
                held = point.arrived() => { held.unwrap().release(); true }
                report = replay(&other) => { assert_eq!(report.sent, 1); false }
            };
            drop(point);
            if !is_stopped {
                break;
            }
            let report = counter.replay().await;
            assert_eq!(
                (report.sent, report.waiting),
                (1, 0),
                "{kind:?}, call {call}: {report:?}"
            );
            assert_eq!(
                counter.list(kind.collection()).await.len(),
                1,
                "{kind:?}, call {call}"
            );
            call += 1;
        }
        assert!(call > 3, "{kind:?}: {call} calls");
    }
}

#[tokio::test]
async fn the_oldest_goes_first_and_s3_failing_again_leaves_the_rest_for_the_next_replay() {
    let counter = Counter::open().await;
    let later = counter.at(two_past_noon);
    keep_by(&counter, &later, "/v1/bols", &Kind::Record.request()).await;
    keep(&counter, "/v1/training-logs", &Kind::Log.request()).await;
    let between = counter.at(|| two_past_noon() - jiff::SignedDuration::from_secs(60));
    keep_by(&counter, &between, "/v1/reviews", &sample("x")).await;
    let manifest = FaultRule::on("PutObject").suffix("/manifest.json");
    let injected = counter
        .harness
        .s3
        .faults()
        .inject(manifest, When::Before, Fault::Cut);
    let report = counter.replay().await;
    let outcomes: Vec<_> = report
        .entries
        .iter()
        .map(|entry| (entry.collection.as_str(), entry.outcome))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("training-logs", Outcome::Sent),
            ("reviews", Outcome::Failed),
            // Nothing is tried in vain.
            ("bols", Outcome::Waiting),
        ]
    );
    assert_eq!(
        (report.sent, report.failed, report.waiting),
        (1, 1, 2),
        "{report:?}"
    );
    assert!(counter.harness.visible_folders().await.is_empty());
    injected.remove();
    assert_eq!(counter.replay().await.sent, 2);
}

#[tokio::test]
async fn a_replay_ends_when_its_time_is_up() {
    let counter = Counter::open().await;
    let kept = keep_all(&counter).await;
    let until = Some(tokio::time::Instant::now() + Duration::from_millis(300));
    let delay = Fault::Delay(Duration::from_millis(100));
    let injected = counter
        .harness
        .s3
        .faults()
        .inject(FaultRule::any(), When::Before, delay);
    let options = ReplayOptions {
        until,
        ..ReplayOptions::default()
    };
    let report = Box::pin(counter.function.replay(options, |_, _| ()))
        .await
        .unwrap();
    assert!(report.waiting > 0 && report.waiting <= kept, "{report:?}");
    injected.remove();
    let rest = counter.replay().await;
    assert_eq!((rest.sent + report.sent, rest.waiting), (kept, 0));
}

#[tokio::test]
async fn what_is_half_written_is_told_of_and_left_alone() {
    let counter = Counter::open().await;
    keep(&counter, "/v1/reviews", &sample("x")).await;
    let entry = counter.entries().remove(0);
    let half = counter
        .dir()
        .join("writing_1000_0198f1c4-7a5e-7cc2-9d7e-1f2a3b4c5d6e");
    copy(&entry, &half);
    std::fs::remove_file(half.join("entry.json")).unwrap();
    let report = counter.replay().await;
    assert_eq!(
        (report.sent, report.unfinished, report.waiting),
        (1, 1, 0),
        "{report:?}"
    );
    assert!(half.join("request.json").exists());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_damaged_is_not_sent_and_what_can_be_built_anew_is() {
    let counter = Counter::open().await;
    let kept = keep(&counter, "/v1/reviews", &sample("x")).await;
    keep(&counter, "/v1/training-logs", &Kind::Log.request()).await;
    keep(&counter, "/v1/bols", &Kind::Record.request()).await;
    for entry in counter.entries() {
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("reviews") {
            let folder = Path::new(kept["folder"].as_str().unwrap());
            std::fs::write(folder.join("readable_report.txt"), b"tampered").unwrap();
        } else if name.starts_with("training-logs") {
            std::fs::write(entry.join("request.json"), b"{}").unwrap();
        } else {
            std::fs::write(entry.join("entry.json"), b"{").unwrap();
        }
    }
    let report = counter.replay().await;
    assert_eq!(
        (report.sent, report.damaged, report.waiting),
        (1, 2, 2),
        "{report:?}"
    );
    let sent = report
        .entries
        .iter()
        .find(|entry| entry.outcome == Outcome::Sent)
        .unwrap();
    assert!(sent.detail.as_ref().unwrap().contains("built anew"), "{sent:?}");
    // From the same request, at the same place, by the same program: the same bytes.
    let folders = counter.harness.visible_folders().await;
    assert_eq!(json!(folders), json!([kept["folder_name"]]));
    let key = format!("tara/{}/readable_report.txt", folders[0]);
    let found = counter.harness.bucket().hash(&key).await.unwrap();
    let report = kept["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["path"] == "readable_report.txt");
    assert_eq!(json!(found.sha256.to_string()), report.unwrap()["sha256"]);
}

#[tokio::test]
async fn what_s3_holds_otherwise_is_refused_and_stays() {
    let counter = Counter::open().await;
    keep(&counter, "/v1/reviews", &sample("x")).await;
    keep(&counter, "/v1/training-logs", &Kind::Log.request()).await;
    let other = counter
        .post("/v1/reviews", &with_other_document("x", b"other"))
        .await;
    assert_eq!(other.status, 201, "{}", other.body);
    let folders = counter.harness.visible_folders().await;
    for _ in 0..2 {
        let report = counter.replay().await;
        assert_eq!((report.refused, report.waiting), (1, 1), "{report:?}");
        let refused = report
            .entries
            .iter()
            .find(|entry| entry.outcome == Outcome::Refused)
            .unwrap();
        assert!(
            refused.detail.as_ref().unwrap().contains("other content"),
            "{refused:?}"
        );
    }
    assert_eq!(counter.harness.visible_folders().await, folders);
    assert_eq!(counter.entries().len(), 2);
}

#[tokio::test]
async fn a_request_that_came_through_meanwhile_is_stored_once() {
    let counter = Counter::open().await;
    let kept = keep(&counter, "/v1/reviews", &sample("x")).await;
    let exported = counter.post("/v1/reviews", &sample("x")).await;
    assert_eq!(exported.status, 201);
    assert_ne!(exported.body["folder_name"], kept["folder_name"]);
    let report = counter.replay().await;
    assert_eq!((report.sent, report.waiting), (1, 0), "{report:?}");
    let folder = exported.body["folder_name"].as_str().unwrap();
    assert!(report.entries[0].location.as_ref().unwrap().contains(folder));
    assert_eq!(counter.harness.visible_folders().await, [folder]);
}

#[tokio::test]
async fn an_undated_report_has_the_day_on_which_it_came() {
    let counter = Counter::open().await;
    keep(&counter, "/v1/ecg-reports", &Kind::UndatedReport.request()).await;
    let tomorrow = counter.at(|| two_past_noon() + jiff::SignedDuration::from_hours(24));
    assert_eq!(replay(&tomorrow).await.sent, 1);
    let keys = counter.harness.bucket().keys("ecg-reports/").await.unwrap();
    assert_eq!(keys, ["ecg-reports/2025/11/14/report.pdf"]);
}

#[tokio::test]
async fn another_version_of_the_program_sends_the_bytes_that_were_kept() {
    let counter = Counter::open().await;
    let kept = keep(&counter, "/v1/reviews", &sample("x")).await;
    let template = counter.dir().join("own.j2");
    std::fs::write(&template, "another template {{ session_id }}").unwrap();
    let folder = Path::new(kept["folder"].as_str().unwrap());
    let report = std::fs::read(folder.join("readable_report.txt")).unwrap();
    let other = counter.with(
        &[("REPORT_TEMPLATE_FILE", template.to_str().unwrap())],
        two_past_noon,
    );
    assert_eq!(replay(&other).await.sent, 1);
    let key = format!(
        "tara/{}/readable_report.txt",
        kept["folder_name"].as_str().unwrap()
    );
    let found = counter.harness.bucket().hash(&key).await.unwrap();
    assert_eq!(found.sha256, Sha256::of(&report));
}
