//! A function for the emulator's tests: it does what its event says.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start().await;
    let started = now_ms();
    lambda_runtime::run(service_fn(move |event| handle(event, started))).await
}

#[expect(clippy::disallowed_methods, reason = "a test wants to see when it started")]
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// What happens before the first poll is set by the variable `START`.
async fn start() {
    match variables().get("START").map(String::as_str) {
        Some("exit") => std::process::exit(7),
        Some("slow") => tokio::time::sleep(Duration::from_millis(50)).await,
        Some("hang") => tokio::time::sleep(Duration::from_mins(10)).await,
        _ => {}
    }
}

async fn handle(event: LambdaEvent<Value>, started: i64) -> Result<Value, Error> {
    let LambdaEvent { payload, context } = event;
    if let Some(records) = payload.get("Records") {
        return print_records(records);
    }
    let payload = command(payload);
    let number = |name: &str| payload.get(name).and_then(Value::as_u64).unwrap_or_default();
    match payload.get("do").and_then(Value::as_str).unwrap_or_default() {
        "fail" => Err(Error::from("it was asked to fail")),
        "panic" => panic_as_asked(),
        "exit" => std::process::exit(i32::try_from(number("code"))?),
        "sleep" => {
            tokio::time::sleep(Duration::from_millis(number("ms"))).await;
            Ok(json!({ "pid": std::process::id() }))
        }
        "big" => Ok(Value::String("x".repeat(usize::try_from(number("bytes"))?))),
        "print" => {
            print();
            Ok(Value::Null)
        }
        "variables" => Ok(json!(variables())),
        "context" => Ok(json!({
            "request_id": context.request_id,
            "deadline": context.deadline,
            "started": started,
            "arn": context.invoked_function_arn,
            "trace": context.xray_trace_id,
        })),
        "answer" => Ok(payload.get("answer").cloned().unwrap_or_default()),
        _ => Ok(json!({ "pid": std::process::id(), "event": payload })),
    }
}

/// The event itself, or the JSON in its body if it came through the gateway.
fn command(event: Value) -> Value {
    let body = event.get("body").and_then(Value::as_str);
    match body.and_then(|body| serde_json::from_str(body).ok()) {
        Some(Value::Object(command)) if command.contains_key("do") => Value::Object(command),
        _ => event,
    }
}

#[expect(clippy::panic, reason = "a test wants to see what a panic becomes")]
fn panic_as_asked() -> Result<Value, Error> {
    panic!("it was asked to panic")
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test wants to see its output"
)]
fn print() {
    println!("to stdout");
    eprintln!("to stderr");
}

/// An event of S3 or SQS: its records, and a failure where one of them asks for it.
#[expect(clippy::print_stdout, reason = "a test wants to see what arrived")]
fn print_records(records: &Value) -> Result<Value, Error> {
    println!("{records}");
    let messages: Vec<_> = records.as_array().into_iter().flatten().collect();
    if messages.iter().any(|message| {
        message
            .get("eventSource")
            .is_some_and(|source| source == "aws:sqs")
    }) {
        return failed_messages(&messages);
    }
    if records.to_string().contains("fail") {
        return Err(Error::from("a key asked it to fail"));
    }
    Ok(Value::Null)
}

/// Which messages of a batch ask for a failure of their own; one may ask for the whole batch's.
fn failed_messages(messages: &[&Value]) -> Result<Value, Error> {
    let body = |message: &Value| message.get("body").map(ToString::to_string).unwrap_or_default();
    if messages.iter().any(|message| body(message).contains("explode")) {
        return Err(Error::from("a message asked it to fail altogether"));
    }
    let failed = messages.iter().filter(|message| body(message).contains("fail"));
    let failed: Vec<_> = failed
        .map(|message| json!({ "itemIdentifier": message.get("messageId") }))
        .collect();
    Ok(json!({ "batchItemFailures": failed }))
}

#[expect(clippy::disallowed_methods, reason = "a test wants to see its environment")]
fn variables() -> BTreeMap<String, String> {
    std::env::vars().collect()
}
