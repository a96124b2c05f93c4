use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;

use crate::error::BenchError;

/// Where systems keep the authorities that they trust: Debian, Amazon Linux and Fedora, Alpine, openSUSE.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

/// The local S3's side of TLS, and the bundle by which the function trusts it.
pub(crate) struct Identity {
    pub(crate) server: Arc<ServerConfig>,
    /// All authorities of this system and the test's: loading as many as Lambda has is part of the start.
    pub(crate) bundle: PathBuf,
}

impl Identity {
    /// Makes an authority and a certificate for `localhost`, and writes the bundle into `folder`.
    pub(crate) fn new(folder: &Path) -> Result<Self, BenchError> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;

        let bundle = folder.join("ca-bundle.pem");
        std::fs::write(&bundle, format!("{}\n{}", system_bundle()?, authority.pem()))?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            server: Arc::new(server),
            bundle,
        })
    }
}

fn system_bundle() -> Result<String, BenchError> {
    let found = BUNDLES.iter().find_map(|path| std::fs::read_to_string(path).ok());
    found.ok_or_else(|| BenchError::NoBundle(BUNDLES.join(", ")))
}
