//! What S3 demands of a signed request beyond a right signature.
//!
//! Sources: "Authenticating requests: using query parameters", "Signature calculations for the Authorization
//! header", "Error responses" (API reference); "Using temporary credentials with AWS resources" (IAM).

use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::{StatusCode, Uri};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

/// A presigned URL lasts a week at most.
const MAX_EXPIRES: u64 = 7 * 24 * 60 * 60;
const TOKEN: &str = "x-amz-security-token";

/// Refuses what no signature makes good: Signature Version 2, unknown algorithms, and URLs that are to last too long.
///
/// # Errors
/// `InvalidRequest`, and `AuthorizationQueryParametersError`.
pub(super) fn check_scheme(headers: &HeaderMap, uri: &Uri) -> S3Result<()> {
    let header = authorization(headers);
    if header.is_some_and(|header| header.starts_with("AWS ")) || query(uri, "Signature").is_some() {
        return Err(s3_error!(
            InvalidRequest,
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
        ));
    }
    if query(uri, "X-Amz-Algorithm").is_some_and(|algorithm| algorithm != "AWS4-HMAC-SHA256") {
        return Err(query_error("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\""));
    }
    match query(uri, "X-Amz-Expires").map(|seconds| seconds.parse()) {
        Some(Ok(0..=MAX_EXPIRES)) | None => Ok(()),
        Some(Ok(_)) => Err(query_error(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than \
             604800 seconds",
        )),
        Some(Err(_)) => Err(query_error("X-Amz-Expires should be a number")),
    }
}

fn query_error(message: &'static str) -> S3Error {
    let code = S3ErrorCode::Custom("AuthorizationQueryParametersError".into());
    let mut error = S3Error::with_message(code, message);
    error.set_status_code(StatusCode::BAD_REQUEST);
    error
}

/// Refuses headers that change what a request does, and that its signature doesn't cover.
///
/// A signature covers the headers that it lists, and only those. `x-amz-content-sha256` need not be among them:
/// the signature holds its value in another place, or the body is checked against it.
///
/// # Errors
/// `AccessDenied`.
pub(super) fn check_headers(headers: &HeaderMap, uri: &Uri) -> S3Result<()> {
    let listed = match query(uri, "X-Amz-Signature") {
        Some(_) => query(uri, "X-Amz-SignedHeaders"),
        None => listed_in_header(headers),
    };
    let listed = listed.unwrap_or_default();
    let is_signed = |name: &str| listed.split(';').any(|signed| signed == name);
    let mut names = headers.keys().map(hyper::header::HeaderName::as_str);
    let must_be_signed = |name: &str| name.starts_with("x-amz-") && name != "x-amz-content-sha256";
    if !is_signed("host") || names.any(|name| must_be_signed(name) && !is_signed(name)) {
        return Err(s3_error!(
            AccessDenied,
            "There were headers present in the request which were not signed"
        ));
    }
    Ok(())
}

fn listed_in_header(headers: &HeaderMap) -> Option<String> {
    let (_, listed) = authorization(headers)?.split_once("SignedHeaders=")?;
    listed.split(',').next().map(|listed| listed.trim().to_owned())
}

/// Whether a request brings the session token that its key goes with, and none where the key goes without.
///
/// # Errors
/// `InvalidAccessKeyId` without a token that must be there; `InvalidToken` with a wrong one.
pub(super) fn check_token(headers: &HeaderMap, uri: &Uri, expected: Option<&str>) -> S3Result<()> {
    let header = headers.get(TOKEN).map(|token| token.to_str().unwrap_or_default());
    let given = query(uri, "X-Amz-Security-Token").or_else(|| header.map(str::to_owned));
    match (given, expected) {
        (None, None) => Ok(()),
        (Some(given), Some(expected)) if given == expected => Ok(()),
        (None, Some(_)) => Err(unknown_key()),
        (Some(_), _) => Err(s3_error!(
            InvalidToken,
            "The provided token is malformed or otherwise invalid."
        )),
    }
}

pub(super) fn unknown_key() -> S3Error {
    s3_error!(
        InvalidAccessKeyId,
        "The AWS Access Key Id you provided does not exist in our records."
    )
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()
}

/// The value of a query parameter; the first, should there be several.
fn query(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| {
                let name = hyper::header::HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect()
    }

    fn presigned(listed: &str) -> Uri {
        let uri = format!("/b/a?X-Amz-SignedHeaders={listed}&X-Amz-Signature=00");
        uri.parse().unwrap()
    }

    #[test]
    fn the_host_must_be_signed() {
        let headers = headers(&[("content-type", "text/plain")]);
        assert!(check_headers(&headers, &presigned("content-type%3Bhost")).is_ok());
        assert!(check_headers(&headers, &presigned("content-type")).is_err());
        assert!(check_headers(&headers, &presigned("")).is_err());
    }

    #[test]
    fn a_signature_in_a_header_covers_what_that_header_lists() {
        let request = |listed: &str| {
            let mut headers = headers(&[("x-amz-date", "20251114T142510Z"), ("x-amz-tagging", "a=b")]);
            let header = format!("AWS4-HMAC-SHA256 Credential=k/c, SignedHeaders={listed}, Signature=00");
            headers.insert(AUTHORIZATION, HeaderValue::try_from(header).unwrap());
            check_headers(
                &headers,
                &Uri::from_static("/b/a?X-Amz-SignedHeaders=host;x-amz-tagging"),
            )
        };
        assert!(request("host;x-amz-date;x-amz-tagging").is_ok());
        assert!(request("host;x-amz-date").is_err());
        assert!(request("host;x-amz-date;x-amz-tagging-more").is_err());
    }
}
