//! One HTTP client and one TLS stack (ring) for all that is asked of AWS.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TlsContextBuilder, TrustStore};
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Connections that all clients of a process share, and that requests which are signed without the SDK go by as well.
///
/// The SDK's own client would open other connections for each setting of time, and read all root certificates once more
/// than the first connection does when it is checked at start: two milliseconds. This one has its time for connecting from
/// the beginning, and none for reading: a client's own settings of these do nothing.
#[derive(Debug, Clone)]
pub(crate) struct Http(Arc<Lazy>);

#[derive(Debug)]
struct Lazy {
    connect_timeout: Duration,
    ca_bundle: Option<Vec<u8>>,
    connector: OnceLock<SharedHttpConnector>,
}

impl Http {
    /// Builds nothing yet. Without a bundle of certificates it trusts those that this program has.
    pub(super) fn new(connect_timeout: Duration, ca_bundle: Option<Vec<u8>>) -> Self {
        Self(Arc::new(Lazy {
            connect_timeout,
            ca_bundle,
            connector: OnceLock::new(),
        }))
    }

    /// What sends requests, built at the first call.
    pub(crate) fn connector(&self) -> &SharedHttpConnector {
        let build = || connector(self.0.connect_timeout, self.0.ca_bundle.as_deref());
        self.0.connector.get_or_init(build)
    }

    #[cfg(test)]
    pub(super) fn is_built(&self) -> bool {
        self.0.connector.get().is_some()
    }
}

impl HttpClient for Http {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.connector().clone()
    }
}

pub(super) fn connector(connect_timeout: Duration, ca_bundle: Option<&[u8]>) -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder().connect_timeout(connect_timeout);
    let mut http = Connector::builder()
        .connector_settings(settings.build())
        .tls_provider(Provider::rustls(CryptoMode::Ring));
    if let Some(context) = tls(ca_bundle) {
        http = http.tls_context(context);
    }
    SharedHttpConnector::new(http.build())
}

fn tls(ca_bundle: Option<&[u8]>) -> Option<TlsContext> {
    let mut trust = TrustStore::empty().with_native_roots(ca_bundle.is_none());
    if let Some(bundle) = ca_bundle {
        trust.add_pem_certificate(bundle);
    }
    TlsContextBuilder::build(TlsContext::builder().with_trust_store(trust)).ok()
}
