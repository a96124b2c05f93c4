//! Conditional writes and reads.
//!
//! Sources: "How to prevent object overwrites with conditional writes", "How to perform conditional deletes"
//! (user guide); the notes on conditional headers at `GetObject` (API reference).

use hyper::HeaderMap;
use hyper::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use jiff::Timestamp;
use s3s::dto::{ETag, ETagCondition};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::version::{Content, Version, s3_time};

/// What must hold of a key for a write to take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WriteCondition {
    Always,
    /// `If-None-Match: *`
    Absent,
    /// `If-Match: etag`
    Is(String),
}

impl WriteCondition {
    /// # Errors
    /// `NotImplemented`, as S3 answers, for anything but `If-None-Match: *` and `If-Match` with one etag.
    pub(crate) fn from_headers(headers: &HeaderMap) -> S3Result<Self> {
        match (
            condition(headers, &IF_NONE_MATCH)?,
            condition(headers, &IF_MATCH)?,
        ) {
            (None, None) => Ok(Self::Always),
            (Some(ETagCondition::Any), None) => Ok(Self::Absent),
            (None, Some(ETagCondition::ETag(etag))) => Ok(Self::Is(etag.into_value())),
            _ => Err(s3_error!(
                NotImplemented,
                "A header you provided implies functionality that is not implemented"
            )),
        }
    }

    /// `current` is the newest version; a delete marker counts as absent.
    ///
    /// # Errors
    /// 412 when something else is there, 404 when `If-Match` finds nothing.
    pub(crate) fn check(&self, current: Option<&Version>) -> S3Result<()> {
        let content = current.and_then(|version| version.content.as_ref());
        match (self, content) {
            (Self::Always, _) | (Self::Absent, None) => Ok(()),
            (Self::Is(etag), Some(content)) if *etag == content.etag => Ok(()),
            (Self::Absent | Self::Is(_), Some(_)) => Err(precondition_failed()),
            (Self::Is(_), None) => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
        }
    }
}

fn condition(headers: &HeaderMap, name: &HeaderName) -> S3Result<Option<ETagCondition>> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    ETagCondition::parse_http_header(value.as_bytes())
        .map(Some)
        .map_err(|error| s3_error!(error, InvalidArgument, "Invalid header: {name}"))
}

pub(crate) fn precondition_failed() -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold"
    )
}

/// What a delete expects of the current version.
pub(crate) fn check_delete(expected: Option<&ETagCondition>, current: Option<&Version>) -> S3Result<()> {
    let content = current.and_then(|version| version.content.as_ref());
    match (expected, content) {
        (None, _) | (Some(ETagCondition::Any), Some(_)) => Ok(()),
        (Some(ETagCondition::ETag(etag)), Some(content)) if etag.value() == content.etag => Ok(()),
        (Some(ETagCondition::ETag(_)), None) => {
            Err(s3_error!(NoSuchKey, "The specified key does not exist."))
        }
        (Some(_), _) => Err(precondition_failed()),
    }
}

/// What a read, or a copy of its source, expects.
#[derive(Debug, Default)]
pub(crate) struct ReadCondition {
    pub if_match: Option<ETagCondition>,
    pub if_none_match: Option<ETagCondition>,
    pub modified_since: Option<s3s::dto::Timestamp>,
    pub unmodified_since: Option<s3s::dto::Timestamp>,
}

/// How a condition fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unmet {
    Failed,
    NotModified,
}

impl ReadCondition {
    /// An etag that matches overrules `If-Unmodified-Since`, one that doesn't overrules `If-Modified-Since`.
    pub(crate) fn unmet(&self, content: &Content, modified: Timestamp) -> Option<Unmet> {
        let modified = s3_time(modified);
        let matches = |condition: &ETagCondition| match condition {
            ETagCondition::Any => true,
            ETagCondition::ETag(etag) => etag.value() == content.etag,
        };
        let failed = match (&self.if_match, &self.unmodified_since) {
            (Some(condition), _) => !matches(condition),
            (None, Some(since)) => modified > *since,
            (None, None) => false,
        };
        let unchanged = match (&self.if_none_match, &self.modified_since) {
            (Some(condition), _) => matches(condition),
            (None, Some(since)) => modified <= *since,
            (None, None) => false,
        };
        match (failed, unchanged) {
            (true, _) => Some(Unmet::Failed),
            (false, true) => Some(Unmet::NotModified),
            (false, false) => None,
        }
    }
}

/// A 304 carries what a cache needs.
pub(crate) fn not_modified(content: &Content, modified: Timestamp) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    let mut headers = HeaderMap::new();
    if let Ok(etag) = ETag::Strong(content.etag.clone()).to_http_header() {
        headers.insert(hyper::header::ETAG, etag);
    }
    if let Some(date) = super::http_date(modified) {
        headers.insert(hyper::header::LAST_MODIFIED, date);
    }
    error.set_headers(headers);
    error
}
