use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::refusal::Refusal;

/// Headers that follow from the connection and the body; a function cannot set them.
const LEFT_OUT: [&str; 6] = [
    "connection",
    "content-length",
    "keep-alive",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// An answer with a `statusCode`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: Value,
    #[serde(default)]
    headers: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: Option<bool>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
}

/// The response that a function's answer means.
///
/// JSON without a `statusCode` is the body of a 200 with `application/json`; a JSON string is taken without its
/// quotes.
///
/// # Errors
/// [`Refusal::Failed`] when the answer has a `statusCode` but not the shape that goes with it.
pub(super) fn response(answer: Bytes) -> Result<Response, Refusal> {
    match serde_json::from_slice(&answer) {
        Ok(Value::Object(object)) if object.contains_key("statusCode") => {
            let answer = Answer::deserialize(Value::Object(object)).map_err(|_| Refusal::Failed)?;
            answer.into_response().ok_or(Refusal::Failed)
        }
        Ok(Value::String(text)) => Ok(inferred(Body::from(text))),
        _ => Ok(inferred(Body::from(answer))),
    }
}

fn inferred(body: Body) -> Response {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl Answer {
    fn into_response(self) -> Option<Response> {
        let status = status(&self.status_code)?;
        let mut headers = headers(self.headers.unwrap_or_default())?;
        for cookie in self.cookies.unwrap_or_default() {
            headers.append(SET_COOKIE, HeaderValue::from_str(&cookie).ok()?);
        }
        let body = self.body.unwrap_or_default();
        let body = match self.is_base64_encoded {
            Some(true) => STANDARD.decode(body).ok()?,
            _ => body.into_bytes(),
        };
        headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("text/plain; charset=utf-8"));
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Some(response)
    }
}

/// A number, or a text that is one. An informational status would not be an answer.
fn status(value: &Value) -> Option<StatusCode> {
    let code = match value {
        Value::Number(number) => u16::try_from(number.as_u64()?).ok()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    (200..600)
        .contains(&code)
        .then(|| StatusCode::from_u16(code).ok())
        .flatten()
}

fn headers(given: BTreeMap<String, Value>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return None,
        };
        if !LEFT_OUT.contains(&name.as_str()) {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
        }
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn answered(answer: &'static str) -> (u16, Vec<(String, String)>, String) {
        let response = response(Bytes::from_static(answer.as_bytes())).unwrap();
        let (parts, body) = response.into_parts();
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect();
        let body = body.collect().await.unwrap().to_bytes();
        (
            parts.status.as_u16(),
            headers,
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }

    fn headers<const N: usize>(expected: [(&str, &str); N]) -> Vec<(String, String)> {
        expected
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    /// The examples of the Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs".
    #[tokio::test]
    async fn an_answer_without_a_status_is_the_body_of_a_200() {
        let json = headers([("content-type", "application/json")]);
        let expected = |body: &str| (200, json.clone(), body.to_owned());
        assert_eq!(
            answered(r#""Hello from Lambda!""#).await,
            expected("Hello from Lambda!")
        );
        let object = r#"{ "message": "Hello from Lambda!" }"#;
        assert_eq!(answered(object).await, expected(object));
        assert_eq!(answered("[1]").await, expected("[1]"));
        assert_eq!(answered("null").await, expected("null"));
    }

    #[tokio::test]
    async fn an_answer_with_a_status_is_given_as_it_says() {
        let answer = r#"{"cookies":["a=1; Path=/","b=2"],"isBase64Encoded":true,"statusCode":201,
            "headers":{"My-Custom-Header":"Custom Value","X-Number":5,"Content-Type":"text/x","Content-Length":"9"},
            "body":"SGVsbG8="}"#;
        let (status, mut given, body) = answered(answer).await;
        given.sort();
        let expected = headers([
            ("content-type", "text/x"),
            ("my-custom-header", "Custom Value"),
            ("set-cookie", "a=1; Path=/"),
            ("set-cookie", "b=2"),
            ("x-number", "5"),
        ]);
        assert_eq!((status, given, body.as_str()), (201, expected, "Hello"));
    }

    #[tokio::test]
    async fn an_answer_may_consist_of_a_status() {
        let text = headers([("content-type", "text/plain; charset=utf-8")]);
        let nulls =
            r#"{"statusCode":"204","headers":null,"body":null,"cookies":null,"isBase64Encoded":null}"#;
        assert_eq!(
            answered(r#"{"statusCode":204}"#).await,
            (204, text.clone(), String::new())
        );
        assert_eq!(answered(nulls).await, (204, text, String::new()));
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_a_failure() {
        for answer in [
            r#"{"statusCode":99}"#,
            r#"{"statusCode":101}"#,
            r#"{"statusCode":600}"#,
            r#"{"statusCode":null}"#,
            r#"{"statusCode":200,"body":{"not":"text"}}"#,
            r#"{"statusCode":200,"body":"!","isBase64Encoded":true}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
            r#"{"statusCode":200,"headers":{"a":"b\r\nc: d"}}"#,
            r#"{"statusCode":200,"headers":{"a":["b"]}}"#,
            r#"{"statusCode":200,"cookies":"a=1"}"#,
        ] {
            assert_eq!(
                response(Bytes::from_static(answer.as_bytes())).err(),
                Some(Refusal::Failed),
                "{answer}"
            );
        }
    }
}
