use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use tokio::sync::mpsc;

use super::answer;
use super::body::{RESPONSE_LIMIT, TooLarge, read_limited};
use super::error::FunctionError;
use super::server::{Listener, Server};

/// One call, as the process gets it.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    pub(super) deadline_ms: i64,
    pub(super) function_arn: String,
    pub(super) trace_header: String,
}

/// What the process tells.
#[derive(Debug)]
pub(super) enum Report {
    /// It asks for work.
    Ready,
    /// It answered the call that it had.
    Done(Result<Bytes, FunctionError>),
    /// It could not start.
    InitFailed(FunctionError),
}

/// The Runtime API of one process, on a port of its own.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    server: Server,
    work: mpsc::Sender<Work>,
    reports: mpsc::Receiver<Report>,
    state: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    work: tokio::sync::Mutex<mpsc::Receiver<Work>>,
    reports: mpsc::Sender<Report>,
    /// The id of the call that the process has.
    current: Mutex<Option<String>>,
}

impl RuntimeApi {
    pub(super) async fn start() -> io::Result<Self> {
        let (work, waiting) = mpsc::channel(1);
        let (reporter, reports) = mpsc::channel(4);
        let current = Mutex::new(None);
        let state = Arc::new(Shared {
            work: tokio::sync::Mutex::new(waiting),
            reports: reporter,
            current,
        });
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::start(Listener::bind(loopback).await?, router(Arc::clone(&state)));
        Ok(Self {
            server,
            work,
            reports,
            state,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Lays work out for the process. There is room for one call, and one at a time is given.
    pub(super) async fn give(&self, work: Work) {
        if self.work.send(work).await.is_err() {
            tracing::debug!("the runtime API is closed");
        }
    }

    /// What the process tells next; never ends by itself.
    pub(super) async fn report(&mut self) -> Report {
        match self.reports.recv().await {
            Some(report) => report,
            None => std::future::pending().await,
        }
    }

    /// Takes work back that the process has not fetched.
    pub(super) async fn take_back(&self) -> Option<Work> {
        self.state.work.lock().await.try_recv().ok()
    }
}

fn router(state: Arc<Shared>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .with_state(state)
}

/// Answers when there is work. A process that goes away while it waits leaves the work to the next poll.
async fn next(State(state): State<Arc<Shared>>) -> Response {
    state.tell(Report::Ready).await;
    let Some(work) = state.work.lock().await.recv().await else {
        return refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Runtime.Closed",
            "the environment has ended",
        );
    };
    state.replace(Some(work.request_id.clone()));
    let answer = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", &work.request_id)
        .header("lambda-runtime-deadline-ms", work.deadline_ms)
        .header("lambda-runtime-invoked-function-arn", &work.function_arn)
        .header("lambda-runtime-trace-id", &work.trace_header)
        .body(Body::from(work.payload));
    answer.unwrap_or_else(|error| {
        refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Runtime.Unknown",
            &error.to_string(),
        )
    })
}

async fn response(State(state): State<Arc<Shared>>, Path(id): Path<String>, body: Body) -> Response {
    let payload = read_limited(body, RESPONSE_LIMIT).await;
    if !state.finish(&id) {
        return invalid_request_id();
    }
    match payload {
        Ok(payload) => {
            state.tell(Report::Done(Ok(payload))).await;
            accepted()
        }
        Err(TooLarge::Limit { limit }) => {
            state
                .tell(Report::Done(Err(FunctionError::response_too_large(limit))))
                .await;
            let message = format!("Exceeded maximum allowed payload size ({limit} bytes).");
            refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
        }
        Err(TooLarge::Broken) => {
            state
                .tell(Report::Done(Err(FunctionError::reported(
                    b"",
                    Some("Runtime.TruncatedResponse"),
                ))))
                .await;
            refusal(
                StatusCode::BAD_REQUEST,
                "Runtime.TruncatedResponse",
                "the body ended early",
            )
        }
    }
}

async fn error(
    State(state): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let error = reported(&headers, body).await;
    if !state.finish(&id) {
        return invalid_request_id();
    }
    state.tell(Report::Done(Err(error))).await;
    accepted()
}

async fn init_error(State(state): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    state
        .tell(Report::InitFailed(reported(&headers, body).await))
        .await;
    accepted()
}

async fn reported(headers: &HeaderMap, body: Body) -> FunctionError {
    let kind = headers
        .get("lambda-runtime-function-error-type")
        .and_then(|value| value.to_str().ok());
    match read_limited(body, RESPONSE_LIMIT).await {
        Ok(body) => FunctionError::reported(&body, kind),
        Err(_) => FunctionError::reported(b"", kind),
    }
}

impl Shared {
    async fn tell(&self, report: Report) {
        if self.reports.send(report).await.is_err() {
            tracing::debug!("the environment has ended");
        }
    }

    fn replace(&self, id: Option<String>) -> Option<String> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, id)
    }

    /// Ends the current call if it is this one.
    fn finish(&self, id: &str) -> bool {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|current| current == id).is_some()
    }
}

fn accepted() -> Response {
    answer::json(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
}

fn invalid_request_id() -> Response {
    refusal(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
}

fn refusal(status: StatusCode, kind: &str, message: &str) -> Response {
    answer::json(status, &json!({ "errorMessage": message, "errorType": kind }))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::super::testing::{echo_function, http};
    use super::*;

    const BASE: &str = "/2018-06-01/runtime";

    fn work(id: &str) -> Work {
        Work {
            request_id: id.to_owned(),
            payload: Bytes::from_static(b"{}"),
            deadline_ms: 1,
            function_arn: "arn".to_owned(),
            trace_header: "Root=1".to_owned(),
        }
    }

    async fn post(api: &RuntimeApi, path: &str) -> String {
        let (head, _) = http(api.address(), &format!("POST {BASE}/{path} HTTP/1.1"), b"{}").await;
        head[9..12].to_owned()
    }

    #[tokio::test]
    async fn a_call_is_answered_once_and_by_its_own_id() {
        let mut api = RuntimeApi::start().await.unwrap();
        api.give(work("a")).await;
        let (head, body) = http(
            api.address(),
            &format!("GET {BASE}/invocation/next HTTP/1.1"),
            b"",
        )
        .await;
        assert!(head.contains("lambda-runtime-aws-request-id: a"), "{head}");
        assert_eq!(body, b"{}");
        assert!(matches!(api.report().await, Report::Ready));

        assert_eq!(post(&api, "invocation/b/response").await, "400");
        assert_eq!(post(&api, "invocation/b/error").await, "400");
        assert_eq!(post(&api, "invocation/a/response").await, "202");
        assert_eq!(post(&api, "invocation/a/response").await, "400");
        assert!(matches!(api.report().await, Report::Done(Ok(_))));
    }

    #[tokio::test]
    async fn a_failed_start_is_reported() {
        let mut api = RuntimeApi::start().await.unwrap();
        assert_eq!(post(&api, "init/error").await, "202");
        assert!(matches!(api.report().await, Report::InitFailed(_)));
    }

    #[tokio::test]
    async fn work_that_nobody_fetched_can_be_taken_back() {
        let api = RuntimeApi::start().await.unwrap();
        api.give(work("a")).await;
        assert_eq!(
            api.take_back().await.map(|work| work.request_id).as_deref(),
            Some("a")
        );
        assert!(api.take_back().await.is_none());
    }

    /// As when `cargo local` is killed: nothing is left to end the function.
    #[test]
    fn a_function_whose_emulator_is_gone_ends_itself() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut api = runtime.block_on(RuntimeApi::start()).unwrap();
        let mut function = Command::new(echo_function())
            .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
            .envs([
                ("AWS_LAMBDA_FUNCTION_NAME", "f"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ])
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        assert!(matches!(runtime.block_on(api.report()), Report::Ready));
        drop(runtime);

        let started = Instant::now();
        while function.try_wait().unwrap().is_none() && started.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let status = function.try_wait().unwrap();
        function.kill().unwrap();
        assert_eq!(status.and_then(|status| status.code()), Some(1));
    }
}
