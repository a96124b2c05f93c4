//! Publishing to SNS.

use std::sync::Arc;

use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::operation::publish::PublishError;
use aws_sdk_sns::types::MessageAttributeValue;
use serde_json::json;

use super::notice::Notice;
use super::topic::Topic;
use crate::clients::Clients;
use crate::failure::Failure;

/// 256 KiB (SNS API reference, *Publish*), less what the attributes take.
const MAX_MESSAGE_BYTES: usize = 252 * 1024;

/// Tells subscribers.
#[derive(Debug, Clone)]
pub struct Notifier {
    clients: Arc<Clients>,
    topic: Option<Topic>,
}

impl Notifier {
    /// Of a topic; without one nobody is told. Connects to nothing yet.
    pub fn new(clients: Arc<Clients>, topic: Option<Topic>) -> Self {
        Self { clients, topic }
    }

    /// Whether there is a topic.
    pub fn is_on(&self) -> bool {
        self.topic.is_some()
    }

    /// Publishes a notice. The SDK repeats a call whose answer is lost, so a notice may come twice; a FIFO topic drops
    /// the second. Subscribers by e-mail get the text, all others the JSON.
    ///
    /// # Errors
    /// [`Failure::Transient`] whenever SNS doesn't take it, a wrong set-up included: somebody mends it.
    /// [`Failure::Poison`] when it is larger than SNS takes.
    pub async fn publish(&self, notice: &Notice) -> Result<(), Failure> {
        let Some(topic) = &self.topic else {
            return Ok(());
        };
        let mut publish = self
            .clients
            .sns()
            .publish()
            .topic_arn(topic.arn())
            .subject(notice.subject())
            .message(message(notice)?)
            .message_structure("json");
        for (name, value) in filters(notice) {
            publish = publish.message_attributes(name, attribute(value)?);
        }
        if topic.is_fifo() {
            publish = publish
                .message_deduplication_id(notice.deduplication_id())
                .message_group_id(&notice.attributes().collection);
        }
        publish.send().await.map(drop).map_err(|error| failure(&error))
    }
}

/// A message a protocol (SNS developer guide, *Sending custom platform-specific payloads*).
fn message(notice: &Notice) -> Result<String, Failure> {
    let message = json!({
        "default": notice.json().to_string(),
        "email": notice.text(),
        "sms": notice.subject(),
    });
    let message = message.to_string();
    if message.len() > MAX_MESSAGE_BYTES {
        return Err(Failure::Poison("the notice is larger than SNS takes".to_owned()));
    }
    Ok(message)
}

/// SNS refuses an empty value.
fn filters(notice: &Notice) -> impl Iterator<Item = (&'static str, String)> {
    let attributes = notice.attributes();
    [
        ("collection", attributes.collection.clone()),
        ("status", attributes.status.clone()),
        ("tenant", attributes.tenant.clone()),
        ("kind", attributes.kind.clone()),
        ("deduplication_id", notice.deduplication_id()),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
}

fn attribute(value: String) -> Result<MessageAttributeValue, Failure> {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .map_err(|error| Failure::Poison(format!("an attribute of the notice is impossible: {error}")))
}

fn failure<R>(error: &SdkError<PublishError, R>) -> Failure {
    let why = match error {
        SdkError::TimeoutError(_) => "it didn't answer in time",
        SdkError::DispatchFailure(_) => "it can't be reached",
        SdkError::ServiceError(service) => service.err().code().unwrap_or("an error without a code"),
        _ => "its answer can't be read",
    };
    let why: String = why.chars().filter(|c| !c.is_control()).take(100).collect();
    Failure::Transient(format!("SNS didn't take the notice: {why}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use casefile::config::Env;
    use serde_json::Value;

    use super::*;
    use crate::clients::testing::{Answer, Server};
    use crate::notify::{About, News};

    const PUBLISHED: &str = r#"<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>
        <MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></PublishResult><ResponseMetadata>
        <RequestId>d74b8436-ae13-5ab4-a9ff-ce54dfea72a0</RequestId></ResponseMetadata></PublishResponse>"#;

    fn notice(reason: &str) -> Notice {
        let news = News {
            collection: "bols",
            status: "verified",
            reason: Some(reason),
            tenant: "",
            bucket: "artifacts",
            key: "bols/2025/PRT-2025-0001.pdf",
            version_id: Some("v1"),
            about: About::File {
                size: 7,
                sha256: None,
            },
        };
        news.notice().unwrap()
    }

    fn notifier(server: &Server, topic: &str) -> Notifier {
        let mut env = Env::of([("TOPIC_ARN", topic)]);
        Notifier::new(server.clients(), Topic::read(&mut env))
    }

    fn asked(server: &Server) -> HashMap<String, String> {
        let asked = server.asked().pop().unwrap();
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/"));
        form_urlencoded::parse(asked.body.as_bytes())
            .into_owned()
            .collect()
    }

    #[tokio::test]
    async fn mail_gets_text_machines_get_json_and_filters_get_attributes() {
        let server = Server::start([Answer::ok(PUBLISHED)]).await;
        let topic = "arn:aws:sns:eu-central-1:123456789012:casefile";
        let notice = notice("a & b");
        notifier(&server, topic).publish(&notice).await.unwrap();

        let form = asked(&server);
        assert_eq!(form["Action"], "Publish");
        assert_eq!(form["TopicArn"], topic);
        assert_eq!(form["Subject"], "Casefile: bols file verified");
        assert_eq!(form["MessageStructure"], "json");
        let message: Value = serde_json::from_str(&form["Message"]).unwrap();
        assert_eq!(message["email"], notice.text());
        let machines: Value = serde_json::from_str(message["default"].as_str().unwrap()).unwrap();
        assert_eq!(machines, notice.json());
        // A standard topic refuses a request with one.
        assert!(!form.contains_key("MessageDeduplicationId"));

        let names: HashMap<&str, &str> = (1..=4)
            .map(|at| {
                let entry = format!("MessageAttributes.entry.{at}");
                assert_eq!(form[&format!("{entry}.Value.DataType")], "String");
                let name = form[&format!("{entry}.Name")].as_str();
                (name, form[&format!("{entry}.Value.StringValue")].as_str())
            })
            .collect();
        assert_eq!(
            (names["collection"], names["status"], names["kind"]),
            ("bols", "verified", "file")
        );
        assert_eq!(names["deduplication_id"], notice.deduplication_id());
        assert!(!names.contains_key("tenant"), "SNS refuses an empty value");
    }

    #[tokio::test]
    async fn a_fifo_topic_drops_what_comes_twice() {
        let server = Server::start([Answer::ok(PUBLISHED)]).await;
        let notice = notice("r");
        let topic = "arn:aws:sns:eu-central-1:123456789012:casefile.fifo";
        notifier(&server, topic).publish(&notice).await.unwrap();
        let form = asked(&server);
        assert_eq!(form["MessageDeduplicationId"], notice.deduplication_id());
        assert_eq!(form["MessageGroupId"], "bols");
    }

    #[tokio::test]
    async fn without_a_topic_nobody_is_told() {
        let server = Server::start([]).await;
        let notifier = notifier(&server, "");
        assert!(!notifier.is_on());
        notifier.publish(&notice("r")).await.unwrap();
        assert!(server.asked().is_empty());
    }

    #[tokio::test]
    async fn what_sns_does_not_take_is_tried_again_later() {
        let topic = "arn:aws:sns:eu-central-1:123456789012:casefile";
        let server = Server::start([Answer::xml_error(404, "NotFound")]).await;
        let error = notifier(&server, topic).publish(&notice("r")).await.unwrap_err();
        assert_eq!(
            error,
            Failure::Transient("SNS didn't take the notice: NotFound".to_owned())
        );
        assert_eq!(server.asked().len(), 1);
    }

    #[tokio::test]
    async fn a_moment_of_throttling_is_waited_for() {
        let topic = "arn:aws:sns:eu-central-1:123456789012:casefile";
        let server = Server::start([Answer::xml_error(400, "Throttling"), Answer::ok(PUBLISHED)]).await;
        notifier(&server, topic).publish(&notice("r")).await.unwrap();
        assert_eq!(server.asked().len(), 2);
    }

    #[tokio::test]
    async fn what_is_larger_than_sns_takes_is_not_sent() {
        let topic = "arn:aws:sns:eu-central-1:123456789012:casefile";
        let server = Server::start([]).await;
        let error = notifier(&server, topic)
            .publish(&notice(&"x".repeat(300_000)))
            .await;
        assert!(matches!(error, Err(Failure::Poison(_))), "{error:?}");
        assert!(server.asked().is_empty());
    }
}
