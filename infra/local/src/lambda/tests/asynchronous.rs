use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::super::testing::{collected, echo, lambda, lambda_with};
use super::super::{InvokeError, LambdaConfig};

fn impatient(config: &mut LambdaConfig) {
    config.retry_waits = vec![Duration::from_millis(1); 2];
}

#[tokio::test]
async fn a_failed_asynchronous_call_is_made_twice_more_under_its_id_and_then_logged() {
    let (sink, lines) = collected();
    let lambda = lambda_with(echo(|_| {}), |config| {
        config.log = sink;
        impatient(config);
    });
    let event = Bytes::from(json!({ "do": "fail" }).to_string());
    lambda.invoke_async("echo", event).unwrap();
    let dropped = async {
        while lines.lock().unwrap().len() < 3 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), dropped).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let lines: Vec<String> = lines.lock().unwrap().iter().map(ToString::to_string).collect();
    let id = lines[0].split(' ').nth(3).unwrap().to_owned();
    let failed = |end: &str| format!("[echo] asynchronous call {id} failed and is {end}: ");
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with(&failed("made again")), "{lines:?}");
    assert!(lines[1].starts_with(&failed("made again")), "{lines:?}");
    assert!(lines[2].starts_with(&failed("dropped")), "{lines:?}");
    assert!(lines[2].ends_with("it was asked to fail"), "{lines:?}");
}

#[tokio::test]
async fn a_throttled_asynchronous_call_waits_for_its_turn() {
    let (sink, lines) = collected();
    let lambda = lambda_with(echo(|spec| spec.max_concurrency = 1), |config| {
        config.log = sink;
        config.max_queued = 0;
        impatient(config);
    });
    for _ in 0..3 {
        let event = Bytes::from(json!({ "do": "print" }).to_string());
        lambda.invoke_async("echo", event).unwrap();
    }
    let all = async {
        while lines.lock().unwrap().len() < 6 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), all).await.unwrap();
    assert!(
        lines
            .lock()
            .unwrap()
            .iter()
            .all(|line| line.text.starts_with("to "))
    );
}

#[tokio::test]
async fn an_asynchronous_call_may_have_1048576_bytes_and_no_more() {
    let lambda = lambda(echo(|_| {}));
    let payload = |length: usize| Bytes::from(format!("\"{}\"", "x".repeat(length - 2)));
    lambda.invoke_async("echo", payload(1_048_576)).unwrap();
    let refused = lambda.invoke_async("echo", payload(1_048_577));
    assert!(
        matches!(refused, Err(InvokeError::RequestTooLarge { .. })),
        "{refused:?}"
    );
    let unknown = lambda.invoke_async("nobody", payload(2));
    assert!(
        matches!(unknown, Err(InvokeError::UnknownFunction(_))),
        "{unknown:?}"
    );
}
