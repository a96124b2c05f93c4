//! Uploads: granted, bound to their bytes, found by nobody but their caller, and copied inside S3.

mod copies;
mod zip;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use casefile::digest::Sha256;
use casefile::id::TimeId;
use casefile_local::client;
use hyper::{Method, Response};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::links::{records, split};
use crate::support::{BUCKET, Harness, TestStack, caller, folder, noon, office, sample, token};

pub(crate) use zip::large_download;

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

pub(crate) async fn grant(stack: &TestStack, token: &str, bytes: &[u8]) -> (u16, Value) {
    let body = json!({
        "collection": "reviews", "file_name": "write-up.docx", "size": bytes.len(),
        "sha256": Sha256::of(bytes).to_string(), "content_type": DOCX,
    });
    let response = stack
        .call(Method::POST, "/v1/uploads", Some(token), body.to_string())
        .await;
    let status = response.status().as_u16();
    (status, serde_json::from_slice(response.body()).unwrap())
}

/// Does what a grant says, with these bytes and these headers instead of its own.
pub(crate) async fn send(grant: &Value, bytes: &[u8], replaced: &[(&str, &str)]) -> Response<Bytes> {
    let (address, target) = split(grant["url"].as_str().unwrap());
    let mut headers: Vec<_> = grant["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .filter(|(name, _)| !["host", "content-length"].contains(name))
        .collect();
    for (name, value) in replaced {
        headers.retain(|(other, _)| other != name);
        headers.push((name, value));
    }
    client::call(
        address.parse().unwrap(),
        Method::PUT,
        &target,
        &headers,
        Bytes::copy_from_slice(bytes),
    )
    .await
    .unwrap()
}

pub(crate) fn before_document() -> Vec<u8> {
    let text = sample("x")["documents"]["before"]["content_base64"].clone();
    BASE64.decode(text.as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_takes_just_its_bytes_once() {
    let stack = TestStack::start().await;
    let bytes = before_document();
    let (status, granted) = grant(&stack, &office("acme"), &bytes).await;
    assert_eq!(status, 201, "{granted}");
    assert_eq!(granted["method"], "PUT");
    let mut other = bytes.clone();
    other[100] ^= 1;
    assert_eq!(send(&granted, &other, &[]).await.status(), 400);
    assert_eq!(send(&granted, &bytes[1..], &[]).await.status(), 403);
    assert_eq!(
        send(&granted, &bytes, &[("content-type", "text/html")])
            .await
            .status(),
        403
    );
    assert_eq!(
        send(&granted, &bytes, &[("if-none-match", "\"x\"")])
            .await
            .status(),
        403
    );
    let digest = Sha256::of(&other).to_base64();
    assert_eq!(
        send(&granted, &other, &[("x-amz-checksum-sha256", &digest)])
            .await
            .status(),
        403
    );
    assert_eq!(send(&granted, &bytes, &[]).await.status(), 200);
    assert_eq!(send(&granted, &bytes, &[]).await.status(), 412);

    let records = records(&stack.stack.audit().unwrap()).await;
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!((record.activity_id, record.activity_name.as_str()), (1, "Upload"));
    assert_eq!(record.unmapped.grant_id.as_deref(), granted["grant_id"].as_str());
    assert_eq!(record.file.size, Some(bytes.len() as u64));
    assert!(
        granted["url"]
            .as_str()
            .unwrap()
            .contains(granted["grant_id"].as_str().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_write_gets_no_grant_and_no_export() {
    let stack = TestStack::start().await;
    for (groups, expected) in [
        (&["office"][..], 201),
        (&["customer"], 403),
        (&["auditor"], 403),
        (&["device"], 403),
        (&[], 403),
    ] {
        let token = token("sam", groups, "acme", None);
        let (status, answer) = grant(&stack, &token, b"x").await;
        assert_eq!(status, expected, "{groups:?}: {answer}");
        let body = sample("who").to_string();
        let response = stack.call(Method::POST, "/v1/reviews", Some(&token), body).await;
        assert_eq!(response.status().as_u16(), expected, "{groups:?}");
    }
    let records = records(&stack.stack.audit().unwrap()).await;
    let refused = records.iter().filter(|record| record.status_id == 2);
    assert_eq!(refused.count(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_takes_uploads_as_it_takes_inline_content() {
    let stack = TestStack::start().await;
    let bytes = before_document();
    let (_, granted) = grant(&stack, &office("acme"), &bytes).await;
    assert_eq!(send(&granted, &bytes, &[]).await.status(), 200);
    let inline = sample("same");
    let mut uploaded = inline.clone();
    let before = uploaded["documents"]["before"].as_object_mut().unwrap();
    before.remove("content_base64");
    before.insert("upload_id".to_owned(), granted["upload_id"].clone());
    stack.stack.s3.requests().record(true);
    let (status, answer) = stack.export(&uploaded).await;
    assert_eq!(status, 201, "{answer}");
    let requests = stack.stack.s3.requests().take();
    let copies = requests
        .iter()
        .filter(|request| request.operation == "CopyObject");
    assert_eq!(copies.count(), 1);
    assert!(stack.verify(&answer).await.holds());
    assert_eq!(
        answer["total_files"], 14,
        "the after document was made from the upload"
    );
    // The same content, however it comes, is the same session.
    let (status, again) = stack.export(&inline).await;
    assert_eq!(
        (status, &again["folder_name"]),
        (201, &answer["folder_name"]),
        "{again}"
    );
    let before = format!("tara/{}/documents/before_write-up TR-20417.docx", folder(&answer));
    let head = stack.bucket().head(&before).await.unwrap();
    assert_eq!(head.metadata["tenant"], "acme");
    assert_eq!(head.content_type.as_deref(), Some(DOCX));
    assert_eq!(head.checksum, Some(Sha256::of(&bytes)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_upload_is_as_if_it_were_not_there() {
    let stack = TestStack::start().await;
    let bytes = before_document();
    let (_, granted) = grant(&stack, &office("acme"), &bytes).await;
    assert_eq!(send(&granted, &bytes, &[]).await.status(), 200);
    let request = |upload_id: &Value| {
        let mut request = sample("foreign");
        for role in ["before", "after"] {
            request["documents"][role] = json!({"file_name": "x.docx", "upload_id": upload_id});
        }
        request.to_string()
    };
    let missing = json!("01939b7e-0000-7000-8000-000000000000");
    let mut answers = Vec::new();
    for (token, upload_id) in [
        (token("erin", &["office"], "acme", None), &granted["upload_id"]),
        (token("dana", &["office"], "globex", None), &granted["upload_id"]),
        (office("acme"), &missing),
    ] {
        let response = stack
            .call(Method::POST, "/v1/reviews", Some(&token), request(upload_id))
            .await;
        assert_eq!(response.status(), 422);
        let problem: Value = serde_json::from_slice(response.body()).unwrap();
        answers.push(problem["errors"].clone());
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    assert_eq!(answers[0][1]["pointer"], "/documents/after/upload_id");
    let keys = stack.bucket().keys("tara/").await.unwrap();
    assert!(keys.is_empty(), "{keys:?}");
}

/// An upload of Dana's, as its grant would have let it come: its id. Each is a millisecond after the one before it.
pub(crate) async fn upload(harness: &Harness, number: i64, bytes: &[u8]) -> String {
    let id = TimeId::floor(noon() + SignedDuration::from_millis(number));
    put(harness, &inbox_key(id), bytes).await;
    id.to_string()
}

pub(crate) fn inbox_key(id: TimeId) -> String {
    session_export::uploads::key(id, &caller("dana", &["office"], "acme").inbox())
}

async fn put(harness: &Harness, key: &str, bytes: &[u8]) {
    let put = harness.client.put_object().bucket(BUCKET).key(key);
    put.checksum_sha256(Sha256::of(bytes).to_base64())
        .body(bytes.to_vec().into())
        .send()
        .await
        .unwrap();
}

/// A request whose before document lies in Dana's inbox.
async fn uploaded(harness: &Harness, bytes: &[u8]) -> Value {
    let mut request = sample("copied");
    request["documents"]["before"] =
        json!({"file_name": "x.docx", "upload_id": upload(harness, 0, bytes).await});
    request
}
