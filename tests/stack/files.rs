//! ECG reports, training logs and clinical files, from a request to the API until a reader has them.

mod clinical;
mod ecg;
mod failures;
mod found;
mod killed;
mod mended;
mod metadata;
mod office;
mod training;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_s3::Client;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use casefile::digest::Sha256;
use hyper::Method;
use serde_json::{Value, json};

use crate::links::{encoded, follow};
use crate::support::{TestStack, client};
use crate::uploads::send;

pub(crate) const REPORT: &[u8] = include_bytes!("../fixtures/ecg/ECG_Report_20251028_143022.pdf");
pub(crate) const METRICS: &[u8] = include_bytes!("../fixtures/ecg/metrics_20251028_143022.json");
pub(crate) const ABOUT_REPORT: &str = include_str!("../fixtures/ecg/metadata.json");
pub(crate) const LOG: &str = include_str!("../fixtures/training/session.json");
pub(crate) const ENCOUNTERS: &[u8] = include_bytes!("../fixtures/clinical/encounter_maindata.parquet");
pub(crate) const DEMOGRAPHICS: &[u8] = include_bytes!("../fixtures/clinical/demographics_maindata.parquet");
pub(crate) const SNAPSHOT: &[u8] = include_bytes!("../fixtures/clinical/dmd_snapshot.json");

/// The sample report's name and its path.
pub(crate) const REPORT_NAME: &str = "ECG_Report_20251028_143022.pdf";
pub(crate) const REPORT_PATH: &str = "2025/10/28/ECG_Report_20251028_143022.pdf";
/// The sample log's path.
pub(crate) const LOG_PATH: &str = "2024/03/abc12345-def6-4890-a1b2-c3d4e5f60718.log";

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A request to store a file.
pub(crate) fn given(name: &str, content: &[u8]) -> Value {
    json!({"file": {"file_name": name, "content_base64": BASE64.encode(content)}})
}

/// The same with metadata.
pub(crate) fn described(name: &str, content: &[u8], metadata: &Value) -> Value {
    let mut request = given(name, content);
    request["metadata"] = metadata.clone();
    request
}

/// The same report with other content, still a PDF.
pub(crate) fn corrected(number: usize) -> Vec<u8> {
    let mut report = REPORT.to_vec();
    report.extend_from_slice(format!("\n% corrected {number}\n").as_bytes());
    report
}

/// `POST` of JSON, as text or as a value: status and body.
pub(crate) async fn post(
    stack: &TestStack,
    token: &str,
    route: &str,
    request: &impl ToString,
) -> (u16, Value) {
    let response = stack
        .call(Method::POST, route, Some(token), request.to_string())
        .await;
    let status = response.status().as_u16();
    assert_eq!(
        response.headers().contains_key("retry-after"),
        status == 503,
        "{:?}",
        response.body()
    );
    (status, serde_json::from_slice(response.body()).unwrap())
}

/// Stores a file that is taken; gives the answer.
pub(crate) async fn stored(stack: &TestStack, token: &str, route: &str, request: &impl ToString) -> Value {
    let (status, answer) = post(stack, token, route, request).await;
    assert_eq!((status, &answer["status"]), (201, &json!("stored")), "{answer}");
    answer
}

/// A collection's list, with a query such as `?prefix=2025`.
pub(crate) async fn listed(stack: &TestStack, token: &str, collection: &str, query: &str) -> Vec<Value> {
    let (status, list) = stack
        .get(&format!("/v1/documents/{collection}{query}"), token)
        .await;
    assert_eq!(status, 200, "{list}");
    list["documents"].as_array().unwrap().clone()
}

/// The paths of a list.
pub(crate) fn paths(list: &[Value]) -> Vec<&str> {
    list.iter().map(|entry| entry["path"].as_str().unwrap()).collect()
}

/// Asks for a link: status and body.
pub(crate) async fn link(stack: &TestStack, token: &str, collection: &str, path: &str) -> (u16, Value) {
    let target = format!("/v1/links/{collection}/{}", encoded(path));
    stack.get(&target, token).await
}

/// What a link leads to, in the version that it names.
pub(crate) async fn downloaded(stack: &TestStack, token: &str, collection: &str, path: &str) -> Vec<u8> {
    let (status, link) = link(stack, token, collection, path).await;
    assert_eq!(status, 200, "{path}: {link}");
    let response = follow(link["url"].as_str().unwrap()).await;
    assert_eq!(response.status(), 200, "{path}");
    assert_eq!(json!(Sha256::of(response.body()).to_string()), link["sha256"]);
    response.body().to_vec()
}

/// An upload by a grant: its id.
pub(crate) async fn uploaded(
    stack: &TestStack,
    token: &str,
    collection: &str,
    name: &str,
    content: &[u8],
) -> Value {
    let request = json!({
        "collection": collection, "file_name": name, "size": content.len(),
        "sha256": Sha256::of(content).to_string(), "content_type": "application/octet-stream",
    });
    let (status, granted) = post(stack, token, "/v1/uploads", &request).await;
    assert_eq!(status, 201, "{granted}");
    assert_eq!(send(&granted, content, &[]).await.status(), 200);
    granted["upload_id"].clone()
}

/// A version, or a delete marker, in the artifacts bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) is_marker: bool,
}

/// Everything that a bucket holds below a prefix; of each key, the newest first.
pub(crate) async fn versions(client: &Client, bucket: &str, prefix: &str) -> Vec<Version> {
    let list = client.list_object_versions().bucket(bucket).prefix(prefix);
    let list = list.send().await.unwrap();
    assert_ne!(list.is_truncated, Some(true));
    let text = |text: Option<&str>| text.unwrap().to_owned();
    let objects = list.versions().iter().map(|version| Version {
        key: text(version.key()),
        id: text(version.version_id()),
        is_marker: false,
    });
    let markers = list.delete_markers().iter().map(|marker| Version {
        key: text(marker.key()),
        id: text(marker.version_id()),
        is_marker: true,
    });
    objects.chain(markers).collect()
}

/// The same of a stack's artifacts bucket.
pub(crate) async fn versions_of(stack: &TestStack, prefix: &str) -> Vec<Version> {
    let client = client(&stack.stack.s3.endpoint());
    versions(&client, stack.bucket().name(), prefix).await
}

/// The object's own metadata, as S3 gives it.
pub(crate) async fn metadata_of(stack: &TestStack, key: &str) -> BTreeMap<String, String> {
    let head = stack.bucket().head(key).await.unwrap();
    head.metadata.into_iter().collect()
}

/// Waits until nothing is under way.
pub(crate) async fn settled(stack: &TestStack) {
    stack.stack.settled(PATIENCE).await.unwrap();
    let dead = stack.stack.queue("DeadLetterQueue").unwrap().messages();
    assert_eq!(dead, []);
}

/// The rows of the index, by the keys of what they describe.
pub(crate) async fn rows(stack: &TestStack) -> BTreeMap<String, Value> {
    let mut rows = BTreeMap::new();
    let bucket = stack.bucket();
    for key in bucket.keys("index/").await.unwrap() {
        let body = bucket.read(&key, 1 << 20).await.unwrap();
        let row: Value = serde_json::from_slice(&body).unwrap();
        let about = row["key"].as_str().unwrap().to_owned();
        assert!(rows.insert(about, row).is_none(), "two rows about one thing");
    }
    rows
}
