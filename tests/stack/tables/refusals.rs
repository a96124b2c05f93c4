//! What is no outage: S3 answers, and there is no such table, or not for this analyst. No copy stands in for it.

use casefile_local::s3::{Fault, FaultRule, When};

use super::{BUCKET, Lab, OTHER, TABLE, key, nowhere};

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_does_not_exist_is_named_with_those_that_are_near() {
    let lab = Lab::with_samples().await;
    let slip = lab.run(&["get", "demografics_maindata"]).await;
    slip.assert_failed(
        1,
        &["there is no table demografics_maindata", "did you mean", TABLE],
    );
    let none = lab.run(&["get", "xyz"]).await;
    none.assert_failed(1, &["there is no table xyz", "casefile tables list"]);
    for name in ["../x", "a/b", ".hidden", ""] {
        let refused = lab.run(&["get", name]).await;
        refused.assert_failed(2, &["is not a table's name"]);
    }
    assert!(lab.files().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_deleted_is_not_replaced_by_its_copy() {
    let lab = Lab::with_samples().await;
    lab.get(TABLE).await;
    lab.delete(TABLE).await;
    let gone = lab.run(&["get", TABLE]).await;
    gone.assert_failed(
        1,
        &[
            "there is no table",
            "there is a copy, stored 20",
            "--offline gives it",
        ],
    );
    assert_eq!(
        lab.run(&["get", TABLE, "--offline"]).await.path(),
        lab.copy(TABLE)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_rejected_is_not_handed_out_fresh_or_not() {
    let lab = Lab::with_samples().await;
    lab.get(TABLE).await;
    let version = newest(&lab).await;
    judge(&lab, &version, "rejected").await;
    let said = "was rejected: it lies in the quarantine";
    lab.run(&["get", TABLE])
        .await
        .assert_failed(1, &[said, "isn't handed out"]);
    lab.delete(TABLE).await;
    let named = lab.run(&["get", TABLE, "--version", &version]).await;
    named.assert_failed(1, &[said]);
    judge(&lab, &version, "released").await;
    lab.run(&["get", TABLE, "--version", &version]).await.path();
}

async fn newest(lab: &Lab) -> String {
    let head = lab.harness.bucket().head(&key(TABLE)).await.unwrap();
    head.version_id.unwrap()
}

/// Tags a version as the event handlers and the operator do.
async fn judge(lab: &Lab, version: &str, status: &str) {
    let bucket = lab.harness.bucket();
    let tags = [("status", status)];
    bucket
        .merge_tags(&key(TABLE), Some(version), &tags)
        .await
        .unwrap();
}

/// That nothing hands out the copy of the table that S3 has spoken against, whatever it is told; and nothing offers it.
async fn assert_withheld(lab: &Lab, arguments: &[&str]) {
    let down = nowhere();
    let down = [("AWS_ENDPOINT_URL_S3", down.as_str())];
    let with = |more: &'static str| [arguments, &[more]].concat();
    for (said, code) in [
        (lab.run(arguments).await, 1),
        (lab.run(&with("--offline")).await, 1),
        (lab.run_with(arguments, &down).await, 2),
        (lab.run_with(&with("--force-s3"), &down).await, 2),
    ] {
        said.assert_failed(code, &[]);
        assert!(!said.err.contains("--offline gives it"), "{}", said.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_what_was_rejected_is_withheld_in_an_outage_too_until_it_is_released() {
    let lab = Lab::with_samples().await;
    lab.get(TABLE).await;
    let version = newest(&lab).await;
    let beside = ["get", TABLE, "--version", &version];
    lab.run(&beside).await.path();
    judge(&lab, &version, "rejected").await;
    lab.run(&["get", TABLE]).await.assert_failed(1, &["was rejected"]);
    assert_withheld(&lab, &["get", TABLE]).await;
    assert_withheld(&lab, &beside).await;
    let offline = lab.run(&["list", "--offline", "--json"]).await.json();
    assert_eq!(offline["tables"][0]["copy"], "withheld");
    let offline = lab.run(&["sync", "--offline"]).await;
    assert_eq!(offline.code, 1);
    assert!(
        offline.out.contains("isn't handed out: it was rejected"),
        "{}",
        offline.out
    );
    judge(&lab, &version, "released").await;
    lab.watch();
    lab.get(TABLE).await;
    assert_eq!(lab.asked("GetObject"), 0, "it is the copy that it was");
    lab.run(&["get", TABLE, "--offline"]).await.path();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_what_was_rejected_and_hidden_is_withheld_by_whichever_command_finds_out() {
    for command in [&["get", TABLE][..], &["list"], &["sync"]] {
        let lab = Lab::with_samples().await;
        lab.get(TABLE).await;
        let version = newest(&lab).await;
        judge(&lab, &version, "rejected").await;
        lab.delete(TABLE).await;
        let said = lab.run(command).await;
        assert!(
            said.err.contains("isn't handed out: it was rejected"),
            "{}",
            said.err
        );
        let offline = lab.run(&["get", TABLE, "--offline"]).await;
        offline.assert_failed(1, &["isn't handed out", "S3 is asked again"]);
        assert_withheld(&lab, &["get", TABLE]).await;
        // A new version takes its place.
        lab.put(TABLE, "clean".into()).await;
        assert_eq!(lab.get(TABLE).await, b"clean");
        lab.run(&["get", TABLE, "--offline"]).await.path();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_copy_of_an_earlier_version_is_still_spoken_of_when_the_newest_is_rejected() {
    let lab = Lab::with_samples().await;
    lab.get(TABLE).await;
    let version = lab.put(TABLE, "infected".into()).await;
    judge(&lab, &version, "rejected").await;
    let said = lab.run(&["get", TABLE]).await;
    said.assert_failed(1, &["was rejected", "there is a copy", "--offline gives it"]);
    lab.run(&["get", TABLE, "--offline"]).await.path();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_through_the_inbox_is_handed_out_once_it_is_verified() {
    let lab = Lab::start().await;
    let put = lab.harness.client.put_object().bucket(BUCKET).key(key(TABLE));
    let put = put.metadata("source", "inbox").body(b"x".to_vec().into());
    put.send().await.unwrap();
    let early = lab.run(&["get", TABLE]).await;
    early.assert_failed(1, &["isn't verified"]);
    let tags = [("status", "verified")];
    lab.harness
        .bucket()
        .merge_tags(&key(TABLE), None, &tags)
        .await
        .unwrap();
    assert_eq!(lab.get(TABLE).await, b"x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_does_not_exist_is_told() {
    let lab = Lab::with_samples().await;
    let version = lab.put(OTHER, "newer".into()).await;
    let of_another = lab.run(&["get", TABLE, "--version", &version]).await;
    of_another.assert_failed(1, &[&format!("as the version {version} of the table {TABLE}")]);
    let odd = lab.run(&["get", TABLE, "--version", "../x"]).await;
    assert!(odd.code > 0 && odd.out.is_empty(), "{}", odd.err);
    assert!(lab.files().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_bucket_or_no_right_is_told_with_what_to_do() {
    let lab = Lab::with_samples().await;
    lab.get(TABLE).await;
    let advice = [
        "check AWS_REGION, the credentials",
        "s3:ListBucket, s3:ListBucketVersions, s3:GetObject",
    ];
    for arguments in [&["get", TABLE][..], &["list"], &["sync"]] {
        let wrong = lab.run_with(arguments, &[("S3_BUCKET_NAME", "another")]).await;
        wrong.assert_failed(2, &["NoSuchBucket", "another", advice[0], advice[1]]);
    }
    let denied = lab
        .run_with(&["get", TABLE], &[("AWS_SECRET_ACCESS_KEY", "wrong")])
        .await;
    denied.assert_failed(
        2,
        &[advice[0], advice[1], "there is a copy", "--offline gives it"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_version_is_no_version_and_expired_credentials_are_no_version_s_fault() {
    let lab = Lab::with_samples().await;
    let faults = lab.harness.s3.faults();
    let fault = || Fault::error(400, "InvalidArgument");
    let malformed = faults.inject(FaultRule::on("HeadObject"), When::Before, fault());
    let named = ["get", TABLE, "--version", "malformed"];
    lab.run(&named)
        .await
        .assert_failed(1, &["there is no such thing", "the version malformed"]);
    lab.run(&["get", TABLE])
        .await
        .assert_failed(2, &["S3 refused: HeadObject: status 400"]);
    let expired = faults.inject(FaultRule::on("ListObjectsV2"), When::Before, fault());
    lab.run(&named)
        .await
        .assert_failed(2, &["S3 refused", "the credentials, which may have expired"]);
    malformed.remove();
    expired.remove();
}
