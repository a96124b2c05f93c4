//! The checksums a client sends with a body: in headers, or behind it as a trailer.
//!
//! Source: "Checking object integrity in Amazon S3" (user guide); the error codes are those that S3 answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders, s3_error};

use super::super::store::{Algorithm, Checksum, Kind, Spooled};
use super::attributes::header;

/// What a body must turn out to be.
#[derive(Debug)]
pub(super) struct Expected {
    /// Absent when the client sends none; then S3's default is computed.
    pub given: Option<Algorithm>,
    value: Option<String>,
    md5: Option<Vec<u8>>,
}

impl Expected {
    /// # Errors
    /// `InvalidRequest` for values that can't be right, `InvalidDigest` for a Content-MD5 that is none.
    pub(super) fn from_headers(headers: &HeaderMap) -> S3Result<Self> {
        let mut sent = Algorithm::ALL
            .into_iter()
            .filter(|algorithm| headers.contains_key(algorithm.header()));
        let (sent, more) = (sent.next(), sent.next().is_some());
        if more {
            return Err(s3_error!(
                InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
            ));
        }
        let value = sent.and_then(|algorithm| header(headers, algorithm.header()));
        if let (Some(algorithm), Some(value)) = (sent, &value)
            && !algorithm.accepts(value)
        {
            return Err(invalid_value(algorithm));
        }
        let given = sent.or_else(|| trailer(headers));
        named_as_given(headers, given)?;
        Ok(Self {
            given,
            value,
            md5: content_md5(headers)?,
        })
    }

    /// Whether the client says what the body must be.
    pub(super) fn is_checked(&self) -> bool {
        self.given.is_some() || self.md5.is_some()
    }

    /// What to compute while the body comes in.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.given.unwrap_or(Algorithm::DEFAULT)
    }

    /// # Errors
    /// `BadDigest` when the body is another, `MalformedTrailerError` when a promised trailer did not come.
    pub(super) fn verify(&self, body: &Spooled, trailers: Option<&TrailingHeaders>) -> S3Result<Checksum> {
        if self.md5.as_ref().is_some_and(|md5| md5 != &body.md5) {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        let algorithm = self.algorithm();
        let sent = match (self.given, &self.value) {
            (Some(_), None) => Some(from_trailer(algorithm, trailers)?),
            (_, value) => value.clone(),
        };
        if sent.is_some_and(|sent| sent != body.checksum) {
            return Err(bad_digest(algorithm));
        }
        Ok(Checksum {
            algorithm,
            kind: Kind::FullObject,
            value: body.checksum.clone(),
        })
    }
}

pub(super) fn bad_digest(algorithm: Algorithm) -> S3Error {
    s3_error!(
        BadDigest,
        "The {} you specified did not match the calculated checksum.",
        algorithm.name()
    )
}

pub(super) fn invalid_value(algorithm: Algorithm) -> S3Error {
    s3_error!(
        InvalidRequest,
        "Value for {} header is invalid.",
        algorithm.header()
    )
}

/// The algorithm whose value will follow the body.
fn trailer(headers: &HeaderMap) -> Option<Algorithm> {
    let names = header(headers, "x-amz-trailer")?;
    let promised = |algorithm: &Algorithm| {
        names
            .split(',')
            .any(|name| name.trim().eq_ignore_ascii_case(algorithm.header()))
    };
    Algorithm::ALL.into_iter().find(promised)
}

fn from_trailer(algorithm: Algorithm, trailers: Option<&TrailingHeaders>) -> S3Result<String> {
    let value = trailers
        .and_then(|trailers| trailers.read(|sent| header(sent, algorithm.header())))
        .flatten();
    let Some(value) = value else {
        let mut error = S3Error::with_message(
            S3ErrorCode::Custom("MalformedTrailerError".into()),
            "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        );
        error.set_status_code(hyper::StatusCode::BAD_REQUEST);
        return Err(error);
    };
    if algorithm.accepts(&value) {
        Ok(value)
    } else {
        Err(invalid_value(algorithm))
    }
}

/// An SDK that names an algorithm must send it.
fn named_as_given(headers: &HeaderMap, given: Option<Algorithm>) -> S3Result<()> {
    let Some(named) = header(headers, "x-amz-sdk-checksum-algorithm") else {
        return Ok(());
    };
    match given {
        Some(given) if Algorithm::from_name(&named) == Some(given) => Ok(()),
        Some(_) => Err(s3_error!(
            InvalidRequest,
            "Value for x-amz-sdk-checksum-algorithm header is invalid."
        )),
        None => Err(s3_error!(
            InvalidRequest,
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
        )),
    }
}

fn content_md5(headers: &HeaderMap) -> S3Result<Option<Vec<u8>>> {
    let Some(value) = header(headers, "content-md5") else {
        return Ok(None);
    };
    match STANDARD.decode(value) {
        Ok(md5) if md5.len() == 16 => Ok(Some(md5)),
        _ => Err(s3_error!(
            InvalidDigest,
            "The Content-MD5 you specified was invalid."
        )),
    }
}
