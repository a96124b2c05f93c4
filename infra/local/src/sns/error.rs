use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};

/// A request that SNS refuses. Source: Amazon SNS API Reference, "Common Errors" and "Publish".
#[derive(Debug)]
pub(super) struct SnsError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl SnsError {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "InvalidParameter",
            message: format!("Invalid parameter: {}", message.into()),
        }
    }

    pub(super) fn attribute(message: impl Into<String>) -> Self {
        Self {
            code: "ParameterValueInvalid",
            ..Self::invalid(message)
        }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "MalformedQueryString",
            message: message.into(),
        }
    }

    pub(super) fn unsigned() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            code: "MissingAuthenticationToken",
            message: "Request is missing Authentication Token".to_owned(),
        }
    }

    pub(super) fn unknown_action() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "InvalidAction",
            message: "The action or operation requested is not done on this machine".to_owned(),
        }
    }

    pub(super) fn internal() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "InternalFailure",
            message: "The request has failed due to an internal error".to_owned(),
        }
    }

    pub(super) fn no_topic() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "NotFound",
            message: "Topic does not exist".to_owned(),
        }
    }

    pub(super) fn answer(self, request_id: &str) -> Response {
        let fault = if self.status.is_server_error() {
            "Receiver"
        } else {
            "Sender"
        };
        let body = format!(
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>{fault}</Type><Code>{}</Code>\
             <Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            self.code,
            escape(&self.message),
        );
        xml(self.status, body).into_response()
    }
}

/// An XML answer.
pub(super) fn xml(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("text/xml"));
    response
}

/// Text within an XML element. A character that XML can't have becomes a question mark.
fn escape(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            c if c.is_control() => "?".to_owned(),
            c => c.to_string(),
        })
        .collect()
}
