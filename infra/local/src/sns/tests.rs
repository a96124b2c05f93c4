//! The topics, asked as the SDK asks, and as nobody should.

use aws_sdk_sns::Client;
use aws_sdk_sns::config::{BehaviorVersion, Config};
use aws_sdk_sns::error::ProvideErrorMetadata as _;
use aws_sdk_sns::primitives::Blob;
use aws_sdk_sns::types::MessageAttributeValue;

use super::*;
use crate::lambda::{Ids, Server};
use crate::service::Outage;
use crate::service::testing::{authorization, aws, clock, door, raw, refusal};
use crate::sqs::{Attribute, Value};

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:topic";

struct Running {
    topics: Topics,
    client: Client,
    server: Server,
    outage: Outage,
}

impl Running {
    async fn start() -> Self {
        let topics = Topics::new([TOPIC.to_owned()]);
        let outage = Outage::default();
        let router = router(topics.clone(), outage.clone(), Ids::new(clock), clock);
        let server = Server::start(door().await, router);
        let (aws, region, credentials) = aws();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .credentials_provider(credentials)
            .http_client(aws.http_client())
            .endpoint_url(format!("http://{}", server.address()))
            .build();
        Self {
            topics,
            client: Client::from_conf(config),
            server,
            outage,
        }
    }

    /// The status and body of the answer to a form of one's own.
    async fn raw(&self, headers: &[(&str, &str)], form: &str) -> (u16, String) {
        let signed = authorization("sns");
        let own = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", signed.as_str()),
        ];
        let answer = raw(self.server.address(), &own, headers, form).await;
        let body = String::from_utf8(answer.body().to_vec()).unwrap();
        (answer.status().as_u16(), body)
    }
}

fn value(data_type: &str, text: &str) -> MessageAttributeValue {
    let value = MessageAttributeValue::builder()
        .data_type(data_type)
        .string_value(text);
    value.build().unwrap()
}

#[tokio::test]
async fn what_is_published_is_remembered_as_it_was() {
    let running = Running::start().await;
    let bytes = MessageAttributeValue::builder()
        .data_type("Binary")
        .binary_value(Blob::new(*b"\x00\xff"));
    let message = r#"{"default":"{\"a\":1}","email":"Ü & <b>\n+ 100 %"}"#;
    let request = running.client.publish().topic_arn(TOPIC).message(message);
    let request = request
        .subject("One more report")
        .message_structure("json")
        .message_attributes("status", value("String", "verified"))
        .message_attributes("kinds", value("String.Array", r#"["pdf","json"]"#))
        .message_attributes("bytes", bytes.build().unwrap());
    let answer = request.send().await.unwrap();
    let [notification] = running.topics.published().try_into().unwrap();
    assert_eq!(answer.message_id(), Some(notification.id.as_str()));
    assert_eq!(notification.topic_arn, TOPIC);
    assert_eq!(notification.subject.as_deref(), Some("One more report"));
    assert_eq!(notification.message, message);
    assert_eq!(notification.text("email"), "Ü & <b>\n+ 100 %");
    assert_eq!(notification.text("sqs"), "{\"a\":1}");
    assert_eq!(notification.attribute("status"), Some("verified"));
    assert_eq!(notification.attribute("kinds"), Some(r#"["pdf","json"]"#));
    assert_eq!(
        notification.attributes["bytes"],
        Attribute {
            data_type: "Binary".to_owned(),
            value: Value::Binary(vec![0, 255]),
        }
    );
    assert_eq!(notification.time, clock());
    let plain = running.client.publish().topic_arn(TOPIC).message("plain");
    plain.send().await.unwrap();
    assert_eq!(running.topics.published()[1].text("email"), "plain");
}

#[tokio::test]
async fn what_sns_would_refuse_is_refused_and_not_remembered() {
    let running = Running::start().await;
    let publish = || running.client.publish().topic_arn(TOPIC).message("m");
    let long = "x".repeat(101);
    let large = "x".repeat(262_145);
    for (request, status, code) in [
        (
            publish().topic_arn(TOPIC.replace("topic", "other")),
            404,
            "NotFound",
        ),
        (publish().subject(long), 400, "InvalidParameter"),
        (publish().subject("two\nlines"), 400, "InvalidParameter"),
        (publish().subject(""), 400, "InvalidParameter"),
        (publish().message(large), 400, "InvalidParameter"),
        (publish().message(""), 400, "InvalidParameter"),
        (publish().message_structure("json"), 400, "InvalidParameter"),
        (
            publish().message_structure("json").message(r#"{"email":"x"}"#),
            400,
            "InvalidParameter",
        ),
        (publish().message_structure("xml"), 400, "InvalidParameter"),
        (publish().message_deduplication_id("d"), 400, "InvalidParameter"),
        (publish().phone_number("+491"), 400, "InvalidParameter"),
        (
            publish().message_attributes("a", value("Text", "x")),
            400,
            "ParameterValueInvalid",
        ),
        (
            publish().message_attributes("a b", value("String", "x")),
            400,
            "ParameterValueInvalid",
        ),
        (
            publish().message_attributes("a", value("String.Array", "[[]]")),
            400,
            "ParameterValueInvalid",
        ),
        (
            publish().message_attributes("a", value("Number", "many")),
            400,
            "ParameterValueInvalid",
        ),
    ] {
        let shown = format!("{:.300}", format!("{request:?}"));
        assert_eq!(
            refusal(request.send().await),
            (status, code.to_owned()),
            "{shown}"
        );
    }
    assert_eq!(running.topics.published(), []);
}

#[tokio::test]
async fn a_refusal_says_why_in_xml() {
    let running = Running::start().await;
    let request = running.client.publish().topic_arn(TOPIC).message("m");
    let refused = request.subject("\u{1}").send().await.unwrap_err();
    assert!(
        refused
            .as_service_error()
            .unwrap()
            .is_invalid_parameter_exception()
    );
    assert_eq!(refused.message(), Some("Invalid parameter: Subject"));
}

#[tokio::test]
async fn a_passing_failure_is_asked_again_and_a_lasting_one_seen() {
    let running = Running::start().await;
    let publish = || running.client.publish().topic_arn(TOPIC).message("m").send();
    running.outage.fail(3);
    assert_eq!(refusal(publish().await), (500, "InternalFailure".to_owned()));
    assert_eq!(running.topics.published(), []);
    running.outage.fail_after_effect(1);
    publish().await.unwrap();
    assert_eq!(running.topics.published().len(), 2);
}

#[tokio::test]
async fn requests_are_parsed_strictly() {
    let running = Running::start().await;
    let good = format!("Action=Publish&Version=2010-03-31&TopicArn={TOPIC}&Message=m");
    assert_eq!(running.raw(&[], &good).await.0, 200);
    for (headers, form, status, code) in [
        (&[][..], format!("{good}&Colour=red"), 400, "InvalidParameter"),
        (&[], format!("{good}&Message=n"), 400, "MalformedQueryString"),
        (&[], format!("{good}&Subject=%FF"), 400, "MalformedQueryString"),
        (&[], good.replace("2010", "2011"), 400, "InvalidParameter"),
        (&[], good.replace("Publish", "Subscribe"), 400, "InvalidAction"),
        (&[], good.replace("&Message=m", ""), 400, "InvalidParameter"),
        (
            &[],
            format!("{good}&MessageAttributes.entry.2.Name=a"),
            400,
            "InvalidParameter",
        ),
        (&[], format!("{good}&<a>=b"), 400, "&lt;a&gt; is not known here"),
        (
            &[("authorization", "")],
            good.clone(),
            403,
            "MissingAuthenticationToken",
        ),
        (
            &[("content-type", "text/plain")],
            good.clone(),
            400,
            "MalformedQueryString",
        ),
        (
            &[],
            format!("{good}{}", "x".repeat(1_000_000)),
            400,
            "MalformedQueryString",
        ),
    ] {
        let (got, body) = running.raw(headers, &form).await;
        assert_eq!(got, status, "{form:.200}");
        assert!(body.contains(code), "{form:.200}: {body}");
    }
    assert_eq!(running.topics.published().len(), 1);
}

#[tokio::test]
async fn a_topic_has_attributes_and_another_is_not_found() {
    let running = Running::start().await;
    let ask = |arn: &str| running.client.get_topic_attributes().topic_arn(arn).send();
    let known = ask(TOPIC).await.unwrap();
    let attributes = known.attributes().unwrap();
    assert_eq!(attributes["TopicArn"], TOPIC);
    assert_eq!(attributes["SubscriptionsConfirmed"], "0");
    let other = refusal(ask(&format!("{TOPIC}s")).await);
    assert_eq!(other, (404, "NotFound".to_owned()));
    assert!(running.topics.published().is_empty());
}
