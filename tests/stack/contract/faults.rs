//! The failures that the embedded S3 makes on demand.

use std::time::{Duration, Instant};

use casefile_local::s3::{Fault, FaultRule, Faults, When};

use super::target::embedded;
use super::{Target, refusal};

fn faults(s3: &Target) -> Faults {
    s3.embedded.as_ref().unwrap().server.faults()
}

#[tokio::test]
async fn a_conflict_is_answered_as_s3_answers_it_and_nothing_is_stored() {
    let s3 = embedded().await;
    let rule = FaultRule::on("PutObject").suffix("manifest.json").times(1);
    faults(&s3).inject(
        rule,
        When::Before,
        Fault::error(409, "ConditionalRequestConflict"),
    );
    s3.create("other", "x").await.unwrap();
    let refused = s3.create("manifest.json", "x").await;
    assert_eq!(refusal(refused), (409, "ConditionalRequestConflict".to_owned()));
    assert_eq!(s3.keys("").await, ["other"]);
    s3.create("manifest.json", "x").await.unwrap();
}

#[tokio::test]
async fn an_error_after_the_effect_leaves_the_effect() {
    let s3 = embedded().await;
    faults(&s3).inject(
        FaultRule::on("PutObject").times(1),
        When::After,
        Fault::error(503, "SlowDown"),
    );
    assert_eq!(refusal(s3.create("a", "x").await), (503, "SlowDown".to_owned()));
    assert_eq!(s3.keys("").await, ["a"]);
}

#[tokio::test]
async fn a_connection_is_cut_before_or_after_the_effect() {
    let s3 = embedded().await;
    for (when, stored) in [(When::Before, false), (When::After, true)] {
        let fault = faults(&s3).inject(FaultRule::on("PutObject"), when, Fault::Cut);
        let error = s3.create("a", "x").await.unwrap_err();
        assert!(error.raw_response().is_none(), "{error:?}");
        assert_eq!(s3.keys("").await.contains(&"a".to_owned()), stored);
        fault.remove();
    }
}

#[tokio::test]
async fn a_delay_holds_every_request_that_long() {
    let s3 = embedded().await;
    faults(&s3).inject(
        FaultRule::any(),
        When::Before,
        Fault::Delay(Duration::from_millis(80)),
    );
    let started = Instant::now();
    s3.put("a", "x").await;
    assert!(started.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn a_paused_request_waits_on_the_chosen_side_of_its_effect() {
    let s3 = embedded().await;
    for (when, stored) in [(When::Before, false), (When::After, true)] {
        let mut pause = faults(&s3).pause(FaultRule::on("PutObject"), when);
        let key = format!("{when:?}");
        let watch = async {
            let held = pause.arrived().await.unwrap();
            assert_eq!((held.operation.as_str(), &held.key), ("PutObject", &key));
            assert_eq!(s3.keys("").await.contains(&key), stored);
            held.release();
        };
        let (put, ()) = tokio::join!(s3.create(&key, "x"), watch);
        put.unwrap();
    }
}

#[tokio::test]
async fn only_requests_with_a_good_signature_count() {
    let s3 = embedded().await;
    let fault = faults(&s3).inject(
        FaultRule::on("PutObject"),
        When::After,
        Fault::Delay(Duration::ZERO),
    );
    let wrong = super::target::client(&s3.endpoint, super::target::ACCESS_KEY, "wrong");
    let request = wrong
        .put_object()
        .bucket(&s3.bucket)
        .key("a")
        .body(b"x".to_vec().into());
    request.send().await.unwrap_err();
    assert_eq!(fault.matched(), 0);
    s3.put("a", "x").await;
    assert_eq!(fault.matched(), 1);
}

#[tokio::test]
async fn the_log_says_what_was_asked_and_what_was_answered() {
    let s3 = embedded().await;
    let requests = s3.embedded.as_ref().unwrap().server.requests();
    s3.put("unseen", "x").await;
    requests.record(true);
    s3.create("a", "x").await.unwrap();
    s3.create("a", "y").await.unwrap_err();
    s3.keys("").await;
    let seen: Vec<_> = requests
        .take()
        .into_iter()
        .map(|record| (record.operation, record.key, record.status.unwrap().as_u16()))
        .collect();
    let entry = |operation: &str, key: &str, status| (operation.to_owned(), key.to_owned(), status);
    assert_eq!(
        seen,
        [
            entry("PutObject", "a", 200),
            entry("PutObject", "a", 412),
            entry("ListObjectsV2", "", 200)
        ]
    );
}
