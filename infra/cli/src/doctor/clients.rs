//! The clients of the services beside S3, on S3's connections and credentials.

use std::time::Duration;

use casefile::client::AwsSettings;
use casefile::config::Env;

/// Three attempts fit into the time for a check.
const TIMEOUT: Duration = Duration::from_secs(6);
/// A model may think.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(25);

pub(super) struct Clients {
    aws: AwsSettings,
    sqs: Option<String>,
    sns: Option<String>,
    bedrock: Option<String>,
}

impl Clients {
    /// What they are told by, beside S3's.
    pub(super) const VARIABLES: [&str; 3] = [
        "AWS_ENDPOINT_URL_SQS",
        "AWS_ENDPOINT_URL_SNS",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    ];

    /// Reads [`Clients::VARIABLES`]. Connects to nothing.
    pub(super) fn read(env: &mut Env, aws: AwsSettings) -> Self {
        let [sqs, sns, bedrock] = Self::VARIABLES.map(|variable| aws.endpoint(env, variable));
        Self {
            aws,
            sqs,
            sns,
            bedrock,
        }
    }

    pub(super) fn sqs(&self) -> aws_sdk_sqs::Client {
        use aws_sdk_sqs::config::{BehaviorVersion, Config};
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(self.aws.region())
            .credentials_provider(self.aws.credentials())
            .http_client(self.aws.http_client())
            .retry_config(self.aws.retries())
            .timeout_config(self.aws.timeouts(TIMEOUT));
        config.set_endpoint_url(self.sqs.clone());
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    pub(super) fn sns(&self) -> aws_sdk_sns::Client {
        use aws_sdk_sns::config::{BehaviorVersion, Config};
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(self.aws.region())
            .credentials_provider(self.aws.credentials())
            .http_client(self.aws.http_client())
            .retry_config(self.aws.retries())
            .timeout_config(self.aws.timeouts(TIMEOUT));
        config.set_endpoint_url(self.sns.clone());
        aws_sdk_sns::Client::from_conf(config.build())
    }

    pub(super) fn bedrock(&self) -> aws_sdk_bedrockruntime::Client {
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
        config.set_endpoint_url(self.bedrock.clone());
        aws_sdk_bedrockruntime::Client::from_conf(config.build())
    }
}
