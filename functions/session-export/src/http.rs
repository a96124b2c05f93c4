//! The door for HTTP: API Gateway's HTTP API, payload format 2.0
//! (API Gateway developer guide, *Create AWS Lambda proxy integrations for HTTP APIs*).

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER,
};
use aws_lambda_events::http::{HeaderMap, HeaderValue, Method};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use casefile::problem::{self, Problem, ProblemKind};

use crate::review::Exported;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `POST /v1/reviews`
    ExportReview,
}

/// Finds the route by method and path, which every source of such events fills.
///
/// # Errors
/// `not-found`.
pub fn route(request: &ApiGatewayV2httpRequest) -> Result<Route, Problem> {
    let path = request.raw_path.as_deref().unwrap_or_default();
    // A named stage is part of the raw path, unless a custom domain's mapping has taken it away.
    let stage = request.request_context.stage.as_deref().unwrap_or_default();
    let below_stage = path
        .strip_prefix('/')
        .and_then(|rest| rest.strip_prefix(stage))
        .filter(|rest| rest.starts_with('/'));
    let method = &request.request_context.http.method;
    let find = |path| route_of(method, path);
    find(path).or_else(|| find(below_stage?)).ok_or_else(|| {
        let detail = "there is no such route; this function answers POST /v1/reviews";
        Problem::new(ProblemKind::NotFound, detail)
    })
}

fn route_of(method: &Method, path: &str) -> Option<Route> {
    match (method, path) {
        (&Method::POST, "/v1/reviews") => Some(Route::ExportReview),
        _ => None,
    }
}

/// A request's JSON text.
///
/// # Errors
/// `unsupported-media-type` when the headers say that it isn't plain JSON; `malformed-request` when it isn't text.
pub fn json_body(request: ApiGatewayV2httpRequest) -> Result<String, Problem> {
    let header = |name| request.headers.get(name).and_then(|value| value.to_str().ok());
    if !header(CONTENT_TYPE).is_none_or(is_json) {
        return Err(Problem::new(
            ProblemKind::UnsupportedMediaType,
            "send the request as application/json",
        ));
    }
    if !header(CONTENT_ENCODING).is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity")) {
        return Err(Problem::new(
            ProblemKind::UnsupportedMediaType,
            "send the request without Content-Encoding",
        ));
    }
    let body = request.body.unwrap_or_default();
    if !request.is_base64_encoded {
        return Ok(body);
    }
    let not_text = || Problem::new(ProblemKind::Malformed, "the body is not JSON in UTF-8");
    String::from_utf8(BASE64.decode(body).map_err(|_| not_text())?).map_err(|_| not_text())
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

/// An export's outcome as an HTTP answer.
///
/// # Errors
/// Never for answers of this crate.
pub fn answer(exported: Exported) -> Result<ApiGatewayV2httpResponse, Problem> {
    match exported {
        Exported::Stored(answer) => {
            let body = serde_json::to_string(&answer)
                .map_err(|_| Problem::new(ProblemKind::Internal, "the answer can't be written as JSON"))?;
            Ok(response(201, "application/json", Body::Text(body)))
        }
        Exported::Archive { file_name, zip } => {
            let mut response = response(200, "application/zip", Body::Text(BASE64.encode(zip)));
            response.is_base64_encoded = true;
            if let Ok(value) = HeaderValue::from_str(&attachment(&file_name)) {
                response.headers.insert(CONTENT_DISPOSITION, value);
            }
            Ok(response)
        }
    }
}

/// A problem as an HTTP answer.
pub fn problem(problem: &Problem, request_id: &str) -> ApiGatewayV2httpResponse {
    let document = serde_json::to_string(&problem.document(request_id)).unwrap_or_default();
    let mut response = response(problem.kind.status(), problem::CONTENT_TYPE, Body::Text(document));
    if let Some(seconds) = problem.retry_after {
        response.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn response(status: u16, content_type: &'static str, body: Body) -> ApiGatewayV2httpResponse {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = i64::from(status);
    response.headers = headers;
    response.body = Some(body);
    response
}

/// `Content-Disposition` with an ASCII name and the real one (RFC 6266, RFC 8187).
fn attachment(file_name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    let ascii: String = file_name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    let mut encoded = String::new();
    for byte in file_name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

fn hex(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16)
        .unwrap_or('0')
        .to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request(change: &Value) -> ApiGatewayV2httpRequest {
        let mut event = json!({
            "version": "2.0",
            "rawPath": "/v1/reviews",
            "headers": {"content-type": "application/json; charset=utf-8"},
            "requestContext": {"http": {"method": "POST", "path": "/v1/reviews"}, "stage": "$default"},
            "body": "{}",
            "isBase64Encoded": false,
        });
        for (name, value) in change.as_object().unwrap() {
            event[name] = value.clone();
        }
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_route_is_found_with_and_without_its_stage() {
        let context = |stage| json!({"http": {"method": "POST"}, "stage": stage});
        for (path, stage) in [
            ("/v1/reviews", "$default"),
            ("/prod/v1/reviews", "prod"),
            ("/v1/reviews", "v1"),
            ("/v1/v1/reviews", "v1"),
        ] {
            let request = request(&json!({"rawPath": path, "requestContext": context(stage)}));
            assert_eq!(route(&request), Ok(Route::ExportReview), "{path} {stage}");
        }
        for path in ["/", "/v1/reviews/", "/v1/reviewsx", "/prodv1/reviews"] {
            let request = request(&json!({"rawPath": path, "requestContext": context("prod")}));
            assert_eq!(route(&request).unwrap_err().kind, ProblemKind::NotFound, "{path}");
        }
        let get = request(&json!({"requestContext": {"http": {"method": "GET"}}}));
        assert_eq!(route(&get).unwrap_err().kind, ProblemKind::NotFound);
    }

    #[test]
    fn a_body_is_text_or_base64_of_text() {
        assert_eq!(json_body(request(&json!({}))).unwrap(), "{}");
        assert_eq!(
            json_body(request(&json!({"body": "e30=", "isBase64Encoded": true}))).unwrap(),
            "{}"
        );
        for body in ["e30", "/w=="] {
            let request = request(&json!({"body": body, "isBase64Encoded": true}));
            assert_eq!(
                json_body(request).unwrap_err().kind,
                ProblemKind::Malformed,
                "{body}"
            );
        }
    }

    #[test]
    fn only_plain_json_is_taken() {
        for headers in [
            json!({"content-type": "text/plain"}),
            json!({"content-type": "application/json", "content-encoding": "gzip"}),
        ] {
            let request = request(&json!({"headers": headers}));
            assert_eq!(
                json_body(request).unwrap_err().kind,
                ProblemKind::UnsupportedMediaType,
                "{headers}"
            );
        }
        assert!(json_body(request(&json!({"headers": {}}))).is_ok());
        assert!(
            json_body(request(
                &json!({"headers": {"content-type": "application/vnd.x+json"}})
            ))
            .is_ok()
        );
    }

    #[test]
    fn a_file_name_can_not_break_out_of_its_header() {
        assert_eq!(
            attachment("a\"b\r\nSet-Cookie: é.zip"),
            "attachment; filename=\"a_b__Set-Cookie_ _.zip\"; filename*=UTF-8''a%22b%0D%0ASet-Cookie%3A%20%C3%A9.zip"
        );
    }
}
