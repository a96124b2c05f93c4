//! `casefile tables sync`.

use std::fs;

use casefile_local::s3::{Fault, FaultRule, When};
use serde_json::Value;

use super::{Lab, OTHER, TABLE, key, nowhere, sample};

fn outcomes(synced: &Value) -> Vec<(&str, &str)> {
    let tables = synced["tables"].as_array().unwrap();
    tables
        .iter()
        .map(|table| {
            (
                table["name"].as_str().unwrap(),
                table["outcome"].as_str().unwrap(),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tables_are_had_and_a_repeat_downloads_nothing() {
    let lab = Lab::with_samples().await;
    for number in 0..6 {
        lab.put(&format!("t{number}"), format!("content {number}").into())
            .await;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("new/folder");
    let arguments = ["sync", "--to", folder.to_str().unwrap(), "--json"];
    lab.watch();
    let first = lab.run(&arguments).await;
    assert_eq!((first.code, first.err.as_str()), (0, ""));
    let first = first.json();
    assert!(
        outcomes(&first)
            .iter()
            .all(|(_, outcome)| *outcome == "downloaded"),
        "{first}"
    );
    assert_eq!((outcomes(&first).len(), lab.asked("GetObject")), (8, 8));
    assert_eq!(
        first["tables"][0]["path"],
        folder.join(format!("{TABLE}.parquet")).to_str().unwrap()
    );
    assert_eq!(fs::read(folder.join("t3.parquet")).unwrap(), b"content 3");
    assert_eq!(
        fs::read(folder.join(format!("{OTHER}.parquet"))).unwrap(),
        sample(OTHER)
    );
    lab.put("t3", "newer".into()).await;
    lab.asked("GetObject");
    let text = lab.run(&arguments[..3]).await;
    assert_eq!(text.out.matches("\nfresh  ").count(), 6, "{}", text.out);
    assert!(
        text.out.contains("\ndownloaded  t3 ") && text.out.contains("8 tables in "),
        "{}",
        text.out
    );
    assert_eq!(lab.asked("GetObject"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_missing_does_not_hinder_the_others() {
    let lab = Lab::with_samples().await;
    let synced = lab.run(&["sync", "missing", TABLE, OTHER, TABLE]).await;
    assert_eq!((synced.code, synced.err.as_str()), (1, ""));
    assert!(synced.out.contains("failed      missing"), "{}", synced.out);
    assert!(synced.out.contains("there is no table missing"), "{}", synced.out);
    assert!(synced.out.contains("3 tables, 1 not to be had"), "{}", synced.out);
    lab.assert_only_copies_of(&[TABLE, OTHER]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_s3_the_copies_are_kept_and_the_rest_fails() {
    let lab = Lab::with_samples().await;
    let down = nowhere();
    let down = [("AWS_ENDPOINT_URL_S3", down.as_str())];
    lab.run_with(&["sync"], &down)
        .await
        .assert_failed(2, &["S3 is unavailable"]);
    lab.run_with(&["sync", "--offline"], &down).await.assert_failed(
        1,
        &["there are no copies", "without --offline they are downloaded"],
    );
    lab.get(TABLE).await;
    let all = lab.run_with(&["sync", "--json"], &down).await;
    assert_eq!(all.code, 0, "{}", all.err);
    assert_eq!(outcomes(&all.json()), [(TABLE, "kept")]);
    assert!(
        all.json()["tables"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("S3 is unavailable")
    );
    let named = lab.run_with(&["sync", TABLE, OTHER], &down).await;
    assert_eq!(named.code, 1);
    assert!(
        named.out.contains("kept  ") && named.out.contains("failed  "),
        "{}",
        named.out
    );
    let failed = lab.run_with(&["sync", OTHER], &down).await;
    assert_eq!(failed.code, 2);
    let offline = lab.run_with(&["sync", "--offline", "--json"], &down).await;
    assert_eq!(outcomes(&offline.json()), [(TABLE, "kept")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_can_not_be_downloaded_is_kept_as_it_was() {
    let lab = Lab::with_samples().await;
    lab.run(&["sync"]).await;
    for table in [TABLE, OTHER] {
        lab.put(table, "newer".into()).await;
    }
    let rule = FaultRule::on("GetObject").suffix(&key(TABLE));
    let fault = Fault::error(503, "SlowDown");
    let fault = lab.harness.s3.faults().inject(rule, When::Before, fault);
    let synced = lab.run(&["sync", "--json"]).await;
    assert_eq!(synced.code, 0);
    assert_eq!(outcomes(&synced.json()), [(TABLE, "kept"), (OTHER, "downloaded")]);
    assert_eq!(fs::read(lab.copy(TABLE)).unwrap(), sample(TABLE));
    let forced = lab.run(&["sync", "--force-s3", "--json"]).await;
    assert_eq!(forced.code, 1);
    assert_eq!(
        outcomes(&forced.json()),
        [(TABLE, "failed"), (OTHER, "downloaded")]
    );
    fault.remove();
    let synced = lab.run(&["sync", "--json"]).await.json();
    assert_eq!(outcomes(&synced), [(TABLE, "downloaded"), (OTHER, "fresh")]);
}
