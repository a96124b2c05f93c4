//! What is refused.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::Running;
use crate::service::testing::refusal;

#[tokio::test]
async fn a_message_may_have_1048576_bytes_and_only_characters_that_are_allowed() {
    let running = Running::start(Duration::from_secs(30)).await;
    let send = |body: String| {
        let request = running.client.send_message().queue_url(running.url("work"));
        request.message_body(body).send()
    };
    send("x".repeat(1_048_576)).await.unwrap();
    for (body, code) in [
        ("x".repeat(1_048_577), "InvalidParameterValue"),
        (String::new(), "MissingParameter"),
        ("\u{0}".to_owned(), "InvalidMessageContents"),
        ("a\u{b}".to_owned(), "InvalidMessageContents"),
        ("\u{fffe}".to_owned(), "InvalidMessageContents"),
    ] {
        let refused = refusal(send(body).await);
        assert_eq!(refused, (400, code.to_owned()));
    }
    // The largest in its longest form fits, too.
    let url = running.url("work");
    let body = format!(
        "{{\"QueueUrl\":\"{url}\",\"MessageBody\":\"{}\"}}",
        "\\u0078".repeat(1_048_576)
    );
    assert_eq!(running.raw("AmazonSQS.SendMessage", &[], &body).await.0, 200);
}

#[tokio::test]
async fn attributes_that_sqs_would_not_take_are_refused() {
    let running = Running::start(Duration::from_secs(30)).await;
    let url = running.url("work");
    let send = |attributes: Json| {
        json!({ "QueueUrl": url, "MessageBody": "a", "MessageAttributes": attributes }).to_string()
    };
    let value = json!({ "DataType": "String", "StringValue": "x" });
    let many: Json = (0..11)
        .map(|n| (format!("a{n}"), value.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    for attributes in [
        json!({ "a": { "DataType": "String" } }),
        json!({ "a": { "DataType": "String", "StringValue": "" } }),
        json!({ "a": { "DataType": "String", "StringValue": "x", "BinaryValue": "eA==" } }),
        json!({ "a": { "DataType": "Number", "StringValue": "NaN" } }),
        json!({ "a": { "DataType": "Binary", "BinaryValue": "!" } }),
        json!({ "a": { "DataType": "Text", "StringValue": "x" } }),
        json!({ "AWS.x": value }),
        json!({ ".x": value }),
        json!({ "a b": value }),
        many,
    ] {
        let refused = running
            .raw("AmazonSQS.SendMessage", &[], &send(attributes.clone()))
            .await;
        assert_eq!(refused, (400, "InvalidParameterValue".to_owned()), "{attributes}");
    }
    assert_eq!(running.queue("work").messages(), []);
}

#[tokio::test]
async fn requests_are_parsed_strictly() {
    let running = Running::start(Duration::from_secs(30)).await;
    let url = running.url("work");
    let body = |extra: &str| format!("{{\"QueueUrl\":\"{url}\",\"MessageBody\":\"a\"{extra}}}");
    let send = "AmazonSQS.SendMessage";
    let serialization = "SerializationException";
    for (target, headers, body, expected) in [
        (
            send,
            &[][..],
            body(",\"MessageGroupId\":\"g\""),
            (400, serialization),
        ),
        (send, &[], body(",\"DelaySeconds\":-1"), (400, serialization)),
        (
            send,
            &[],
            body(",\"DelaySeconds\":901"),
            (400, "InvalidParameterValue"),
        ),
        (send, &[], "[".repeat(1000), (400, serialization)),
        (send, &[], String::new(), (400, serialization)),
        (
            send,
            &[("content-type", "text/plain")],
            body(""),
            (400, serialization),
        ),
        (
            send,
            &[("authorization", "")],
            body(""),
            (403, "MissingAuthenticationTokenException"),
        ),
        (
            "AmazonSQS.CreateQueue",
            &[],
            "{}".to_owned(),
            (400, "UnknownOperationException"),
        ),
        (
            "AmazonSNS.SendMessage",
            &[],
            body(""),
            (400, "UnknownOperationException"),
        ),
        (
            "AmazonSQS.DeleteMessage",
            &[],
            format!("{{\"QueueUrl\":\"{url}\",\"ReceiptHandle\":\"x\"}}"),
            (400, "ReceiptHandleIsInvalid"),
        ),
        (
            "AmazonSQS.ReceiveMessage",
            &[],
            format!("{{\"QueueUrl\":\"{url}\",\"MaxNumberOfMessages\":11}}"),
            (400, "InvalidParameterValue"),
        ),
        (
            "AmazonSQS.GetQueueAttributes",
            &[],
            format!("{{\"QueueUrl\":\"{url}\",\"AttributeNames\":[\"Colour\"]}}"),
            (400, "InvalidAttributeName"),
        ),
    ] {
        let (status, code) = running.raw(target, headers, &body).await;
        assert_eq!((status, code.as_str()), expected, "{target} {body:.80}");
    }
    let endless = "x".repeat(7 * 1_048_576);
    assert_eq!(
        running.raw(send, &[], &endless).await,
        (400, serialization.to_owned())
    );
    assert_eq!(running.queue("work").messages(), []);
}
