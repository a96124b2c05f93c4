//! A plain HTTP client for servers of this machine.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection.
    #[error("no connection")]
    Connect(#[from] std::io::Error),
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[from] hyper::Error),
    /// The request can't be built.
    #[error("the request can't be built")]
    Request(#[from] hyper::http::Error),
}

/// Sends a request over a connection of its own and reads the whole answer.
///
/// # Errors
/// When there is no answer. A status of failure is an answer.
pub async fn send(address: SocketAddr, request: Request<Bytes>) -> Result<Response<Bytes>, ClientError> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request.map(Full::new)).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    driver.abort();
    Ok(Response::from_parts(parts, body))
}

/// Sends a request made of its parts; `target` is a path and a query, encoded as they go out. `Host` says the address
/// unless `headers` does.
///
/// # Errors
/// As [`send`], and when the parts make no request.
pub async fn call(
    address: SocketAddr,
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Response<Bytes>, ClientError> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(body.into())?;
    if !request.headers().contains_key(HOST) {
        let host = HeaderValue::try_from(address.to_string()).map_err(hyper::http::Error::from)?;
        request.headers_mut().insert(HOST, host);
    }
    send(address, request).await
}

/// Posts JSON, with a bearer token or without.
///
/// # Errors
/// As [`call`].
pub async fn post_json(
    address: SocketAddr,
    path: &str,
    body: impl Into<Bytes>,
    token: Option<&str>,
) -> Result<Response<Bytes>, ClientError> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    call(address, Method::POST, path, &headers, body).await
}
