use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};

use super::super::InvokeError;
use super::super::testing::{answer, call, echo, lambda};
use super::{error, exists};

#[tokio::test]
async fn killed_processes_fail_their_calls_and_are_replaced() {
    let lambda = lambda(echo(|_| {}));
    let idle = answer(&lambda, json!({})).await;
    assert_eq!(lambda.kill("echo").await, 1);
    assert!(!exists(&idle["pid"]));

    let call = tokio::spawn({
        let lambda = lambda.clone();
        async move { error(&lambda, json!({ "do": "sleep", "ms": 60_000 })).await }
    });
    sleep(Duration::from_millis(500)).await;
    assert_eq!(lambda.kill("echo").await, 1);
    assert!(
        call.await
            .unwrap()
            .error_message
            .ends_with("Runtime exited with error: signal: killed")
    );

    assert_ne!(answer(&lambda, json!({})).await["pid"], idle["pid"]);
    assert_eq!(lambda.kill("nobody").await, 0);
}

#[tokio::test]
async fn shutdown_leaves_no_process_and_takes_no_calls() {
    let lambda = lambda(echo(|_| {}));
    let idle = answer(&lambda, json!({})).await["pid"].clone();
    let busy = tokio::spawn({
        let lambda = lambda.clone();
        async move { call(&lambda, json!({ "do": "sleep", "ms": 60_000 })).await }
    });
    sleep(Duration::from_millis(100)).await;
    lambda.shutdown().await;
    assert!(!exists(&idle));
    assert_eq!(lambda.processes("echo"), 0);
    assert!(busy.await.unwrap().unwrap().result.is_err());
    assert!(matches!(
        call(&lambda, json!({})).await,
        Err(InvokeError::ShuttingDown)
    ));
}

#[tokio::test]
async fn processes_end_with_the_last_handle() {
    let lambda = lambda(echo(|_| {}));
    let pid = answer(&lambda, json!({})).await["pid"].clone();
    drop(lambda);
    timeout(Duration::from_secs(5), async {
        while exists(&pid) {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}
