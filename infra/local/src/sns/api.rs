use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;

use super::error::{SnsError, xml};
use super::parameters::Parameters;
use super::publish::{MAX_MESSAGE, Topics};
use crate::lambda::{Ids, read_limited};
use crate::service::{Outage, is_signed_for};

const VERSION: &str = "2010-03-31";
/// A message whose every byte is encoded, and all around it.
const MAX_REQUEST: usize = 3 * MAX_MESSAGE + 64 * 1024;

struct Sns {
    topics: Topics,
    outage: Outage,
    ids: Ids,
    clock: fn() -> Timestamp,
}

/// SNS's API.
pub(crate) fn router(topics: Topics, outage: Outage, ids: Ids, clock: fn() -> Timestamp) -> Router {
    let sns = Sns {
        topics,
        outage,
        ids,
        clock,
    };
    Router::new().route("/", post(answer)).with_state(Arc::new(sns))
}

async fn answer(State(sns): State<Arc<Sns>>, headers: HeaderMap, body: Body) -> Response {
    let request_id = sns.ids.request_id();
    let mut response = match done(&sns, &headers, body).await {
        Ok(Done { action, result }) => xml(
            StatusCode::OK,
            format!(
                "<{action}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><{action}Result>{result}\
                 </{action}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\
                 </{action}Response>"
            ),
        ),
        Err(error) => error.answer(&request_id),
    };
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

/// What was done, and the XML of its result.
struct Done {
    action: &'static str,
    result: String,
}

async fn done(sns: &Sns, headers: &HeaderMap, body: Body) -> Result<Done, SnsError> {
    if !is_signed_for(headers, "sns") {
        return Err(SnsError::unsigned());
    }
    let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if kind != Some("application/x-www-form-urlencoded") {
        return Err(SnsError::malformed("The request is not a form."));
    }
    if sns.outage.strikes() {
        return Err(SnsError::internal());
    }
    let body = read_limited(body, MAX_REQUEST).await;
    let body = body.map_err(|error| SnsError::malformed(error.to_string()))?;
    let mut parameters = Parameters::parse(&body)?;
    if parameters.require("Version")? != VERSION {
        return Err(SnsError::invalid(format!("Version must be {VERSION}")));
    }
    let done = match parameters.require("Action")?.as_str() {
        "Publish" => publish(sns, parameters)?,
        "GetTopicAttributes" => Done {
            action: "GetTopicAttributes",
            result: sns.topics.attributes(parameters)?,
        },
        _ => return Err(SnsError::unknown_action()),
    };
    if sns.outage.strikes_after_effect() {
        return Err(SnsError::internal());
    }
    Ok(done)
}

fn publish(sns: &Sns, parameters: Parameters) -> Result<Done, SnsError> {
    let id = sns.ids.request_id();
    sns.topics.publish(parameters, &id, (sns.clock)())?;
    Ok(Done {
        action: "Publish",
        result: format!("<MessageId>{id}</MessageId>"),
    })
}
