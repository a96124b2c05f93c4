//! A sixth collection is one more block in `infra/collections.toml`, and no code.

use casefile_local::sample::workspace;
use casefile_local::stack::{Stack, StackConfig, load_template};
use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;

use crate::files::{
    given, link, listed, metadata_of, paths, post, rows, settled, stored, uploaded, versions_of,
};
use crate::links::follow;
use crate::support::{TestStack, client, device, office, pointers, programs};

const INSPECTIONS: &str = r#"
[[collection]]
name = "inspections"
prefix = "files/inspections/"
path = "{YYYY}-{MM}/{file_name}"
date_from = "inspected_on"
max_bytes = 1_000
inbox = true
link = { kind = "share", minutes = 60 }
accept = [{ ends_with = ".csv", contains = ["inspection"], content_type = "text/csv" }]
metadata = [{ name = "inspected_on" }, { name = "load", min = 0, max = 100, unit = "t" }]
"#;
const CSV: &[u8] = b"bridge,load\nB-17,40\n";
const NAME: &str = "inspection_B-17.csv";
const PATH: &str = "2024-03/inspection_B-17.csv";
const ROUTE: &str = "/v1/documents/inspections";

/// The shipped collections and one more block.
fn with(block: &str, folder: &TempDir) -> std::path::PathBuf {
    let shipped = std::fs::read_to_string(workspace().join("infra/collections.toml")).unwrap();
    let path = folder.path().join("collections.toml");
    std::fs::write(&path, format!("{shipped}{block}")).unwrap();
    path
}

async fn start() -> TestStack {
    let folder = TempDir::new().unwrap();
    // Read once, at the start.
    let collections = with(INSPECTIONS, &folder);
    TestStack::start_with(|config| config.collections = Some(collections)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_posted_to_a_sixth_collection_is_stored_and_found_by_its_block_alone() {
    let stack = start().await;
    let dana = office("acme");
    let mut request = given(NAME, CSV);
    request["metadata"] = json!({"inspected_on": "2024-03-18", "load": 140, "inspector": "Whitfield"});
    let answer = stored(&stack, &dana, ROUTE, &request).await;
    assert_eq!(
        (&answer["path"], &answer["collection"]),
        (&json!(PATH), &json!("inspections"))
    );
    assert_eq!(answer["dropped"], json!(["inspector"]));
    assert_eq!(answer["warnings"][0]["pointer"], "/metadata/load");
    assert!(
        answer["warnings"][0]["detail"]
            .as_str()
            .unwrap()
            .contains("0 to 100 t")
    );
    let key = format!("files/inspections/{PATH}");
    assert_eq!(answer["key"], key);
    assert_eq!(metadata_of(&stack, &key).await["load"], "140");
    // Its links wait for nothing.
    assert_is_share(&answer["link"]).await;
    settled(&stack).await;
    assert_found(&stack, &dana, PATH).await;

    // Nothing is overwritten.
    let other = stored(&stack, &dana, ROUTE, &given("inspection_20240319.csv", b"a,b\n")).await;
    let beside = stored(&stack, &dana, ROUTE, &given("inspection_20240319.csv", b"c,d\n")).await;
    assert_eq!(other["path"], "2024-03/inspection_20240319.csv");
    let digest = beside["sha256"].as_str().unwrap();
    assert_eq!(
        beside["path"],
        format!("2024-03/inspection_20240319_{digest}.csv")
    );
    let upload_id = uploaded(&stack, &dana, "inspections", NAME, CSV).await;
    let by_upload = json!({
        "file": {"file_name": NAME, "upload_id": upload_id}, "metadata": {"inspected_on": "2024-03-18"},
    });
    let again = stored(&stack, &dana, ROUTE, &by_upload).await;
    assert_eq!(again["version_id"], answer["version_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_delivers_to_a_sixth_collection_is_filed_and_found_by_its_block_alone() {
    let stack = start().await;
    deliver(
        &stack,
        NAME,
        &[("inspected-on", "2024-03-18"), ("inspector", "w")],
    )
    .await;
    let key = format!("files/inspections/{PATH}");
    let kept = metadata_of(&stack, &key).await;
    assert_eq!(kept["inspected_on"], "2024-03-18");
    assert!(!kept.contains_key("inspector"), "{kept:?}");
    // Devices deliver for the default tenant.
    assert_found(&stack, &office("default"), PATH).await;
    assert!(versions_of(&stack, "inbox/").await.is_empty());

    deliver(&stack, "notes.csv", &[]).await;
    let row = &rows(&stack).await["inbox/inspections/notes.csv"];
    assert_eq!(
        (&row["status"], &row["collection"]),
        (&json!("skipped"), &json!("inspections"))
    );
    assert_eq!(versions_of(&stack, "files/").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sixth_collection_takes_what_its_block_says_and_from_whom_it_may() {
    let stack = start().await;
    let dana = office("acme");
    for name in ["notes.csv", "inspection.pdf"] {
        let (status, answer) = post(&stack, &dana, ROUTE, &given(name, CSV)).await;
        assert_eq!((status, &answer["status"]), (200, &json!("skipped")), "{answer}");
        let reason = answer["reason"].as_str().unwrap();
        assert!(reason.contains(".csv with \"inspection\""), "{reason}");
    }
    let (status, large) = post(&stack, &dana, ROUTE, &given(NAME, &[b'x'; 1_001])).await;
    assert_eq!(status, 413, "{large}");
    let camera = device("acme", "inspections");
    assert_eq!(
        stored(&stack, &camera, ROUTE, &given(NAME, CSV)).await["link"],
        Value::Null
    );
    let (status, _) = post(&stack, &device("acme", "ecg-reports"), ROUTE, &given(NAME, CSV)).await;
    assert_eq!(status, 403);
    let mut replacing = given(NAME, CSV);
    replacing["replaces"] = json!("x");
    let (status, problem) = post(&stack, &dana, ROUTE, &replacing).await;
    assert_eq!((status, pointers(&problem)), (422, vec!["/replaces"]));
    for unknown in [
        "/v1/documents/audits",
        "/v1/documents/reviews",
        "/v1/documents/training-logs",
    ] {
        assert_eq!(
            post(&stack, &dana, unknown, &given(NAME, CSV)).await.0,
            404,
            "{unknown}"
        );
    }
    // The five are what they were.
    let report = given("ECG_Report_20251028_143022.pdf", crate::files::REPORT);
    stored(&stack, &dana, "/v1/documents/ecg-reports", &report).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_stores_into_a_sixth_collection_too() {
    let stack = start().await;
    let mut command = given(NAME, CSV);
    command["command"] = json!("store_file");
    command["collection"] = json!("inspections");
    command["tenant"] = json!("acme");
    command["metadata"] = json!({"inspected_on": "2024-03-18"});
    let payload = command.to_string().into();
    let invocation = stack
        .stack
        .lambda
        .invoke(stack.function(), payload)
        .await
        .unwrap();
    let answer: Value = serde_json::from_slice(&invocation.result.unwrap()).unwrap();
    assert_eq!(answer["path"], PATH, "{answer}");
    settled(&stack).await;
    assert_found(&stack, &office("acme"), PATH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_block_is_refused_with_its_line_before_anything_starts() {
    let folder = TempDir::new().unwrap();
    let wrong = INSPECTIONS.replace("\"share\", minutes = 60", "\"direct\", minutes = 60");
    let path = with(&wrong, &folder);
    let text = std::fs::read_to_string(&path).unwrap();
    let line = 1 + text
        .lines()
        .position(|line| line.contains("minutes = 60"))
        .unwrap();
    let data = TempDir::new().unwrap();
    let mut config = StackConfig::new(
        workspace(),
        data.path().to_owned(),
        Arc::new(|_| ()),
        Timestamp::now,
    );
    config.collections = Some(path);
    let template = load_template(&workspace()).unwrap();
    let refused = Stack::start_built(&config, template, programs().await).await;
    let Err(refused) = refused else {
        panic!("a direct link of an hour was taken")
    };
    let why = std::error::Error::source(&refused).unwrap().to_string();
    assert!(
        why.contains(&format!("line {line}: ")) && why.contains("from 1 to 15"),
        "{why}"
    );
}

/// Puts a file into the inbox, as a device that knows S3 alone.
async fn deliver(stack: &TestStack, name: &str, metadata: &[(&str, &str)]) {
    let client = client(&stack.stack.s3.endpoint());
    let mut put = client.put_object().bucket(stack.bucket().name());
    for (name, value) in metadata {
        put = put.metadata(*name, *value);
    }
    let put = put.key(format!("inbox/inspections/{name}"));
    put.body(CSV.to_vec().into()).send().await.unwrap();
    settled(stack).await;
}

/// A share link of an hour, which leads to the file.
async fn assert_is_share(link: &Value) {
    assert_eq!(
        (&link["kind"], &link["expires_in"]),
        (&json!("share"), &json!(3_600)),
        "{link}"
    );
    let redirect = follow(link["url"].as_str().unwrap()).await;
    assert_eq!(redirect.status(), 302, "{:?}", redirect.body());
    let file = follow(redirect.headers()["location"].to_str().unwrap()).await;
    assert_eq!(file.status(), 200);
    assert_eq!(file.headers()["content-type"], "text/csv");
    assert_eq!(file.body(), CSV);
}

/// It is listed, linked and indexed.
async fn assert_found(stack: &TestStack, token: &str, path: &str) {
    for query in ["", "?prefix=2024-03/"] {
        let list = listed(stack, token, "inspections", query).await;
        assert_eq!(paths(&list), [path], "{query}");
        assert_eq!(list[0]["content_type"], "text/csv");
    }
    let (status, share) = link(stack, token, "inspections", path).await;
    assert_eq!(status, 200, "{share}");
    assert_is_share(&share).await;
    let direct = format!("/v1/links/inspections/{path}?kind=direct");
    let response = stack.call(Method::GET, &direct, Some(token), String::new()).await;
    assert_eq!(response.status(), 200);
    let row = &rows(stack).await[&format!("files/inspections/{path}")];
    assert_eq!(
        (&row["status"], &row["collection"], &row["path"]),
        (&json!("verified"), &json!("inspections"), &json!(path))
    );
    let keys = stack
        .bucket()
        .keys("index/inspections/dt=2024-03-01/")
        .await
        .unwrap();
    assert_eq!(keys.len(), 1, "{keys:?}");
}
