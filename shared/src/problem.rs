//! Problems as callers see them: RFC 9457, *Problem Details for HTTP APIs*.

use serde::{Deserialize, Serialize};

use crate::json::{FieldError, JsonError};
use crate::store_error::StorageFault;

/// The media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// What is wrong, by what the caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// The request can't be read: 400.
    Malformed,
    /// Nobody is known to be asking: 401.
    Unauthenticated,
    /// The caller may not do this, and that is no secret: 403.
    Forbidden,
    /// Nothing is there, or nothing that the caller may know of: 404.
    NotFound,
    /// It contradicts what is stored: 409.
    Conflict,
    /// It, or the answer to it, is larger than allowed: 413.
    TooLarge,
    /// It isn't JSON: 415.
    UnsupportedMediaType,
    /// It can be read, but values are wrong: 422.
    Invalid,
    /// A fault of ours: 500.
    Internal,
    /// Storage can't be reached or is busy; the same request may succeed later: 503.
    Unavailable,
}

impl ProblemKind {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Invalid => 422,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// The problem type's name, stable for programs: the last part of `type`, and a Lambda failure's `errorType`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed-request",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::TooLarge => "too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::Invalid => "invalid-request",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Malformed => "The request can't be read",
            Self::Unauthenticated => "The request carries no identity",
            Self::Forbidden => "The caller may not do this",
            Self::NotFound => "There is nothing of this name",
            Self::Conflict => "The request contradicts what is stored",
            Self::TooLarge => "Too large",
            Self::UnsupportedMediaType => "The request must be JSON",
            Self::Invalid => "The request holds invalid values",
            Self::Internal => "Something went wrong on our side",
            Self::Unavailable => "Storage can't be reached just now",
        }
    }
}

/// A problem, before it leaves by one of the two doors: an HTTP answer or a Lambda failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", kind.name())]
pub struct Problem {
    /// What is wrong, by what to do about it.
    pub kind: ProblemKind,
    /// What was wrong, where, and what to do, in words for the caller.
    pub detail: String,
    /// Each invalid field, all of them at once.
    pub errors: Vec<FieldError>,
    /// Seconds after which a retry makes sense.
    pub retry_after: Option<u32>,
    /// Whether it is storage as such that is at fault.
    pub fault: Option<StorageFault>,
}

impl Problem {
    /// A problem without field errors.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            fault: None,
        }
    }

    /// All that is wrong with a request's fields.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{} {}", only.pointer, only.detail),
            all => format!("{} fields are invalid; 'errors' names each", all.len()),
        };
        Self {
            errors,
            ..Self::new(ProblemKind::Invalid, detail)
        }
    }

    /// Logs the problem, once, without the request's texts: what is ours to mend as an error.
    #[must_use]
    pub fn noted(self) -> Self {
        let kind = self.kind.name();
        let errors = self.errors.len();
        if matches!(self.kind, ProblemKind::Internal | ProblemKind::Unavailable) {
            tracing::error!(problem.kind = kind, "the request failed");
        } else {
            tracing::info!(
                problem.kind = kind,
                problem.errors = errors,
                "the request was refused"
            );
        }
        self
    }

    /// The problem as the caller gets it.
    pub fn document(&self, request_id: &str) -> ProblemDocument {
        ProblemDocument {
            kind: format!("urn:casefile:problem:{}", self.kind.name()),
            title: self.kind.title().to_owned(),
            status: self.kind.status(),
            detail: self.detail.clone(),
            instance: request_id.to_owned(),
            errors: self.errors.clone(),
        }
    }
}

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Self {
        let kind = match error {
            JsonError::TooDeep => ProblemKind::Invalid,
            JsonError::Syntax { .. } => ProblemKind::Malformed,
        };
        Self::new(kind, error.to_string())
    }
}

/// `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemDocument {
    /// `urn:casefile:problem:{name}`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The type in words, the same for each problem of the type.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong, where, and what to do.
    pub detail: String,
    /// The request's id, for finding it in the logs.
    pub instance: String,
    /// Each invalid field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}
