//! What is no outage: S3 answers, and there is no such table, or not for this analyst. No copy stands in for it.

use super::{BUCKET, Lab, OTHER, TABLE, key};

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
    let bucket = lab.harness.bucket();
    let version = bucket.head(&key(TABLE)).await.unwrap().version_id.unwrap();
    let tags = [("status", "rejected")];
    bucket
        .merge_tags(&key(TABLE), Some(&version), &tags)
        .await
        .unwrap();
    let said = "was rejected: it lies in the quarantine";
    lab.run(&["get", TABLE])
        .await
        .assert_failed(1, &[said, "there is a copy"]);
    lab.delete(TABLE).await;
    let named = lab.run(&["get", TABLE, "--version", &version]).await;
    named.assert_failed(1, &[said]);
    let tags = [("status", "released")];
    bucket
        .merge_tags(&key(TABLE), Some(&version), &tags)
        .await
        .unwrap();
    lab.run(&["get", TABLE, "--version", &version]).await.path();
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
    let advice = ["check AWS_REGION, the credentials", "s3:ListBucket, s3:GetObject"];
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
