//! Every write of an export fails, before and after taking effect: either the caller knows and a repeat mends it,
//! or it was mended on the way. A reader never sees a folder that doesn't hold.

use std::time::Duration;

use casefile::problem::ProblemKind;
use casefile_local::s3::{Fault, FaultRule, When};
use futures::{StreamExt as _, stream};

use crate::support::{Harness, WRITES, owned, store, two_past_noon};

/// How often sessions stand in the list of their tenant, and in that of their owner.
async fn listed(harness: &Harness) -> [usize; 2] {
    let bucket = harness.bucket();
    let count = async |list| bucket.keys(list).await.unwrap().len();
    [
        count("_casefile/by-time/acme/reviews/").await,
        count("_casefile/by-owner/acme/").await,
    ]
}

/// So that no case waits for the processor until its calls time out.
async fn few_at_once(cases: impl Iterator<Item = impl Future<Output = ()>>) {
    stream::iter(cases).buffer_unordered(6).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_failure_of_any_write_is_mended_on_the_way() {
    let faults = [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::Before, Fault::Cut),
        (When::After, Fault::error(500, "InternalError")),
        (When::After, Fault::Cut),
        (When::Before, Fault::error(409, "ConditionalRequestConflict")),
    ];
    let cases = (0..WRITES).flat_map(|write| faults.clone().map(|(when, fault)| (write, when, fault)));
    few_at_once(cases.map(|(write, when, fault)| async move {
        let harness = Harness::start().await;
        let rule = FaultRule::on("PutObject").skip(write).times(1);
        let injected = harness.s3.faults().inject(rule, when, fault.clone());
        let answer = harness.store(&owned("x")).await;
        let answer = answer.unwrap_or_else(|problem| panic!("write {write}, {when:?} {fault:?}: {problem}"));
        assert!(injected.matched() > write, "write {write} was never made");
        assert_eq!(
            harness.visible_folders().await,
            [answer.folder_name],
            "write {write}, {when:?} {fault:?}"
        );
        assert_eq!(
            listed(&harness).await,
            [1, 1],
            "write {write}, {when:?} {fault:?}"
        );
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lasting_failure_of_any_write_a_repeat_completes_the_same_folder() {
    let outages = [
        (
            When::Before,
            Fault::error(503, "SlowDown"),
            ProblemKind::Unavailable,
        ),
        (When::After, Fault::Cut, ProblemKind::Unavailable),
        (
            When::Before,
            Fault::error(403, "AccessDenied"),
            ProblemKind::Internal,
        ),
    ];
    let cases = (0..WRITES).flat_map(|write| outages.clone().map(|outage| (write, outage)));
    few_at_once(cases.map(|(write, (when, fault, kind))| async move {
        let harness = Harness::start().await;
        let injected =
            harness
                .s3
                .faults()
                .inject(FaultRule::on("PutObject").skip(write), when, fault.clone());
        let first = harness.store(&owned("x")).await;
        // A write that took effect, and whose every answer was lost, may be found by the manifest's own retry.
        assert!(injected.matched() > write, "write {write} was never made");
        assert!(
            first.is_err() || when == When::After,
            "write {write} never happened and nobody knows"
        );
        if let Err(problem) = &first {
            // Without its audit record a link doesn't leave, whatever the reason: the caller may repeat.
            let is_audit = write == WRITES - 1;
            let kind = if is_audit { ProblemKind::Unavailable } else { kind };
            assert_eq!(problem.kind, kind, "write {write}, {when:?} {fault:?}");
            assert_eq!(problem.retry_after.is_some(), kind == ProblemKind::Unavailable);
        }
        let visible = harness.visible_folders().await;
        injected.remove();
        // Later, so that only what was reserved makes it the same entries of lists.
        let answer = store(&harness.at(two_past_noon), &owned("x")).await.unwrap();
        assert!(visible.is_empty() || visible == [answer.folder_name.clone()]);
        assert_eq!(
            harness.visible_folders().await,
            [answer.folder_name],
            "write {write}, {when:?} {fault:?}"
        );
        assert_eq!(
            listed(&harness).await,
            [1, 1],
            "write {write}, {when:?} {fault:?}"
        );
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_reads_are_known_to_the_caller_too() {
    for operation in ["HeadObject", "GetObject"] {
        let harness = Harness::start().await;
        let answer = harness.store(&owned("x")).await.unwrap();
        let rule = FaultRule::on(operation);
        let injected = harness
            .s3
            .faults()
            .inject(rule, When::Before, Fault::error(503, "SlowDown"));
        let problem = harness.store(&owned("x")).await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Unavailable, "{operation}");
        injected.remove();
        assert_eq!(
            harness.store(&owned("x")).await.unwrap().folder_name,
            answer.folder_name
        );
    }
}

#[tokio::test]
async fn the_number_of_writes_is_the_one_that_these_tests_go_through() {
    let harness = Harness::start().await;
    harness.s3.requests().record(true);
    harness.store(&owned("x")).await.unwrap();
    let requests = harness.s3.requests().take();
    assert!(
        requests.iter().all(|request| request.operation == "PutObject"),
        "{requests:?}"
    );
    assert_eq!(requests.len(), WRITES);
}

#[tokio::test]
async fn files_are_written_at_once_and_the_manifest_after_them() {
    let harness = Harness::start().await;
    harness.s3.faults().inject(
        FaultRule::any(),
        When::Before,
        Fault::Delay(Duration::from_millis(50)),
    );
    harness.s3.requests().record(true);
    harness.store(&owned("x")).await.unwrap();
    let puts: Vec<_> = harness
        .s3
        .requests()
        .take()
        .into_iter()
        .filter(|request| request.operation == "PutObject")
        .collect();
    let is_file = |key: &str| key.starts_with("tara/") && !key.ends_with("/manifest.json");
    let last_start = puts
        .iter()
        .filter(|put| is_file(&put.key))
        .map(|put| put.started)
        .max()
        .unwrap();
    let first_end = puts
        .iter()
        .filter(|put| is_file(&put.key))
        .map(|put| put.ended)
        .min()
        .unwrap();
    let is_entry = |key: &str| key.starts_with("_casefile/by-");
    assert_eq!(puts.iter().filter(|put| is_entry(&put.key)).count(), 2);
    let last_end = puts
        .iter()
        .filter(|put| is_file(&put.key) || is_entry(&put.key))
        .map(|put| put.ended)
        .max()
        .unwrap();
    let manifest = puts
        .iter()
        .find(|put| put.key.ends_with("/manifest.json"))
        .unwrap();
    assert!(last_start < first_end, "a file waited for another one");
    assert!(
        manifest.started > last_end,
        "the manifest was written before a file or an entry of a list was"
    );
}

#[tokio::test]
async fn a_file_with_other_content_in_the_folder_is_never_overwritten() {
    let harness = Harness::start().await;
    let key = "tara/20251114_120000_write-up_TR-20417/readable_report.txt";
    let put = harness
        .client
        .put_object()
        .bucket(crate::support::BUCKET)
        .key(key);
    put.body(b"mine".to_vec().into()).send().await.unwrap();
    let problem = harness.store(&owned("x")).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Conflict);
    assert_eq!(harness.bucket().read(key, 100).await.unwrap().as_ref(), b"mine");
    assert!(harness.visible_folders().await.is_empty());
}
