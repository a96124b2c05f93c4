//! Uploads are copied inside S3: in the version that was looked at, over nothing, and never half.

use casefile::bucket::{Source, Target};
use casefile::digest::Sha256;
use casefile::id::TimeId;
use casefile::problem::ProblemKind;
use casefile::store_error::StoreError;
use casefile_local::s3::{Fault, FaultRule, When};

use super::{before_document, inbox_key, put, uploaded};
use crate::support::{BUCKET, Harness, noon, store};

const BEFORE: &str = "tara/20251114_120000_write-up_TR-20417/documents/before_x.docx";

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_copy_is_mended_or_known_to_the_caller() {
    let bytes = before_document();
    for (when, fault) in [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::Before, Fault::error(409, "ConditionalRequestConflict")),
        (When::After, Fault::error(500, "InternalError")),
        (When::After, Fault::Cut),
    ] {
        for lasting in [false, true] {
            let harness = Harness::start().await;
            let request = uploaded(&harness, &bytes).await;
            let rule = FaultRule::on("CopyObject");
            let rule = if lasting { rule } else { rule.times(1) };
            let injected = harness.s3.faults().inject(rule, when, fault.clone());
            let first = store(&harness.export, &request).await;
            assert!(injected.matched() > 0);
            if let Err(problem) = &first {
                assert_eq!(problem.kind, ProblemKind::Unavailable, "{when:?} {fault:?}");
                assert!(lasting && harness.visible_folders().await.is_empty());
            }
            injected.remove();
            let answer = store(&harness.export, &request).await.unwrap();
            assert_eq!(
                harness.visible_folders().await,
                [answer.folder_name],
                "{when:?} {fault:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_large_copy_goes_in_parts_and_is_never_half_there() {
    let harness = Harness::start().await;
    let bucket = harness.bucket();
    let bytes = vec![7_u8; 11 * 1024 * 1024];
    let put = harness.client.put_object().bucket(BUCKET).key("inbox/a b+c%");
    let version = put.body(bytes.clone().into()).send().await.unwrap().version_id;
    let source = Source {
        key: "inbox/a b+c%".to_owned(),
        version_id: version,
        size: bytes.len() as u64,
        sha256: Sha256::of(&bytes),
    };
    // Something newer lies over it, which was never looked at.
    let newer = harness.client.put_object().bucket(BUCKET).key(&source.key);
    newer.body(b"newer".to_vec().into()).send().await.unwrap();
    let target = Target {
        key: "ecg-reports/large".to_owned(),
        content_type: "application/pdf",
        metadata: vec![("tenant", "acme".to_owned())],
    };
    let part = 5 * 1024 * 1024;
    let rule = FaultRule::on("UploadPartCopy").skip(2);
    let injected = harness
        .s3
        .faults()
        .inject(rule, When::Before, Fault::error(503, "SlowDown"));
    let failed = bucket.copy_in_parts_above(part, part, &source, &target).await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
    assert_eq!(bucket.head(&target.key).await, Err(StoreError::NotFound));
    injected.remove();
    let open = harness
        .client
        .list_multipart_uploads()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert!(open.uploads().is_empty(), "the parts of a failed copy are left");

    let created = bucket
        .copy_in_parts_above(part, part, &source, &target)
        .await
        .unwrap();
    assert!(created.is_new);
    assert_eq!(bucket.hash(&target.key).await.unwrap().sha256, source.sha256);
    assert_eq!(bucket.head(&target.key).await.unwrap().metadata["tenant"], "acme");
    let again = bucket
        .copy_in_parts_above(part, part, &source, &target)
        .await
        .unwrap();
    assert!(!again.is_new);
    let other = Source {
        sha256: Sha256::of(b"x"),
        ..source
    };
    let refused = bucket.copy_in_parts_above(part, part, &other, &target).await;
    assert_eq!(refused, Err(StoreError::AlreadyExists));
}

#[tokio::test]
async fn a_copy_overwrites_nothing() {
    let harness = Harness::start().await;
    let request = uploaded(&harness, &before_document()).await;
    put(&harness, BEFORE, b"mine").await;
    let problem = store(&harness.export, &request).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Conflict);
    let there = harness.bucket().read(BEFORE, 100).await.unwrap();
    assert_eq!(there.as_ref(), b"mine");
    assert!(harness.visible_folders().await.is_empty());
}

#[tokio::test]
async fn what_is_copied_is_the_version_that_was_looked_at() {
    let harness = Harness::start().await;
    let bytes = before_document();
    let request = uploaded(&harness, &bytes).await;
    let mut point = harness
        .s3
        .faults()
        .pause(FaultRule::on("CopyObject"), When::Before);
    let replace = async {
        let held = point.arrived().await.unwrap();
        put(&harness, &inbox_key(TimeId::floor(noon())), b"newer").await;
        held.release();
    };
    let (answer, ()) = futures::join!(store(&harness.export, &request), replace);
    // It holds: each file is the one that the manifest lists.
    assert_eq!(harness.visible_folders().await, [answer.unwrap().folder_name]);
    let copied = harness.bucket().hash(BEFORE).await.unwrap();
    assert_eq!(copied.sha256, Sha256::of(&bytes));
}

/// Each of the three calls of a copy in parts fails once, before and after taking effect, or its answer is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_parts_whose_calls_fail_once_is_mended_on_the_way() {
    let bytes = vec![7_u8; 11 * 1024 * 1024];
    let part = 5 * 1024 * 1024;
    for operation in [
        "CreateMultipartUpload",
        "UploadPartCopy",
        "CompleteMultipartUpload",
    ] {
        for (when, fault) in [
            (When::Before, Fault::error(503, "SlowDown")),
            (When::After, Fault::error(500, "InternalError")),
            (When::After, Fault::Cut),
        ] {
            let harness = Harness::start().await;
            let bucket = harness.bucket();
            let put = harness.client.put_object().bucket(BUCKET).key("inbox/large");
            let version_id = put.body(bytes.clone().into()).send().await.unwrap().version_id;
            let source = Source {
                key: "inbox/large".to_owned(),
                version_id,
                size: bytes.len() as u64,
                sha256: Sha256::of(&bytes),
            };
            let target = Target {
                key: "ecg-reports/large".to_owned(),
                content_type: "application/pdf",
                metadata: Vec::new(),
            };
            let rule = FaultRule::on(operation).times(1);
            let injected = harness.s3.faults().inject(rule, when, fault.clone());
            let copied = bucket.copy_in_parts_above(part, part, &source, &target).await;
            let case = format!("{operation} {when:?} {fault:?}");
            assert!(injected.matched() > 0 && copied.is_ok(), "{case}: {copied:?}");
            let head = bucket.head(&target.key).await.unwrap();
            assert_eq!(head.sha256(), Some(source.sha256), "{case}");
            assert_eq!(
                bucket.hash(&target.key).await.unwrap().sha256,
                source.sha256,
                "{case}"
            );
        }
    }
}
