//! What a client sets beside the bytes: headers that come back, user metadata, tags.
//!
//! Sources: "Working with object metadata", "Categorizing your objects using tags" (user guide).

use hyper::HeaderMap;
use s3s::dto::Metadata;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::super::store::Attributes;

/// Of all names and values together, in bytes of UTF-8.
const MAX_METADATA: usize = 2048;
const MAX_TAGS: usize = 10;
/// In characters.
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;

/// # Errors
/// `MetadataTooLarge`, `InvalidTag`, `InvalidRequest` for a lock on a bucket that has none.
pub(super) fn attributes(headers: &HeaderMap, metadata: Option<Metadata>) -> S3Result<Attributes> {
    if headers
        .keys()
        .any(|name| name.as_str().starts_with("x-amz-object-lock-"))
    {
        return Err(s3_error!(
            InvalidRequest,
            "Bucket is missing Object Lock Configuration"
        ));
    }
    let text = |name: &str| header(headers, name);
    Ok(Attributes {
        content_type: text("content-type"),
        cache_control: text("cache-control"),
        content_disposition: text("content-disposition"),
        content_encoding: text("content-encoding").and_then(|value| without_aws_chunked(&value)),
        content_language: text("content-language"),
        expires: text("expires"),
        website_redirect: text("x-amz-website-redirect-location"),
        storage_class: text("x-amz-storage-class").filter(|class| class != "STANDARD"),
        encryption: text("x-amz-server-side-encryption"),
        kms_key: text("x-amz-server-side-encryption-aws-kms-key-id"),
        metadata: limited(metadata.unwrap_or_default())?.into_iter().collect(),
        tags: text("x-amz-tagging")
            .map(|tags| header_tags(&tags))
            .transpose()?
            .unwrap_or_default(),
    })
}

/// A header's text; bytes that are no UTF-8 are replaced.
pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = String::from_utf8_lossy(headers.get(name)?.as_bytes()).into_owned();
    (!value.is_empty()).then_some(value)
}

/// `aws-chunked` says how the body was sent, not what it is, and is not stored.
fn without_aws_chunked(encoding: &str) -> Option<String> {
    let kept: Vec<_> = encoding
        .split(',')
        .map(str::trim)
        .filter(|one| *one != "aws-chunked")
        .collect();
    (!kept.is_empty()).then(|| kept.join(", "))
}

fn limited(metadata: Metadata) -> S3Result<Metadata> {
    let size: usize = metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size > MAX_METADATA {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size"
        ));
    }
    Ok(metadata)
}

/// The tags of an `x-amz-tagging` header, which is form-encoded.
fn header_tags(encoded: &str) -> S3Result<Vec<(String, String)>> {
    let pairs = encoded.split('&').filter(|pair| !pair.is_empty());
    let tags = pairs.map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((form_decoded(key)?, form_decoded(value)?))
    });
    checked_tags(tags.collect::<S3Result<_>>()?)
}

fn form_decoded(text: &str) -> S3Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|digit| {
                    digit
                        .and_then(|digit| char::from(digit).to_digit(16))
                        .and_then(|digit| u8::try_from(digit).ok())
                });
                match digits {
                    [Some(high), Some(low)] => high * 16 + low,
                    _ => return Err(bad_tag_header()),
                }
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).map_err(|_| bad_tag_header())
}

fn bad_tag_header() -> S3Error {
    s3_error!(
        InvalidArgument,
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
    )
}

/// # Errors
/// `InvalidTag`, or `BadRequest` for more than ten.
pub(super) fn checked_tags(tags: Vec<(String, String)>) -> S3Result<Vec<(String, String)>> {
    if tags.len() > MAX_TAGS {
        return Err(bad_request("Object tags cannot be greater than 10"));
    }
    for (place, (key, value)) in tags.iter().enumerate() {
        if key.is_empty() || key.chars().count() > MAX_TAG_KEY || !key.chars().all(may_be_in_tag) {
            return Err(s3_error!(InvalidTag, "The TagKey you have provided is invalid"));
        }
        if value.chars().count() > MAX_TAG_VALUE || !value.chars().all(may_be_in_tag) {
            return Err(s3_error!(InvalidTag, "The TagValue you have provided is invalid"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(s3_error!(InvalidTag, "Your TagKey cannot be prefixed with aws:"));
        }
        if tags.iter().take(place).any(|(earlier, _)| earlier == key) {
            return Err(s3_error!(
                InvalidTag,
                "Cannot provide multiple Tags with the same key"
            ));
        }
    }
    Ok(tags)
}

fn may_be_in_tag(c: char) -> bool {
    c.is_alphanumeric() || c.is_whitespace() || "+-=._:/@".contains(c)
}

pub(super) fn bad_request(message: &'static str) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom("BadRequest".into()), message);
    error.set_status_code(hyper::StatusCode::BAD_REQUEST);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_in_a_header_are_form_decoded() {
        let tags = header_tags("verdict=verified&a+b=c%2Bd&ü=%C3%BC&empty").unwrap();
        let pairs: Vec<_> = tags
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [("verdict", "verified"), ("a b", "c+d"), ("ü", "ü"), ("empty", "")]
        );
    }

    #[test]
    fn tags_that_s3_refuses_are_refused() {
        for header in [
            "a=1&a=2",
            "aws:x=1",
            "=1",
            "a=%ZZ",
            "a=%",
            "a=<",
            "1&2&3&4&5&6&7&8&9&10&11",
        ] {
            assert!(header_tags(header).is_err(), "{header}");
        }
        assert!(header_tags(&format!("{}=1", "k".repeat(129))).is_err());
        assert!(header_tags(&format!("k={}", "v".repeat(257))).is_err());
    }

    #[test]
    fn only_aws_chunked_is_dropped_from_a_content_encoding() {
        assert_eq!(without_aws_chunked("aws-chunked"), None);
        assert_eq!(without_aws_chunked("gzip,aws-chunked").as_deref(), Some("gzip"));
    }
}
