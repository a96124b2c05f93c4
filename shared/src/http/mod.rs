//! The functions' door for HTTP: API Gateway's HTTP API, payload format 2.0
//! (API Gateway developer guide, *Create AWS Lambda proxy integrations for HTTP APIs*).

pub mod disposition;
pub mod query;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use aws_lambda_events::http::{HeaderMap, HeaderValue, Method};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::bucket::SignedUrl;
use crate::problem::{self, Problem, ProblemKind};

/// A request as API Gateway hands it on.
#[derive(Debug, Clone)]
pub struct Request {
    event: ApiGatewayV2httpRequest,
}

/// An answer as API Gateway takes it.
pub type Response = ApiGatewayV2httpResponse;

impl Request {
    /// Reads an event.
    ///
    /// # Errors
    /// `malformed-request` when it isn't one.
    pub fn read(event: &str) -> Result<Self, Problem> {
        let event = serde_json::from_str(event).map_err(|_| {
            let detail = "the event is not one of an HTTP API (payload format 2.0)";
            Problem::new(ProblemKind::Malformed, detail)
        })?;
        Ok(Self { event })
    }

    /// The event itself.
    pub fn event(&self) -> &ApiGatewayV2httpRequest {
        &self.event
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.event.request_context.http.method
    }

    /// Finds a route by method and path, which every source of such events fills. `find` gets the path as it came, and,
    /// when it finds nothing, without its stage: a named stage is part of the raw path, unless a custom domain's mapping
    /// has taken it away.
    pub fn route<T>(&self, find: impl Fn(&Method, &str) -> Option<T>) -> Option<T> {
        let raw = self.event.raw_path.as_deref().unwrap_or_default();
        // API Gateway decodes the path of a route with variables; others, such as cargo-lambda, don't.
        let decoded = if self.event.path_parameters.is_empty() {
            percent_decode_str(raw).decode_utf8_lossy()
        } else {
            raw.into()
        };
        let stage = self.event.request_context.stage.as_deref().unwrap_or_default();
        let below_stage = decoded
            .strip_prefix('/')
            .and_then(|rest| rest.strip_prefix(stage))
            .filter(|rest| rest.starts_with('/'));
        find(self.method(), &decoded).or_else(|| find(self.method(), below_stage?))
    }

    /// A variable of the route's path, decoded: as API Gateway gives it, else `otherwise`.
    pub fn variable(&self, name: &str, otherwise: &str) -> String {
        let given = self.event.path_parameters.get(name);
        given.map_or(otherwise, String::as_str).to_owned()
    }

    /// The query, undecoded.
    pub fn raw_query(&self) -> &str {
        self.event.raw_query_string.as_deref().unwrap_or_default()
    }

    /// A header's value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.event.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Where this API is reached from outside, without a slash at the end, as the request itself came.
    pub fn base_url(&self) -> Option<String> {
        let context = &self.event.request_context;
        let domain = context
            .domain_name
            .as_deref()
            .filter(|domain| !domain.is_empty())?;
        let stage = context.stage.as_deref().unwrap_or_default();
        let raw = self.event.raw_path.as_deref().unwrap_or_default();
        // A custom domain's mapping has taken the stage away already.
        let has_stage = raw
            .strip_prefix('/')
            .and_then(|rest| rest.strip_prefix(stage))
            .is_some_and(|rest| rest.starts_with('/') && !stage.is_empty());
        Some(if has_stage && stage != "v1" {
            format!("https://{domain}/{stage}")
        } else {
            format!("https://{domain}")
        })
    }

    /// A request's JSON text.
    ///
    /// # Errors
    /// `unsupported-media-type` when the headers say that it isn't plain JSON; `malformed-request` when it isn't text.
    pub fn json_body(self) -> Result<String, Problem> {
        let refuse = |detail| Err(Problem::new(ProblemKind::UnsupportedMediaType, detail));
        if !self.header(CONTENT_TYPE.as_str()).is_none_or(is_json) {
            return refuse("send the request as application/json");
        }
        let is_plain = |encoding: &str| encoding.eq_ignore_ascii_case("identity");
        if !self.header(CONTENT_ENCODING.as_str()).is_none_or(is_plain) {
            return refuse("send the request without Content-Encoding");
        }
        let body = self.event.body.unwrap_or_default();
        if !self.event.is_base64_encoded {
            return Ok(body);
        }
        let not_text = || Problem::new(ProblemKind::Malformed, "the body is not JSON in UTF-8");
        String::from_utf8(BASE64.decode(body).map_err(|_| not_text())?).map_err(|_| not_text())
    }
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// An answer with a body as JSON.
///
/// # Errors
/// `internal`, never for answers of these crates.
pub fn json(status: u16, body: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_string(body)
        .map_err(|_| Problem::new(ProblemKind::Internal, "the answer can't be written as JSON"))?;
    Ok(text(status, "application/json", body))
}

/// An answer with a text of the given media type.
pub fn text(status: u16, content_type: &'static str, body: String) -> Response {
    with_body(status, content_type, Body::Text(body))
}

/// An answer that is a file.
pub fn file(content_type: &'static str, file_name: &str, bytes: &[u8]) -> Response {
    let mut response = with_body(200, content_type, Body::Text(BASE64.encode(bytes)));
    response.is_base64_encoded = true;
    if let Ok(value) = HeaderValue::from_str(&disposition::attachment(file_name)) {
        response
            .headers
            .insert(aws_lambda_events::http::header::CONTENT_DISPOSITION, value);
    }
    response
}

/// An answer without a body.
pub fn empty(status: u16) -> Response {
    let mut response = Response::default();
    response.status_code = i64::from(status);
    response.headers = HeaderMap::new();
    response
        .headers
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer that sends the caller on.
///
/// # Errors
/// `internal`, never for URLs of these crates.
pub fn redirect(status: u16, to: &SignedUrl) -> Result<Response, Problem> {
    let mut response = empty(status);
    let location = HeaderValue::from_str(to.expose())
        .map_err(|_| Problem::new(ProblemKind::Internal, "the answer can't be written"))?;
    response.headers.insert(LOCATION, location);
    // The address that led here may itself be a secret.
    response
        .headers
        .insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// A problem as an answer.
pub fn problem(problem: &Problem, request_id: &str) -> Response {
    let document = serde_json::to_string(&problem.document(request_id)).unwrap_or_default();
    let mut response = text(problem.kind.status(), problem::CONTENT_TYPE, document);
    if let Some(seconds) = problem.retry_after {
        response.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn with_body(status: u16, content_type: &'static str, body: Body) -> Response {
    let mut response = empty(status);
    response
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.body = Some(body);
    response
}

#[cfg(test)]
mod tests;
