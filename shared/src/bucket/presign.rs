//! Requests that are signed here and made by somebody else.
//! Source: S3 API reference, *Authenticating requests: using query parameters (AWS Signature Version 4)*.

use std::fmt;
use std::time::Duration;

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use jiff::Timestamp;
use serde::Serializer;

use super::Bucket;
use crate::digest::Sha256;
use crate::store_error::{Cause, StoreError};

/// S3 ignores it, and writes it into its access logs: it joins a use to the audit record of its grant.
const GRANT_ID: &str = "x-grant-id";

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

impl Bucket {
    /// Signs a read of one version. No call to S3 is made.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the request can't be signed.
    pub async fn presign_read(&self, read: &SignedRead<'_>) -> Result<SignedUrl, StoreError> {
        let get = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(read.key)
            .set_version_id(read.version_id.map(str::to_owned))
            .response_content_disposition(read.content_disposition)
            .response_content_type(read.content_type);
        let grant_id = read.grant_id.to_owned();
        let signed = get
            .customize()
            .mutate_request(move |request| add_grant_id(request, &grant_id))
            .presigned(window(read.now, read.expires_in)?)
            .await
            .map_err(|_| unsigned("GetObject"))?;
        Ok(SignedUrl(signed.uri().to_owned()))
    }

    /// Signs a create-only write of just these bytes. No call to S3 is made.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the request can't be signed.
    pub async fn presign_write(&self, write: &SignedWrite<'_>) -> Result<PresignedPut, StoreError> {
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(write.key)
            .if_none_match("*")
            .content_length(i64::try_from(write.size).unwrap_or(i64::MAX))
            .content_type(write.content_type)
            .checksum_sha256(write.sha256.to_base64());
        let grant_id = write.grant_id.to_owned();
        let signed = put
            .customize()
            .mutate_request(move |request| add_grant_id(request, &grant_id))
            .presigned(window(write.now, write.expires_in)?)
            .await
            .map_err(|_| unsigned("PutObject"))?;
        Ok(PresignedPut {
            headers: headers(&signed),
            url: SignedUrl(signed.uri().to_owned()),
        })
    }
}

fn add_grant_id(request: &mut aws_smithy_runtime_api::client::orchestrator::HttpRequest, grant_id: &str) {
    let uri = request.uri();
    let separator = if uri.contains('?') { '&' } else { '?' };
    let uri = format!("{uri}{separator}{GRANT_ID}={grant_id}");
    // Fails only for an invalid URI; ids are letters, digits and hyphens.
    let _ = request.set_uri(uri);
}

fn window(now: Timestamp, expires_in: Duration) -> Result<PresigningConfig, StoreError> {
    PresigningConfig::builder()
        .start_time(now.into())
        .expires_in(expires_in)
        .build()
        .map_err(|_| unsigned("Presign"))
}

/// The signed headers but `host`, which every client sends by itself. Others, such as the function's own trace id, are
/// not the caller's business.
fn headers(signed: &PresignedRequest) -> Vec<(String, String)> {
    let query = signed.uri().split_once('?').map_or("", |(_, query)| query);
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    let names = parameters.find(|(name, _)| name == "X-Amz-SignedHeaders");
    let names = names.map(|(_, names)| names.into_owned()).unwrap_or_default();
    let is_signed = |header: &str| header != "host" && names.split(';').any(|name| name == header);
    let mut headers: Vec<_> = signed
        .headers()
        .filter(|(name, _)| is_signed(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    headers.sort_unstable();
    headers
}

fn unsigned(operation: &'static str) -> StoreError {
    StoreError::Refused(Cause::unsigned(operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_url_is_not_shown() {
        let url = SignedUrl::new("https://s3/x?X-Amz-Signature=abc".to_owned());
        assert!(!format!("{url:?}").contains("abc"));
        assert!(url.expose().ends_with("abc"));
    }
}
