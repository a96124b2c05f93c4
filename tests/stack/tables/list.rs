//! `casefile tables list`.

use std::fs;

use casefile_local::s3::{Fault, FaultRule, When};
use serde_json::{Value, json};

use super::{BUCKET, Lab, OTHER, TABLE, key, nowhere};

fn states(list: &Value) -> Vec<(&str, &str)> {
    let tables = list["tables"].as_array().unwrap();
    tables
        .iter()
        .map(|table| (table["name"].as_str().unwrap(), table["copy"].as_str().unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_says_of_each_table_whether_its_copy_is_fresh() {
    let lab = Lab::with_samples().await;
    let version = lab.put("labs", "old".into()).await;
    lab.run(&["sync", TABLE, "labs"]).await;
    let newer = lab.put("labs", "newer".into()).await;
    let list = lab.run(&["list", "--json"]).await.json();
    assert_eq!(
        states(&list),
        [(TABLE, "fresh"), (OTHER, "missing"), ("labs", "old")]
    );
    assert_eq!(list["source"], "s3");
    assert_eq!(
        (&list["tables"][2]["version_id"], &list["tables"][2]["size"]),
        (&json!(newer), &json!(5))
    );
    let text = lab.run(&["list"]).await;
    assert_eq!((text.code, text.err.as_str()), (0, ""));
    for said in [
        TABLE,
        "11,421 bytes",
        "missing",
        newer.as_str(),
        "3 tables of s3://artifacts",
    ] {
        assert!(text.out.contains(said), "{said}: {}", text.out);
    }
    fs::write(lab.copy(TABLE), "tampered").unwrap();
    lab.watch();
    let offline = lab.run(&["list", "--offline", "--json"]).await.json();
    assert_eq!(states(&offline), [(TABLE, "damaged"), ("labs", "kept")]);
    assert_eq!(offline["tables"][1]["version_id"], version);
    assert!(lab.harness.s3.requests().take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_s3_the_copies_are_listed_with_a_warning() {
    let lab = Lab::with_samples().await;
    let down = nowhere();
    let down = [("AWS_ENDPOINT_URL_S3", down.as_str())];
    lab.run_with(&["list"], &down)
        .await
        .assert_failed(2, &["S3 is unavailable"]);
    lab.get(TABLE).await;
    let list = lab.run_with(&["list"], &down).await;
    assert_eq!(list.code, 0);
    assert!(
        list.out.contains(TABLE) && !list.out.contains(OTHER),
        "{}",
        list.out
    );
    assert!(
        list.err.contains("S3 is unavailable") && list.err.contains("these are the copies"),
        "{}",
        list.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_a_table_s_file_is_left_out_with_a_warning() {
    let lab = Lab::with_samples().await;
    for key in [
        "parquet/",
        "parquet/..parquet",
        "parquet/a/../../b.parquet",
        "parquet/a\u{1b}[2J.parquet",
        "parquet/x.csv",
    ] {
        let put = lab.harness.client.put_object().bucket(BUCKET).key(key);
        put.body(b"x".to_vec().into()).send().await.unwrap();
    }
    let list = lab.run(&["list", "--json"]).await;
    assert_eq!(states(&list.json()), [(TABLE, "missing"), (OTHER, "missing")]);
    assert_eq!(list.err.lines().count(), 4, "{}", list.err);
    assert!(
        list.err.contains("parquet/x.csv is left out") && !list.err.contains('\u{1b}'),
        "{}",
        list.err
    );
    let synced = lab.run(&["sync"]).await;
    assert_eq!((synced.code, synced.err), (0, list.err));
    lab.assert_only_copies_of(&[TABLE, OTHER]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_denied_does_not_hinder_the_others() {
    for operation in ["HeadObject", "GetObjectTagging"] {
        let lab = Lab::with_samples().await;
        let faults = lab.harness.s3.faults();
        let deny = |table: &str| {
            let rule = FaultRule::on(operation).suffix(&key(table));
            faults.inject(rule, When::Before, Fault::error(403, "AccessDenied"))
        };
        let one = deny(TABLE);
        let list = lab.run(&["list", "--json"]).await;
        assert_eq!((list.code, states(&list.json())), (0, vec![(OTHER, "missing")]));
        let left_out = format!("the table {TABLE} is left out: S3 refused: {operation}");
        for said in [left_out.as_str(), "s3:GetObjectVersionTagging"] {
            assert!(list.err.contains(said), "{said}: {}", list.err);
        }
        let other = deny(OTHER);
        let none = lab.run(&["list"]).await;
        none.assert_failed(2, &["S3 refused", "s3:GetObjectVersionTagging"]);
        one.remove();
        other.remove();
    }
}
