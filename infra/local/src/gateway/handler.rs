use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderValue;
use tokio::time::timeout;

use super::answer;
use super::config::GatewayConfig;
use super::event::{self, Event};
use super::identity;
use super::refusal::Refusal;
use super::routes::{RouteError, RouteTable};
use crate::lambda::{Ids, InvokeError, Lambda, Listener, Server, TooLarge, read_limited};
use crate::template::Route;

/// The largest request in bytes. Source: "Quotas for configuring and running an HTTP API".
const REQUEST_LIMIT: usize = 10 * 1024 * 1024;

/// An HTTP API in front of functions.
pub struct Gateway {
    config: GatewayConfig,
    routes: RouteTable,
    lambda: Lambda,
    ids: Ids,
}

impl Gateway {
    /// An API with these routes.
    ///
    /// # Errors
    /// For a route that API Gateway would not create.
    pub fn new(
        config: GatewayConfig,
        routes: impl IntoIterator<Item = Route>,
        lambda: Lambda,
    ) -> Result<Self, RouteError> {
        let ids = Ids::new(config.clock);
        Ok(Self {
            routes: RouteTable::new(routes)?,
            config,
            lambda,
            ids,
        })
    }

    /// Serves the API at a loopback address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound, or is not of this machine alone.
    pub async fn serve(self, address: SocketAddr) -> io::Result<Server> {
        Ok(self.serve_at(Listener::bind(address).await?))
    }

    /// Serves the API at an address that is bound already.
    pub fn serve_at(self, listener: Listener) -> Server {
        Server::start(
            listener,
            Router::new().fallback(handle).with_state(Arc::new(self)),
        )
    }

    async fn answer(
        &self,
        peer: SocketAddr,
        request: Request,
        request_id: &str,
    ) -> Result<Response, Refusal> {
        let (parts, body) = request.into_parts();
        let found = self
            .routes
            .find(&parts.method, parts.uri.path())
            .ok_or(Refusal::NotFound)?;
        let now = (self.config.clock)();
        let authorized = found.route.authorized;
        let claims = authorized
            .then(|| identity::claims(&parts.headers, now))
            .transpose()?;
        let body = read(body).await?;
        let function = &found.route.function;
        let request = event::Request {
            parts: &parts,
            body: &body,
            claims,
            peer,
            port: port(&parts.headers),
            id: request_id.to_owned(),
            trace: self.trace(),
            found,
        };
        let event = Event::new(request, &self.config, now);
        let payload = serde_json::to_vec(&event).map_err(|_| Refusal::Failed)?;
        answer::response(self.call(function, payload.into()).await?)
    }

    /// The function's answer, if it gives one in time. It runs on when it does not.
    async fn call(&self, function: &str, payload: Bytes) -> Result<Bytes, Refusal> {
        let call = self.lambda.invoke(function, payload);
        let invocation = timeout(self.config.integration_timeout, call)
            .await
            .map_err(|_| {
                tracing::warn!(function, "the function did not answer in time");
                Refusal::Unavailable
            })?;
        let invocation = invocation.map_err(|error| {
            tracing::warn!(function, %error, "the function was not called");
            refusal(&error)
        })?;
        invocation.result.map_err(|error| {
            tracing::warn!(function, error_type = error.error_type, "the function failed");
            Refusal::Failed
        })
    }

    fn trace(&self) -> String {
        let header = self.ids.trace_header();
        header.split(';').next().unwrap_or_default().to_owned()
    }
}

async fn handle(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let request_id = gateway.ids.gateway_request_id();
    let answer = gateway.answer(peer, request, &request_id).await;
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    response
}

async fn read(body: Body) -> Result<Bytes, Refusal> {
    read_limited(body, REQUEST_LIMIT)
        .await
        .map_err(|error| match error {
            TooLarge::Limit { .. } => Refusal::TooLarge,
            TooLarge::Broken => Refusal::BadRequest,
        })
}

/// The port that the client asked.
fn port(headers: &http::HeaderMap) -> u16 {
    let host = super::headers::text(headers, "host");
    host.parse::<http::uri::Authority>()
        .ok()
        .and_then(|authority| authority.port_u16())
        .unwrap_or(80)
}

fn refusal(error: &InvokeError) -> Refusal {
    match error {
        InvokeError::RequestTooLarge { .. } => Refusal::TooLarge,
        InvokeError::Throttled(_) | InvokeError::ShuttingDown => Refusal::Unavailable,
        InvokeError::UnknownFunction(_) | InvokeError::Emulator(_) => Refusal::Failed,
    }
}
