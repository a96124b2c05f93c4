use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use super::answer;
use super::body::{ASYNC_REQUEST_LIMIT, SYNC_REQUEST_LIMIT, read_limited};
use super::emulator::Lambda;
use super::error::{Invocation, InvokeError};

/// The Invoke API of Lambda, without signatures. Source: Lambda API Reference, "Invoke".
pub(super) fn router(lambda: Lambda) -> Router {
    Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .with_state(lambda)
}

async fn invoke(
    State(lambda): State<Lambda>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let kind = InvocationType::from_headers(&headers)?;
    let payload = payload(body, kind.limit()).await?;
    let name = function_name(&name);
    match kind {
        InvocationType::RequestResponse => Ok(report(lambda.invoke(name, payload).await?)),
        InvocationType::Event => lambda
            .invoke_async(name, payload)
            .map(|()| empty(StatusCode::ACCEPTED))
            .map_err(Refusal::from),
        InvocationType::DryRun => lambda
            .function(name)
            .map(|_| empty(StatusCode::NO_CONTENT))
            .map_err(Refusal::from),
    }
}

/// How the caller wants to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InvocationType {
    RequestResponse,
    Event,
    DryRun,
}

impl InvocationType {
    fn from_headers(headers: &HeaderMap) -> Result<Self, Refusal> {
        match headers.get("x-amz-invocation-type").map(HeaderValue::as_bytes) {
            None | Some(b"RequestResponse") => Ok(Self::RequestResponse),
            Some(b"Event") => Ok(Self::Event),
            Some(b"DryRun") => Ok(Self::DryRun),
            Some(_) => Err(Refusal {
                status: StatusCode::BAD_REQUEST,
                kind: "InvalidParameterValueException",
                message: "X-Amz-Invocation-Type is RequestResponse, Event or DryRun".to_owned(),
            }),
        }
    }

    fn limit(self) -> usize {
        match self {
            Self::RequestResponse | Self::DryRun => SYNC_REQUEST_LIMIT,
            Self::Event => ASYNC_REQUEST_LIMIT,
        }
    }
}

/// The payload: JSON, or `{}` where there is none.
async fn payload(body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let payload = read_limited(body, limit).await.map_err(|_| Refusal {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        kind: "RequestTooLargeException",
        message: format!("Request must be smaller than {limit} bytes for the InvokeFunction operation"),
    })?;
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        Ok(_) => Ok(payload),
        Err(error) => Err(Refusal {
            status: StatusCode::BAD_REQUEST,
            kind: "InvalidRequestContentException",
            message: format!("Could not parse request body into json: {error}"),
        }),
    }
}

/// A function may be named by its name, its ARN or a part of it, with or without a qualifier.
fn function_name(given: &str) -> &str {
    let name = given.rsplit_once(":function:").map_or(given, |(_, name)| name);
    name.split_once(':').map_or(name, |(name, _)| name)
}

fn empty(status: StatusCode) -> Response {
    status.into_response()
}

fn report(invocation: Invocation) -> Response {
    let (failed, body) = match invocation.result {
        Ok(payload) => (false, Body::from(payload)),
        Err(error) => (true, Body::from(serde_json::to_vec(&error).unwrap_or_default())),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("x-amz-executed-version", HeaderValue::from_static("$LATEST"));
    if failed {
        headers.insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
    }
    if let Ok(id) = HeaderValue::from_str(&invocation.request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// A request that no function sees.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl From<InvokeError> for Refusal {
    fn from(error: InvokeError) -> Self {
        let (status, kind) = match error {
            InvokeError::UnknownFunction(_) => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
            InvokeError::RequestTooLarge { .. } => {
                (StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException")
            }
            InvokeError::Throttled(_) => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException"),
            InvokeError::ShuttingDown | InvokeError::Emulator(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "ServiceException")
            }
        };
        Self {
            status,
            kind,
            message: error.to_string(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let fault = if self.status.is_server_error() {
            "Service"
        } else {
            "User"
        };
        let body = json!({ "Type": fault, "message": self.message, "Message": self.message });
        let mut response = answer::json(self.status, &body);
        response
            .headers_mut()
            .insert("x-amzn-errortype", HeaderValue::from_static(self.kind));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::function_name;

    #[test]
    fn a_function_may_be_named_in_each_form_that_aws_documents() {
        for given in [
            "my-function",
            "my-function:$LATEST",
            "123456789012:function:my-function",
            "arn:aws:lambda:us-west-2:123456789012:function:my-function",
            "arn:aws:lambda:us-west-2:123456789012:function:my-function:v1",
        ] {
            assert_eq!(function_name(given), "my-function", "{given}");
        }
    }
}
