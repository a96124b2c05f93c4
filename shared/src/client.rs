//! The S3 client, tuned for a function that starts often: one TLS stack (ring), credentials from the
//! environment, nothing that isn't needed at start.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region, StalledStreamProtectionConfig};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, tls::TlsContextBuilder};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use jiff::Timestamp;

use crate::config::Env;

/// A call is tried this often: throttling and 5xx are S3's normal behaviour (S3 user guide, *Optimizing
/// performance: timeouts and retries*).
const ATTEMPTS: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// 6 MB, the largest body, take 5 s at 10 Mbit/s.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(6);

/// How to reach S3, from the variables that every AWS SDK reads.
#[derive(Debug, Clone)]
pub struct S3Settings {
    region: String,
    credentials: Credentials,
    endpoint: Option<String>,
    ca_bundle: Option<Vec<u8>>,
    credentials_end: Option<Timestamp>,
}

impl S3Settings {
    /// Reads `AWS_REGION` (or `AWS_DEFAULT_REGION`), `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `AWS_SESSION_TOKEN`, `AWS_CREDENTIAL_EXPIRATION`, `AWS_ENDPOINT_URL_S3` (or `AWS_ENDPOINT_URL`) and
    /// `AWS_CA_BUNDLE`.
    ///
    /// Lambda sets all it needs, and its credentials outlive the process
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
        let endpoint = env.optional("AWS_ENDPOINT_URL_S3", endpoint_url);
        let endpoint = endpoint.or_else(|| env.optional("AWS_ENDPOINT_URL", endpoint_url));
        let ca_bundle = env.optional("AWS_CA_BUNDLE", read_ca_bundle);
        let credentials_end = env.optional("AWS_CREDENTIAL_EXPIRATION", end_of_credentials);
        let credentials = Credentials::new(key_id?, secret?, token, None, "environment");
        Some(Self {
            region: region?,
            credentials,
            endpoint,
            ca_bundle,
            credentials_end,
        })
    }

    /// When the credentials end, if the environment says so: what they sign ends then, too.
    pub fn credentials_end(&self) -> Option<Timestamp> {
        self.credentials_end
    }

    /// Builds the client. Once in a process: it holds the connections.
    pub fn client(self) -> Client {
        let mut trust = TrustStore::empty().with_native_roots(self.ca_bundle.is_none());
        if let Some(bundle) = self.ca_bundle {
            trust.add_pem_certificate(bundle);
        }
        let mut http = Builder::new().tls_provider(Provider::rustls(CryptoMode::Ring));
        if let Ok(context) = TlsContextBuilder::build(TlsContext::builder().with_trust_store(trust)) {
            http = http.tls_context(context);
        }
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT);
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region))
            .credentials_provider(self.credentials)
            .http_client(Connections(http.build_https()))
            // The time of a whole attempt bounds an upload already.
            .stalled_stream_protection(
                StalledStreamProtectionConfig::enabled()
                    .upload_enabled(false)
                    .build(),
            )
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(timeouts.build());
        if let Some(endpoint) = self.endpoint {
            // Buckets as sub-domains need DNS that local endpoints don't have.
            config = config.endpoint_url(endpoint).force_path_style(true);
        }
        Client::from_conf(config.build())
    }
}

/// The HTTP client without its check at start, which would read all root certificates once more than the first
/// connection does: two milliseconds. A bundle that can't be read is refused with the settings.
#[derive(Debug)]
struct Connections(SharedHttpClient);

impl HttpClient for Connections {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
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
    fn the_secret_is_never_shown() {
        let mut env = Env::of([
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "hidden-secret"),
            ("AWS_SESSION_TOKEN", "hidden-token"),
        ]);
        let shown = format!("{:?}", env.s3().unwrap());
        assert!(
            !shown.contains("hidden-secret") && !shown.contains("hidden-token"),
            "{shown}"
        );
    }
}
