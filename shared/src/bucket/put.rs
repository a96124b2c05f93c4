//! PUTs on a condition, which are most of what is asked of S3.
//!
//! The first try is signed and sent past the SDK, whose pipeline takes more CPU than all the rest of a request: 10,000
//! files that were moved into S3, in 20,000 PUTs, took 6.2 s with it and 3.8 s without. What S3 doesn't answer as it nearly
//! always does is the SDK's business: it tries again by its rules, goes by S3's clock, and says what is wrong. So a refusal
//! is asked for twice, and each first try of a machine whose clock is a quarter of an hour off is in vain. Interceptors
//! don't see first tries.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::Config;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sigv4::http_request::{PayloadChecksumKind, SigningSettings};
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};

use super::sign::settings;
use super::{Bucket, Content, Metadata, NewObject, Target, metadata_of};
use crate::backoff::Backoff;
use crate::client::ATTEMPT_TIMEOUT;
use crate::id::system_entropy;
use crate::store_error::status;

/// What S3 calls the program in its access logs.
const USER_AGENT: &str = concat!("casefile/", env!("CARGO_PKG_VERSION"));
const VERSION_ID: &str = "x-amz-version-id";
const TRACE_ID: &str = "x-amzn-trace-id";

/// An object to put, and on which condition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Put<'a> {
    pub(super) key: &'a str,
    pub(super) content_type: &'static str,
    pub(super) metadata: &'a Metadata,
    pub(super) content: Content,
    pub(super) condition: Condition<'a>,
    /// What one try may take, if that isn't the client's own time.
    pub(super) time: Option<Duration>,
}

/// Source: S3 user guide, *Conditional writes*.
#[derive(Debug, Clone, Copy)]
pub(super) enum Condition<'a> {
    /// Nothing lies there (`If-None-Match: *`).
    Free,
    /// What this entity tag names lies there (`If-Match`).
    Still(&'a str),
}

/// What S3 says to a PUT on a condition.
#[derive(Debug)]
pub(super) enum Answer {
    /// The object is stored, as this version.
    Stored(Option<String>),
    /// 409: another write of the key is under way.
    Conflict,
    /// 412: the condition doesn't hold.
    Unfit,
}

/// Any other answer, or none.
pub(super) type PutFailure = SdkError<PutObjectError, HttpResponse>;

/// What became of the first try.
#[derive(Debug)]
enum First {
    Answered(Answer),
    /// S3 is busy, failed or didn't answer: it takes a pause.
    Failed,
    /// Something else is the matter.
    Refused,
}

impl<'a> Put<'a> {
    pub(super) fn object(object: &'a NewObject, condition: Condition<'a>) -> Self {
        let is_large = object.body.len() > super::LARGE_BODY;
        Self {
            key: &object.key,
            content_type: object.content_type,
            metadata: &object.metadata,
            content: Content {
                size: object.body.len() as u64,
                sha256: object.sha256,
            },
            condition,
            time: is_large.then_some(super::LONG_TIMEOUT),
        }
    }

    pub(super) fn target(target: &'a Target, content: Content, time: Duration) -> Self {
        Self {
            key: &target.key,
            content_type: target.content_type,
            metadata: &target.metadata,
            content,
            condition: Condition::Free,
            time: Some(time),
        }
    }

    /// All of them are signed.
    fn headers(&self) -> Vec<(String, String)> {
        let (condition, value) = match self.condition {
            Condition::Free => ("if-none-match", "*"),
            Condition::Still(etag) => ("if-match", etag),
        };
        let own = [
            ("content-length", self.content.size.to_string()),
            ("content-type", self.content_type.to_owned()),
            (condition, value.to_owned()),
            ("x-amz-checksum-sha256", self.content.sha256.to_base64()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        let metadata = self.metadata.iter();
        let metadata = metadata.map(|(name, value)| (format!("x-amz-meta-{name}"), value.clone()));
        own.chain(metadata).collect()
    }
}

impl Bucket {
    /// Puts a body, which is sent again where that is possible. S3 compares what arrives with the digest, and stores
    /// nothing that is otherwise.
    pub(super) async fn put(&self, put: &Put<'_>, body: SdkBody) -> Result<Answer, PutFailure> {
        let retries = self.client.config().retry_config().cloned();
        let mut retries = retries.unwrap_or_else(RetryConfig::standard);
        if retries.has_retry() {
            let first = Box::pin(self.put_directly(put, &body)).await;
            match first {
                Some(First::Answered(answer)) => return Ok(answer),
                Some(First::Failed) => tokio::time::sleep(pause(&retries)).await,
                Some(First::Refused) | None => {}
            }
            if first.is_some() {
                let left = retries.max_attempts() - 1;
                retries = retries.with_max_attempts(left);
            }
        }
        Box::pin(self.put_by_sdk(put, body, retries)).await
    }

    /// `None` when nothing is sent: the body can't be sent again, or there is no request.
    async fn put_directly(&self, put: &Put<'_>, body: &SdkBody) -> Option<First> {
        let request = self.request(put, body.try_clone()?).await?;
        let own_time = || self.client.config().timeout_config()?.operation_attempt_timeout();
        let time = put.time.or_else(own_time).unwrap_or(ATTEMPT_TIMEOUT);
        let sent = tokio::time::timeout(time, self.send(request)).await;
        Some(sent.unwrap_or(First::Failed))
    }

    async fn request(&self, put: &Put<'_>, body: SdkBody) -> Option<HttpRequest> {
        let url = self.url(put.key).await?;
        let headers = put.headers();
        let named = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let signed = self.sign("PUT", &url, named, (self.now(), in_headers()))?;
        let mut request = HttpRequest::new(body);
        request.set_method("PUT").ok()?;
        request.set_uri(url).ok()?;
        let signature = signed
            .headers()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        for (name, value) in signature.chain(headers.iter().cloned()) {
            request.headers_mut().try_insert(name, value).ok()?;
        }
        request.headers_mut().try_insert("user-agent", USER_AGENT).ok()?;
        if let Some(trace) = trace() {
            request.headers_mut().try_insert(TRACE_ID, trace).ok()?;
        }
        Some(request)
    }

    /// S3's time of signatures, which is no business of whoever asks.
    fn now(&self) -> SystemTime {
        let clock = self.client.config().time_source();
        #[expect(clippy::disallowed_methods, reason = "S3 compares it with its own clock")]
        clock.map_or_else(SystemTime::now, |clock| clock.now())
    }

    async fn send(&self, mut request: HttpRequest) -> First {
        let connection = CaptureSmithyConnection::new();
        request.add_extension(connection.clone());
        let Ok(mut response) = self.client.http.connector().call(request).await else {
            return First::Failed;
        };
        let version_id = response.headers().get(VERSION_ID).map(str::to_owned);
        // A connection is free for the next request once its answer is read.
        let body = self::body(response.take_body()).await;
        match (response.status().as_u16(), body) {
            // An answer that began well and holds an error is none.
            (200..300, Some(0)) => First::Answered(Answer::Stored(version_id)),
            (409, _) => First::Answered(Answer::Conflict),
            (412, _) => First::Answered(Answer::Unfit),
            (200..300 | 429 | 500.., _) => {
                // The next try takes another connection, and so perhaps another host, as the SDK's do.
                if let Some(connection) = connection.get() {
                    connection.poison();
                }
                First::Failed
            }
            _ => First::Refused,
        }
    }

    async fn put_by_sdk(
        &self,
        put: &Put<'_>,
        body: SdkBody,
        retries: RetryConfig,
    ) -> Result<Answer, PutFailure> {
        let call = self.client.put_object().bucket(&self.name).key(put.key);
        let call = match put.condition {
            Condition::Free => call.if_none_match("*"),
            Condition::Still(etag) => call.if_match(etag),
        };
        let mut config = Config::builder().retry_config(retries);
        if let Some(time) = put.time {
            let timeouts = TimeoutConfig::builder().operation_attempt_timeout(time);
            config = config.timeout_config(timeouts.build());
        }
        let call = call
            .checksum_sha256(put.content.sha256.to_base64())
            .set_content_length(i64::try_from(put.content.size).ok())
            .content_type(put.content_type)
            .set_metadata(metadata_of(put.metadata))
            .body(ByteStream::new(body))
            .customize()
            // The signed checksum covers the body; hashing it again for the signature would only cost time.
            .disable_payload_signing()
            .config_override(config);
        match call.send().await {
            Ok(stored) => Ok(Answer::Stored(stored.version_id)),
            Err(error) => match status(&error) {
                Some(409) => Ok(Answer::Conflict),
                Some(412) => Ok(Answer::Unfit),
                _ => Err(error),
            },
        }
    }
}

/// How many bytes an answer has, if it doesn't break off.
async fn body(body: SdkBody) -> Option<u64> {
    let mut size = 0;
    let counted = Bucket::drain(ByteStream::new(body), |piece| {
        size += piece.len() as u64;
        Ok(())
    });
    counted.await.ok()?;
    Some(size)
}

/// What joins the function's trace with those of what its writes set off, and lets AWS end a loop of them
/// (AWS Lambda developer guide, *Use Lambda recursive loop detection to prevent infinite loops*).
fn trace() -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "Lambda's runtime sets it anew for each event"
    )]
    std::env::var("_X_AMZN_TRACE_ID").ok()
}

/// As the SDK makes it before a second try.
fn pause(retries: &RetryConfig) -> Duration {
    let backoff = Backoff {
        first: retries.initial_backoff(),
        last: retries.max_backoff(),
    };
    backoff.pause(0, system_entropy)
}

fn in_headers() -> SigningSettings {
    let mut settings = settings();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings
}
