//! Every write of the route fails, before and after taking effect: either the caller knows and a repeat mends it, or it was
//! mended on the way. In the end there is one number, one PDF, and one entry of a list that leads to it.

use std::time::Duration;

use casefile::problem::{Problem, ProblemKind};
use casefile_local::s3::{Fault, FaultRule, When};
use futures::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use session_export::bols::BolAnswer;

use super::desk::Desk;
use super::finished::{inline, pdf};
use super::{CUSTOMER, ROUTE, complete, issued, list, ordered, record};
use crate::files::{post, versions, versions_of};
use crate::support::{AUDIT_BUCKET, BUCKET, Harness, TestStack, noon, office, without_events};

/// A way to store a bill of lading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Record,
    Finished,
    Uploaded,
    Numbered,
    UploadedNumbered,
}

const WAYS: [Way; 5] = [
    Way::Record,
    Way::Finished,
    Way::Uploaded,
    Way::Numbered,
    Way::UploadedNumbered,
];

/// A write: its operation, its bucket, and how its key begins.
type Write = (&'static str, &'static str, &'static str);

const STATE: Write = ("PutObject", BUCKET, "_casefile/bols/PRT-2025.json");
const BY_TIME: Write = ("PutObject", BUCKET, "_casefile/by-time/");
const BY_OWNER: Write = ("PutObject", BUCKET, "_casefile/by-owner/");
const MEMORY: Write = ("PutObject", BUCKET, "_casefile/bols/requests/");
const RECORD: Write = ("PutObject", AUDIT_BUCKET, "audit/");
const SHARE: Write = ("PutObject", BUCKET, "_casefile/shares/");

impl Way {
    fn is_numbered(self) -> bool {
        matches!(self, Self::Numbered | Self::UploadedNumbered)
    }

    fn is_uploaded(self) -> bool {
        matches!(self, Self::Uploaded | Self::UploadedNumbered)
    }

    /// All of its writes, in their order; those to lists are made at once.
    fn writes(self) -> Vec<Write> {
        let operation = if self.is_uploaded() {
            "CopyObject"
        } else {
            "PutObject"
        };
        let file = (operation, BUCKET, "bols/");
        let mut writes = vec![STATE, BY_TIME, BY_OWNER, file, MEMORY, SHARE, RECORD];
        if self.is_numbered() {
            writes.retain(|write| ![STATE, MEMORY].contains(write));
        }
        writes
    }

    /// Those of its writes that no other way makes as it does.
    fn own_writes(self) -> Vec<Write> {
        let all = self.writes();
        let own: &[usize] = match self {
            Self::Record => return all,
            Self::Finished => &[],
            // The copy, and what comes after it.
            Self::Uploaded => &[3, 4],
            Self::Numbered => &[1, 2, 4],
            Self::UploadedNumbered => &[2],
        };
        own.iter().map(|write| all[*write]).collect()
    }

    async fn request(self, harness: &Harness) -> Value {
        let mut request = match self {
            Self::Record => return record(),
            _ => inline(&pdf("x")),
        };
        if self.is_uploaded() {
            let upload_id = Desk::at(harness, noon).upload(harness, &pdf("x")).await;
            request["file"] = json!({"file_name": "x.pdf", "upload_id": upload_id});
        }
        if self.is_numbered() {
            request["number"] = json!("PRT-2025-0001");
        }
        request["owner"] = json!(CUSTOMER);
        request
    }
}

/// A bill of lading that is about to be stored.
struct Scene {
    harness: Harness,
    request: Value,
}

impl Scene {
    async fn set(way: Way) -> Self {
        let harness = Harness::start().await;
        let request = way.request(&harness).await;
        Self { harness, request }
    }

    async fn issue(&self, clock: fn() -> Timestamp) -> Result<BolAnswer, Problem> {
        Desk::at(&self.harness, clock).issue(&self.request).await
    }

    /// The same at noon, with little patience: whoever waits for a number is told sooner.
    async fn issue_soon(&self) -> Result<BolAnswer, Problem> {
        let desk = Desk::at(&self.harness, noon);
        desk.issue_within(Duration::from_millis(500), &self.request).await
    }

    /// What is listed is there.
    async fn assert_readable(&self, case: &str) {
        let list = Desk::at(&self.harness, noon).list().await;
        let there = versions(&self.harness.client, BUCKET, "bols/").await;
        assert!(list.len() <= there.len(), "{case}: {list:?}");
    }

    async fn assert_issued(&self, answer: &BolAnswer, case: &str) {
        assert_eq!(answer.number, "PRT-2025-0001", "{case}");
        let file = &answer.file;
        let harness = &self.harness;
        let there = versions(&harness.client, BUCKET, "bols/").await;
        assert_eq!(there.len(), 1, "{case}: {there:?}");
        assert_eq!(
            (Some(&there[0].id), &there[0].key),
            (file.version_id.as_ref(), &file.key),
            "{case}"
        );
        let content = harness.bucket().content(&file.key).await.unwrap();
        assert_eq!(
            (Some(content.sha256), content.size),
            (file.sha256, file.size),
            "{case}"
        );
        for reader in [Desk::at(harness, noon), Desk::customer(harness, CUSTOMER)] {
            let list = reader.list().await;
            assert_eq!(list.len(), 1, "{case}: {list:?}");
            assert_eq!(list[0]["path"], file.path, "{case}");
            assert_eq!(list[0]["sha256"], json!(file.sha256), "{case}");
        }
        assert!(file.link.is_some(), "{case}");
    }

    /// The next bill of lading gets the next number.
    async fn assert_no_gap(&self, case: &str) {
        let next = Desk::at(&self.harness, later).issue(&ordered("next")).await;
        let next = next.unwrap_or_else(|problem| panic!("{case}: {problem}"));
        assert_eq!(next.number, "PRT-2025-0002", "{case}");
        let keys = self.harness.bucket().keys("bols/").await.unwrap();
        assert_eq!(keys.len(), 2, "{case}: {keys:?}");
    }
}

/// When nobody can be at work any more who was at noon.
fn later() -> Timestamp {
    noon() + SignedDuration::from_mins(5)
}

/// So that no case waits for the processor until its calls time out.
async fn few_at_once(cases: impl Iterator<Item = impl Future<Output = ()>>) {
    stream::iter(cases).buffer_unordered(6).collect::<()>().await;
}

fn writes() -> impl Iterator<Item = (Way, Write)> {
    WAYS.into_iter()
        .flat_map(|way| way.own_writes().into_iter().map(move |write| (way, write)))
}

fn rule((operation, bucket, prefix): Write) -> FaultRule {
    FaultRule::on(operation).bucket(bucket).prefix(prefix)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writes_of_each_way_are_those_that_these_tests_go_through() {
    for way in WAYS {
        let scene = Scene::set(way).await;
        scene.harness.s3.requests().record(true);
        let answer = scene.issue(noon).await.unwrap();
        let requests = scene.harness.s3.requests().take();
        let reads = ["HeadObject", "GetObject", "GetObjectTagging"];
        let is_read = |operation: &str| reads.contains(&operation);
        let mut made: Vec<_> = requests
            .iter()
            .filter(|request| !is_read(&request.operation))
            .map(|request| {
                let write = way.writes().into_iter().position(|(operation, bucket, prefix)| {
                    (operation, bucket) == (request.operation.as_str(), request.bucket.as_str())
                        && request.key.starts_with(prefix)
                });
                write.unwrap_or_else(|| panic!("{way:?}: {request:?}"))
            })
            .collect();
        // The entries of lists are written at once, before the file.
        let lists = made
            .iter()
            .position(|write| way.writes()[*write] == BY_TIME)
            .unwrap();
        let owners = made
            .iter()
            .position(|write| way.writes()[*write] == BY_OWNER)
            .unwrap();
        let both = lists.min(owners)..=lists.max(owners);
        made[both].sort_unstable();
        assert_eq!(
            made,
            (0..way.writes().len()).collect::<Vec<_>>(),
            "{way:?}: {requests:?}"
        );
        scene.assert_issued(&answer, &format!("{way:?}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_failure_of_any_write_is_mended_on_the_way() {
    let faults = [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::Before, Fault::Cut),
        (When::Before, Fault::error(409, "ConditionalRequestConflict")),
        (When::After, Fault::error(500, "InternalError")),
        (When::After, Fault::Cut),
    ];
    let cases = writes().flat_map(|write| faults.clone().map(|fault| (write, fault)));
    few_at_once(cases.map(|((way, write), (when, fault))| async move {
        let case = format!("{way:?} {write:?} {when:?} {fault:?}");
        let scene = Scene::set(way).await;
        let injected = scene
            .harness
            .s3
            .faults()
            .inject(rule(write).times(1), when, fault);
        let answer = scene.issue(noon).await;
        assert!(injected.matched() > 0, "{case}: it was never made");
        let answer = answer.unwrap_or_else(|problem| panic!("{case}: {problem}"));
        scene.assert_issued(&answer, &case).await;
        let again = scene.issue(later).await.unwrap();
        assert_eq!(again.file.version_id, answer.file.version_id, "{case}");
        scene.assert_issued(&again, &case).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lasting_failure_of_any_write_a_repeat_gets_the_one_number() {
    let faults = [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::Before, Fault::Cut),
        (When::After, Fault::error(500, "InternalError")),
        (When::After, Fault::Cut),
    ];
    let cases = writes().flat_map(|write| faults.clone().map(|fault| (write, fault)));
    few_at_once(cases.map(|((way, write), (when, fault))| async move {
        let case = format!("{way:?} {write:?} {when:?} {fault:?}");
        let scene = Scene::set(way).await;
        let injected = scene.harness.s3.faults().inject(rule(write), when, fault);
        let first = scene.issue_soon().await;
        assert!(injected.matched() > 0, "{case}: it was never made");
        if let Err(problem) = &first {
            assert_eq!(problem.kind, ProblemKind::Unavailable, "{case}: {problem}");
            assert!(problem.retry_after.is_some(), "{case}");
        } else {
            // What a request remembers is written for repeats alone: they find its document without it.
            assert!(
                when == When::After || write == MEMORY,
                "{case}: it never happened and nobody knows"
            );
        }
        injected.remove();
        scene.assert_readable(&case).await;
        let answer = scene.issue(later).await;
        let answer = answer.unwrap_or_else(|problem| panic!("{case}: {problem}"));
        scene.assert_issued(&answer, &case).await;
        scene.assert_no_gap(&case).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_reads_are_known_to_the_caller_too() {
    let cases = WAYS
        .into_iter()
        .flat_map(|way| ["HeadObject", "GetObject"].map(|operation| (way, operation)));
    few_at_once(cases.map(|(way, operation)| async move {
        let case = format!("{way:?} {operation}");
        let scene = Scene::set(way).await;
        let fault = Fault::error(503, "SlowDown");
        let rule = FaultRule::on(operation);
        let injected = scene.harness.s3.faults().inject(rule, When::Before, fault);
        let first = scene.issue(noon).await;
        if let Err(problem) = &first {
            assert_eq!(problem.kind, ProblemKind::Unavailable, "{case}");
            assert!(problem.retry_after.is_some(), "{case}");
        }
        assert_eq!(first.is_err(), injected.matched() > 0, "{case}");
        injected.remove();
        let answer = scene.issue(later).await.unwrap();
        scene.assert_issued(&answer, &case).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_storage_is_no_reason_to_come_again_and_loses_nothing() {
    for write in Way::Record.writes() {
        let case = format!("{write:?}");
        let scene = Scene::set(Way::Record).await;
        let fault = Fault::error(403, "AccessDenied");
        let injected = scene.harness.s3.faults().inject(rule(write), When::Before, fault);
        let problem = scene.issue(noon).await.unwrap_err();
        // Without its audit record a link doesn't leave, whatever the reason: the caller may repeat.
        let is_audit = write == RECORD;
        let kind = if is_audit {
            ProblemKind::Unavailable
        } else {
            ProblemKind::Internal
        };
        assert_eq!(problem.kind, kind, "{case}: {problem}");
        injected.remove();
        let answer = scene.issue(later).await.unwrap();
        scene.assert_issued(&answer, &case).await;
        scene.assert_no_gap(&case).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_told_when_to_come_again_and_then_has_its_one_number() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    // A number is waited for so long that the state's own failure is left to the tests above.
    for (prefix, when) in [
        ("_casefile/by-time/", When::Before),
        ("bols/", When::Before),
        ("_casefile/shares/", When::Before),
        ("audit/", When::Before),
        ("bols/", When::After),
        ("_casefile/bols/requests/", When::After),
    ] {
        let rule = FaultRule::on("PutObject").prefix(prefix);
        let injected = stack.stack.s3.faults().inject(rule, when, Fault::Cut);
        // `post` holds each 503 to a `Retry-After`.
        let (status, told) = post(&stack, &dana, ROUTE, &record()).await;
        injected.remove();
        assert!(matches!(status, 201 | 503), "{prefix}: {told}");
    }
    let answer = issued(&stack, &dana, &record()).await;
    assert_eq!(answer["number"], "PRT-2025-0001");
    assert_eq!(versions_of(&stack, "bols/").await.len(), 1);
    let list = list(&stack, &dana).await;
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!(list[0]["sha256"], answer["sha256"]);
    assert_eq!(complete(&stack, "PRT-2025").await["next"], "PRT-2025-0002");
}
