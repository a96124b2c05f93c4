//! What the tests of the emulator and of the gateway share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{FunctionSpec, Invocation, InvokeError, Lambda, LambdaConfig, LogLine, LogSink};

/// 2025-11-14T14:25:10Z.
pub(crate) fn clock() -> Timestamp {
    Timestamp::from_second(1_763_130_310).unwrap()
}

/// `examples/echo_function.rs` as cargo has built it for this test.
pub(crate) fn echo_function() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/echo_function");
    assert!(
        program.exists(),
        "{} is missing: cargo build --examples",
        program.display()
    );
    program
}

/// The function `echo` with these settings.
pub(crate) fn echo(change: impl FnOnce(&mut FunctionSpec)) -> FunctionSpec {
    let mut spec = FunctionSpec::new("echo", echo_function());
    spec.timeout = Duration::from_secs(20);
    change(&mut spec);
    spec
}

pub(crate) fn lambda(spec: FunctionSpec) -> Lambda {
    lambda_with(spec, |_| {})
}

pub(crate) fn lambda_with(spec: FunctionSpec, change: impl FnOnce(&mut LambdaConfig)) -> Lambda {
    let mut config = LambdaConfig::new(clock, Arc::new(|_| {}));
    change(&mut config);
    Lambda::new(config, [spec]).unwrap()
}

/// A sink, and the lines that it received.
pub(crate) fn collected() -> (LogSink, Arc<Mutex<Vec<LogLine>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    (Arc::new(move |line| kept.lock().unwrap().push(line)), lines)
}

pub(crate) async fn call(lambda: &Lambda, event: Value) -> Result<Invocation, InvokeError> {
    lambda.invoke("echo", Bytes::from(event.to_string())).await
}

/// The answer to a call that must succeed.
pub(crate) async fn answer(lambda: &Lambda, event: Value) -> Value {
    let payload = call(lambda, event).await.unwrap().result.unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// Sends a request as it is and returns the answer's head and body.
pub(crate) async fn http(address: SocketAddr, head: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request =
        format!("{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    (
        String::from_utf8(answer[..end].to_vec()).unwrap(),
        answer[end + 4..].to_vec(),
    )
}
