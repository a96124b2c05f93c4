//! What is wrong with S3 or with how it is reached: each is named by the one check that it is a matter of.

use std::time::{Duration, Instant};

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use casefile_local::s3::{Fault, FaultRule, When};

use super::{OF_ARTIFACTS, Said, Ward};
use crate::support::client;

/// That these checks failed, and no others.
fn assert_failed(said: &Said, expected: &[&str]) {
    assert_eq!(said.names("failed"), expected, "{}", said.out);
    assert_eq!(said.code, 1);
    assert_eq!(said.json()["holds"], false);
}

fn denied() -> Fault {
    Fault::error(403, "AccessDenied")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_is_named_with_its_variable() {
    let ward = Ward::start().await;
    let said = ward.examine(&[("S3_BUCKET_NAME", "nowhere-at-all")]).await;
    assert_failed(&said, &["artifacts bucket"]);
    let bucket = said.of("artifacts bucket");
    assert!(
        bucket.contains("nowhere-at-all") && bucket.contains("S3_BUCKET_NAME"),
        "{bucket}"
    );
    assert_eq!(said.names("not_checked"), OF_ARTIFACTS);
    assert!(said.of("write").contains("not checked: there is no such bucket"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_found_once_and_nothing_else_is_asked_with_them() {
    let ward = Ward::start().await;
    for change in [
        ("AWS_SECRET_ACCESS_KEY", "another-secret"),
        ("AWS_ACCESS_KEY_ID", "nobody"),
    ] {
        let said = ward.examine(&[change]).await;
        assert_failed(&said, &["credentials"]);
        assert!(said.of("credentials").contains("AWS_SECRET_ACCESS_KEY"));
        assert_eq!(said.names("ok"), ["clock", "fallback folder"], "{}", said.out);
        assert!(!said.out.contains("another-secret"));
    }
    assert!(ward.stack.stack.bedrock().asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_region_than_the_bucket_s_is_found() {
    let ward = Ward::start().await;
    let said = ward.examine(&[("AWS_REGION", "eu-west-1")]).await;
    assert_failed(&said, &["region"]);
    assert!(said.of("region").contains("set AWS_REGION to us-east-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_s3_denies_is_named_with_the_right_that_it_takes() {
    let ward = Ward::start().await;
    let faults = ward.stack.stack.s3.faults();
    for (operation, check, right) in [
        ("PutObject", "write", "s3:PutObject on arn:aws:s3:::"),
        ("GetObject", "read back", "s3:GetObjectVersion"),
        ("PutObjectTagging", "tag", "s3:PutObjectVersionTagging"),
        ("GetObjectTagging", "tag", "s3:GetObjectVersionTagging"),
        ("DeleteObject", "clean up", "s3:DeleteObject on"),
        (
            "GetBucketEncryption",
            "artifacts encryption",
            "s3:GetEncryptionConfiguration",
        ),
        (
            "GetBucketVersioning",
            "artifacts versioning",
            "s3:GetBucketVersioning",
        ),
        (
            "GetPublicAccessBlock",
            "artifacts public access",
            "s3:GetBucketPublicAccessBlock",
        ),
    ] {
        let rule = FaultRule::on(operation).bucket(ward.artifacts());
        let planted = faults.inject(rule, When::Before, denied());
        let said = ward.examine(&[]).await;
        assert_failed(&said, &[check]);
        let told = said.of(check);
        assert!(told.contains("AccessDenied") && told.contains(right), "{told}");
        assert_eq!(
            told.contains("couldn't be checked"),
            operation.contains("Bucket") || operation.contains("Block")
        );
        planted.remove();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_may_not_be_listed_is_tried_nevertheless() {
    let ward = Ward::start().await;
    let faults = ward.stack.stack.s3.faults();
    for operation in ["HeadBucket", "GetBucketLocation"] {
        let rule = FaultRule::on(operation).bucket(ward.artifacts());
        faults.inject(rule, When::Before, denied());
        let said = ward.examine(&[]).await;
        assert_failed(&said, &["artifacts bucket"]);
        assert!(said.of("artifacts bucket").contains("s3:ListBucket"));
        assert!(said.names("not_checked").is_empty(), "{}", said.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_write_nothing_that_needs_one_counts_as_well() {
    let ward = Ward::start().await;
    let rule = FaultRule::on("PutObject").bucket(ward.artifacts());
    ward.stack.stack.s3.faults().inject(rule, When::Before, denied());
    let said = ward.examine(&[]).await;
    let rest = ["read back", "conditional write", "tag", "clean up"];
    assert_eq!(said.names("not_checked"), rest);
    let shown = super::run(&[], &ward.variables).await;
    assert_eq!(shown.code, 1);
    assert!(shown.out.contains("\n    → S3 denies access"), "{}", shown.out);
    assert!(
        shown.out.ends_with("1 doesn't, 4 weren't checked\n"),
        "{}",
        shown.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_deleted_for_good_is_hidden_or_named() {
    let ward = Ward::start().await;
    let faults = ward.stack.stack.s3.faults();
    let rule = || FaultRule::on("DeleteObject").bucket(ward.artifacts());
    faults.inject(rule().times(1), When::Before, denied());
    let said = ward.examine(&[]).await;
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.of("clean up").contains("delete marker"));
    assert_eq!(ward.versions(ward.artifacts(), "_casefile/doctor/").await, (1, 1));
    faults.inject(rule(), When::Before, denied());
    let said = ward.examine(&[]).await;
    assert_failed(&said, &["clean up"]);
    assert!(said.of("clean up").contains("/_casefile/doctor/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_bucket_that_takes_no_record_is_found_without_one() {
    let ward = Ward::start().await;
    let rule = FaultRule::on("PutObject").bucket(ward.audit());
    ward.stack.stack.s3.faults().inject(rule, When::Before, denied());
    let said = ward.examine(&[]).await;
    assert_failed(&said, &["audit record"]);
    let record = said.of("audit record");
    assert!(
        record.contains("s3:PutObject on") && record.contains("/audit/*"),
        "{record}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_s3_refuses_and_a_token_that_has_expired_are_told_apart() {
    let ward = Ward::start().await;
    let faults = ward.stack.stack.s3.faults();
    for (code, check) in [("RequestTimeTooSkewed", "clock"), ("ExpiredToken", "credentials")] {
        let planted = faults.inject(FaultRule::any(), When::Before, Fault::error(403, code));
        let said = ward.examine(&[]).await;
        assert_failed(&said, &[check]);
        planted.remove();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_versioning_is_found_in_whichever_bucket() {
    let ward = Ward::start().await;
    let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended);
    let put = client(&ward.stack.stack.s3.endpoint()).put_bucket_versioning();
    let put = put
        .bucket(ward.artifacts())
        .versioning_configuration(suspended.build());
    put.send().await.unwrap();
    let said = ward.examine(&[]).await;
    assert_failed(&said, &["artifacts versioning"]);
    let mend = said.of("artifacts versioning");
    assert!(mend.contains("put-bucket-versioning --bucket"), "{mend}");
    assert_eq!(ward.versions(ward.artifacts(), "_casefile/doctor/").await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_s3_is_down_all_that_it_would_say_is_unknown_and_the_rest_is_checked() {
    let ward = Ward::start().await;
    let faults = ward.stack.stack.s3.faults();
    let planted = faults.inject(FaultRule::any(), When::Before, Fault::Cut);
    let started = Instant::now();
    let said = ward.examine(&[]).await;
    assert!(
        started.elapsed() < Duration::from_secs(40),
        "{:?}",
        started.elapsed()
    );
    let buckets = ["artifacts bucket", "audit bucket", "quarantine bucket"];
    assert_failed(&said, &buckets);
    for name in buckets {
        assert!(said.of(name).contains("S3 can't be reached"), "{}", said.of(name));
    }
    for name in said.names("not_checked") {
        assert!(
            said.of(&name).contains("not checked: S3 can't be reached"),
            "{}",
            said.out
        );
    }
    let others = [
        "arrivals queue",
        "dead-letter queue",
        "topic",
        "Bedrock",
        "fallback folder",
    ];
    assert_eq!(said.names("ok"), others, "{}", said.out);
    planted.remove();
}
