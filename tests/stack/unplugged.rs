//! Exports while S3 is gone: the load and the count of `cargo local demo --outage`, shorter.

use std::time::Duration;

use casefile_local::demo::outage::{Counts, LONGEST_ANSWER, Outage, observe};
use casefile_local::progress::Progress;
use casefile_local::stack::StackConfig;
use jiff::Timestamp;

use crate::support::{TestStack, with_fallback};

/// A third of it each: refused, swallowed, answered with 503.
const OUTAGE: Outage = Outage {
    before: Duration::from_secs(2),
    down: Duration::from_secs(9),
    after: Duration::from_secs(1),
    every: Duration::from_millis(500),
};

async fn observed(set: impl FnOnce(&mut StackConfig)) -> Counts {
    let stack = TestStack::start_with(|config| {
        OUTAGE.prepare(config);
        set(config);
    })
    .await;
    let begun = Timestamp::now();
    let counts = observe(&stack.stack, &Progress::silent(), OUTAGE, begun).await;
    stack.stack.stop().await;
    counts.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_while_s3_is_gone_is_sent_on_and_there_once() {
    let counts = observed(with_fallback).await;
    let total = counts.total();
    assert!(total.asked >= 20 && total.answers.kept > 0, "{total:?}");
    assert!(total.sent >= total.answers.kept, "{total:?}");
    assert_eq!(counts.missing(), [""; 0], "{total:?}");
    assert_eq!(counts.twice(), 0, "{total:?}");
    assert!(counts.slowest() <= LONGEST_ANSWER, "{total:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_kept_what_is_repeated_until_it_is_taken_is_there_once() {
    let counts = observed(|_| {}).await;
    let total = counts.total();
    assert!(total.answers.refused > 0 && total.answers.kept == 0, "{total:?}");
    assert_eq!(counts.missing(), [""; 0], "{total:?}");
    assert_eq!(counts.twice(), 0, "{total:?}");
}
