//! A batch in an outage: each review is kept, or told to be repeated.

use std::time::{Duration, Instant};

use casefile_local::s3::{Fault, FaultRule, When};
use serde_json::{Value, json};

use super::counter::Counter;
use super::with_other_document;
use crate::support::sample;

const ROUTE: &str = "/v1/reviews/batch";

fn small(session_id: &str) -> Value {
    with_other_document(session_id, b"x")
}

fn statuses(answer: &Value) -> Vec<&str> {
    let reviews = answer["reviews"].as_array().unwrap().iter();
    reviews.map(|review| review["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn all_reviews_of_a_batch_are_kept_and_sent_on() {
    let counter = Counter::open().await;
    let injected = counter
        .harness
        .s3
        .faults()
        .inject(FaultRule::any(), When::Before, Fault::Cut);
    let mut reviews: Vec<_> = (0..20).map(|number| small(&format!("s-{number}"))).collect();
    // The same session with other content, and something that isn't one.
    reviews.push(sample("s-3"));
    reviews.push(json!({}));
    let answered = counter.post(ROUTE, &json!({"reviews": reviews})).await;
    let statuses = statuses(&answered.body);
    assert_eq!((answered.status, statuses.len()), (200, 22), "{}", answered.body);
    assert!(
        statuses[..20].iter().all(|status| *status == "kept"),
        "{}",
        answered.body
    );
    assert_eq!(statuses[20..], ["refused", "refused"]);
    assert_eq!(answered.body["reviews"][20]["problem"]["status"], 409);
    assert_eq!(answered.body["reviews"][0]["kept"]["reason"], "outage");
    injected.remove();
    let report = counter.replay().await;
    assert_eq!((report.sent, report.waiting), (20, 0), "{report:?}");
    assert_eq!(counter.harness.visible_folders().await.len(), 20);
}

#[tokio::test]
async fn a_silent_s3_costs_a_batch_no_more_than_its_time() {
    let counter = Counter::open().await;
    let silence = Fault::Delay(Duration::from_mins(2));
    counter
        .harness
        .s3
        .faults()
        .inject(FaultRule::any(), When::Before, silence);
    let reviews: Vec<_> = (0..12).map(|number| small(&format!("s-{number}"))).collect();
    let started = Instant::now();
    let answered = counter.post(ROUTE, &json!({"reviews": reviews})).await;
    assert!(
        started.elapsed() < Duration::from_secs(25),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(statuses(&answered.body), ["kept"; 12], "{}", answered.body);
}
