//! Requests that are signed here and made by somebody else.
//! Source: S3 API reference, *Authenticating requests: using query parameters (AWS Signature Version 4)*.

use std::fmt;
use std::time::Duration;

use aws_sigv4::http_request::{SignatureLocation, SigningSettings};
use jiff::Timestamp;
use percent_encoding::utf8_percent_encode;
use serde::Serializer;

use super::Bucket;
use super::sign::{ESCAPED, settings};
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
        let unsigned = || unsigned("GetObject");
        let mut url = self.url(read.key).await.ok_or_else(unsigned)?;
        let mut query = Query::of(&mut url);
        query.push("response-content-disposition", read.content_disposition);
        query.push("response-content-type", read.content_type);
        if let Some(version_id) = read.version_id {
            query.push("versionId", version_id);
        }
        query.push(GRANT_ID, read.grant_id);
        self.presign("GET", url, &[], (read.now, read.expires_in))
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
        let url = self.presign("PUT", url, &headers, (write.now, write.expires_in));
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ok(PresignedPut {
            url: url.ok_or_else(unsigned)?,
            headers: headers.map(owned).into(),
        })
    }

    fn presign(
        &self,
        method: &str,
        mut url: String,
        headers: &[(&str, &str)],
        (from, expires_in): (Timestamp, Duration),
    ) -> Option<SignedUrl> {
        let settings = in_query(expires_in);
        let signed = self.sign(method, &url, headers.iter().copied(), (from.into(), settings))?;
        let mut query = Query::of(&mut url);
        for (name, value) in signed.params() {
            query.push(name, value);
        }
        Some(SignedUrl(url))
    }
}

fn in_query(expires_in: Duration) -> SigningSettings {
    let mut settings = settings();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(expires_in);
    settings
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
