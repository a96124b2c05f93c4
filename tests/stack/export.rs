//! What an export promises when nothing fails.

use std::collections::BTreeSet;
use std::io::{Cursor, Read as _};

use casefile::audit::Record;
use casefile::bucket::Bucket;
use casefile::digest::Sha256;
use casefile::problem::ProblemKind;
use futures::future::join_all;
use serde_json::{Value, json};
use session_export::review::Exported;
use zip::ZipArchive;

use crate::links::records;
use crate::support::{
    AUDIT_BUCKET, Harness, TestStack, caller, device, export_as, folder, office, pointers, same, sample,
};

const FILES: [&str; 14] = [
    "comprehensive_report.json",
    "documents/after_write-up TR-20417.docx",
    "documents/before_write-up TR-20417.docx",
    "documents/guidelines_guidelines.docx",
    "feedback/accepted_feedback.json",
    "feedback/all_ai_suggestions.json",
    "feedback/rejected_feedback.json",
    "feedback/user_custom_feedback.json",
    "logs/activity_log.json",
    "logs/audit_logs.json",
    "logs/chat_history.json",
    "manifest-sha256.txt",
    "manifest.json",
    "readable_report.txt",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_review_becomes_a_complete_verified_folder() {
    let stack = TestStack::start().await;
    let (status, answer) = stack.export(&sample("one")).await;
    assert_eq!(status, 201, "{answer}");
    let folder = answer["folder_name"].as_str().unwrap();
    assert!(folder.ends_with("_write-up_TR-20417"), "{folder}");
    assert_eq!(
        answer["location"],
        format!("s3://{}/tara/{folder}/", stack.bucket().name())
    );
    assert_eq!(answer["comments"], 7);
    assert_eq!(answer["warnings"], json!([]));
    let verification = stack.verify(&answer).await;
    assert!(verification.holds());
    let keys = stack.bucket().keys(&format!("tara/{folder}/")).await.unwrap();
    let expected: Vec<_> = FILES.iter().map(|file| format!("tara/{folder}/{file}")).collect();
    assert_eq!(keys, expected);
    assert_eq!(answer["total_files"], expected.len());
    for file in answer["uploaded_files"].as_array().unwrap() {
        let content = stack.bucket().hash(file["key"].as_str().unwrap()).await.unwrap();
        assert_eq!(
            json!([content.size, content.sha256]),
            json!([file["size"], file["sha256"]])
        );
        assert!(
            file["key"]
                .as_str()
                .unwrap()
                .ends_with(file["path"].as_str().unwrap())
        );
    }
    assert_eq!(
        answer["uploaded_files"].as_array().unwrap().last().unwrap()["path"],
        "manifest.json"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sha256sum_accepts_the_checksum_file() {
    let stack = TestStack::start().await;
    let (_, answer) = stack.export(&sample("sums")).await;
    let folder = tempfile::tempdir().unwrap();
    for file in answer["uploaded_files"].as_array().unwrap() {
        let path = folder.path().join(file["path"].as_str().unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes = stack
            .bucket()
            .read(file["key"].as_str().unwrap(), u64::MAX)
            .await
            .unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let check = std::process::Command::new("sha256sum")
        .args(["--check", "--strict", "manifest-sha256.txt"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(check.status.success(), "{check:?}");
    assert_eq!(String::from_utf8(check.stdout).unwrap().lines().count(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_identical_requests_at_once_make_one_folder_and_equal_answers() {
    let stack = TestStack::start().await;
    let request = sample("twins");
    let answers = join_all((0..32).map(|_| stack.export(&request))).await;
    let answers: Vec<_> = answers
        .into_iter()
        .map(|(status, answer)| {
            assert_eq!(status, 201, "{answer}");
            same(answer)
        })
        .collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(
        stack
            .verify(&json!({"folder_name": answers[0]["folder_name"]}))
            .await
            .holds()
    );
    let keys = stack.bucket().keys("tara/").await.unwrap();
    let folders: BTreeSet<_> = keys.iter().map(|key| key.split('/').nth(1).unwrap()).collect();
    assert_eq!(folders.len(), 1);
}

#[tokio::test]
async fn a_repeat_gets_the_same_answer_and_writes_no_file() {
    let harness = Harness::start().await;
    let first = harness.store(&sample("again")).await.unwrap();
    harness.s3.requests().record(true);
    let second = harness.store(&sample("again")).await.unwrap();
    assert_eq!(
        serde_json::to_value(&first).map(same).unwrap(),
        serde_json::to_value(&second).map(same).unwrap()
    );
    let puts = harness
        .s3
        .requests()
        .take()
        .into_iter()
        .filter(|request| request.operation == "PutObject");
    assert!(puts.map(|put| put.key).all(|key| !key.starts_with("tara/")));
}

#[tokio::test]
async fn a_download_holds_the_same_bytes_under_the_same_paths_and_stores_nothing() {
    let harness = Harness::start().await;
    let stored = harness.store(&sample("zip")).await.unwrap();
    harness.s3.requests().record(true);
    let mut request = sample("zip");
    request["destination"] = json!("download");
    let office = caller("dana", &["office"], "acme");
    let Exported::Archive { file_name, zip } = export_as(&harness.export, &office, &request).await.unwrap()
    else {
        panic!("a download answered with a folder");
    };
    // Nothing but that it was exported.
    let requests = harness.s3.requests().take();
    let [request] = &requests[..] else {
        panic!("{requests:?}");
    };
    assert_eq!(
        (request.operation.as_str(), request.bucket.as_str()),
        ("PutObject", AUDIT_BUCKET)
    );
    let audit = Bucket::new(harness.client.clone(), AUDIT_BUCKET.to_owned());
    let record: Record = serde_json::from_slice(&audit.read(&request.key, 100_000).await.unwrap()).unwrap();
    assert_eq!((record.activity_name.as_str(), record.status_id), ("Export", 1));
    assert_eq!(record.actor.user.unwrap().uid, "dana");
    assert_eq!(file_name, format!("{}.zip", stored.folder_name));
    let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
    assert_eq!(archive.len(), stored.total_files);
    for uploaded in &stored.uploaded_files {
        let mut bytes = Vec::new();
        archive
            .by_name(&uploaded.file.path)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        assert_eq!(Sha256::of(&bytes), uploaded.file.sha256, "{}", uploaded.file.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_exports_and_gets_no_link_and_that_is_on_record() {
    let stack = TestStack::start().await;
    let response = stack
        .call(
            hyper::Method::POST,
            "/v1/reviews",
            Some(&device("acme", "reviews")),
            sample("device").to_string(),
        )
        .await;
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(
        (response.status().as_u16(), &answer["link"]),
        (201, &Value::Null),
        "{answer}"
    );
    assert!(stack.verify(&answer).await.holds());
    let records = records(&stack.stack.audit().unwrap()).await;
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!((record.activity_name.as_str(), record.status_id), ("Export", 1));
    assert_eq!(record.actor.user.as_ref().unwrap().uid, "camera-3");
    assert_eq!(record.unmapped.path.as_deref(), Some(folder(&answer).as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_through_the_gateway_is_a_zip() {
    let stack = TestStack::start().await;
    let mut request = sample("zip");
    request["destination"] = json!("download");
    let response = stack
        .call(
            hyper::Method::POST,
            "/v1/reviews",
            Some(&office("acme")),
            request.to_string(),
        )
        .await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/zip");
    assert!(
        response.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment; filename=\"")
    );
    assert_eq!(
        ZipArchive::new(Cursor::new(response.into_body())).unwrap().len(),
        14
    );
    assert_eq!(stack.bucket().keys("").await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_told_all_that_is_wrong() {
    let stack = TestStack::start().await;
    let mut request = sample("bad");
    request["session"]["session_id"] = json!("a/b");
    request["documents"]["before"]["file_name"] = json!("..");
    let (status, problem) = stack.export(&request).await;
    assert_eq!(status, 422);
    assert_eq!(problem["type"], "urn:casefile:problem:invalid-request");
    assert!(!problem["instance"].as_str().unwrap().is_empty());
    assert_eq!(
        pointers(&problem),
        ["/documents/before/file_name", "/session/session_id"]
    );
    assert_eq!(stack.post("{\"session\":".to_owned()).await.0, 400);
    let (status, problem) = stack.post(format!("\"{}\"", "x".repeat(6 * 1024 * 1024))).await;
    assert_eq!(status, 413, "{problem}");
    assert_eq!(stack.bucket().keys("").await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_document_that_can_not_be_marked_costs_nothing_but_the_after_document() {
    let harness = Harness::start().await;
    let mut request = sample("junk");
    request["documents"]["before"]["content_base64"] = json!("bm90IGEgd29yZCBkb2N1bWVudA==");
    let answer = harness.store(&request).await.unwrap();
    assert_eq!(answer.total_files, 13);
    assert_eq!(answer.warnings.len(), 1);
    assert_eq!(answer.warnings[0].file, "documents/before_write-up TR-20417.docx");
    let verification = harness.verify(&answer.folder_name).await;
    assert_eq!(verification.manifest.warnings, answer.warnings);
    assert!(verification.holds());

    request["session"]["session_id"] = json!("strict");
    request["strict"] = json!(true);
    harness.s3.requests().record(true);
    let problem = harness.store(&request).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Invalid);
    assert_eq!(problem.errors[0].pointer, "/documents/before");
    assert!(
        harness.s3.requests().take().is_empty(),
        "a refused request touched S3"
    );
    request["strict"] = json!(false);
    assert_eq!(harness.store(&request).await.unwrap().revision, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_what_happened_and_nothing_of_the_content() {
    let stack = TestStack::start().await;
    stack.export(&sample("quiet")).await;
    stack
        .export(&json!({"session": {"session_id": "x", "secret": "s3cr3t"}, "documents": 7}))
        .await;
    let mut other = sample("quiet");
    other["command"] = json!("export_review");
    other["tenant"] = json!("acme");
    other["session"]["completed_at"] = json!("s3cr3t");
    assert_eq!(invoke(&stack, &other).await.unwrap_err().0, "conflict");
    other["session"]["feedback_data"]["TR-20417"] = json!(["s3cr3t"]);
    assert_eq!(invoke(&stack, &other).await.unwrap_err().0, "invalid-request");
    let log = stack.log();
    assert!(
        log.contains("a review was exported") && log.contains("\"export.files\":14"),
        "{log}"
    );
    for secret in [
        "s3cr3t",
        "TR-20417",
        "whitfield",
        "casefile-local-secret",
        "Signature",
        "hijacking",
    ] {
        assert!(!log.contains(secret), "the log holds {secret}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_answered_and_a_wrong_one_fails_by_name() {
    let stack = TestStack::start().await;
    let mut command = sample("command");
    command["command"] = json!("export_review");
    let answer = invoke(&stack, &command).await.unwrap();
    assert!(stack.verify(&answer).await.holds());
    command["session"]["session_id"] = json!("");
    let (kind, message) = invoke(&stack, &command).await.unwrap_err();
    assert_eq!(kind, "invalid-request");
    let problem: Value = serde_json::from_str(&message).unwrap();
    assert_eq!(problem["errors"][0]["pointer"], "/session/session_id");
    assert_eq!(
        invoke(&stack, &json!({"command": "export\nall"}))
            .await
            .unwrap_err()
            .0,
        "malformed-request"
    );
    assert_eq!(invoke(&stack, &json!([1])).await.unwrap()["statusCode"], 400);
}

async fn invoke(stack: &TestStack, event: &Value) -> Result<Value, (String, String)> {
    let payload = bytes::Bytes::from(event.to_string());
    let invocation = stack
        .stack
        .lambda
        .invoke(stack.function(), payload)
        .await
        .unwrap();
    match invocation.result {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap()),
        Err(error) => Err((error.error_type, error.error_message)),
    }
}
