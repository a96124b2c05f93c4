//! Letters as SQS gets them, from its own client.

use serde_json::{Value, json};

use super::*;
use crate::clients::testing::{Answer, Server};

fn letters(server: &Server) -> DeadLetters {
    DeadLetters::new(server.clients(), Some("https://sqs.example/1/dead".to_owned()))
}

fn letter<'a>(body: &'a str, reason: &'a str) -> DeadLetter<'a> {
    DeadLetter {
        body,
        reason,
        message_id: "7f88061a",
        receive_count: 2,
    }
}

#[tokio::test]
async fn a_letter_holds_the_message_as_it_came_and_the_reason() {
    let server = Server::start([Answer::ok(r#"{"MessageId": "1", "MD5OfMessageBody": "x"}"#)]).await;
    let sent = letters(&server)
        .send(&letter("{\"Records\": 7}", "the message isn't\u{0} JSON"))
        .await;
    assert_eq!(sent, Ok(()));
    let asked: Value = serde_json::from_str(&server.asked()[0].body).unwrap();
    let attribute = |text| json!({"DataType": "String", "StringValue": text});
    assert_eq!(
        asked,
        json!({
            "QueueUrl": "https://sqs.example/1/dead",
            "MessageBody": "{\"Records\": 7}",
            "MessageAttributes": {
                "reason": attribute("the message isn't JSON"),
                "source": attribute("post-process"),
                "message_id": attribute("7f88061a"),
                "receive_count": attribute("2"),
            },
        })
    );
}

#[tokio::test]
async fn a_refusal_is_told_by_its_code_alone() {
    let server = Server::start([Answer::json_error(400, "QueueDoesNotExist")]).await;
    let error = letters(&server).send(&letter("{}", "x")).await.unwrap_err();
    assert_eq!(error.to_string(), "SendMessage: QueueDoesNotExist");
}

#[tokio::test]
async fn throttling_is_tried_again() {
    let answers = [
        Answer::json_error(429, "ThrottlingException"),
        Answer::ok(r#"{"MessageId": "1"}"#),
    ];
    let server = Server::start(answers).await;
    assert_eq!(letters(&server).send(&letter("{}", "x")).await, Ok(()));
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn without_a_queue_nothing_is_sent() {
    let server = Server::start([]).await;
    let letters = DeadLetters::new(server.clients(), None);
    assert_eq!(letters.send(&letter("{}", "x")).await, Err(NotSent::NoQueue));
    assert!(server.asked().is_empty());
}

#[test]
fn an_attribute_is_short_and_printable() {
    assert_eq!(printable("a\nb\u{fffe}ü"), "abü");
    assert_eq!(printable("\u{1}"), "unknown");
    assert_eq!(printable(&"ü".repeat(5000)).chars().count(), MAX_REASON_CHARS);
}
