//! The clients of the services beside S3, on S3's own HTTP connections and credentials. Each is built when it is first
//! asked for: an invocation that has nothing to say to Bedrock pays nothing for it.

#[cfg(test)]
pub(crate) mod testing;

use std::sync::OnceLock;
use std::time::Duration;

use casefile::client::{AwsSettings, S3Settings};
use casefile::config::Env;

/// Queues and topics answer within milliseconds.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(6);

/// A thousand tokens take a large model that thinks first about half a minute.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(40);

/// The clients of SQS, SNS and Bedrock; one of each in a process.
#[derive(Debug)]
pub struct Clients {
    aws: AwsSettings,
    endpoints: Endpoints,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    sns: OnceLock<aws_sdk_sns::Client>,
    bedrock: OnceLock<aws_sdk_bedrockruntime::Client>,
}

#[derive(Debug)]
struct Endpoints {
    sqs: Option<String>,
    sns: Option<String>,
    bedrock: Option<String>,
}

impl Clients {
    /// Takes region, credentials and connections from `s3`, and reads `AWS_ENDPOINT_URL_SQS`, `AWS_ENDPOINT_URL_SNS`
    /// and `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`. Connects to nothing.
    pub fn read(env: &mut Env, s3: &S3Settings) -> Self {
        let aws = s3.aws().clone();
        let endpoints = Endpoints {
            sqs: aws.endpoint(env, "AWS_ENDPOINT_URL_SQS"),
            sns: aws.endpoint(env, "AWS_ENDPOINT_URL_SNS"),
            bedrock: aws.endpoint(env, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
        };
        Self {
            aws,
            endpoints,
            sqs: OnceLock::new(),
            sns: OnceLock::new(),
            bedrock: OnceLock::new(),
        }
    }

    /// The client of SQS.
    pub fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.sqs.get_or_init(|| {
            use aws_sdk_sqs::config::{BehaviorVersion, Config};
            let mut config = Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(self.aws.region())
                .credentials_provider(self.aws.credentials())
                .http_client(self.aws.http_client())
                .retry_config(self.aws.retries())
                .timeout_config(self.aws.timeouts(MESSAGE_TIMEOUT));
            config.set_endpoint_url(self.endpoints.sqs.clone());
            aws_sdk_sqs::Client::from_conf(config.build())
        })
    }

    /// The client of SNS.
    pub fn sns(&self) -> &aws_sdk_sns::Client {
        self.sns.get_or_init(|| {
            use aws_sdk_sns::config::{BehaviorVersion, Config};
            let mut config = Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(self.aws.region())
                .credentials_provider(self.aws.credentials())
                .http_client(self.aws.http_client())
                .retry_config(self.aws.retries())
                .timeout_config(self.aws.timeouts(MESSAGE_TIMEOUT));
            config.set_endpoint_url(self.endpoints.sns.clone());
            aws_sdk_sns::Client::from_conf(config.build())
        })
    }

    /// The client of Bedrock.
    pub fn bedrock(&self) -> &aws_sdk_bedrockruntime::Client {
        self.bedrock.get_or_init(|| {
            use aws_sdk_bedrockruntime::config::{BehaviorVersion, Config, StalledStreamProtectionConfig};
            let mut config = Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(self.aws.region())
                .credentials_provider(self.aws.credentials())
                .http_client(self.aws.http_client())
                // Nothing streams while a model thinks, and the time of an attempt bounds it already.
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .retry_config(self.aws.retries())
                .timeout_config(self.aws.timeouts(ANSWER_TIMEOUT));
            config.set_endpoint_url(self.endpoints.bedrock.clone());
            aws_sdk_bedrockruntime::Client::from_conf(config.build())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_built_before_it_is_asked_for_and_then_once() {
        let mut env = Env::of([
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
            ("AWS_SECRET_ACCESS_KEY", "hidden-secret"),
            ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1"),
        ]);
        let s3 = env.s3().unwrap();
        let clients = Clients::read(&mut env, &s3);
        assert!(
            clients.sqs.get().is_none() && clients.sns.get().is_none() && clients.bedrock.get().is_none()
        );
        assert!(std::ptr::eq(clients.sqs(), clients.sqs()));
        assert!(clients.sns.get().is_none() && clients.bedrock.get().is_none());
        assert!(!format!("{clients:?}").contains("hidden-secret"));
    }
}
