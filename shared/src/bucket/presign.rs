//! Requests that are signed here and made by somebody else.
//! Source: S3 API reference, *Authenticating requests: using query parameters (AWS Signature Version 4)*.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_s3::config::Region;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sigv4::http_request::{
    self, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serializer;

use super::Bucket;
use crate::client::AwsSettings;
use crate::digest::Sha256;
use crate::store_error::{Cause, StoreError};

/// S3 ignores it, and writes it into its access logs: it joins a use to the audit record of its grant.
const GRANT_ID: &str = "x-grant-id";

/// All but the unreserved characters of RFC 3986: what a signature expects in a query.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// A key's slashes stay.
const ESCAPED_IN_KEYS: &AsciiSet = &ESCAPED.remove(b'/');
/// Stands for any key where a URL is taken apart.
const ANY_KEY: &str = "key";
/// A signed URL with a role's session token.
const URL_BYTES: usize = 2_048;

/// A URL that is a permission. `Debug` hides it, and nothing displays it by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedUrl(String);

impl SignedUrl {
    /// A URL that is a permission.
    pub fn new(url: String) -> Self {
        Self(url)
    }

    /// The URL itself, for the answer to its caller and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Writes the URL into the answer to its caller: for `serialize_with`.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize_exposed<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedUrl(hidden)")
    }
}

/// What a presigned read allows.
#[derive(Debug, Clone)]
pub struct SignedRead<'a> {
    /// Of the object.
    pub key: &'a str,
    /// Of the version; without it, whatever lies there then.
    pub version_id: Option<&'a str>,
    /// `Content-Disposition` of S3's answer. ASCII, for signatures of other characters depend on their encoding.
    pub content_disposition: &'a str,
    /// `Content-Type` of S3's answer.
    pub content_type: &'a str,
    /// From when on.
    pub now: Timestamp,
    /// For how long.
    pub expires_in: Duration,
    /// Signed into the URL.
    pub grant_id: &'a str,
}

/// What a presigned write allows: these bytes, once.
#[derive(Debug, Clone)]
pub struct SignedWrite<'a> {
    /// Of the object.
    pub key: &'a str,
    /// In bytes.
    pub size: u64,
    /// Of the bytes.
    pub sha256: Sha256,
    /// The media type that it is stored with.
    pub content_type: &'a str,
    /// From when on.
    pub now: Timestamp,
    /// For how long.
    pub expires_in: Duration,
    /// Signed into the URL.
    pub grant_id: &'a str,
}

/// A presigned write, with the headers that its caller must send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedPut {
    /// Where to.
    pub url: SignedUrl,
    /// All of them are signed.
    pub headers: Vec<(String, String)>,
}

/// Signs requests to a bucket's objects for somebody else to make.
///
/// The SDK's own presigning runs a whole call's machinery for each URL, half of a link's CPU; its address of the
/// bucket is asked for once, and its signer is called directly.
#[derive(Debug, Clone)]
pub struct Signer {
    bucket: Bucket,
    identity: Identity,
    region: Region,
    /// What comes before a key in the URL of an object, by the SDK's rules for endpoints.
    address: Arc<OnceLock<String>>,
}

impl Signer {
    /// Signs for `bucket` with the credentials of `settings`.
    pub fn new(settings: &AwsSettings, bucket: Bucket) -> Self {
        Self {
            bucket,
            identity: settings.credentials().into(),
            region: settings.region(),
            address: Arc::default(),
        }
    }

    /// Signs a read of one version. No call to S3 is made.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the request can't be signed.
    pub async fn presign_read(&self, read: &SignedRead<'_>) -> Result<SignedUrl, StoreError> {
        let unsigned = || unsigned("GetObject");
        let mut url = self.url(read.key).await.ok_or_else(unsigned)?;
        let mut query = Query::of(&mut url);
        query.push("response-content-disposition", read.content_disposition);
        query.push("response-content-type", read.content_type);
        if let Some(version_id) = read.version_id {
            query.push("versionId", version_id);
        }
        query.push(GRANT_ID, read.grant_id);
        self.sign("GET", url, &[], (read.now, read.expires_in))
            .ok_or_else(unsigned)
    }

    /// Signs a create-only write of just these bytes. No call to S3 is made.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the request can't be signed.
    pub async fn presign_write(&self, write: &SignedWrite<'_>) -> Result<PresignedPut, StoreError> {
        let unsigned = || unsigned("PutObject");
        let mut url = self.url(write.key).await.ok_or_else(unsigned)?;
        Query::of(&mut url).push(GRANT_ID, write.grant_id);
        let (size, sha256) = (write.size.to_string(), write.sha256.to_base64());
        let headers = [
            ("content-length", size.as_str()),
            ("content-type", write.content_type),
            ("if-none-match", "*"),
            ("x-amz-checksum-sha256", &sha256),
        ];
        let url = self.sign("PUT", url, &headers, (write.now, write.expires_in));
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ok(PresignedPut {
            url: url.ok_or_else(unsigned)?,
            headers: headers.map(owned).into(),
        })
    }

    /// The address of an object, without a query.
    async fn url(&self, key: &str) -> Option<String> {
        let address = if let Some(address) = self.address.get() {
            address
        } else {
            let learnt = self.bucket.address().await?;
            self.address.get_or_init(|| learnt)
        };
        let mut url = String::with_capacity(URL_BYTES);
        url.push_str(address);
        url.extend(utf8_percent_encode(key, ESCAPED_IN_KEYS));
        Some(url)
    }

    fn sign(
        &self,
        method: &str,
        mut url: String,
        headers: &[(&str, &str)],
        (from, expires_in): (Timestamp, Duration),
    ) -> Option<SignedUrl> {
        let params = SigningParams::builder()
            .identity(&self.identity)
            .region(self.region.as_ref())
            .name("s3")
            .time(from.into())
            .settings(settings(expires_in))
            .build()
            .ok()?
            .into();
        let request = SignableRequest::new(
            method,
            &url,
            headers.iter().copied(),
            SignableBody::UnsignedPayload,
        )
        .ok()?;
        let (signed, _) = http_request::sign(request, &params).ok()?.into_parts();
        let mut query = Query::of(&mut url);
        for (name, value) in signed.params() {
            query.push(name, value);
        }
        Some(SignedUrl(url))
    }
}

/// S3's rules: the URL is signed as it stands, and a bucket's keys may look like paths that lead upwards.
fn settings(expires_in: Duration) -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(expires_in);
    settings
}

impl Bucket {
    /// What comes before a key in the URL of an object. No call to S3 is made.
    async fn address(&self) -> Option<String> {
        let config = PresigningConfig::expires_in(Duration::from_mins(1)).ok()?;
        let get = self.client.get_object().bucket(&self.name).key(ANY_KEY);
        let signed = get.presigned(config).await.ok()?;
        let url = signed.uri().split('?').next()?;
        url.strip_suffix(ANY_KEY).map(str::to_owned)
    }
}

/// Parameters at the end of a URL.
struct Query<'a> {
    url: &'a mut String,
    separator: char,
}

impl<'a> Query<'a> {
    fn of(url: &'a mut String) -> Self {
        let separator = if url.contains('?') { '&' } else { '?' };
        Self { url, separator }
    }

    fn push(&mut self, name: &str, value: &str) {
        self.url.push(self.separator);
        self.separator = '&';
        self.url.push_str(name);
        self.url.push('=');
        self.url.extend(utf8_percent_encode(value, ESCAPED));
    }
}

fn unsigned(operation: &'static str) -> StoreError {
    StoreError::Refused(Cause::unsigned(operation))
}

#[cfg(test)]
mod tests;
