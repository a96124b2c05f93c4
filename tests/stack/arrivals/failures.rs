//! Storage fails, before or after what it was asked for takes effect: the event is repeated, and the end is the same.

use casefile_local::s3::{Fault, FaultRule, When};
use post_process::failure::Failure;
use tempfile::TempDir;

use super::deliveries::REPORT;
use super::sessions::export;
use super::yard::Yard;

/// The three tries that the SDK makes of a call.
const TRIES: usize = 3;

/// What post-process asks of S3: each call of a write fails once, and of the reads, of which there are many, every
/// seventh.
const OPERATIONS: [(&str, usize); 7] = [
    ("PutObject", 1),
    ("CopyObject", 1),
    ("PutObjectTagging", 1),
    ("DeleteObject", 1),
    ("GetObject", 7),
    ("HeadObject", 7),
    ("GetObjectTagging", 7),
];

async fn prepare(yard: &Yard) {
    export(yard).await;
    for (key, body) in [
        ("inbox/ecg-reports/ECG_Report_20251028_143022.pdf", REPORT),
        ("inbox/ecg-reports/report_20251029.pdf", b"no pdf"),
        ("inbox/ecg-reports/x.log", b"x"),
        ("snapshots/a.json", b"{}"),
    ] {
        yard.put(key, body, &[("tenant", "acme")]).await;
    }
}

/// Works on everything, with one call after another of an operation failing; gives how often one failed.
async fn settle_with(yard: &mut Yard, (operation, step): (&str, usize), when: When) -> usize {
    let mut waiting = yard.arrivals();
    let mut failed = 0;
    let mut round = 0;
    while let Some(arrived) = waiting.pop() {
        // The n-th call of the n-th try fails, until the work gets through before that.
        let mut skip = 0;
        loop {
            let rule = FaultRule::on(operation).skip(skip).times(TRIES);
            let fault = Fault::error(503, "ServiceUnavailable");
            let handle = yard.s3.faults().inject(rule, when, fault);
            let settled = yard.settling.settle(&arrived).await;
            handle.remove();
            match settled {
                Ok(()) => break,
                Err(Failure::Transient(_)) => failed += 1,
                Err(failure) => panic!("{operation}: {failure}"),
            }
            skip += step;
        }
        waiting.extend(yard.arrivals());
        round += 1;
        assert!(round < 500, "it never ends");
    }
    failed
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_fails_the_repeated_event_ends_as_if_nothing_had_failed() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    prepare(&yard).await;
    yard.settle_all().await;
    let expected = yard.state().await;
    let mut failed = 0;
    for operation in OPERATIONS {
        for when in [When::Before, When::After] {
            let data = TempDir::new().unwrap();
            let mut yard = Yard::open(data.path()).await;
            prepare(&yard).await;
            failed += settle_with(&mut yard, operation, when).await;
            assert_eq!(yard.state().await, expected, "{operation:?} {when:?}");
        }
    }
    assert!(failed > 100, "only {failed} failures were met");
}
