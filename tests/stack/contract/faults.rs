//! The failures that the embedded S3 makes on demand.

use std::time::{Duration, Instant};

use casefile::store_error::StoreError;
use casefile_local::s3::{Fault, FaultRule, Faults, When};

use super::target::{ACCESS_KEY, SECRET_KEY, embedded};
use super::{Target, refusal};
use crate::support::{BUCKET, Harness};

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

#[tokio::test]
async fn what_comes_too_fast_is_told_to_slow_down() {
    let s3 = embedded().await;
    let rule = FaultRule::on("PutObject");
    let throttle = faults(&s3).inject(rule, When::Before, Fault::throttle(2));
    s3.put("a", "x").await;
    s3.put("b", "x").await;
    assert_eq!(refusal(s3.create("c", "x").await), (503, "SlowDown".to_owned()));
    assert_eq!(s3.keys("").await, ["a", "b"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    s3.create("c", "x").await.unwrap();
    assert_eq!(throttle.matched(), 4);
}

/// More than fits into the buffers between the two, and less.
const SIZES: [usize; 3] = [2, 1_000, 5_000_000];

#[tokio::test]
async fn half_an_answer_comes_with_its_whole_length_and_is_noticed() {
    for size in SIZES {
        let s3 = embedded().await;
        s3.put("a", vec![b'x'; size]).await;
        let rule = FaultRule::on("GetObject").times(2);
        faults(&s3).inject(rule, When::After, Fault::HalfBody);
        let mut answer = s3.get("a").await;
        assert_eq!(answer.content_length, Some(size.try_into().unwrap()));
        let mut read = 0;
        let broken = loop {
            match answer.body.next().await.unwrap() {
                Ok(bytes) => read += bytes.len(),
                Err(error) => break error,
            }
        };
        assert_eq!(read, size / 2, "{broken}");
        let bucket = s3.bucket_as(ACCESS_KEY, SECRET_KEY, None);
        let error = bucket.read("a", 10_000_000).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        assert_eq!(bucket.read("a", 10_000_000).await.unwrap().len(), size);
    }
}

#[tokio::test]
async fn half_a_request_s_body_leaves_nothing() {
    for size in SIZES {
        let s3 = embedded().await;
        let rule = FaultRule::any().times(1);
        let fault = faults(&s3).inject(rule, When::Before, Fault::HalfBody);
        let error = s3.create("a", vec![b'x'; size]).await.unwrap_err();
        assert!(error.raw_response().is_none(), "{error:?}");
        assert_eq!(s3.keys("").await, [""; 0]);
        s3.create("a", vec![b'x'; size]).await.unwrap();
        assert!(fault.matched() > 1);
    }
}

#[tokio::test]
async fn half_of_a_part_is_none() {
    let s3 = embedded().await;
    let upload = s3.client.create_multipart_upload().bucket(&s3.bucket).key("a");
    let upload = upload.send().await.unwrap().upload_id.unwrap();
    let rule = FaultRule::on("UploadPart").times(1);
    faults(&s3).inject(rule, When::Before, Fault::HalfBody);
    let part = s3
        .client
        .upload_part()
        .bucket(&s3.bucket)
        .key("a")
        .upload_id(&upload);
    let part = part.part_number(1).body(vec![b'x'; 100_000].into());
    part.send().await.unwrap_err();
    let parts = s3
        .client
        .list_parts()
        .bucket(&s3.bucket)
        .key("a")
        .upload_id(&upload);
    assert!(parts.send().await.unwrap().parts().is_empty());
}

#[tokio::test]
async fn where_there_is_no_body_half_of_one_is_a_cut() {
    let s3 = embedded().await;
    s3.put("a", "x").await;
    for (operation, when) in [("GetObject", When::Before), ("PutObject", When::After)] {
        let fault = faults(&s3).inject(FaultRule::on(operation), when, Fault::HalfBody);
        let get = s3.client.get_object().bucket(&s3.bucket).key("a");
        let unanswered = match operation {
            "GetObject" => get.send().await.unwrap_err().raw_response().is_none(),
            _ => s3.create("b", "x").await.unwrap_err().raw_response().is_none(),
        };
        assert!(unanswered, "{operation}");
        fault.remove();
    }
    assert_eq!(s3.keys("").await, ["a", "b"]);
}

#[tokio::test]
async fn the_functions_client_mends_half_a_body_where_it_has_the_whole_of_it() {
    let harness = Harness::start().await;
    let put = harness.client.put_object().bucket(BUCKET).key("a");
    let rule = |operation| FaultRule::on(operation).times(1);
    let faults = harness.s3.faults();
    let sent = faults.inject(rule("PutObject"), When::Before, Fault::HalfBody);
    put.body(vec![b'x'; 1_000].into()).send().await.unwrap();
    let listed = faults.inject(rule("ListObjectsV2"), When::After, Fault::HalfBody);
    assert_eq!(harness.bucket().keys("").await.unwrap(), ["a"]);
    assert_eq!((sent.matched(), listed.matched()), (2, 2));
}
