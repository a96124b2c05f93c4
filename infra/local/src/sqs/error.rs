use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::lambda::json_answer;

/// A request that SQS refuses. Source: Amazon SQS API Reference, "Common Error Types" and each action's.
#[derive(Debug)]
pub(super) struct SqsError {
    status: StatusCode,
    kind: &'static str,
    /// What the query protocol calls it, for clients that knew that.
    query: &'static str,
    message: String,
}

impl SqsError {
    pub(super) fn new(kind: &'static str, query: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind,
            query,
            message: message.into(),
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(
            "com.amazonaws.sqs#InvalidParameterValue",
            "InvalidParameterValue",
            message,
        )
    }

    pub(super) fn contents(message: impl Into<String>) -> Self {
        Self::new(
            "com.amazonaws.sqs#InvalidMessageContents",
            "InvalidMessageContents",
            message,
        )
    }

    pub(super) fn serialization(message: impl Into<String>) -> Self {
        Self::new(
            "com.amazon.coral.service#SerializationException",
            "SerializationException",
            message,
        )
    }

    pub(super) fn no_queue() -> Self {
        Self::new(
            "com.amazonaws.sqs#QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist.",
        )
    }

    pub(super) fn receipt() -> Self {
        Self::new(
            "com.amazonaws.sqs#ReceiptHandleIsInvalid",
            "ReceiptHandleIsInvalid",
            "The input receipt handle is invalid.",
        )
    }

    pub(super) fn unsigned() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            ..Self::new(
                "com.amazon.coral.service#MissingAuthenticationTokenException",
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            )
        }
    }

    pub(super) fn internal() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            ..Self::new(
                "com.amazon.coral.service#InternalFailure",
                "InternalFailure",
                "The request has failed due to an internal error",
            )
        }
    }

    pub(super) fn unknown_operation() -> Self {
        Self::new(
            "com.amazon.coral.service#UnknownOperationException",
            "InvalidAction",
            "The action or operation requested is not done on this machine",
        )
    }
}

impl IntoResponse for SqsError {
    fn into_response(self) -> Response {
        let body = json!({ "__type": self.kind, "message": self.message });
        let fault = if self.status.is_server_error() {
            "Receiver"
        } else {
            "Sender"
        };
        let mut response = json_answer(self.status, &body);
        if let Ok(query) = HeaderValue::from_str(&format!("{};{fault}", self.query)) {
            response.headers_mut().insert("x-amzn-query-error", query);
        }
        response
    }
}
