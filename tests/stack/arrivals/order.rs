//! Any order, duplication and simultaneity of events ends in the same state.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use tempfile::TempDir;

use super::deliveries::{METRICS, REPORT};
use super::sessions::export;
use super::yard::{Dice, Yard};
use crate::support::BUCKET;
use post_process::arrival::ObjectArrived;

/// Some of everything: a session, deliveries good, bad and unwanted, a table, replaced and deleted objects.
async fn world(folder: &Path) -> Vec<ObjectArrived> {
    let mut yard = Yard::open(folder).await;
    export(&yard).await;
    let table = include_bytes!("../../fixtures/clinical/demographics_maindata.parquet");
    for (key, body) in [
        ("inbox/ecg-reports/ECG_Report_20251028_143022.pdf", REPORT),
        ("inbox/ecg-reports/metrics_20251028_143022.json", METRICS),
        ("inbox/ecg-reports/metrics_bad.json", b"{\"heart_rate\": "),
        ("inbox/ecg-reports/x.log", b"x"),
        ("inbox/bols/x.pdf", REPORT),
        ("ecg-reports/2025/10/28/report.pdf", b"no pdf"),
        ("snapshots/a.json", b"{\"a\": 1}"),
        ("snapshots/a.json", b"{\"a\": 2}"),
        ("snapshots/b.json", b"{"),
        ("snapshots/b.json", b"{}"),
        ("snapshots/c.json", b"{}"),
        ("snapshots/c.json", b"nothing like it"),
        ("snapshots/gone.json", b"{}"),
        ("parquet/demographics_maindata.parquet", table),
        ("bols/2025/PRT-2025-0042.pdf", REPORT),
    ] {
        yard.put(key, body, &[("tenant", "acme")]).await;
    }
    let gone = yard
        .client
        .delete_object()
        .bucket(BUCKET)
        .key("snapshots/gone.json");
    gone.send().await.unwrap();
    let arrivals = yard.arrivals();
    yard.s3.stop().await;
    arrivals
}

/// The same data once more.
pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

async fn outcome(world: &Path, arrivals: &[ObjectArrived], seed: Option<u64>) -> Value {
    let data = TempDir::new().unwrap();
    copy(world, data.path());
    let mut yard = Yard::open(data.path()).await;
    if let Some(seed) = seed {
        yard.settle_somehow(arrivals.to_vec(), &mut Dice::new(seed)).await;
    } else {
        for arrived in arrivals {
            yard.settling.settle(arrived).await.unwrap();
        }
        yard.settle_all().await;
    }
    let state = yard.state().await;
    yard.s3.stop().await;
    state
}

#[test]
fn any_order_and_number_of_the_same_events_ends_in_the_same_state() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let folder = TempDir::new().unwrap();
    let arrivals = runtime.block_on(world(folder.path()));
    let expected = runtime.block_on(outcome(folder.path(), &arrivals, None));
    let rows = expected["rows"].as_object().unwrap();
    for (name, status) in [
        (
            "file ecg-reports/2025/10/28/ECG_Report_20251028_143022.pdf",
            "verified",
        ),
        ("file ecg-reports/2025/11/14/metrics_bad.json", "rejected"),
        ("file inbox/ecg-reports/x.log", "skipped"),
        ("file ecg-reports/2025/10/28/report.pdf", "rejected"),
        ("file snapshots/a.json", "verified"),
        ("file snapshots/b.json", "verified"),
        ("file snapshots/c.json", "rejected"),
        ("file parquet/demographics_maindata.parquet", "verified"),
    ] {
        assert_eq!(rows[name]["status"], status, "{name}");
    }
    let mut runner = TestRunner::new(Config {
        cases: 16,
        failure_persistence: None,
        ..Config::default()
    });
    let seeds = any::<u64>();
    runner
        .run(&seeds, |seed| {
            let found = runtime.block_on(outcome(folder.path(), &arrivals, Some(seed)));
            prop_assert_eq!(&found, &expected);
            Ok(())
        })
        .unwrap();
}
