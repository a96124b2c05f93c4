use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::post;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::sleep;

use super::answer::{Answer, Asked, Bedrock};
use super::request::check;
use crate::lambda::{json_answer, read_limited};
use crate::service::is_signed_for;

/// Bedrock's own limit of a request is 20 MB.
const MAX_REQUEST: usize = 20_000_000;

/// Bedrock's runtime API.
pub(crate) fn router(bedrock: Bedrock) -> Router {
    Router::new()
        .route("/model/{model}/converse", post(answer))
        .with_state(bedrock)
}

async fn answer(
    State(bedrock): State<Bedrock>,
    Path(model): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = match parse(model, &headers, body).await {
        Ok(asked) => bedrock.answer(&asked),
        Err(refusal) => refusal,
    };
    sleep(answer.delay).await;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json_answer(status, &answer.body);
    if let Some(Ok(error)) = answer.error.as_deref().map(HeaderValue::from_str) {
        response.headers_mut().insert("x-amzn-errortype", error);
    }
    response
}

async fn parse(model: String, headers: &HeaderMap, body: Body) -> Result<Asked, Answer> {
    let invalid = |message: &str| Answer::failure(400, "ValidationException", message);
    if !is_signed_for(headers, "bedrock") {
        let message = "Request is missing Authentication Token";
        return Err(Answer::failure(
            403,
            "MissingAuthenticationTokenException",
            message,
        ));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '/');
    if model.is_empty() || model.len() > 2048 || !model.chars().all(plain) {
        return Err(invalid("The provided model identifier is invalid."));
    }
    let body = read_limited(body, MAX_REQUEST).await;
    let body = body.map_err(|error| invalid(&error.to_string()))?;
    let request = serde_json::from_slice(&body)
        .map_err(|error| Answer::failure(400, "SerializationException", &error.to_string()))?;
    check(&request).map_err(|message| invalid(&message))?;
    Ok(Asked { model, request })
}
