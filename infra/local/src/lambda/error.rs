use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A finished call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The id that the function saw.
    pub request_id: String,
    /// What the function answered, or how it failed.
    pub result: Result<Bytes, FunctionError>,
}

/// A failed call as Lambda reports it: the function returned an error, crashed, or took too long.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[error("{error_type}: {error_message}")]
pub struct FunctionError {
    /// The kind, such as `Runtime.ExitError`, or what the function named it.
    #[serde(default)]
    pub error_type: String,
    /// For people.
    #[serde(default)]
    pub error_message: String,
    /// Where it happened, if the function said so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stack_trace: Vec<String>,
}

impl FunctionError {
    fn new(error_type: &str, error_message: String) -> Self {
        Self {
            error_type: error_type.to_owned(),
            error_message,
            stack_trace: Vec::new(),
        }
    }

    pub(super) fn exited(request_id: &str, exit: &str) -> Self {
        Self::new(
            "Runtime.ExitError",
            format!("RequestId: {request_id} Error: Runtime exited with error: {exit}"),
        )
    }

    pub(super) fn exited_without_reason(request_id: &str) -> Self {
        let message = format!("RequestId: {request_id} Error: Runtime exited without providing a reason");
        Self::new("Runtime.ExitError", message)
    }

    pub(super) fn not_executable(request_id: &str, cause: &std::io::Error) -> Self {
        let message = format!("RequestId: {request_id} Error: the program cannot be started: {cause}");
        Self::new("Runtime.InvalidEntrypoint", message)
    }

    pub(super) fn timed_out(request_id: &str, limit: std::time::Duration) -> Self {
        let seconds = limit.as_secs_f64();
        let message = format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds");
        Self::new("Sandbox.Timedout", message)
    }

    pub(super) fn response_too_large(limit: usize) -> Self {
        let message = format!("Response payload size exceeded maximum allowed payload size ({limit} bytes).");
        Self::new("Function.ResponseSizeTooLarge", message)
    }

    /// From the body of a Runtime API error report; `header` is its `Lambda-Runtime-Function-Error-Type`.
    pub(super) fn reported(body: &[u8], header: Option<&str>) -> Self {
        let unreadable = || Self::new("", String::from_utf8_lossy(body).into_owned());
        let mut error: Self = serde_json::from_slice(body).unwrap_or_else(|_| unreadable());
        if error.error_type.is_empty() {
            header
                .unwrap_or("Runtime.Unknown")
                .clone_into(&mut error.error_type);
        }
        error
    }
}

/// Why a call did not reach its function.
#[derive(Debug, Error)]
pub enum InvokeError {
    /// There is no function of this name.
    #[error("function not found: {0}")]
    UnknownFunction(String),
    /// The payload is larger than Lambda takes.
    #[error("{size} byte payload is too large for this invocation type (limit {limit} bytes)")]
    RequestTooLarge {
        /// The payload's size in bytes.
        size: usize,
        /// The largest that is accepted.
        limit: usize,
    },
    /// All of the function's processes are busy, and so many callers wait already that no more may.
    #[error("rate exceeded: all processes of {0} are busy")]
    Throttled(String),
    /// [`super::Lambda::shutdown`] was called.
    #[error("the emulator is shutting down")]
    ShuttingDown,
    /// The emulator itself failed: no free port, say.
    #[error("the emulator failed")]
    Emulator(#[from] std::io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reported_error_keeps_type_message_and_stack() {
        let body = br#"{"errorType":"Boom","errorMessage":"no","stackTrace":["a","b"]}"#;
        let error = FunctionError::reported(body, Some("Runtime.Header"));
        assert_eq!(error.to_string(), "Boom: no");
        assert_eq!(error.stack_trace, ["a", "b"]);
    }

    #[test]
    fn an_error_report_that_is_not_json_is_kept_as_its_message() {
        let error = FunctionError::reported(b"plain text", Some("Runtime.Header"));
        assert_eq!(
            error,
            FunctionError::new("Runtime.Header", "plain text".to_owned())
        );
        assert_eq!(FunctionError::reported(b"", None).error_type, "Runtime.Unknown");
    }

    #[test]
    fn a_timeout_reads_as_in_lambda() {
        let error = FunctionError::timed_out("id", std::time::Duration::from_secs(3));
        assert_eq!(
            error.error_message,
            "RequestId: id Error: Task timed out after 3.00 seconds"
        );
    }
}
