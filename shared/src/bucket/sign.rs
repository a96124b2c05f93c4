//! Signatures by the SDK's own signer, called directly: without the machinery of a whole call.
//! Source: S3 API reference, *Authenticating requests (AWS Signature Version 4)*.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sigv4::http_request::{
    self, PercentEncodingMode, SignableBody, SignableRequest, SigningInstructions, SigningSettings,
    UriPathNormalizationMode,
};
use aws_sigv4::sign::v4::SigningParams;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Bucket;

/// All but the unreserved characters of RFC 3986: what a signature expects in a query.
pub(super) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// A key's slashes stay.
pub(super) const ESCAPED_IN_KEYS: &AsciiSet = &ESCAPED.remove(b'/');
/// Stands for any key where a URL is taken apart.
const ANY_KEY: &str = "key";
/// A signed URL with a role's session token.
const URL_BYTES: usize = 2_048;

/// S3's rules: the URL is signed as it stands, and a bucket's keys may look like paths that lead upwards.
pub(super) fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings
}

impl Bucket {
    /// What a request needs to be the credentials' own, at that time. Its body isn't signed.
    pub(super) fn sign<'a>(
        &self,
        method: &'a str,
        url: &'a str,
        headers: impl Iterator<Item = (&'a str, &'a str)>,
        (time, settings): (SystemTime, SigningSettings),
    ) -> Option<SigningInstructions> {
        let params = SigningParams::builder()
            .identity(&self.client.identity)
            .region(self.client.config().region()?.as_ref())
            .name("s3")
            .time(time)
            .settings(settings)
            .build()
            .ok()?
            .into();
        let request = SignableRequest::new(method, url, headers, SignableBody::UnsignedPayload).ok()?;
        let (signed, _) = http_request::sign(request, &params).ok()?.into_parts();
        Some(signed)
    }

    /// The address of an object, without a query.
    pub(super) async fn url(&self, key: &str) -> Option<String> {
        let address = if let Some(address) = self.address.get() {
            address
        } else {
            let learnt = self.learn_address().await?;
            self.address.get_or_init(|| learnt)
        };
        let mut url = String::with_capacity(URL_BYTES);
        url.push_str(address);
        url.extend(utf8_percent_encode(key, ESCAPED_IN_KEYS));
        Some(url)
    }

    /// What comes before a key in the URL of an object, by the SDK's rules for endpoints. No call to S3 is made.
    async fn learn_address(&self) -> Option<String> {
        let config = PresigningConfig::expires_in(Duration::from_mins(1)).ok()?;
        let get = self.client.get_object().bucket(&self.name).key(ANY_KEY);
        let signed = get.presigned(config).await.ok()?;
        let url = signed.uri().split('?').next()?;
        url.strip_suffix(ANY_KEY).map(str::to_owned)
    }
}
