//! Objects from bodies that are too large for memory: they are read while they are sent.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::Config;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::{Bucket, Content, CreateError, Created, Target, metadata_of};
use crate::store_error::StoreError;

/// A body that can be opened again, for each try from its beginning. Cheap to clone.
#[derive(Clone)]
pub struct Outgoing {
    content: Content,
    time: Duration,
    open: Arc<dyn Fn() -> SdkBody + Send + Sync>,
}

impl Outgoing {
    /// A body of this size and digest, for which one try may take this `time`.
    pub fn new(content: Content, time: Duration, open: impl Fn() -> SdkBody + Send + Sync + 'static) -> Self {
        let open = Arc::new(open);
        Self { content, time, open }
    }

    /// What it is to be.
    pub fn content(&self) -> Content {
        self.content
    }

    fn body(&self) -> ByteStream {
        let open = Arc::clone(&self.open);
        ByteStream::new(SdkBody::retryable(move || open()))
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

impl Bucket {
    /// [`Bucket::create`] of a body that is sent as it is read, in one piece. S3 compares what arrives with the digest, and
    /// stores nothing that is otherwise.
    ///
    /// # Errors
    /// As for [`Bucket::create`]; [`StoreError::Refused`] also when the body isn't what it is said to be.
    pub async fn create_from(&self, outgoing: &Outgoing, target: &Target) -> Result<Created, StoreError> {
        Self::past_conflicts("PutObject", || self.create_from_once(outgoing, target)).await
    }

    async fn create_from_once(&self, outgoing: &Outgoing, target: &Target) -> Result<Created, CreateError> {
        let put = self.put_streamed(target, outgoing.content, outgoing.body(), outgoing.time);
        match put.await {
            Ok(put) => Ok(Created {
                is_new: true,
                version_id: put.version_id,
            }),
            Err(error) => self.not_put(&error, &target.key, outgoing.content).await,
        }
    }

    /// Create-only, and compared with its digest as it arrives. One try may take this `time`.
    pub(super) async fn put_streamed(
        &self,
        target: &Target,
        content: Content,
        body: ByteStream,
        time: Duration,
    ) -> Result<PutObjectOutput, SdkError<PutObjectError, HttpResponse>> {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(time);
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(&target.key)
            .if_none_match("*")
            .checksum_sha256(content.sha256.to_base64())
            .set_content_length(i64::try_from(content.size).ok())
            .content_type(target.content_type)
            .set_metadata(metadata_of(&target.metadata))
            .body(body)
            .customize()
            .disable_payload_signing()
            .config_override(Config::builder().timeout_config(timeouts.build()));
        put.send().await
    }
}
