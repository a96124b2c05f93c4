//! A small HTTP server on 127.0.0.1 in place of an AWS service, for tests: it keeps what was asked, and answers with what
//! it was given, in order. The SDK's own clients talk to it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use casefile::config::Env;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::Clients;

/// One answer of a service's.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    delay: Duration,
}

impl Answer {
    /// 200 with this body.
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: body.into(),
            delay: Duration::ZERO,
        }
    }

    /// An error as AWS's JSON protocols write it.
    pub(crate) fn json_error(status: u16, code: &str) -> Self {
        Self {
            status,
            headers: vec![
                ("x-amzn-ErrorType", format!("{code}:http://internal.amazon.com/")),
                ("content-type", "application/json".to_owned()),
            ],
            body: r#"{"message":"told by the test"}"#.to_owned(),
            delay: Duration::ZERO,
        }
    }

    /// An error as AWS's query protocol writes it.
    pub(crate) fn xml_error(status: u16, code: &str) -> Self {
        let mut answer = Self::ok(format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>told by the test</Message></Error>\
             <RequestId>1</RequestId></ErrorResponse>"
        ));
        answer.status = status;
        answer
    }

    /// Not before this long.
    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// What a service was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: String,
}

/// A service.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    address: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    answers: VecDeque<Answer>,
    asked: Vec<Asked>,
}

impl Server {
    /// Starts one; when the answers are used up, it answers 400.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            answers: answers.into_iter().collect(),
            asked: Vec::new(),
        }));
        let server = Self { address, state };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().serve(stream));
            }
        });
        server
    }

    /// Clients whose every service is this one.
    pub(crate) fn clients(&self) -> Arc<Clients> {
        let mut env = Env::of([
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", &self.address),
        ]);
        let s3 = env.s3().unwrap();
        Arc::new(Clients::read(&mut env, &s3))
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    async fn serve(self, stream: TcpStream) {
        let service = service_fn(|request| self.answer(request));
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // A client that goes away isn't the server's concern.
        let _ = connection.await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let answer = {
            let mut state = self.state.lock().unwrap();
            state.asked.push(Asked {
                method: parts.method.to_string(),
                path: parts.uri.path().to_owned(),
                body: String::from_utf8(body.to_vec()).unwrap(),
            });
            state.answers.pop_front()
        };
        let answer = answer.unwrap_or_else(|| Answer::json_error(400, "NothingLeft"));
        tokio::time::sleep(answer.delay).await;
        let mut response = Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        Ok(response.body(Full::new(Bytes::from(answer.body))).unwrap())
    }
}
