//! Bills of lading, from a request to the API until a reader has them: each has one number, and each number one PDF.

mod answered;
mod commands;
mod desk;
mod failures;
mod finished;
mod killed;
mod processed;
mod read;
mod refused;
mod twins;

use std::collections::BTreeSet;
use std::process::Command;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::files::{listed, post, stored};
use crate::support::{TestStack, operators_tool};

const ROUTE: &str = "/v1/bols";
const SAMPLE: &str = include_str!("../fixtures/bol/bol.json");
/// Whose the sample is.
const CUSTOMER: &str = "Queen City Castings";

/// The sample record.
fn record() -> Value {
    serde_json::from_str(SAMPLE).unwrap()
}

/// The sample record under another purchase order, which makes it another bill of lading.
fn ordered(purchase_order: &str) -> Value {
    let mut record = record();
    record["customer_po"] = json!(purchase_order);
    record
}

/// Stores a bill of lading; gives the answer.
async fn issued(stack: &TestStack, token: &str, request: &impl ToString) -> Value {
    stored(stack, token, ROUTE, request).await
}

/// The number that a bill of lading gets.
async fn number(stack: &TestStack, token: &str, request: &impl ToString) -> String {
    let answer = issued(stack, token, request).await;
    answer["number"].as_str().unwrap().to_owned()
}

/// Asks for what is refused, which stores nothing; gives the problem.
async fn refused(stack: &TestStack, token: &str, request: &impl ToString, status: u16) -> Value {
    let before = keys(stack).await;
    let (told, problem) = post(stack, token, ROUTE, request).await;
    assert_eq!(told, status, "{problem}");
    assert_eq!(keys(stack).await, before, "{problem}");
    problem
}

/// The keys of all bills of lading.
async fn keys(stack: &TestStack) -> Vec<String> {
    stack.bucket().keys("bols/").await.unwrap()
}

/// All that a caller's list shows, page by page.
async fn list(stack: &TestStack, token: &str) -> Vec<Value> {
    listed(stack, token, "bols", "?limit=200").await
}

/// The text of a PDF, as a reader sees it.
fn text(pdf: &[u8]) -> String {
    pdf_extract::extract_text_from_mem(pdf).unwrap()
}

/// The numbers that a text holds.
fn numbers_in(text: &str) -> BTreeSet<&str> {
    let is_end = |c: char| !c.is_ascii_digit() && c != '-';
    text.match_indices("PRT-")
        .map(|(at, prefix)| {
            let (begin, rest) = (at + prefix.len(), &text[at + prefix.len()..]);
            &text[at..begin + rest.find(is_end).unwrap_or(rest.len())]
        })
        .collect()
}

/// Runs `casefile bol counter` as an operator of this deployment: its exit code, and what it shows. On a thread of its
/// own, for S3 is served by this process.
async fn counter(stack: &TestStack, arguments: &[&str]) -> (i32, Value) {
    let mut command = Command::new(operators_tool().await);
    command.args(["bol", "counter"]).args(arguments).arg("--json");
    command
        .env_clear()
        .env("USER", "olga")
        .env("DEFAULT_TENANT", "house");
    command.envs(stack.stack.own_environment());
    command.envs(stack.stack.s3_environment());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let shown = serde_json::from_slice(&output.stdout);
    (
        output.status.code().unwrap(),
        shown.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))),
    )
}

/// No number of the series is missing, and none has a document without a reason; gives what the tool shows.
async fn complete(stack: &TestStack, series: &str) -> Value {
    let (code, shown) = counter(stack, &["get", "--series", series, "--check"]).await;
    assert_eq!(code, 0, "{shown}");
    shown
}

/// What is stored at a key.
async fn content(stack: &TestStack, key: &str) -> Bytes {
    stack.bucket().read(key, 10_000_000).await.unwrap()
}

#[test]
fn numbers_are_found_wherever_they_stand_in_a_text() {
    let found = numbers_in("No. PRT-2025-0001.\nPRT-2025-10000\tPRT-2025-0001x PRT");
    assert_eq!(found, ["PRT-2025-0001", "PRT-2025-10000"].into());
}
