use std::time::Duration;

use serde_json::json;

use super::super::FunctionSpec;
use super::super::testing::{answer, echo, lambda};
use super::{error, exists};

#[tokio::test]
async fn an_error_of_the_function_leaves_its_process_warm() {
    let lambda = lambda(echo(|_| {}));
    let before = answer(&lambda, json!({})).await;
    let failed = error(&lambda, json!({ "do": "fail" })).await;
    assert_eq!(failed.error_message, "it was asked to fail");
    let panicked = error(&lambda, json!({ "do": "panic" })).await;
    assert_eq!(panicked.error_message, "Lambda panicked: it was asked to panic");
    assert_eq!(answer(&lambda, json!({})).await["pid"], before["pid"]);
}

#[tokio::test]
async fn a_call_that_takes_too_long_ends_its_process() {
    let lambda = lambda(echo(|spec| spec.timeout = Duration::from_millis(300)));
    let before = answer(&lambda, json!({})).await;
    let late = error(&lambda, json!({ "do": "sleep", "ms": 60_000 })).await;
    assert_eq!(late.error_type, "Sandbox.Timedout");
    assert!(
        late.error_message
            .ends_with("Error: Task timed out after 0.30 seconds"),
        "{late}"
    );
    assert!(!exists(&before["pid"]));
    assert_ne!(answer(&lambda, json!({})).await["pid"], before["pid"]);
}

#[tokio::test]
async fn a_process_that_exits_fails_its_call_and_no_other() {
    let lambda = lambda(echo(|_| {}));
    let failed = error(&lambda, json!({ "do": "exit", "code": 3 })).await;
    assert_eq!(failed.error_type, "Runtime.ExitError");
    assert!(
        failed
            .error_message
            .ends_with("Error: Runtime exited with error: exit status 3"),
        "{failed}"
    );
    let silent = error(&lambda, json!({ "do": "exit", "code": 0 })).await;
    assert!(
        silent
            .error_message
            .ends_with("Error: Runtime exited without providing a reason"),
        "{silent}"
    );
    assert_eq!(
        answer(&lambda, json!({ "n": 1 })).await["event"],
        json!({ "n": 1 })
    );
}

#[tokio::test]
async fn a_process_that_crashes_at_its_start_is_reported_and_not_started_again() {
    let lambda = lambda(echo(|spec| {
        spec.environment.insert("START".to_owned(), "exit".to_owned());
    }));
    let failed = error(&lambda, json!({})).await;
    assert!(failed.error_message.ends_with("exit status 7"), "{failed}");
    assert_eq!(lambda.processes("echo"), 0);
}

#[tokio::test]
async fn a_program_that_is_missing_is_reported() {
    let lambda = lambda(FunctionSpec::new("echo", "/nonexistent/bootstrap"));
    assert_eq!(
        error(&lambda, json!({})).await.error_type,
        "Runtime.InvalidEntrypoint"
    );
}

/// With the clock stopped, time passes as soon as everybody waits.
#[tokio::test(start_paused = true)]
async fn a_process_that_never_asks_for_work_is_ended() {
    let lambda = lambda(echo(|spec| {
        spec.environment.insert("START".to_owned(), "hang".to_owned());
    }));
    let failed = error(&lambda, json!({})).await;
    assert_eq!(failed.error_type, "Sandbox.Timedout");
    assert!(
        failed
            .error_message
            .ends_with("Task timed out after 10.00 seconds"),
        "{failed}"
    );
    assert_eq!(lambda.processes("echo"), 0);
}
