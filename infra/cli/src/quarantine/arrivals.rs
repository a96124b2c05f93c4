//! Telling post-process about a release, in the words that S3 has for an object that arrived: a release is no event of
//! S3's, and the index would say `rejected` until the next one.
//!
//! Source of the form: S3 user guide, *Event message structure*.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Config};
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use casefile::client::S3Settings;
use casefile::config::{Env, queue_url};
use casefile::quarantine::Item;
use casefile::time::rfc3339;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A queue answers within milliseconds.
const TIMEOUT: Duration = Duration::from_secs(6);

/// The queue that post-process is called from.
pub(super) struct Arrivals {
    client: Client,
    queue_url: String,
    region: String,
}

impl Arrivals {
    /// Reads `ARRIVALS_QUEUE_URL` and `AWS_ENDPOINT_URL_SQS`; `None` where the first isn't set.
    pub(super) fn read(env: &mut Env, s3: &S3Settings) -> Option<Self> {
        let aws = s3.aws();
        let queue_url = env.optional("ARRIVALS_QUEUE_URL", queue_url);
        let endpoint = aws.endpoint(env, "AWS_ENDPOINT_URL_SQS");
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws.region())
            .credentials_provider(aws.credentials())
            .http_client(aws.http_client())
            .retry_config(aws.retries())
            .timeout_config(aws.timeouts(TIMEOUT));
        config.set_endpoint_url(endpoint);
        Some(Self {
            queue_url: queue_url?,
            client: Client::from_conf(config.build()),
            region: aws.region().to_string(),
        })
    }

    /// Sends the event of a released version. It may be sent twice.
    ///
    /// # Errors
    /// What SQS said.
    pub(super) async fn announce(&self, bucket: &str, item: &Item, now: Timestamp) -> Result<(), String> {
        let body = event(&self.region, bucket, item, now).to_string();
        let message = self.client.send_message().queue_url(&self.queue_url);
        let sent = message.message_body(body).send().await;
        sent.map(drop)
            .map_err(|error| error.code().unwrap_or("it didn't answer").to_owned())
    }
}

/// As S3 tells it, without a `sequencer`, which only S3 can give: the object itself is as old as it was.
fn event(region: &str, bucket: &str, item: &Item, now: Timestamp) -> Value {
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": region,
        "eventTime": rfc3339(now),
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket, "arn": format!("arn:aws:s3:::{bucket}")},
            "object": {
                "key": form_encoded(&item.key),
                "size": item.size,
                "eTag": item.etag.trim_matches('"'),
                "versionId": item.version_id,
            },
        },
    }]})
}

/// As S3 spells keys in its events; slashes stay.
fn form_encoded(key: &str) -> String {
    let parts: Vec<String> = key
        .split('/')
        .map(|part| form_urlencoded::byte_serialize(part.as_bytes()).collect())
        .collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use casefile::digest::Sha256;

    use super::*;

    #[test]
    fn a_release_is_told_as_s3_tells_of_a_put() {
        let item = Item {
            key: "ecg-reports/2025/11/14/é a+b?&=%#.pdf".to_owned(),
            version_id: Some("v1".to_owned()),
            etag: "\"00\"".to_owned(),
            sha256: Sha256::of(b""),
            size: 3,
            content_type: "application/pdf".to_owned(),
            reason: "its content is none".to_owned(),
        };
        let now = "2025-11-14T14:25:10Z".parse().unwrap();
        let event = event("eu-west-1", "files", &item, now);
        let record = &event["Records"][0];
        assert_eq!(record["eventName"], "ObjectCreated:Put");
        assert_eq!(record["eventTime"], rfc3339(now));
        let object = json!({
            "key": "ecg-reports/2025/11/14/%C3%A9+a%2Bb%3F%26%3D%25%23.pdf",
            "size": 3,
            "eTag": "00",
            "versionId": "v1",
        });
        assert_eq!(record["s3"]["object"], object);
        assert_eq!(record["s3"]["bucket"]["name"], "files");
        assert!(!event.to_string().contains("content is none"));
    }

    #[test]
    fn without_a_queue_nobody_is_told_and_a_wrong_one_is_named() {
        let base = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ];
        let mut env = Env::of(base);
        let s3 = env.s3().unwrap();
        assert!(Arrivals::read(&mut env, &s3).is_none());
        let mut env = Env::of(base.into_iter().chain([("ARRIVALS_QUEUE_URL", "arrivals")]));
        assert!(Arrivals::read(&mut env, &s3).is_none());
        let error = env.finish(Some(())).unwrap_err().to_string();
        assert!(
            error.contains("ARRIVALS_QUEUE_URL must be a queue's URL"),
            "{error}"
        );
    }
}
