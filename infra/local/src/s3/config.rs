//! How an embedded S3 is set up.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

/// A certificate chain and its key, both PEM, for an endpoint that speaks HTTPS.
#[derive(Clone)]
pub struct TlsIdentity {
    /// The server's certificate first, then its issuers.
    pub chain_pem: String,
    /// PKCS#8, PKCS#1 or SEC1.
    pub key_pem: String,
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity").finish_non_exhaustive()
    }
}

/// An access key that goes with a session token, as Lambda gives to a function.
#[derive(Clone)]
pub struct SessionCredentials {
    /// The access key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    /// Requests that are signed with the key are refused without it.
    pub session_token: String,
}

impl fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCredentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// What a bucket says of itself when it is asked. By default what S3 gives a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSettings {
    /// What it encrypts with unless a request says otherwise: `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub encryption: String,
    /// The KMS key for that, if it is one of one's own.
    pub kms_key: Option<String>,
    /// Which public access it blocks; `None` where it isn't configured.
    pub public_access_block: Option<PublicAccessBlock>,
    /// Who may shorten a default retention. It is only told: here, nobody may.
    pub lock_mode: LockMode,
}

impl Default for BucketSettings {
    fn default() -> Self {
        Self {
            encryption: "AES256".to_owned(),
            kms_key: None,
            public_access_block: Some(PublicAccessBlock::ALL),
            lock_mode: LockMode::default(),
        }
    }
}

/// Which public access a bucket blocks. Source: "Blocking public access to your Amazon S3 storage".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the switches are S3's own, and each of them is independent"
)]
pub struct PublicAccessBlock {
    /// `BlockPublicAcls`.
    pub block_public_acls: bool,
    /// `BlockPublicPolicy`.
    pub block_public_policy: bool,
    /// `IgnorePublicAcls`.
    pub ignore_public_acls: bool,
    /// `RestrictPublicBuckets`.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// Everything is blocked.
    pub const ALL: Self = Self {
        block_public_acls: true,
        block_public_policy: true,
        ignore_public_acls: true,
        restrict_public_buckets: true,
    };
}

/// Who may shorten a retention. Source: "Locking objects with Object Lock".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LockMode {
    /// Whoever has `s3:BypassGovernanceRetention`.
    Governance,
    /// Nobody.
    #[default]
    Compliance,
}

/// What an embedded S3 needs to start. [`S3Config::new`] fills in what a single machine usually wants.
#[derive(Clone)]
pub struct S3Config {
    /// Where everything lies. Created when missing; one server at a time may have it open.
    pub root: PathBuf,
    /// Buckets that are to exist and to keep versions. One that exists and keeps none does so from now on.
    pub buckets: Vec<String>,
    /// Buckets that are to exist and to keep no versions. In one that exists and keeps them, versioning is suspended.
    pub unversioned_buckets: Vec<String>,
    /// Those of `buckets` that have Object Lock, and how long it keeps each version from being deleted.
    pub retention: BTreeMap<String, Duration>,
    /// Those of all buckets that aren't set up as S3 sets up a new one, and how they are.
    pub settings: BTreeMap<String, BucketSettings>,
    /// The access key of this S3's owner, which needs no session token.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    /// The other access keys that are known here.
    pub sessions: Vec<SessionCredentials>,
    /// What `GetBucketLocation` and event records say. Signatures for any region are accepted.
    pub region: String,
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// HTTPS when present, else HTTP.
    pub tls: Option<TlsIdentity>,
    /// Dates objects and events. Signatures and expiry are always checked against the system's clock.
    pub clock: fn() -> Timestamp,
    /// Whether each write waits until the disk has it. Off, a power failure may lose the last writes (a
    /// crash of the process loses none).
    pub sync: bool,
}

impl S3Config {
    /// Plain HTTP on a free loopback port, region `us-east-1`, no buckets, no waiting for the disk.
    pub fn new(root: impl Into<PathBuf>, clock: fn() -> Timestamp) -> Self {
        Self {
            root: root.into(),
            buckets: Vec::new(),
            unversioned_buckets: Vec::new(),
            retention: BTreeMap::new(),
            settings: BTreeMap::new(),
            access_key: "casefile".to_owned(),
            secret_key: "casefile-local-secret".to_owned(),
            sessions: Vec::new(),
            region: "us-east-1".to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            clock,
            sync: false,
        }
    }
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Config")
            .field("root", &self.root)
            .field("buckets", &self.buckets)
            .field("unversioned_buckets", &self.unversioned_buckets)
            .field("access_key", &self.access_key)
            .field("sessions", &self.sessions)
            .field("region", &self.region)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let config = S3Config {
            secret_key: "hidden-key".to_owned(),
            sessions: vec![SessionCredentials {
                access_key: "AKID".to_owned(),
                secret_key: "hidden-too".to_owned(),
                session_token: "hidden-token".to_owned(),
            }],
            ..S3Config::new("root", || Timestamp::UNIX_EPOCH)
        };
        let shown = format!("{config:?}");
        assert!(shown.contains("AKID") && !shown.contains("hidden"), "{shown}");
    }
}
