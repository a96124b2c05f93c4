//! Every call that is made for an upload fails: for its grant, for looking at it, and for copying it.

use std::collections::BTreeSet;

use casefile::audit::Record;
use casefile::bucket::{Bucket, Created, Source, Target};
use casefile::caller::Origin;
use casefile::digest::Sha256;
use casefile::id::TimeId;
use casefile::link::Asking;
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StoreError;
use serde_json::{Value, json};
use session_export::review::readable::ReportTemplate;
use session_export::review::{Exported, ReviewExport};
use session_export::uploads::{UploadGrant, grant};

use super::calls::{Call, Failure, Kind, Way, calls, few_at_once, hasty, named};
use crate::links::records;
use crate::support::{AUDIT_BUCKET, BUCKET, Harness, caller, export_as, links, noon, sample};
use crate::uploads::{before_document, inbox_key, upload};

/// A call that fails for good is known to the caller as what it is.
fn assert_is_known(problem: &Problem, failure: &Failure) {
    let is_record = failure.call.kind.bucket == AUDIT_BUCKET;
    let expected = if failure.way.is_denied() && !is_record {
        ProblemKind::Internal
    } else {
        ProblemKind::Unavailable
    };
    assert_eq!(problem.kind, expected, "{failure:?}");
    assert_eq!(
        problem.retry_after.is_some(),
        expected == ProblemKind::Unavailable
    );
    assert!(!problem.to_string().contains("http"), "{failure:?}");
}

async fn ask_for_grant(harness: &Harness) -> Result<UploadGrant, Problem> {
    let (dana, origin) = (caller("dana", &["office"], "acme"), Origin::default());
    let asking = Asking {
        caller: &dana,
        origin: &origin,
        base_url: None,
        kept_at: None,
    };
    let body = json!({
        "collection": "reviews", "file_name": "x.docx", "size": 1, "sha256": "0".repeat(64),
        "content_type": "application/pdf",
    });
    grant(&links(hasty(&harness.client), noon), &asking, &body.to_string()).await
}

/// What is asked of S3 for something.
async fn watched<T>(harness: &Harness, work: impl Future<Output = T>) -> (T, Vec<Call>) {
    let requests = harness.s3.requests();
    requests.record(true);
    let done = Box::pin(work).await;
    requests.record(false);
    (done, calls(&requests.take()))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_grant_leaves_without_its_record() {
    let harness = Harness::start().await;
    let (granted, calls) = Box::pin(watched(&harness, ask_for_grant(&harness))).await;
    granted.unwrap();
    let kinds: BTreeSet<_> = calls.iter().map(|call| call.kind.clone()).collect();
    assert_eq!(named(&kinds), ["PutObject audit:audit/"]);
    let log = Bucket::new(harness.client.clone(), AUDIT_BUCKET.to_owned());
    let all = [
        Failure::each(&calls, Way::lasting),
        Failure::each(&calls, Way::passing),
    ]
    .concat();
    for failure in all {
        let handle = failure.inject(&harness.s3);
        let outcome = ask_for_grant(&harness).await;
        handle.remove();
        assert!(handle.matched() > 0, "{failure:?}");
        match outcome {
            Ok(granted) => {
                let id = Some(granted.grant_id.to_string());
                let records = records(&log).await;
                let is_its = |record: &Record| record.unmapped.grant_id == id;
                assert!(records.iter().any(is_its), "{failure:?}");
            }
            Err(problem) => {
                assert!(failure.way.times != 1 || failure.way.is_denied(), "{failure:?}");
                assert_is_known(&problem, &failure);
            }
        }
        assert!(ask_for_grant(&harness).await.is_ok(), "{failure:?}");
    }
}

/// What an export takes uploads for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taking {
    /// Its first document, which is read to be marked.
    Before,
    /// One that came without a digest, and is hashed.
    Unhashed,
    /// One that goes into a ZIP.
    Zip,
}

impl Taking {
    async fn set(self) -> (Harness, Value) {
        let harness = Harness::start().await;
        let mut request = sample("taking");
        let bytes = before_document();
        let id = if self == Self::Unhashed {
            let id = TimeId::floor(noon());
            let put = harness.client.put_object().bucket(BUCKET).key(inbox_key(id));
            put.body(bytes.into()).send().await.unwrap();
            id.to_string()
        } else {
            upload(&harness, 0, &bytes).await
        };
        request["documents"]["before"] = json!({"file_name": "x.docx", "upload_id": id});
        if self == Self::Zip {
            request["destination"] = json!("download");
        }
        (harness, request)
    }

    async fn take(harness: &Harness, request: &Value) -> Result<Exported, Problem> {
        let links = links(hasty(&harness.client), noon);
        let export = ReviewExport::new(links, ReportTemplate::new(None).unwrap(), "test/1".to_owned());
        export_as(&export, &caller("dana", &["office"], "acme"), request).await
    }

    /// The calls that are about the upload.
    async fn calls(self) -> Vec<Call> {
        let (harness, request) = self.set().await;
        let (taken, mut calls) = watched(&harness, Self::take(&harness, &request)).await;
        taken.unwrap();
        calls.retain(|call| call.kind.place == "inbox/" || call.kind.operation == "CopyObject");
        calls
    }

    async fn fails(self, failure: &Failure) {
        let (harness, request) = self.set().await;
        let handle = failure.inject(&harness.s3);
        let outcome = Self::take(&harness, &request).await;
        handle.remove();
        assert!(handle.matched() > failure.call.nth, "{self:?} {failure:?}");
        let visible = harness.visible_folders().await;
        if let Err(problem) = &outcome {
            assert_is_known(problem, failure);
            assert!(visible.is_empty(), "{self:?} {failure:?}: half of it is visible");
        }
        Self::take(&harness, &request).await.unwrap();
        let folders = usize::from(self != Self::Zip);
        assert_eq!(
            harness.visible_folders().await.len(),
            folders,
            "{self:?} {failure:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_whose_upload_can_not_be_looked_at_or_copied_is_repeated() {
    let mut kinds = BTreeSet::new();
    let mut cases = Vec::new();
    for taking in [Taking::Before, Taking::Unhashed, Taking::Zip] {
        let calls = taking.calls().await;
        kinds.extend(calls.iter().map(|call| call.kind.clone().coarse()));
        let failures = Failure::each(&calls, Way::lasting);
        cases.extend(failures.into_iter().map(|failure| (taking, failure)));
    }
    let expected = [
        "CopyObject artifacts:tara/",
        "GetObject artifacts:inbox/",
        "HeadObject artifacts:inbox/",
    ];
    assert_eq!(named(&kinds), expected);
    few_at_once(cases.iter().map(|(taking, failure)| taking.fails(failure))).await;
}

const PART: u64 = 5 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_parts_whose_call_fails_is_there_whole_or_not_at_all() {
    let harness = Harness::start().await;
    let bucket = Bucket::new(hasty(&harness.client), BUCKET.to_owned());
    let bytes = vec![7_u8; 11 * 1024 * 1024];
    let put = harness.client.put_object().bucket(BUCKET).key("inbox/large");
    let source = Source {
        key: "inbox/large".to_owned(),
        version_id: put.body(bytes.clone().into()).send().await.unwrap().version_id,
        size: bytes.len() as u64,
        sha256: Sha256::of(&bytes),
    };
    let target = |number: usize| Target {
        key: format!("ecg-reports/large-{number}"),
        content_type: "application/pdf",
        metadata: Vec::new(),
    };
    let first = target(0);
    let (copied, mut calls) = Box::pin(watched(
        &harness,
        bucket.copy_in_parts_above(PART, PART, &source, &first),
    ))
    .await;
    copied.unwrap();
    let kinds: BTreeSet<_> = calls.iter().map(|call| call.kind.clone().coarse()).collect();
    let expected = [
        "CompleteMultipartUpload artifacts:ecg-reports/",
        "CreateMultipartUpload artifacts:ecg-reports/",
        "HeadObject artifacts:ecg-reports/",
        "UploadPartCopy artifacts:ecg-reports/",
    ];
    assert_eq!(named(&kinds), expected);
    calls.retain(|call| call.nth != 1);
    for (number, mut failure) in (1..).zip(Failure::each(&calls, Way::lasting)) {
        let target = target(number);
        failure.call.kind.place.clone_from(&target.key);
        let handle = failure.inject(&harness.s3);
        // What is left of it can't be removed either.
        let abort = left(&failure, &target).inject(&harness.s3);
        let copied = bucket.copy_in_parts_above(PART, PART, &source, &target).await;
        handle.remove();
        abort.remove();
        assert!(handle.matched() > failure.call.nth, "{failure:?}");
        assert_is_whole_or_not_there(&bucket, &target, &source, copied, &failure).await;
        let again = bucket.copy_in_parts_above(PART, PART, &source, &target).await;
        assert!(again.is_ok(), "{failure:?}: {again:?}");
        assert_eq!(bucket.hash(&target.key).await.unwrap().sha256, source.sha256);
    }
}

/// And whoever is told that it was copied finds it.
async fn assert_is_whole_or_not_there(
    bucket: &Bucket,
    target: &Target,
    source: &Source,
    copied: Result<Created, StoreError>,
    failure: &Failure,
) {
    match (copied, bucket.head(&target.key).await) {
        (Ok(_) | Err(StoreError::Unavailable(_) | StoreError::Refused(_)), Ok(head)) => {
            assert_eq!(head.size, source.size, "{failure:?}");
        }
        (Err(StoreError::Unavailable(_) | StoreError::Refused(_)), Err(StoreError::NotFound)) => {}
        outcome => panic!("{failure:?}: {outcome:?}"),
    }
}

/// The end of a copy that failed, which fails in the same way.
fn left(failure: &Failure, target: &Target) -> Failure {
    let kind = Kind {
        operation: "AbortMultipartUpload".to_owned(),
        bucket: BUCKET.to_owned(),
        place: target.key.clone(),
    };
    Failure {
        call: Call { kind, nth: 0 },
        way: failure.way.clone(),
    }
}
