//! What stands around the S3 service: request ids, keys, faults and the log.
//!
//! The service calls back once a request's signature is verified and before its body is read; that is where
//! faults strike "before". What strikes "after" waits here for the answer.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use futures::future::BoxFuture;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, EXPECT, HeaderValue};
use hyper::service::Service;
use hyper::{Request, Response, StatusCode};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::path::S3Path;
use s3s::service::S3Service;
use s3s::{Body, S3Error, S3ErrorCode, S3Result, s3_error};

use super::events::Origin;
use super::faults::{Ending, Fault, Faults, Intake, Plan, Taken, Target, halved, undergo};
use super::requests::{RequestRecord, Requests};
use super::signed;

/// One request on its way. It travels in the request's extensions.
#[derive(Debug)]
pub(crate) struct Call {
    origin: Origin,
    intake: Arc<Intake>,
    admitted: OnceLock<Admitted>,
}

#[derive(Debug)]
struct Admitted {
    /// The access key.
    principal: String,
    target: Target,
    after: Vec<Fault>,
    /// The connection is to end without an answer.
    cut: bool,
}

impl Call {
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            principal: self.admitted.get().map(|admitted| admitted.principal.clone()),
            ..self.origin.clone()
        }
    }
}

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Aborted {
    #[error("cut by an injected fault")]
    Cut,
    #[error("the S3 service failed: {0:?}")]
    Service(s3s::HttpError),
}

/// The service of one connection.
#[derive(Clone)]
pub(crate) struct Gate {
    pub service: S3Service,
    pub requests: Requests,
    pub ids: Arc<AtomicU64>,
    pub peer: IpAddr,
}

impl Service<Request<Incoming>> for Gate {
    type Response = Response<Body>;
    type Error = Aborted;
    type Future = BoxFuture<'static, Result<Response<Body>, Aborted>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let gate = self.clone();
        Box::pin(async move { gate.answer(request).await })
    }
}

impl Gate {
    async fn answer(&self, mut request: Request<Incoming>) -> Result<Response<Body>, Aborted> {
        let started = Instant::now();
        let request_id = format!("{:016X}", self.ids.fetch_add(1, Ordering::Relaxed));
        let origin = Origin {
            request_id,
            source_ip: self.peer,
            principal: None,
        };
        let intake = Intake::of(request.body());
        let call = Arc::new(Call {
            origin,
            intake: Arc::clone(&intake),
            admitted: OnceLock::new(),
        });
        request.extensions_mut().insert(Arc::clone(&call));
        let expects = Expects::of(&request);
        let answer = match signed::check_scheme(request.headers(), request.uri()) {
            Ok(()) => self
                .service
                .call(request.map(|body| Body::http_body_unsync(Taken { body, intake })))
                .await
                .map_err(Aborted::Service),
            Err(refusal) => refusal.to_http_response().map_err(|_| Aborted::Cut),
        };
        let answer = match call.admitted.get() {
            Some(Admitted { cut: true, .. }) => Err(Aborted::Cut),
            Some(admitted) => after(admitted, answer).await,
            None => answer,
        };
        self.log(&call, started, answer.as_ref().ok().map(Response::status));
        answer.map(|answer| expects.closing(with_request_id(answer, &call.origin.request_id)))
    }

    fn log(&self, call: &Call, started: Instant, status: Option<StatusCode>) {
        let Some(admitted) = call.admitted.get() else {
            return;
        };
        self.requests.push(|| {
            let Target {
                operation,
                bucket,
                key,
            } = admitted.target.clone();
            RequestRecord {
                operation,
                bucket,
                key,
                started,
                ended: Instant::now(),
                status,
            }
        });
    }
}

async fn after(
    admitted: &Admitted,
    answer: Result<Response<Body>, Aborted>,
) -> Result<Response<Body>, Aborted> {
    match undergo(&admitted.after, &admitted.target).await {
        None => answer,
        Some(Ending::Cut) => Err(Aborted::Cut),
        Some(Ending::HalfBody) => halved(answer?).ok_or(Aborted::Cut),
        Some(Ending::Error { status, code }) => injected(status, &code)
            .to_http_response()
            .map_err(|_| Aborted::Cut),
    }
}

fn injected(status: StatusCode, code: &str) -> S3Error {
    let mut error = S3Error::with_message(
        S3ErrorCode::from_bytes(code.as_bytes()).unwrap_or(S3ErrorCode::InternalError),
        "This failure was injected.",
    );
    error.set_status_code(status);
    error
}

/// SDKs and people quote these when they report a failure.
fn with_request_id(mut answer: Response<Body>, id: &str) -> Response<Body> {
    if let Ok(id) = HeaderValue::from_str(id) {
        answer.headers_mut().insert("x-amz-request-id", id.clone());
        answer.headers_mut().insert("x-amz-id-2", id);
    }
    answer
}

/// Whether a client waits for `100 Continue` before it sends a body.
///
/// It gets a final answer instead when its request is refused, and from hyper also when the body is empty.
/// botocore 1.41 then misreads the next answer on the same connection and waits for its end, so such a
/// connection ends with the answer.
#[derive(Clone, Copy)]
struct Expects {
    interim: bool,
    nothing_to_send: bool,
}

impl Expects {
    fn of(request: &Request<Incoming>) -> Self {
        use hyper::body::Body as _;
        Self {
            interim: request.headers().contains_key(EXPECT),
            nothing_to_send: request.body().is_end_stream(),
        }
    }

    fn closing(self, mut answer: Response<Body>) -> Response<Body> {
        if self.interim && (self.nothing_to_send || !answer.status().is_success()) {
            answer
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

/// One access key.
pub(crate) struct Key {
    pub id: String,
    pub secret: SecretKey,
    /// Comes with each request of a temporary key, and with none of another.
    pub session_token: Option<String>,
}

/// Knows the keys.
pub(crate) struct Keeper {
    pub keys: Arc<[Key]>,
}

#[async_trait::async_trait]
impl S3Auth for Keeper {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let key = find(&self.keys, access_key).ok_or_else(signed::unknown_key)?;
        Ok(key.secret.clone())
    }
}

fn find<'a>(keys: &'a [Key], access_key: &str) -> Option<&'a Key> {
    keys.iter().find(|key| key.id == access_key)
}

/// Refuses requests that are not signed as they must be, and applies the faults that strike before an operation.
pub(crate) struct Admission {
    pub keys: Arc<[Key]>,
    pub faults: Faults,
}

impl Admission {
    /// Says whose key it is.
    fn check_signed(&self, context: &S3AccessContext<'_>) -> S3Result<String> {
        let Some(credentials) = context.credentials() else {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        };
        let key = find(&self.keys, &credentials.access_key).ok_or_else(signed::unknown_key)?;
        let (headers, uri) = (context.headers(), context.uri());
        signed::check_headers(headers, uri)?;
        signed::check_token(headers, uri, key.session_token.as_deref())?;
        Ok(key.id.clone())
    }
}

#[async_trait::async_trait]
impl S3Access for Admission {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let principal = self.check_signed(context)?;
        let target = target(context);
        let Plan { before, after } = self.faults.plan(&target);
        let ending = undergo(&before, &target).await;
        let cut = matches!(ending, Some(Ending::Cut | Ending::HalfBody));
        let mut broken_off = false;
        if let Some(call) = context.extensions_mut().get::<Arc<Call>>() {
            broken_off = ending == Some(Ending::HalfBody) && call.intake.halve();
            // Set once: a request is admitted once.
            let _ = call.admitted.set(Admitted {
                principal,
                target,
                after,
                cut,
            });
        }
        match ending {
            None => Ok(()),
            // The operation meets the middle of its body, and fails.
            Some(Ending::HalfBody) if broken_off => Ok(()),
            Some(Ending::Cut | Ending::HalfBody) => Err(s3_error!(InternalError)),
            Some(Ending::Error { status, code }) => Err(injected(status, &code)),
        }
    }
}

fn target(context: &S3AccessContext<'_>) -> Target {
    let operation = context.s3_op().name().to_owned();
    match context.s3_path() {
        S3Path::Root => Target {
            operation,
            ..Target::default()
        },
        S3Path::Bucket { bucket } => Target {
            operation,
            bucket: bucket.to_string(),
            key: String::new(),
        },
        S3Path::Object { bucket, key } => Target {
            operation,
            bucket: bucket.to_string(),
            key: key.to_string(),
        },
    }
}
