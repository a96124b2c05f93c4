use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::super::testing::{answer, call, clock, collected, echo, lambda, lambda_with};
use super::super::{Credentials, FunctionSpec, InvokeError, Lambda, LambdaConfig, LogFormat, SpecError};
use super::{error, exists};

#[tokio::test]
async fn a_second_call_uses_the_process_of_the_first() {
    let lambda = lambda(echo(|_| {}));
    let first = answer(&lambda, json!({})).await;
    let second = answer(&lambda, json!({ "n": 2 })).await;
    assert_eq!(first["pid"], second["pid"]);
    assert_eq!(second["event"], json!({ "n": 2 }));
    assert_eq!(lambda.processes("echo"), 1);
}

#[tokio::test]
async fn overlapping_calls_have_a_process_each() {
    let lambda = lambda(echo(|_| {}));
    let event = || json!({ "do": "sleep", "ms": 400 });
    let (a, b, c) = tokio::join!(
        answer(&lambda, event()),
        answer(&lambda, event()),
        answer(&lambda, event())
    );
    assert!(a["pid"] != b["pid"] && b["pid"] != c["pid"] && a["pid"] != c["pid"]);
    assert_eq!(lambda.processes("echo"), 3);
}

/// As when many open a link at once, and the function is cold.
#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_calls_at_once_are_answered_by_what_is_free_first() {
    let lambda = lambda(echo(|spec| {
        spec.max_concurrency = 64;
        spec.environment.insert("START".to_owned(), "slow".to_owned());
    }));
    let calls = (0..64).map(|_| answer(&lambda, json!({})));
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer["pid"].is_u64()));
    assert!(lambda.processes("echo") < 64, "{}", lambda.processes("echo"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_calls_that_take_their_time_have_a_process_each() {
    let lambda = lambda(echo(|spec| spec.max_concurrency = 64));
    let calls = futures::future::join_all((0..64).map(|_| {
        let lambda = lambda.clone();
        async move { error(&lambda, json!({ "do": "sleep", "ms": 60_000 })).await }
    }));
    let calls = tokio::spawn(calls);
    timeout(Duration::from_secs(20), async {
        while lambda.processes("echo") < 64 {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(lambda.kill("echo").await, 64);
    calls.await.unwrap();
}

#[tokio::test]
async fn a_call_waits_when_all_processes_are_busy() {
    let lambda = lambda(echo(|spec| spec.max_concurrency = 1));
    let event = || json!({ "do": "sleep", "ms": 100 });
    let (a, b) = tokio::join!(answer(&lambda, event()), answer(&lambda, event()));
    assert_eq!(a["pid"], b["pid"]);
}

#[tokio::test]
async fn a_call_is_throttled_when_too_many_wait() {
    let lambda = lambda_with(echo(|spec| spec.max_concurrency = 1), |config| {
        config.max_queued = 1;
    });
    let event = || json!({ "do": "sleep", "ms": 300 });
    let (a, b, c) = tokio::join!(
        call(&lambda, event()),
        call(&lambda, event()),
        call(&lambda, event())
    );
    assert!(a.is_ok() && b.is_ok());
    assert!(matches!(c, Err(InvokeError::Throttled(name)) if name == "echo"));
}

#[tokio::test]
async fn an_answer_may_have_6291556_bytes_and_no_more() {
    let lambda = lambda(echo(|_| {}));
    let quotes = 2;
    let largest = call(&lambda, json!({ "do": "big", "bytes": 6_291_556 - quotes }))
        .await
        .unwrap();
    assert_eq!(largest.result.unwrap().len(), 6_291_556);
    let failed = error(&lambda, json!({ "do": "big", "bytes": 6_291_556 - quotes + 1 })).await;
    assert_eq!(failed.error_type, "Function.ResponseSizeTooLarge");
    assert_eq!(lambda.processes("echo"), 1, "the process goes on, as in Lambda");
    answer(&lambda, json!({})).await;
}

#[tokio::test]
async fn a_request_may_have_6291456_bytes_and_no_more() {
    let lambda = lambda(echo(|_| {}));
    let payload = |length: usize| Bytes::from(format!("\"{}\"", "x".repeat(length - 2)));
    assert!(
        lambda
            .invoke("echo", payload(6_291_456))
            .await
            .unwrap()
            .result
            .is_ok()
    );
    let refused = lambda.invoke("echo", payload(6_291_457)).await;
    assert!(matches!(
        refused,
        Err(InvokeError::RequestTooLarge {
            size: 6_291_457,
            limit: 6_291_456
        })
    ));
}

#[tokio::test]
async fn a_function_sees_lambdas_variables_and_its_own_and_nothing_else() {
    let spec = echo(|spec| {
        spec.environment
            .insert("S3_BUCKET_NAME".to_owned(), "artifacts".to_owned());
        spec.memory_mb = 512;
        spec.log_format = LogFormat::Json;
        spec.log_level = Some("INFO".to_owned());
    });
    let lambda = lambda_with(spec, |config| {
        config.credentials = Credentials {
            session_token: Some("token".to_owned()),
            ..Credentials::local()
        };
    });
    let seen = answer(&lambda, json!({ "do": "variables" })).await;
    let Value::Object(mut seen) = seen else {
        panic!("{seen}")
    };
    let mut take = |name: &str| {
        seen.remove(name)
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap()
    };
    assert!(take("AWS_LAMBDA_RUNTIME_API").starts_with("127.0.0.1:"));
    assert!(take("AWS_LAMBDA_LOG_STREAM_NAME").starts_with("2025/11/14/[$LATEST]"));
    assert!(take("LAMBDA_TASK_ROOT").ends_with("/examples"));
    // Not from the emulator: lambda_runtime sets it for every call.
    assert!(take("_X_AMZN_TRACE_ID").starts_with("Root=1-"));
    let rest = json!({
        "_HANDLER": "bootstrap",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_NAME": "echo",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/echo",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "AWS_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "token",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
        "S3_BUCKET_NAME": "artifacts",
        "TZ": ":UTC",
    });
    assert_eq!(Value::Object(seen), rest);
}

#[tokio::test]
async fn a_call_knows_its_id_its_function_and_its_deadline() {
    let lambda = lambda(echo(|spec| spec.timeout = Duration::from_secs(29)));
    let invocation = call(&lambda, json!({ "do": "context" })).await.unwrap();
    let context: Value = serde_json::from_slice(&invocation.result.unwrap()).unwrap();
    assert_eq!(context["request_id"], invocation.request_id.as_str());
    assert_eq!(
        context["arn"],
        "arn:aws:lambda:us-east-1:000000000000:function:echo"
    );
    assert_eq!(context["deadline"], clock().as_millisecond() + 29_000);
    assert!(context["trace"].as_str().unwrap().starts_with("Root=1-"));
}

#[tokio::test]
async fn the_time_that_a_process_takes_to_start_is_not_taken_from_its_first_call() {
    let spec = echo(|spec| {
        spec.environment.insert("START".to_owned(), "slow".to_owned());
    });
    #[expect(
        clippy::disallowed_methods,
        reason = "the function's time is the system's, too"
    )]
    let lambda = lambda_with(spec, |config| config.clock = jiff::Timestamp::now);
    let context = answer(&lambda, json!({ "do": "context" })).await;
    let started = context["started"].as_i64().unwrap();
    assert!(
        context["deadline"].as_i64().unwrap() >= started + 20_000,
        "{context}"
    );
}

#[tokio::test]
async fn what_a_function_prints_arrives_with_its_name() {
    let (sink, lines) = collected();
    let lambda = lambda_with(echo(|_| {}), |config| config.log = sink);
    answer(&lambda, json!({ "do": "print" })).await;
    lambda.shutdown().await;
    let both = || lines.lock().unwrap().len() >= 2;
    timeout(Duration::from_secs(5), async {
        while !both() {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    let mut printed: Vec<String> = lines.lock().unwrap().iter().map(ToString::to_string).collect();
    printed.sort();
    assert_eq!(printed, ["[echo] to stderr", "[echo] to stdout"]);
}

#[tokio::test]
async fn a_call_runs_on_when_nobody_waits_for_it() {
    let lambda = lambda(echo(|_| {}));
    let pid = answer(&lambda, json!({})).await["pid"].clone();
    let abandoned = call(&lambda, json!({ "do": "sleep", "ms": 300 }));
    assert!(timeout(Duration::from_millis(100), abandoned).await.is_err());
    let other = answer(&lambda, json!({})).await["pid"].clone();
    assert_ne!(other, pid, "the first process is still busy");
    assert!(exists(&pid));
}

#[tokio::test]
async fn an_unknown_function_is_named() {
    let lambda = lambda(echo(|_| {}));
    let error = lambda.invoke("nobody", Bytes::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "function not found: nobody");
}

#[test]
fn two_functions_of_one_name_are_refused() {
    let spec = FunctionSpec::new("f", "/bin/true");
    let config = LambdaConfig::new(clock, std::sync::Arc::new(|_| {}));
    let refused = Lambda::new(config, [spec.clone(), spec]).err();
    assert_eq!(refused, Some(SpecError::Duplicate("f".to_owned())));
}
