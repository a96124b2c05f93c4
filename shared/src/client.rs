//! AWS clients, tuned for a function that starts often: one TLS stack (ring), credentials from the environment,
//! nothing that isn't needed at start. The S3 client is built here; a function that needs other services builds
//! theirs from the same [`AwsSettings`], so that no function carries an SDK it doesn't use.

mod http;
mod s3;

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector};
use jiff::Timestamp;

use crate::config::Env;
use http::{Http, connector};
pub use s3::S3Client;

/// A call is tried this often: throttling and 5xx are S3's normal behaviour (S3 user guide, *Optimizing
/// performance: timeouts and retries*).
const ATTEMPTS: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Of a request from a device's network.
const PLAIN_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// 6 MB, the largest body, take 5 s at 10 Mbit/s.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(6);

/// What the clients of all AWS services have in common, from the variables that every AWS SDK reads. The clients
/// that are built from one of these, or from its clones, share their connections and one store of root certificates.
#[derive(Debug, Clone)]
pub struct AwsSettings {
    region: Region,
    credentials: Credentials,
    endpoint: Option<String>,
    http: Http,
}

impl AwsSettings {
    /// Reads `AWS_REGION` (or `AWS_DEFAULT_REGION`), `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `AWS_SESSION_TOKEN`, `AWS_ENDPOINT_URL` and `AWS_CA_BUNDLE`. Builds nothing yet.
    ///
    /// Lambda sets all that is needed, and its credentials outlive the process
    /// (AWS Lambda developer guide, *Using Lambda environment variables*).
    pub fn read(env: &mut Env) -> Option<Self> {
        let text = |value: &str| Ok::<_, &str>(value.to_owned());
        let region = env.text("AWS_REGION").or_else(|| env.text("AWS_DEFAULT_REGION"));
        if region.is_none() {
            env.refuse("AWS_REGION", "is not set");
        }
        let key_id = env.required("AWS_ACCESS_KEY_ID", text);
        let secret = env.required("AWS_SECRET_ACCESS_KEY", text);
        let token = env.text("AWS_SESSION_TOKEN");
        let endpoint = env.optional("AWS_ENDPOINT_URL", endpoint_url);
        let ca_bundle = env.optional("AWS_CA_BUNDLE", read_ca_bundle);
        Some(Self {
            region: Region::new(region?),
            credentials: Credentials::new(key_id?, secret?, token, None, "environment"),
            endpoint,
            http: Http::new(CONNECT_TIMEOUT, ca_bundle),
        })
    }

    /// Where a service answers when it isn't AWS's own address: `variable` (`AWS_ENDPOINT_URL_SQS`, for one), else
    /// `AWS_ENDPOINT_URL` (AWS SDKs reference guide, *Service-specific endpoints*).
    pub fn endpoint(&self, env: &mut Env, variable: &str) -> Option<String> {
        env.optional(variable, endpoint_url)
            .or_else(|| self.endpoint.clone())
    }

    /// The region.
    pub fn region(&self) -> Region {
        self.region.clone()
    }

    /// The credentials; `Debug` hides them.
    pub fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    /// The HTTP client, whose connections are built for the first call.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.http.clone())
    }

    /// How often a call is tried: three times, by the SDK's standard rules.
    pub fn retries(&self) -> RetryConfig {
        RetryConfig::standard().with_max_attempts(ATTEMPTS)
    }

    /// `attempt`: the time for one try of a call. A connection may take 2 s of it.
    pub fn timeouts(&self, attempt: Duration) -> TimeoutConfig {
        TimeoutConfig::builder()
            .operation_attempt_timeout(attempt)
            .build()
    }
}

/// How to reach S3, from the variables that every AWS SDK reads.
#[derive(Debug, Clone)]
pub struct S3Settings {
    aws: AwsSettings,
    endpoint: Option<String>,
    credentials_end: Option<Timestamp>,
}

impl S3Settings {
    /// Reads what [`AwsSettings::read`] does, `AWS_ENDPOINT_URL_S3` and `AWS_CREDENTIAL_EXPIRATION`.
    pub fn read(env: &mut Env) -> Option<Self> {
        let aws = AwsSettings::read(env);
        let credentials_end = env.optional("AWS_CREDENTIAL_EXPIRATION", end_of_credentials);
        let Some(aws) = aws else {
            // For its error, beside the others.
            let _ = env.optional("AWS_ENDPOINT_URL_S3", endpoint_url);
            return None;
        };
        Some(Self {
            endpoint: aws.endpoint(env, "AWS_ENDPOINT_URL_S3"),
            aws,
            credentials_end,
        })
    }

    /// What the clients of other services are built from.
    pub fn aws(&self) -> &AwsSettings {
        &self.aws
    }

    /// Where S3 answers, when that isn't AWS's own address.
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// When the credentials end, if the environment says so: what they sign ends then, too.
    pub fn credentials_end(&self) -> Option<Timestamp> {
        self.credentials_end
    }

    /// Builds the client. Once in a process: it holds the connections.
    pub fn client(self) -> S3Client {
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(self.aws.region())
            .credentials_provider(self.aws.credentials())
            .http_client(self.aws.http_client())
            // The time of a whole attempt bounds an upload already.
            .stalled_stream_protection(
                StalledStreamProtectionConfig::enabled()
                    .upload_enabled(false)
                    .build(),
            )
            .retry_config(self.aws.retries())
            .timeout_config(self.aws.timeouts(ATTEMPT_TIMEOUT));
        if let Some(endpoint) = self.endpoint {
            // Buckets as sub-domains need DNS that local endpoints don't have.
            config = config.endpoint_url(endpoint).force_path_style(true);
        }
        S3Client::new(Client::from_conf(config.build()), &self.aws)
    }
}

/// What sends plain requests, to servers that aren't AWS, by the same HTTP and TLS as the AWS clients. Reads
/// `AWS_CA_BUNDLE`. A connection may take 5 s; how long an answer may take is the caller's to say.
pub fn plain_http(env: &mut Env) -> SharedHttpConnector {
    let ca_bundle = env.optional("AWS_CA_BUNDLE", read_ca_bundle);
    connector(PLAIN_CONNECT_TIMEOUT, ca_bundle.as_deref())
}

fn end_of_credentials(text: &str) -> Result<Timestamp, &'static str> {
    text.parse()
        .map_err(|_| "must be a time such as 2025-11-14T14:25:10Z")
}

fn endpoint_url(text: &str) -> Result<String, &'static str> {
    if text.starts_with("http://") || text.starts_with("https://") {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("must be a URL that begins with http:// or https://")
    }
}

fn read_ca_bundle(path: &str) -> Result<Vec<u8>, String> {
    let bundle = std::fs::read(path).map_err(|error| format!("names a file that can't be read: {error}"))?;
    let marker = b"-----BEGIN CERTIFICATE-----";
    if bundle.windows(marker.len()).any(|window| window == marker) {
        Ok(bundle)
    } else {
        Err("names a file without certificates in PEM form".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_missing_variables_are_named_at_once() {
        let mut env = Env::of([("AWS_ENDPOINT_URL", "ftp://x")]);
        let settings = env.s3().map(|_| ());
        let error = env.finish(settings).unwrap_err().to_string();
        for name in [
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ENDPOINT_URL",
        ] {
            assert!(error.contains(name), "{name}: {error}");
        }
    }

    #[test]
    fn a_service_s_own_endpoint_goes_before_the_common_one() {
        let mut env = Env::of([
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", "http://all/"),
            ("AWS_ENDPOINT_URL_S3", "http://s3"),
            ("AWS_ENDPOINT_URL_SNS", "sns"),
        ]);
        let s3 = env.s3().unwrap();
        assert_eq!(s3.endpoint.as_deref(), Some("http://s3"));
        let sqs = s3.aws().endpoint(&mut env, "AWS_ENDPOINT_URL_SQS");
        assert_eq!(sqs.as_deref(), Some("http://all"));
        s3.aws().endpoint(&mut env, "AWS_ENDPOINT_URL_SNS");
        let error = env.finish(Some(())).unwrap_err().to_string();
        assert_eq!(
            error.matches("AWS_ENDPOINT_URL_SNS must be a URL").count(),
            1,
            "{error}"
        );
    }

    #[test]
    fn clones_share_their_connections() {
        let mut env = Env::of([
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ]);
        let aws = AwsSettings::read(&mut env).unwrap();
        let clone = aws.clone();
        assert!(!aws.http.is_built());
        let _ = clone.http.connector();
        assert!(aws.http.is_built());
    }

    #[test]
    fn the_secret_is_never_shown() {
        let mut env = Env::of([
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "hidden-secret"),
            ("AWS_SESSION_TOKEN", "hidden-token"),
        ]);
        let settings = env.s3().unwrap();
        let shown = format!("{settings:?} {:?}", settings.clone().client());
        assert!(
            !shown.contains("hidden-secret") && !shown.contains("hidden-token"),
            "{shown}"
        );
    }
}
