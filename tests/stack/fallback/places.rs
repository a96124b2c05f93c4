//! What an earlier attempt has left in S3, and what becomes of it and of what was kept.

use casefile_local::s3::{Fault, FaultRule, When};
use serde_json::Value;
use session_export::handler::SessionExport;

use super::counter::{Answered, Counter, post, replay};
use crate::support::{sample, two_past_noon};

/// An attempt without a folder to fall back to, from whose call of this number on S3 is down; gives how many calls it got to.
async fn begin(counter: &Counter, call: usize) {
    let bare = counter.with(&[("FALLBACK_DIR", "")], crate::support::noon);
    let answered = down_from(counter, &bare, call).await;
    assert_eq!(answered.status, 503, "{}", answered.body);
}

async fn down_from(counter: &Counter, function: &SessionExport, call: usize) -> Answered {
    let rule = FaultRule::any().skip(call);
    let injected = counter.harness.s3.faults().inject(rule, When::Before, Fault::Cut);
    let answered = post(function, "dana", "office", "/v1/reviews", &sample("x")).await;
    injected.remove();
    answered
}

/// The keys of sessions, without those that are complete.
async fn folders(counter: &Counter) -> Vec<String> {
    let keys = counter.harness.bucket().keys("tara/").await.unwrap();
    let mut folders: Vec<_> = keys.iter().filter_map(|key| key.split('/').nth(1)).collect();
    folders.dedup();
    folders.into_iter().map(str::to_owned).collect()
}

fn name(body: &Value) -> &str {
    body["folder_name"].as_str().unwrap()
}

#[tokio::test]
async fn what_an_earlier_attempt_has_begun_is_completed_and_not_doubled() {
    let counter = Counter::open().await;
    // Claim, reservation and some files.
    begin(&counter, 6).await;
    let begun = folders(&counter).await;
    assert_eq!(begun.len(), 1);
    let later = counter.at(two_past_noon);
    let kept = down_from(&counter, &later, 0).await;
    assert_eq!(kept.status, 202);
    assert_ne!(name(&kept.body), begun[0], "nobody could know of it");
    let report = replay(&later).await;
    assert_eq!((report.sent, report.waiting), (1, 0), "{report:?}");
    assert_eq!(counter.harness.visible_folders().await, begun);
    assert_eq!(folders(&counter).await, begun);
}

#[tokio::test]
async fn what_an_earlier_attempt_has_begun_is_kept_under_its_name_once_it_was_seen() {
    let counter = Counter::open().await;
    begin(&counter, 6).await;
    let begun = folders(&counter).await;
    let later = counter.at(two_past_noon);
    // Its own claim, the reservation that is there, and the one after it, which isn't.
    let kept = down_from(&counter, &later, 5).await;
    assert_eq!((kept.status, name(&kept.body)), (202, begun[0].as_str()));
    let report = replay(&later).await;
    assert_eq!((report.sent, report.waiting), (1, 0), "{report:?}");
    assert_eq!(counter.harness.visible_folders().await, begun);
}

#[tokio::test]
async fn what_another_version_has_begun_is_left_and_the_request_stored_beside_it() {
    let counter = Counter::open().await;
    begin(&counter, 6).await;
    let template = counter.dir().join("own.j2");
    std::fs::write(&template, "another template").unwrap();
    let own = [("REPORT_TEMPLATE_FILE", template.to_str().unwrap())];
    let other = counter.with(&own, two_past_noon);
    for call in [0, 5, 7] {
        let kept = down_from(&counter, &other, call).await;
        assert_eq!(kept.status, 202, "{}", kept.body);
    }
    let report = replay(&other).await;
    assert_eq!((report.sent, report.waiting), (1, 0), "{report:?}");
    assert_eq!(counter.harness.visible_folders().await.len(), 1);
    let repeated = post(&other, "dana", "office", "/v1/reviews", &sample("x")).await;
    assert_eq!(
        (repeated.status, &repeated.body["revision"]),
        (201, &Value::from(2))
    );
}
