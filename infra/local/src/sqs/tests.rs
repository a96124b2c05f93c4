//! The queues, asked as the SDK asks, and as nobody should.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Config};
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};
use serde_json::Value as Json;
use tokio::time::{sleep, timeout};

use super::*;
use crate::lambda::{Ids, Server};
use crate::service::Outage;
use crate::service::testing::{authorization, aws, clock, door, raw, refusal};
use crate::template::{self, Redrive};

mod kept;
mod strict;

const ACCOUNT: &str = "000000000000";

struct Running {
    queues: Queues,
    client: Client,
    server: Server,
    outage: Outage,
}

impl Running {
    /// The queue `work`, whose dead letters go to `dead` when they come a third time.
    async fn start(visibility: Duration) -> Self {
        let declared = |name: &str, redrive| template::Queue {
            logical_id: name.to_owned(),
            name: name.to_owned(),
            arn: format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"),
            url: format!("https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/{name}"),
            visibility,
            redrive,
        };
        let redrive = Redrive {
            queue: "dead".to_owned(),
            max_receives: 2,
        };
        let queues = Queues::new(&[declared("work", Some(redrive)), declared("dead", None)], clock);
        let (door, outage) = (door().await, Outage::default());
        let router = router(
            queues.clone(),
            door.address(),
            ACCOUNT.to_owned(),
            outage.clone(),
            Ids::new(clock),
        );
        let server = Server::start(door, router);
        let (aws, region, credentials) = aws();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .credentials_provider(credentials)
            .http_client(aws.http_client())
            .endpoint_url(format!("http://{}", server.address()))
            .build();
        Self {
            queues,
            client: Client::from_conf(config),
            server,
            outage,
        }
    }

    fn url(&self, queue: &str) -> String {
        format!("http://{}/{ACCOUNT}/{queue}", self.server.address())
    }

    fn queue(&self, name: &str) -> &Arc<Queue> {
        self.queues.get(name).unwrap()
    }

    async fn send(&self, body: &str) {
        let request = self.client.send_message().queue_url(self.url("work"));
        request.message_body(body).send().await.unwrap();
    }

    /// The bodies and receipts of what is visible.
    async fn receive(&self, visibility: i32) -> Vec<(String, String)> {
        let request = self.client.receive_message().queue_url(self.url("work"));
        let request = request.max_number_of_messages(10).visibility_timeout(visibility);
        let received = request.send().await.unwrap().messages.unwrap_or_default();
        received
            .into_iter()
            .map(|message| (message.body.unwrap(), message.receipt_handle.unwrap()))
            .collect()
    }

    /// The status and code of the answer to a body of one's own.
    async fn raw(&self, target: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let signed = authorization("sqs");
        let own = [
            ("x-amz-target", target),
            ("content-type", "application/x-amz-json-1.0"),
            ("authorization", signed.as_str()),
        ];
        let answer = raw(self.server.address(), &own, headers, body).await;
        let parsed: Json = serde_json::from_slice(answer.body()).unwrap_or_default();
        let code = parsed["__type"].as_str().unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default();
        (answer.status().as_u16(), code.to_owned())
    }
}

fn text(value: &str) -> MessageAttributeValue {
    let value = MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value);
    value.build().unwrap()
}

#[tokio::test]
async fn a_message_is_received_as_it_was_sent_and_gone_once_deleted() {
    let running = Running::start(Duration::from_secs(30)).await;
    let bytes = MessageAttributeValue::builder()
        .data_type("Binary.zip")
        .binary_value(Blob::new(*b"\x00\xff"));
    let request = running.client.send_message().queue_url(running.url("work"));
    let request = request
        .message_body("ü \u{1f4c4}\n")
        .message_attributes("reason", text("malformed"))
        .message_attributes("bytes", bytes.build().unwrap());
    let sent = request.send().await.unwrap();
    let request = running.client.receive_message().queue_url(running.url("work"));
    let request = request
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::All);
    let received = request.send().await.unwrap().messages.unwrap();
    let [message] = received.as_slice() else {
        panic!("{received:?}")
    };
    assert_eq!(message.body(), Some("ü \u{1f4c4}\n"));
    assert_eq!(message.message_id(), sent.message_id());
    assert_eq!(message.md5_of_body(), sent.md5_of_message_body());
    assert_eq!(
        message.md5_of_message_attributes(),
        sent.md5_of_message_attributes()
    );
    let attributes = message.message_attributes().unwrap();
    assert_eq!(attributes["reason"], text("malformed"));
    assert_eq!(attributes["bytes"].binary_value().unwrap().as_ref(), b"\x00\xff");
    let system = message.attributes().unwrap();
    assert_eq!(system[&MessageSystemAttributeName::ApproximateReceiveCount], "1");
    assert_eq!(
        system[&MessageSystemAttributeName::SentTimestamp],
        "1763130310000"
    );
    let request = running.client.delete_message().queue_url(running.url("work"));
    let request = request.receipt_handle(message.receipt_handle().unwrap());
    request.send().await.unwrap();
    assert_eq!(running.queue("work").counts(), Counts::default());
}

/// Values of an independent implementation: `md5sum`.
#[test]
fn digests_are_those_that_clients_compare() {
    assert_eq!(message::digest("hello"), "5d41402abc4b2a76b9719d911017c592");
    let attributes = [("a".to_owned(), Attribute::text("b"))].into();
    // printf '\0\0\0\1a\0\0\0\6String\1\0\0\0\1b' | md5sum
    assert_eq!(
        message::digest_of(&attributes).unwrap(),
        "bef8bf215374a0a228d67533b1a488be"
    );
    assert_eq!(message::digest_of(&BTreeMap::new()), None);
}

#[tokio::test]
async fn a_received_message_is_invisible_until_somebody_gives_it_back() {
    let running = Running::start(Duration::from_mins(10)).await;
    running.send("a").await;
    let [(body, first)] = running.receive(600).await.try_into().unwrap();
    assert_eq!(body, "a");
    assert_eq!(running.receive(600).await, []);
    assert_eq!(running.queue("work").counts().in_flight, 1);
    let give_back = |receipt: &str| {
        let request = running.client.change_message_visibility();
        let request = request.queue_url(running.url("work")).receipt_handle(receipt);
        request.visibility_timeout(0).send()
    };
    give_back(&first).await.unwrap();
    let (status, code) = refusal(give_back(&first).await);
    assert_eq!(status, 400, "{code}");
    let [(_, second)] = running.receive(600).await.try_into().unwrap();
    assert_ne!(first, second);
    // The first receiving is over: its receipt deletes nothing.
    let delete = |receipt: String| {
        let request = running.client.delete_message().queue_url(running.url("work"));
        request.receipt_handle(receipt).send()
    };
    delete(first).await.unwrap();
    assert_eq!(running.queue("work").counts().total(), 1);
    delete(second).await.unwrap();
    assert_eq!(running.queue("work").counts().total(), 0);
}

#[tokio::test]
async fn a_message_that_comes_too_often_moves_to_the_dead_letters_as_it_is() {
    let running = Running::start(Duration::from_secs(30)).await;
    let request = running.client.send_message().queue_url(running.url("work"));
    let request = request.message_body("a").message_attributes("x", text("y"));
    let id = request.send().await.unwrap().message_id.unwrap();
    for _ in 0..2 {
        assert_eq!(running.receive(0).await.len(), 1);
    }
    assert_eq!(running.queue("dead").messages(), []);
    assert_eq!(running.receive(0).await, []);
    let [message] = running.queue("dead").messages().try_into().unwrap();
    assert_eq!((message.id.as_str(), message.body.as_str()), (id.as_str(), "a"));
    assert_eq!(message.attribute("x"), Some("y"));
    assert_eq!(
        message.source.as_deref(),
        Some("arn:aws:sqs:us-east-1:000000000000:work")
    );
    assert_eq!(running.queue("work").counts().total(), 0);
}

#[tokio::test]
async fn a_long_poll_ends_with_the_first_message() {
    let running = Running::start(Duration::from_secs(30)).await;
    let request = running.client.receive_message().queue_url(running.url("work"));
    let poll = tokio::spawn(request.wait_time_seconds(20).send());
    sleep(Duration::from_millis(50)).await;
    running.send("a").await;
    let received = timeout(Duration::from_secs(5), poll).await.unwrap().unwrap();
    assert_eq!(received.unwrap().messages.unwrap().len(), 1);
}

#[tokio::test]
async fn a_queue_says_what_it_has_and_how_it_is() {
    let running = Running::start(Duration::from_secs(30)).await;
    for body in ["a", "b", "c"] {
        running.send(body).await;
    }
    let late = running.client.send_message().queue_url(running.url("work"));
    late.message_body("d").delay_seconds(900).send().await.unwrap();
    let request = running.client.receive_message().queue_url(running.url("work"));
    request.send().await.unwrap();
    let request = running
        .client
        .get_queue_attributes()
        .queue_url(running.url("work"));
    let answer = request
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .unwrap();
    let attributes = answer.attributes.unwrap();
    for (name, expected) in [
        (QueueAttributeName::ApproximateNumberOfMessages, "2"),
        (QueueAttributeName::ApproximateNumberOfMessagesNotVisible, "1"),
        (QueueAttributeName::ApproximateNumberOfMessagesDelayed, "1"),
        (QueueAttributeName::VisibilityTimeout, "30"),
        (
            QueueAttributeName::RedrivePolicy,
            r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}"#,
        ),
    ] {
        assert_eq!(attributes[&name], expected, "{name}");
    }
    let purge = running.client.purge_queue().queue_url(running.url("work"));
    purge.send().await.unwrap();
    assert_eq!(running.queue("work").counts().total(), 0);
}

#[tokio::test]
async fn a_queue_is_found_by_its_name_and_by_its_url_in_aws_too() {
    let running = Running::start(Duration::from_secs(30)).await;
    let found = running
        .client
        .get_queue_url()
        .queue_name("dead")
        .send()
        .await
        .unwrap();
    assert_eq!(found.queue_url(), Some(running.url("dead").as_str()));
    let listed = running.client.list_queues().send().await.unwrap();
    assert_eq!(listed.queue_urls(), [running.url("dead"), running.url("work")]);
    let deployed = format!("https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/work");
    let request = running.client.send_message().queue_url(deployed);
    request.message_body("a").send().await.unwrap();
    assert_eq!(running.queue("work").messages().len(), 1);
    for url in [
        "nowhere",
        "http://x/1/work",
        &running.url("work/x"),
        &running.url("other"),
    ] {
        let request = running.client.send_message().queue_url(url);
        let refused = refusal(request.message_body("a").send().await);
        // The SDK goes by what the query protocol called it.
        let code = "AWS.SimpleQueueService.NonExistentQueue";
        assert_eq!(refused, (400, code.to_owned()), "{url}");
    }
    let missing = running.client.get_queue_url().queue_name("other").send().await;
    assert!(
        missing
            .unwrap_err()
            .into_service_error()
            .is_queue_does_not_exist()
    );
}

#[tokio::test]
async fn a_passing_failure_is_asked_again_and_a_lasting_one_seen() {
    let running = Running::start(Duration::from_secs(30)).await;
    let send = || {
        let request = running.client.send_message().queue_url(running.url("work"));
        request.message_body("a").send()
    };
    running.outage.fail(2);
    send().await.unwrap();
    assert_eq!(running.queue("work").messages().len(), 1);
    running.outage.fail(3);
    assert_eq!(refusal(send().await), (500, "InternalFailure".to_owned()));
    assert_eq!(running.queue("work").messages().len(), 1);
    running.outage.fail_after_effect(3);
    assert_eq!(refusal(send().await), (500, "InternalFailure".to_owned()));
    assert_eq!(running.queue("work").messages().len(), 4);
}
