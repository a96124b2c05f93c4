//! The S3s under test, and what the tests do with them over and over.

use std::fmt::Debug;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use casefile::bucket::Bucket;
use casefile::client::S3Client;
use casefile::config::Env;
use casefile_local::s3::{S3Config, S3Server, SessionCredentials};
use futures::FutureExt as _;
use tempfile::TempDir;

/// The only pair for which the other S3 checks presigned URLs.
pub(super) const ACCESS_KEY: &str = "test";
pub(super) const SECRET_KEY: &str = "test";
pub(super) const REGION: &str = "us-east-1";
/// A key of the embedded S3 that goes with a session token.
pub(super) const SESSION_ACCESS_KEY: &str = "session";
pub(super) const SESSION_SECRET_KEY: &str = "session-secret";
pub(super) const SESSION_TOKEN: &str = "session-token+/=";

/// What the other S3, `LocalStack` 4.11, does otherwise than AWS documents. Each entry names the document that
/// says who is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lax {
    /// Requests with a wrong secret, an unknown key or no signature at all are served. "Authenticating
    /// requests (AWS Signature Version 4)", "Error responses": `SignatureDoesNotMatch`,
    /// `InvalidAccessKeyId`, `AccessDenied`.
    Unauthenticated,
    /// Signature Version 2 is checked and served. "Error responses", `InvalidRequest`: please use AWS4-HMAC-SHA256.
    OldSignatures,
    /// How long a presigned URL is to last is not looked at before its signature. "Authenticating requests: using
    /// query parameters": `X-Amz-Expires` is at most 604,800, a week; `AuthorizationQueryParametersError`.
    LongLinks,
    /// `If-None-Match` and `If-Match` on a copy's target are ignored. `CopyObject`, "How to prevent object
    /// overwrites with conditional writes": 412 `PreconditionFailed`.
    ConditionalCopy,
    /// An older version can't be copied over its own key. "Restoring previous versions": it can.
    RestoreByCopy,
    /// The number of tags is left out of an answer unless the version is named. `GetObject`, `HeadObject`:
    /// `x-amz-tagging-count`.
    TagCount,
    /// Any number of tags, of any length, is taken. "Categorizing your objects using tags": ten, of 128 and
    /// 256 characters.
    TagLimits,
    /// User metadata has no limit. "Working with object metadata": 2 KB, the sum of the bytes of each key and
    /// value.
    MetadataLimit,
    /// One answer lists as many keys as are asked for. `ListObjectsV2`: never more than 1,000.
    ThousandKeys,
    /// A key of slashes alone fails with `InternalError`. "Naming Amazon S3 objects": any UTF-8.
    SlashesAlone,
    /// A date is asked although an etag matched. `GetObject`: `If-Match` true and `If-Unmodified-Since`
    /// false answer 200.
    EtagBeforeDate,
    /// The common prefix that ends one page of uploads is listed again on the next. `ListMultipartUploads`,
    /// `NextKeyMarker`: the value to go on after.
    RepeatedPrefix,
    /// Of completions that race for a key, now and then two win. "How to prevent object overwrites with
    /// conditional writes": the first to finish wins, the others fail.
    RacingCompletions,
}

impl Lax {
    /// What happens now and then is no test's to expect.
    fn is_a_race(self) -> bool {
        self == Self::RacingCompletions
    }
}

/// One S3 with a bucket of the test's own, which keeps versions.
pub(super) struct Target {
    pub client: Client,
    pub bucket: String,
    pub endpoint: String,
    /// Present when it is the embedded one.
    pub embedded: Option<Embedded>,
}

pub(super) struct Embedded {
    pub server: S3Server,
    pub folder: TempDir,
}

/// Runs a test against the embedded S3, then against the other one, if there is one.
pub(super) async fn on_each_s3(test: impl AsyncFn(&Target)) {
    test(&embedded().await).await;
    if let Some(target) = other().await {
        test(&target).await;
    }
}

/// Runs a test against the embedded S3, and against the other one, if there is one, which is known to fail it: an
/// excuse that doesn't hold any more must go.
pub(super) async fn on_each_s3_but(lax: Lax, test: impl AsyncFn(&Target)) {
    test(&embedded().await).await;
    let Some(target) = other().await else { return };
    let passed = AssertUnwindSafe(test(&target)).catch_unwind().await.is_ok();
    assert!(
        !passed || lax.is_a_race(),
        "the other S3 passes now: {lax:?} is no excuse any more"
    );
}

/// A fresh embedded S3.
pub(super) async fn embedded() -> Target {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let endpoint = server.endpoint();
    Target {
        client: client(&endpoint, ACCESS_KEY, SECRET_KEY),
        bucket: "contract".to_owned(),
        endpoint,
        embedded: Some(Embedded { server, folder }),
    }
}

pub(super) async fn start(folder: &std::path::Path) -> S3Server {
    let config = S3Config {
        buckets: vec!["contract".to_owned()],
        access_key: ACCESS_KEY.to_owned(),
        secret_key: SECRET_KEY.to_owned(),
        sessions: vec![SessionCredentials {
            access_key: SESSION_ACCESS_KEY.to_owned(),
            secret_key: SESSION_SECRET_KEY.to_owned(),
            session_token: SESSION_TOKEN.to_owned(),
        }],
        region: REGION.to_owned(),
        ..S3Config::new(folder, now)
    };
    S3Server::start(config).await.unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's server takes the system's clock"
)]
pub(super) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// A fresh bucket on the other S3.
async fn other() -> Option<Target> {
    static BUCKETS: AtomicUsize = AtomicUsize::new(0);
    #[expect(clippy::disallowed_methods, reason = "the suite's own switch")]
    let endpoint = std::env::var("CASEFILE_S3_CONTRACT_ENDPOINT").ok()?;
    let number = BUCKETS.fetch_add(1, Ordering::Relaxed);
    let bucket = format!("contract-{}-{number}", std::process::id());
    let client = client(&endpoint, ACCESS_KEY, SECRET_KEY);
    client.create_bucket().bucket(&bucket).send().await.unwrap();
    let target = Target {
        client,
        bucket,
        endpoint,
        embedded: None,
    };
    target.set_versioning(BucketVersioningStatus::Enabled).await;
    Some(target)
}

/// A client as the functions have it, but that never tries again: a test wants to see each answer.
pub(super) fn client(endpoint: &str, access_key: &str, secret_key: &str) -> Client {
    client_with(
        endpoint,
        Credentials::new(access_key, secret_key, None, None, "contract"),
    )
}

pub(super) fn client_with(endpoint: &str, credentials: Credentials) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(credentials)
        .region(Region::new(REGION))
        .retry_config(RetryConfig::disabled())
        .force_path_style(true)
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}

impl Target {
    /// As the functions reach it, with these credentials.
    pub(super) fn bucket_as(&self, access_key: &str, secret_key: &str, token: Option<&str>) -> Bucket {
        Bucket::new(self.client_as(access_key, secret_key, token), self.bucket.clone())
    }

    pub(super) fn client_as(&self, access_key: &str, secret_key: &str, token: Option<&str>) -> S3Client {
        let mut variables = vec![
            ("AWS_ENDPOINT_URL_S3", self.endpoint.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", access_key),
            ("AWS_SECRET_ACCESS_KEY", secret_key),
        ];
        variables.extend(token.map(|token| ("AWS_SESSION_TOKEN", token)));
        Env::of(variables).s3().unwrap().client()
    }

    pub(super) async fn set_versioning(&self, status: BucketVersioningStatus) {
        let configuration = VersioningConfiguration::builder().status(status).build();
        let request = self.client.put_bucket_versioning().bucket(&self.bucket);
        request
            .versioning_configuration(configuration)
            .send()
            .await
            .unwrap();
    }

    /// Puts `body`, whatever is there.
    pub(super) async fn put(&self, key: &str, body: impl Into<Vec<u8>>) -> PutObjectOutput {
        let request = self.client.put_object().bucket(&self.bucket).key(key);
        request.body(body.into().into()).send().await.unwrap()
    }

    /// Puts `body` unless something is there.
    pub(super) async fn create(
        &self,
        key: &str,
        body: impl Into<Vec<u8>>,
    ) -> Result<PutObjectOutput, SdkError<aws_sdk_s3::operation::put_object::PutObjectError>> {
        let request = self.client.put_object().bucket(&self.bucket).key(key);
        request.if_none_match("*").body(body.into().into()).send().await
    }

    pub(super) async fn get(&self, key: &str) -> GetObjectOutput {
        self.client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .unwrap()
    }

    pub(super) async fn text(&self, key: &str) -> String {
        String::from_utf8(bytes_of(self.get(key).await).await).unwrap()
    }

    /// All current keys, by as many pages as it takes.
    pub(super) async fn keys(&self, prefix: &str) -> Vec<String> {
        let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
        let mut pages = request.into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            keys.extend(
                page.unwrap()
                    .contents()
                    .iter()
                    .map(|object| object.key().unwrap().to_owned()),
            );
        }
        keys
    }
}

pub(super) async fn bytes_of(answer: GetObjectOutput) -> Vec<u8> {
    answer.body.collect().await.unwrap().to_vec()
}

/// The status and code of a refused request.
pub(super) fn refusal<T: Debug, E: ProvideErrorMetadata + Debug>(
    result: Result<T, SdkError<E>>,
) -> (u16, String) {
    let error = result.unwrap_err();
    let status = error
        .raw_response()
        .unwrap_or_else(|| panic!("{error:?}"))
        .status()
        .as_u16();
    (status, error.code().unwrap_or_default().to_owned())
}
