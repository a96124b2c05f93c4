//! The upload log.

use std::fs;

use super::direct::s3;
use super::{Device, LOG};
use crate::support::{BUCKET, Harness};

fn at(harness: &Harness) -> Device {
    let bucket = ("S3_BUCKET_NAME", BUCKET.to_owned());
    Device::new(s3(&harness.s3.endpoint()).into_iter().chain([bucket]))
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_damaged_log_nothing_is_sent_and_it_stays_as_it_is() {
    let harness = Harness::start().await;
    let camera = at(&harness);
    camera.put_report();
    let damaged = camera.put(LOG, "[{\"local_path\": \"a.pdf\", ");
    harness.s3.requests().record(true);
    let upload = ["upload", super::ECG, "--collection", "ecg-reports"];
    let said = camera.run(&upload).await;
    said.assert(2, &["the upload log", "is damaged", "--log"]);
    assert_eq!(harness.s3.requests().take().len(), 0);
    assert_eq!(
        fs::read_to_string(damaged).unwrap(),
        "[{\"local_path\": \"a.pdf\", "
    );
    let other = camera
        .run(&[&upload[..], &["--log", "other.json"]].concat())
        .await;
    other.assert(0, &["1 stored"]);
    assert!(camera.folder.path().join("other.json").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_uploaders_at_once_lose_no_entry() {
    let harness = Harness::start().await;
    let camera = at(&harness);
    let names: Vec<_> = (0..24).map(|n| format!("report-{n}.pdf")).collect();
    for name in &names {
        camera.put(name, format!("%PDF-1.4 {name}"));
    }
    let runs = names.chunks(8).map(|names| {
        let mut arguments = vec!["upload", "--collection", "ecg-reports", "--transfers", "3"];
        arguments.extend(names.iter().map(String::as_str));
        let camera = &camera;
        async move { camera.run(&arguments).await.assert(0, &["8 stored"]) }
    });
    futures::future::join_all(runs).await;
    let log = camera.log();
    assert_eq!(log.len(), 24);
    assert!(
        log.iter()
            .all(|(status, url)| status == "stored" && url.is_some())
    );
}
