//! S3 by the SDK, and past it.

use std::ops::Deref;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_smithy_runtime_api::client::identity::Identity;

use super::AwsSettings;
use super::http::Http;

/// The SDK's client for S3, and what a request needs that is signed and sent without the SDK: for what is made so often
/// that the SDK's pipeline would be most of its cost. Both go by the same connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct S3Client {
    sdk: Client,
    /// The credentials; `Debug` hides them.
    pub(crate) identity: Identity,
    pub(crate) http: Http,
}

impl S3Client {
    pub(super) fn new(sdk: Client, aws: &AwsSettings) -> Self {
        Self {
            sdk,
            identity: aws.credentials().into(),
            http: aws.http.clone(),
        }
    }

    /// The same client with other times and tries, which requests past the SDK keep to as well. They know nothing of other
    /// credentials, HTTP clients and interceptors.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(Builder) -> Builder) -> Self {
        let config = change(self.sdk.config().to_builder());
        Self {
            sdk: Client::from_conf(config.build()),
            ..self.clone()
        }
    }
}

impl Deref for S3Client {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.sdk
    }
}
