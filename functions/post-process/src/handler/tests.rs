//! The handler by its doors, without storage.

use std::cell::RefCell;

use lambda_runtime::Context;
use serde_json::{Value, json};

use super::*;
use crate::clients::testing::{Answer as Answered, Server};

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/events/post-process/", $name, ".json"))
    };
}

fn noon() -> Timestamp {
    "2025-11-14T12:00:00Z".parse().unwrap()
}

/// Handles an event where there is no dead-letter queue.
async fn handled(
    event: &str,
    work: impl AsyncFn(&ObjectArrived) -> Result<(), Failure>,
) -> Result<Value, Diagnostic> {
    let server = Server::start([]).await;
    handle(event, work, DeadLetters::new(server.clients(), None)).await
}

async fn handle(
    event: &str,
    work: impl AsyncFn(&ObjectArrived) -> Result<(), Failure>,
    dead_letters: DeadLetters,
) -> Result<Value, Diagnostic> {
    let function = PostProcess::new(work, dead_letters, noon);
    let payload = RawValue::from_string(event.to_owned()).unwrap();
    let event = LambdaEvent::new(payload, Context::default());
    let answer = function.handle(event).await?;
    Ok(serde_json::to_value(answer).unwrap())
}

#[tokio::test]
async fn a_batch_from_a_queue_names_what_must_come_again() {
    let done = handled(recorded!("sqs_s3"), async |_: &ObjectArrived| Ok(())).await;
    assert_eq!(done.unwrap(), json!({"batchItemFailures": []}));
    let recorded: Value = serde_json::from_str(recorded!("sqs_s3")).unwrap();
    let busy = async |arrived: &ObjectArrived| {
        let is_bol = arrived.key.starts_with("bols/");
        let busy = is_bol.then(|| Failure::Transient("S3 is busy".to_owned()));
        busy.map_or(Ok(()), Err)
    };
    let failed = handled(recorded!("sqs_s3"), busy);
    let item = json!({"itemIdentifier": recorded["Records"][1]["messageId"]});
    assert_eq!(failed.await.unwrap(), json!({"batchItemFailures": [item]}));
}

#[tokio::test]
async fn a_direct_event_answers_nothing_or_fails_as_a_whole() {
    for event in [recorded!("s3"), recorded!("sns"), recorded!("event_bridge")] {
        let done = handled(event, async |_: &ObjectArrived| Ok(())).await;
        assert_eq!(done.unwrap(), Value::Null);
        let busy = async |_: &ObjectArrived| Err(Failure::Transient("S3 is busy".to_owned()));
        let failed = handled(event, busy).await.unwrap_err();
        assert_eq!(failed.error_type, "transient");
        // Without a dead-letter queue nothing may be dropped.
        let poison = async |_: &ObjectArrived| Err(Failure::Poison("never".to_owned()));
        assert!(handled(event, poison).await.is_err());
    }
    assert!(handled("{}", async |_: &ObjectArrived| Ok(())).await.is_err());
}

#[tokio::test]
async fn poison_goes_to_the_dead_letter_queue_and_is_dropped() {
    let poison = async |_: &ObjectArrived| Err(Failure::Poison("never".to_owned()));
    for (event, answer) in [
        (recorded!("sqs_sns"), json!({"batchItemFailures": []})),
        (recorded!("sqs_s3"), json!({"batchItemFailures": []})),
        (recorded!("sns"), Value::Null),
        // A test of the console's, say.
        (r#"{"key1": "value1"}"#, Value::Null),
    ] {
        let sent = || Answered::ok(r#"{"MessageId": "1"}"#);
        let server = Server::start([sent(), sent()]).await;
        let dead_letters = DeadLetters::new(server.clients(), Some("https://sqs.example/1/dead".to_owned()));
        assert_eq!(handle(event, poison, dead_letters).await.unwrap(), answer);
        let asked = server.asked();
        let body = |asked: &str| serde_json::from_str::<Value>(asked).unwrap()["MessageBody"].clone();
        let mut sent: Vec<_> = asked.iter().map(|asked| body(&asked.body)).collect();
        sent.sort_by_key(Value::to_string);
        let whole: Value = serde_json::from_str(event).unwrap();
        let records = whole["Records"].as_array().cloned().unwrap_or_default();
        let bodies = records.iter().filter_map(|record| record.get("body").cloned());
        let mut came: Vec<_> = bodies.collect();
        came.sort_by_key(Value::to_string);
        if came.is_empty() {
            came.push(json!(event.trim()));
        }
        assert_eq!(sent, came);
    }
}

#[tokio::test]
async fn a_record_that_can_t_be_read_is_a_dead_letter_and_its_neighbours_are_done() {
    let mut event: Value = serde_json::from_str(recorded!("sqs_s3")).unwrap();
    let mut odd = event["Records"][0].clone();
    odd["messageId"] = json!("odd");
    odd["body"] = Value::Null;
    event["Records"].as_array_mut().unwrap().push(odd.clone());
    let seen = RefCell::new(0);
    let work = async |_: &ObjectArrived| {
        *seen.borrow_mut() += 1;
        Ok(())
    };
    let server = Server::start([Answered::ok(r#"{"MessageId": "1"}"#)]).await;
    let dead_letters = DeadLetters::new(server.clients(), Some("https://sqs.example/1/dead".to_owned()));
    let answer = handle(&event.to_string(), &work, dead_letters).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let asked = server.asked();
    let letter: Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(letter["MessageAttributes"]["message_id"]["StringValue"], "odd");
    assert_eq!(letter["MessageBody"], odd.to_string());
    assert_eq!((*seen.borrow(), asked.len()), (2, 1));
    // Without a dead-letter queue it comes again, alone.
    let answer = handled(&event.to_string(), &work).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "odd"}]}));
}

#[tokio::test]
async fn a_batch_with_a_message_that_has_no_id_fails_before_any_work() {
    let mut event: Value = serde_json::from_str(recorded!("sqs_s3")).unwrap();
    event["Records"][1]["messageId"] = Value::Null;
    let server = Server::start([]).await;
    let dead_letters = DeadLetters::new(server.clients(), Some("https://sqs.example/1/dead".to_owned()));
    let work = async |_: &ObjectArrived| panic!("nothing is worked on");
    let failed = handle(&event.to_string(), work, dead_letters).await;
    assert_eq!(failed.unwrap_err().error_type, "transient");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn every_recorded_event_is_taken() {
    let seen = RefCell::new(0);
    let count = async |_: &ObjectArrived| {
        *seen.borrow_mut() += 1;
        Ok(())
    };
    for (event, objects) in [
        (recorded!("event_bridge"), 1),
        (recorded!("event_bridge_deleted"), 0),
        (recorded!("event_bridge_odd_key"), 1),
        (recorded!("s3"), 1),
        (recorded!("s3_odd_keys"), 9),
        (recorded!("s3_of_other_kinds"), 1),
        (recorded!("s3_test_event"), 0),
        (recorded!("s3_without_user_identity"), 1),
        (recorded!("s3_without_version"), 1),
        (recorded!("sns"), 1),
        (recorded!("sns_test_event"), 0),
        (recorded!("sqs_event_bridge"), 1),
        (recorded!("sqs_s3"), 2),
        (recorded!("sqs_s3_odd_keys"), 9),
        (recorded!("sqs_s3_test_event"), 0),
        (recorded!("sqs_sns"), 1),
        (recorded!("sqs_sns_raw"), 1),
        (recorded!("sqs_sns_raw_test_event"), 0),
        (recorded!("sqs_sns_test_event"), 0),
    ] {
        *seen.borrow_mut() = 0;
        let answer = handled(event, &count).await.unwrap();
        let is_batch = event.contains("aws:sqs");
        let done = if is_batch {
            json!({"batchItemFailures": []})
        } else {
            Value::Null
        };
        assert_eq!((answer, *seen.borrow()), (done, objects), "{event}");
    }
}

#[test]
fn two_seconds_are_kept_back_from_the_deadline() {
    let ms = u64::try_from(noon().as_millisecond()).unwrap();
    for (deadline, left) in [
        (ms + 120_000, Duration::from_secs(118)),
        (ms + 2_500, Duration::from_millis(500)),
        (ms + 1_000, Duration::ZERO),
        (u64::MAX, Duration::from_secs(898)),
        // `cargo lambda` says 1970.
        (ms, WITHOUT_DEADLINE),
        (25_000, WITHOUT_DEADLINE),
        (0, WITHOUT_DEADLINE),
    ] {
        assert_eq!(time_left(deadline, noon()), left, "{deadline}");
    }
}
