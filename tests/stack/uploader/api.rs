//! Through the API, with a token.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use super::{Device, ECG, large_json, sample};
use crate::files::{metadata_of, versions_of};
use crate::support::{TestStack, device, office};

#[tokio::test(flavor = "multi_thread")]
async fn small_and_large_files_are_stored_with_their_metadata_and_come_back() {
    let stack = TestStack::start().await;
    let person = Device::at(&stack);
    person.put_report();
    let upload = [
        "upload",
        ECG,
        "--collection",
        "ecg-reports",
        "--metadata",
        "patient_name=José Ü",
    ];
    let said = person.run(&upload).await;
    said.assert(
        0,
        &[
            "stored",
            "1 stored",
            "/v1/documents/ecg-reports/2025/10/28/ECG_Report",
        ],
    );
    let key = format!("ecg-reports/2025/10/28/{ECG}");
    let kept = metadata_of(&stack, &key).await;
    assert_eq!(casefile::metadata::decode(&kept["patient_name"]), "José Ü");

    let (name, content) = ("dump ä#%? 1.json", large_json(8 * 1024 * 1024));
    person.put(name, &content);
    let said = person
        .run(&["upload", name, "--collection", "clinical", "--json"])
        .await;
    assert_eq!(said.statuses(0), ["stored"]);
    let url = person.log()[1].1.clone().unwrap();
    assert!(
        url.ends_with("/v1/documents/clinical/snapshots/dump%20%C3%A4%23%25%3F%201.json"),
        "{url}"
    );
    let path = format!("snapshots/{name}");
    let got = person.run(&["get", "clinical", &path, "-o", "back.json"]).await;
    assert_eq!(
        (got.code, got.out.as_str(), got.err.as_str()),
        (Some(0), "back.json\n", "")
    );
    assert!(fs::read(person.folder.path().join("back.json")).unwrap() == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_already_there_and_other_content_is_refused() {
    let stack = TestStack::start().await;
    let person = Device::at(&stack);
    person.put("dump.json", "[1]");
    let upload = ["upload", "dump.json", "--collection", "clinical", "--json"];
    assert_eq!(person.run(&upload).await.statuses(0), ["stored"]);
    // Longer than the two clocks of a service may be apart.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(person.run(&upload).await.statuses(0), ["already_there"]);
    person.put("dump.json", "[2]");
    let said = person.run(&upload).await;
    assert_eq!(said.statuses(1), ["refused"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let version = stack
        .bucket()
        .head("snapshots/dump.json")
        .await
        .unwrap()
        .version_id
        .unwrap();
    assert!(
        told["files"][0]["detail"].as_str().unwrap().contains(&version),
        "{told}"
    );
    let replaces = [&upload[..], &["--replaces", &version]].concat();
    assert_eq!(person.run(&replaces).await.statuses(0), ["stored"]);
    assert_eq!(versions_of(&stack, "snapshots/").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_collection_has_its_way() {
    let stack = TestStack::start().await;
    let person = Device::at(&stack);
    person.put("session.json", sample("training", "session.json"));
    let said = person
        .run(&["upload", "session.json", "--collection", "training-logs"])
        .await;
    said.assert(0, &["/v1/documents/training-logs/"]);
    person.put("scan.pdf", sample("ecg", ECG));
    let bol = ["upload", "scan.pdf", "--collection", "bols"];
    person.run(&bol).await.assert(1, &["--metadata date=2025-11-14"]);
    let dated = [
        &bol[..],
        &[
            "--metadata",
            "date=2025-11-14",
            "--metadata",
            "number=PRT-2025-0042",
        ],
    ]
    .concat();
    person
        .run(&dated)
        .await
        .assert(0, &["/v1/documents/bols/2025/PRT-2025-0042.pdf"]);
    let got = person.run(&["get", "bols", "PRT-2025-0042", "--json"]).await;
    assert_eq!(
        serde_json::from_str::<Value>(&got.out).unwrap()["path"],
        "PRT-2025-0042.pdf"
    );
    let came = fs::read(person.folder.path().join("PRT-2025-0042.pdf")).unwrap();
    assert!(came == sample("ecg", ECG));
    person
        .run(&["upload", "scan.pdf", "--collection", "reviews"])
        .await
        .assert(1, &["POST /v1/reviews"]);
    person
        .run(&["upload", "scan.pdf", "--collection", "none"])
        .await
        .assert(1, &["refused"]);
    person.put("crash_logs.json", sample("ecg", "crash_logs.json"));
    let skipped = person
        .run(&["upload", "crash_logs.json", "--collection", "ecg-reports"])
        .await;
    skipped.assert(0, &["skipped", "1 skipped"]);
    let statuses: Vec<_> = person.log().into_iter().map(|(status, _)| status).collect();
    let expected = ["stored", "refused", "stored", "refused", "refused", "skipped"];
    assert_eq!(statuses, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_stores_what_it_may_and_a_wrong_token_nothing() {
    let stack = TestStack::start().await;
    let token = device("acme", "ecg-reports");
    let camera = Device::with_token(stack.stack.gateway(), &token);
    camera.put_report();
    let upload = ["upload", ECG, "--collection", "ecg-reports", "--json"];
    assert_eq!(camera.run(&upload).await.statuses(0), ["stored"]);
    // A device isn't told when a file was stored that lies there already.
    assert_eq!(camera.run(&upload).await.statuses(0), ["already_there"]);
    let elsewhere = camera
        .run(&[
            "upload",
            ECG,
            "--collection",
            "bols",
            "--metadata",
            "date=2025-11-14",
        ])
        .await;
    elsewhere.assert(2, &["failed", "the API doesn't allow it"]);
    let file = camera.put("token", "hidden.wrong.token\n");
    let wrong = [&upload[..4], &["--token-file", file.to_str().unwrap()]].concat();
    let said = camera.run(&wrong).await;
    said.assert(2, &["failed", "the API doesn't know who asks", "check the token"]);
    assert!(
        !said.out.contains("hidden") && !said.err.contains("hidden"),
        "{said:?}"
    );
    assert_eq!(camera.waiting().len(), 0);
    let without = camera.run_with(&upload, &[("CASEFILE_TOKEN", "")]).await;
    without.assert(2, &["CASEFILE_TOKEN is not set"]);
    let clear = camera
        .run(&[&upload[..], &["--api", "http://files.example.com"]].concat())
        .await;
    clear.assert(2, &["--api must begin with https://"]);
    for token in [office("acme"), token] {
        let log = fs::read_to_string(camera.folder.path().join(super::LOG)).unwrap();
        assert!(!log.contains(&token) && !stack.log().contains(&token));
    }
}
