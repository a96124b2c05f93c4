//! Accepts connections and serves each until it ends or the server stops.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::gate::Gate;
use super::plug::Plug;

/// How long requests that are under way may take once the server stops.
const GRACE: Duration = Duration::from_secs(1);

/// Runs until `stop` says so, or whoever could say so is gone.
pub(crate) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    gate: impl Fn(SocketAddr) -> Gate,
    plug: Plug,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let served = serve(stream, tls.clone(), gate(peer), stop.clone());
                    let plug = plug.clone();
                    connections.spawn(async move { plug.run(served).await });
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    // Out of file descriptors, for example: others must end first.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all_ended).await;
    connections.shutdown().await;
}

/// Returns also when whoever could stop the server is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn serve(stream: TcpStream, tls: Option<TlsAcceptor>, gate: Gate, stop: watch::Receiver<bool>) {
    // Answers are small and awaited: Nagle's algorithm would hold them back.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    match tls {
        None => serve_http(stream, gate, stop).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => serve_http(stream, gate, stop).await,
            Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
        },
    }
}

async fn serve_http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    gate: Gate,
    mut stop: watch::Receiver<bool>,
) {
    // Without a timer nothing times out: clients may keep a connection for as long as they like.
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), gate);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
