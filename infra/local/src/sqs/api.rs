use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::attributes::MAX_MESSAGE;
use super::error::SqsError;
use super::operations;
use super::queues::Queues;
use crate::lambda::{Ids, json_answer, read_limited};
use crate::service::{Outage, is_signed_for};

const JSON: &str = "application/x-amz-json-1.0";
/// A message whose every byte is escaped, and all around it.
const MAX_REQUEST: usize = 6 * MAX_MESSAGE + 64 * 1024;

pub(super) struct Sqs {
    pub(super) queues: Queues,
    /// Where it listens, for the queues' URLs.
    pub(super) address: SocketAddr,
    pub(super) account_id: String,
    outage: Outage,
    ids: Ids,
}

/// SQS's API, at `address`.
pub(crate) fn router(
    queues: Queues,
    address: SocketAddr,
    account_id: String,
    outage: Outage,
    ids: Ids,
) -> Router {
    let sqs = Sqs {
        queues,
        address,
        account_id,
        outage,
        ids,
    };
    Router::new().route("/", post(answer)).with_state(Arc::new(sqs))
}

async fn answer(State(sqs): State<Arc<Sqs>>, headers: HeaderMap, body: Body) -> Response {
    let mut response = match handle(&sqs, &headers, body).await {
        Ok(answer) => json_answer(StatusCode::OK, &answer),
        Err(error) => error.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    if let Ok(id) = HeaderValue::from_str(&sqs.ids.request_id()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

async fn handle(sqs: &Sqs, headers: &HeaderMap, body: Body) -> Result<Value, SqsError> {
    if sqs.outage.strikes() {
        return Err(SqsError::internal());
    }
    let answer = done(sqs, headers, body).await?;
    if sqs.outage.strikes_after_effect() {
        return Err(SqsError::internal());
    }
    Ok(answer)
}

async fn done(sqs: &Sqs, headers: &HeaderMap, body: Body) -> Result<Value, SqsError> {
    if !is_signed_for(headers, "sqs") {
        return Err(SqsError::unsigned());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("content-type") != Some(JSON) {
        return Err(SqsError::serialization(format!(
            "the content type must be {JSON}"
        )));
    }
    let target = text("x-amz-target").and_then(|target| target.strip_prefix("AmazonSQS."));
    let target = target.ok_or_else(SqsError::unknown_operation)?;
    let body = read_limited(body, MAX_REQUEST).await;
    let body = body.map_err(|error| SqsError::serialization(error.to_string()))?;
    match target {
        "SendMessage" => operations::send(sqs, parse(&body)?),
        "ReceiveMessage" => operations::receive(sqs, parse(&body)?).await,
        "DeleteMessage" => operations::delete(sqs, &parse(&body)?),
        "ChangeMessageVisibility" => operations::change_visibility(sqs, &parse(&body)?),
        "GetQueueAttributes" => operations::attributes(sqs, &parse(&body)?),
        "GetQueueUrl" => operations::url(sqs, &parse(&body)?),
        "ListQueues" => Ok(operations::list(sqs, &parse(&body)?)),
        "PurgeQueue" => operations::purge(sqs, &parse(&body)?),
        _ => Err(SqsError::unknown_operation()),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, SqsError> {
    serde_json::from_slice(body).map_err(|error| SqsError::serialization(error.to_string()))
}
