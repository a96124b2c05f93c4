//! A plain HTTP client for servers of this machine.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::{Request, Response};
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

/// Posts JSON.
///
/// # Errors
/// As [`send`].
pub async fn post_json(address: SocketAddr, path: &str, body: Bytes) -> Result<Response<Bytes>, ClientError> {
    let request = Request::post(path)
        .header(hyper::header::HOST, address.to_string())
        .header(hyper::header::CONTENT_TYPE, "application/json")
        .body(body)?;
    send(address, request).await
}
