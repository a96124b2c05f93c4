//! PDFs that were drawn elsewhere: with a number of their own, or with one that they get here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use casefile::bol::{NumberFormat, Numbers};
use casefile::digest::Sha256;
use casefile::id::system_entropy;
use casefile::key::BasePath;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{complete, content, counter, issued, keys, number, ordered, record, refused};
use crate::files::{METRICS, REPORT, uploaded, versions_of};
use crate::support::{TestStack, office, pointers, without_events};

/// A finished bill of lading; the tests' PDFs are alike in everything but their last line.
pub(super) fn pdf(of: &str) -> Vec<u8> {
    let mut pdf = REPORT.to_vec();
    pdf.extend_from_slice(format!("\n% {of}\n").as_bytes());
    pdf
}

pub(super) fn inline(pdf: &[u8]) -> Value {
    let file = json!({"file_name": "BOL from the yard.pdf", "content_base64": BASE64.encode(pdf)});
    json!({"file": file, "date": "2025-11-05"})
}

fn numbered(pdf: &[u8], number: &str) -> Value {
    let mut request = inline(pdf);
    request["number"] = json!(number);
    request
}

async fn by_upload(stack: &TestStack, token: &str, pdf: &[u8]) -> Value {
    let upload_id = uploaded(stack, token, "bols", "BOL.pdf", pdf).await;
    json!({"file": {"file_name": "BOL.pdf", "upload_id": upload_id}, "date": "2025-11-05"})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_pdf_gets_the_next_number_however_it_came() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    let (first, second) = (pdf("first"), pdf("second"));
    let answer = issued(&stack, &dana, &inline(&first)).await;
    for (name, value) in [
        ("number", json!("PRT-2025-0001")),
        ("key", json!("bols/2025/PRT-2025-0001.pdf")),
        ("file_name", json!("PRT-2025-0001.pdf")),
        ("content_type", json!("application/pdf")),
        ("size", json!(first.len())),
        ("sha256", json!(Sha256::of(&first).to_string())),
        ("warnings", json!([])),
    ] {
        assert_eq!(answer[name], value, "{name}");
    }
    assert_eq!(answer["link"]["kind"], "share");
    assert_eq!(content(&stack, "bols/2025/PRT-2025-0001.pdf").await, first);

    let upload = by_upload(&stack, &dana, &second).await;
    let copied = issued(&stack, &dana, &upload).await;
    assert_eq!(copied["number"], "PRT-2025-0002");
    assert_eq!(content(&stack, "bols/2025/PRT-2025-0002.pdf").await, second);

    // What a file is called, and how it came, doesn't make it another one.
    let mut renamed = inline(&first);
    renamed["file"]["file_name"] = json!("x.pdf");
    for request in [inline(&first), renamed, by_upload(&stack, &dana, &first).await] {
        let again = issued(&stack, &dana, &request).await;
        assert_eq!(again["version_id"], answer["version_id"], "{}", again["number"]);
    }
    for request in [upload, inline(&second)] {
        let again = issued(&stack, &dana, &request).await;
        assert_eq!(again["version_id"], copied["version_id"], "{}", again["number"]);
    }
    // Its date and its owner do.
    let mut owned = inline(&first);
    owned["owner"] = json!("c-17");
    assert_eq!(number(&stack, &dana, &owned).await, "PRT-2025-0003");
    let mut next_year = inline(&first);
    next_year["date"] = json!("2026-01-02");
    assert_eq!(number(&stack, &dana, &next_year).await, "PRT-2026-0001");
    assert_eq!(number(&stack, &dana, &record()).await, "PRT-2025-0004");
    assert_eq!(versions_of(&stack, "bols/").await.len(), 5);
    assert_eq!(complete(&stack, "PRT-2025").await["next"], "PRT-2025-0005");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_a_pdf_brings_is_its_own_and_nobody_else_s() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    assert_eq!(number(&stack, &dana, &record()).await, "PRT-2025-0001");
    let ahead = issued(&stack, &dana, &numbered(&pdf("ahead"), "PRT-2025-0005")).await;
    assert_eq!(ahead["key"], "bols/2025/PRT-2025-0005.pdf");
    let mut upload = by_upload(&stack, &dana, &pdf("next")).await;
    upload["number"] = json!("PRT-2025-0003");
    let copied = issued(&stack, &dana, &upload).await;
    assert_eq!(copied["number"], "PRT-2025-0003");

    // Whoever is given numbers passes over them.
    let mut given = Vec::new();
    for order in ["a", "b", "c"] {
        given.push(number(&stack, &dana, &ordered(order)).await);
    }
    assert_eq!(given, ["PRT-2025-0002", "PRT-2025-0004", "PRT-2025-0006"]);

    // A repeat is the same, and nothing else takes its place: neither another PDF, nor that one of another tenant.
    for (request, stored) in [
        (numbered(&pdf("ahead"), "PRT-2025-0005"), &ahead),
        (upload, &copied),
    ] {
        let again = issued(&stack, &dana, &request).await;
        assert_eq!(again["version_id"], stored["version_id"]);
        assert_eq!(again["warnings"], json!([]));
    }
    let mut claimed = numbered(&pdf("ahead"), "PRT-2025-0005");
    claimed["owner"] = json!("c-17");
    let again = issued(&stack, &dana, &claimed).await;
    assert_eq!(again["version_id"], ahead["version_id"]);
    assert_eq!(
        again["warnings"][0]["pointer"], "/owner",
        "the first owner stands: {again}"
    );
    for taken in ["PRT-2025-0001", "PRT-2025-0002", "PRT-2025-0005"] {
        refused(&stack, &dana, &numbered(&pdf("other"), taken), 409).await;
        refused(&stack, &office("globex"), &numbered(&pdf("ahead"), taken), 409).await;
        let mut upload = by_upload(&stack, &dana, &pdf("other")).await;
        upload["number"] = json!(taken);
        refused(&stack, &dana, &upload, 409).await;
    }
    assert_eq!(
        versions_of(&stack, "bols/").await.len(),
        6,
        "something was overwritten"
    );
    let shown = complete(&stack, "PRT-2025").await;
    assert_eq!(shown["next"], "PRT-2025-0007", "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_void_number_is_nobody_s_any_more() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    let (bucket, base) = (stack.bucket(), BasePath::default());
    let long_ago = || Timestamp::now() - SignedDuration::from_hours(1);
    let numbers = Numbers {
        bucket: &bucket,
        base: &base,
        format: NumberFormat::shipped().unwrap(),
        clock: long_ago,
        entropy: system_entropy,
        until: Instant::now(),
    };
    let series = numbers.format.series(2025).unwrap();
    let taken = numbers.take(Sha256::of(b"whoever died"), &series, &[]).await;
    assert_eq!(taken.unwrap().number.to_string(), "PRT-2025-0001");
    let (code, _) = counter(&stack, &["void", "PRT-2025-0001", "--reason", "spoiled"]).await;
    assert_eq!(code, 0);
    refused(&stack, &dana, &numbered(&pdf("x"), "PRT-2025-0001"), 409).await;
    assert_eq!(number(&stack, &dana, &record()).await, "PRT-2025-0002");
    complete(&stack, "PRT-2025").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_finished_pdf_is_told_and_takes_no_number() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    let no_pdf = inline(METRICS);
    let uploaded = by_upload(&stack, &dana, METRICS).await;
    let other_year = numbered(&pdf("x"), "PRT-2026-0001");
    let odd = numbered(&pdf("x"), "PRT-25-1");
    let mut unknown = inline(&pdf("x"));
    unknown["file"] = json!({"file_name": "x.pdf", "upload_id": "0198f3a2b4c5-0000-0000-0000-000000000000"});
    let mut dateless = inline(&pdf("x"));
    dateless.as_object_mut().unwrap().remove("date").unwrap();
    for (request, pointer) in [
        (no_pdf, "/file"),
        (uploaded, "/file"),
        (other_year, "/number"),
        (odd, "/number"),
        (dateless, "/date"),
    ] {
        let problem = refused(&stack, &dana, &request, 422).await;
        assert_eq!(pointers(&problem), [pointer], "{problem}");
    }
    let all = json!({
        "file": {"file_name": "../x", "content_base64": "%"}, "date": "today", "number": 42, "owner": "",
        "ship_from": {},
    });
    let problem = refused(&stack, &dana, &all, 422).await;
    let mut told = pointers(&problem);
    told.sort_unstable();
    let expected = [
        "/date",
        "/file/content_base64",
        "/file/file_name",
        "/number",
        "/owner",
        "/ship_from",
    ];
    assert_eq!(told, expected);
    let (globex, bytes) = (office("globex"), pdf("theirs"));
    let theirs = by_upload(&stack, &globex, &bytes).await;
    for request in [unknown, theirs] {
        let problem = refused(&stack, &dana, &request, 422).await;
        assert!(pointers(&problem)[0].starts_with("/file"), "{problem}");
    }
    assert_eq!(keys(&stack).await, [""; 0]);
    assert_eq!(stack.bucket().keys("_casefile/bols/").await.unwrap(), [""; 0]);
}

/// Otherwise one number has two documents, and the check takes the second one for something unknown.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_in_another_spelling_than_its_series_is_no_second_number() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    assert_eq!(number(&stack, &dana, &record()).await, "PRT-2025-0001");
    for odd in ["PRT-2025-1", "PRT-2025-00001", "PRT-2025-00002"] {
        let problem = refused(&stack, &dana, &numbered(&pdf(odd), odd), 422).await;
        assert_eq!(pointers(&problem), ["/number"], "{odd}");
    }
    complete(&stack, "PRT-2025").await;
}
