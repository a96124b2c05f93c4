//! What can go wrong with storage, by what it means to the caller.

use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId as _;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::metrics;
use crate::set_up::SetUpFault;

/// Why an S3 call didn't do what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No object lies there.
    #[error("the object doesn't exist")]
    NotFound,
    /// An object with other content lies where one was to be created.
    #[error("another object lies there already")]
    AlreadyExists,
    /// The object is larger than the reader takes.
    #[error("the object is larger than {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// The object isn't what it must be.
    #[error("the object is damaged: {0}")]
    Damaged(&'static str),
    /// S3 can't be reached, is busy or failed, also on retries. The call may have taken effect.
    #[error("S3 is unavailable: {0}")]
    Unavailable(Cause),
    /// The set-up is wrong: no such bucket, no permission, bad credentials. Retries don't help.
    #[error("S3 refused: {0}")]
    Refused(Cause),
}

/// Why storage as such, and no request, is at fault: what an export is kept locally for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageFault {
    /// S3 can't be reached, is busy or failed: it will be back.
    Outage,
    /// The set-up is wrong: somebody has to mend it.
    SetUp(SetUpFault),
}

impl StorageFault {
    /// In one word, for programs: `outage`, or the name of what is wrong with the set-up.
    pub fn name(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::SetUp(fault) => fault.name(),
        }
    }
}

impl StoreError {
    /// Whether it is storage as such that is at fault, and how.
    pub fn fault(&self) -> Option<StorageFault> {
        match self {
            Self::Unavailable(_) => Some(StorageFault::Outage),
            Self::Refused(cause) => cause.set_up().map(StorageFault::SetUp),
            Self::NotFound | Self::AlreadyExists | Self::TooLarge { .. } | Self::Damaged(_) => None,
        }
    }

    /// Logs it, once; of a wrong set-up what to do, and counts that, for an alarm.
    pub fn note(&self, what: &'static str) {
        if let Some(StorageFault::SetUp(fault)) = self.fault() {
            metrics::set_up_fault();
            let (name, advice) = (fault.name(), fault.advice());
            tracing::error!(storage.error = %self, storage.set_up = name, "{what}: {advice}");
        } else {
            tracing::error!(storage.error = %self, "{what}");
        }
    }
}

/// What S3 or the way to it said: for logs, never for callers. Holds no URL, header or body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    operation: &'static str,
    code: String,
    /// Of an answer.
    status: Option<u16>,
    request_id: Option<String>,
}

impl Cause {
    fn of(operation: &'static str, code: &str) -> Self {
        Self {
            operation,
            code: code.to_owned(),
            status: None,
            request_id: None,
        }
    }

    /// Whether S3 answered at all.
    pub fn is_answer(&self) -> bool {
        self.status.is_some()
    }

    /// What is wrong with the set-up, if it is that and not the request.
    pub fn set_up(&self) -> Option<SetUpFault> {
        match SetUpFault::of(&self.code) {
            // A 4xx that isn't about rights or places is about what was asked for; that of a HEAD says nothing, and is
            // what an expired token gets.
            SetUpFault::Other
                if self.has_code() && !matches!(self.status, None | Some(301 | 307 | 401 | 403)) =>
            {
                None
            }
            fault => Some(fault),
        }
    }

    fn has_code(&self) -> bool {
        !self.code.starts_with("status ")
    }

    /// Another conditional write of the same key was under way, again and again.
    pub(crate) fn conflict(operation: &'static str) -> Self {
        Self {
            status: Some(409),
            ..Self::of(operation, "ConditionalRequestConflict")
        }
    }

    /// A request couldn't be signed.
    pub(crate) fn unsigned(operation: &'static str) -> Self {
        Self::of(operation, "the request can't be signed")
    }

    /// The body of an answer ended early.
    pub(crate) fn cut_off(operation: &'static str) -> Self {
        Self::of(operation, "the answer broke off")
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.code)?;
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

/// A failed call's HTTP status, if S3 answered at all.
pub(crate) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// Turns the SDK's error into its meaning.
pub(crate) fn classify<E: ProvideErrorMetadata>(
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> StoreError {
    let request_id = error
        .raw_response()
        .and_then(|response| response.request_id())
        .map(str::to_owned);
    let cause = Cause {
        operation,
        code: code(error),
        status: status(error),
        request_id,
    };
    match (error, status(error)) {
        (SdkError::ConstructionFailure(_), _) => StoreError::Refused(cause),
        (SdkError::ServiceError(_), Some(404)) if cause.code != "NoSuchBucket" => StoreError::NotFound,
        (SdkError::ServiceError(_), Some(status)) if !is_transient(status, &cause.code) => {
            StoreError::Refused(cause)
        }
        _ => StoreError::Unavailable(cause),
    }
}

/// Worth a retry: throttling, server faults, and S3's own 400 for a body that came too slowly.
fn is_transient(status: u16, code: &str) -> bool {
    status >= 500
        // An answer that began well and ended in an error.
        || status == 200
        || status == 429
        || status == 409
        // KMS throttles with 400.
        || code.ends_with("ThrottlingException")
        || matches!(
            code,
            "SlowDown" | "RequestTimeout" | "InternalError" | "RequestLimitExceeded" | "Throttling"
        )
}

fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    match error {
        SdkError::ConstructionFailure(_) => "the request can't be built".to_owned(),
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "no connection in time".to_owned(),
        SdkError::DispatchFailure(_) => "no connection".to_owned(),
        SdkError::ResponseError(_) => "the answer broke off".to_owned(),
        SdkError::ServiceError(service) => match service.err().code() {
            Some(code) => code.to_owned(),
            None => format!("status {}", service.raw().status().as_u16()),
        },
        _ => "unknown failure".to_owned(),
    }
}
