//! The API's address, and calls to it.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::primitives::SdkBody;
use bytes::{Bytes, BytesMut};
use casefile::client::plain_http;
use casefile::config::Env;
use casefile::digest::Sha256;
use futures::TryFutureExt as _;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, USER_AGENT};
use http::uri::Scheme;
use http::{Method, Request, Response, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::timeout;

use super::{Answer, Http, NoAnswer, Token, retry_after};

/// Beyond it an answer is none of the API's: a link's and a file's are a few KB.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// What is waited before a call is made again that found nobody, or a busy service.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_200)];
/// All but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A path as part of an address: its slashes stay.
pub(crate) fn encoded(path: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| utf8_percent_encode(part, ESCAPED).to_string());
    parts.collect::<Vec<_>>().join("/")
}

/// An address without a last slash. A token goes there: in the clear only to this machine.
pub(super) fn address(text: &str) -> Result<String, &'static str> {
    let wrong = "must be the API's address, such as https://files.example.com";
    let uri: Uri = text.parse().map_err(|_| wrong)?;
    let authority = uri.authority().ok_or(wrong)?;
    if uri.query().is_some() || authority.as_str().contains('@') {
        return Err(wrong);
    }
    let host = authority.host().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => {}
        Some(scheme) if *scheme == Scheme::HTTP && is_here => {}
        Some(scheme) if *scheme == Scheme::HTTP => {
            return Err("must begin with https://, for everybody on the way could read the token");
        }
        _ => return Err(wrong),
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Why there is no answer but about an outage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Outage {
    /// Nobody can be reached: neither can they for anything else.
    #[error("{0}")]
    Nobody(String),
    /// Somebody is there, who is down or busy, for this request at least.
    #[error("{0}")]
    Busy(String),
}

/// The API, and who asks.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) url: String,
    token: Token,
    pub(crate) http: Http,
}

impl Api {
    /// What is wrong is noted in the environment.
    pub(crate) fn read(url: Option<String>, token_file: Option<&Path>, env: &mut Env) -> Option<Self> {
        let token = Token::read(token_file, env);
        let http = Http::new(plain_http(env));
        Some(Self {
            url: url?,
            token: token?,
            http,
        })
    }

    /// Asks until there is an answer that isn't about an outage, three times at most. All that the API does may be asked for
    /// again.
    ///
    /// # Errors
    /// Why there is no such answer. Between tries as much time passes as the service asks for, a few seconds at most.
    pub(crate) async fn call(&self, method: &Method, target: &str, body: &Bytes) -> Result<Answer, Outage> {
        let mut pauses = PAUSES.iter();
        loop {
            let answer = self.call_once(method, target, body).await;
            let (outage, asked) = match answer {
                Ok(answer) if answer.status < 500 && answer.status != 429 => return Ok(answer),
                Ok(answer) => (Outage::Busy(answer.problem()), answer.retry_after),
                Err(error) => (Outage::Nobody(format!("{}: {error}", self.url)), None),
            };
            match pauses.next() {
                Some(pause) => tokio::time::sleep(asked.unwrap_or_default().max(*pause)).await,
                None => return Err(outage),
            }
        }
    }

    /// Who asks, as far as it can be told without a secret.
    pub(crate) fn caller(&self) -> Sha256 {
        self.token.caller()
    }

    async fn call_once(&self, method: &Method, target: &str, body: &Bytes) -> Result<Answer, NoAnswer> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{target}", self.url))
            .header(AUTHORIZATION, self.token.header())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("casefile/", env!("CARGO_PKG_VERSION")));
        let request = if body.is_empty() {
            request
        } else {
            request.header(CONTENT_TYPE, "application/json")
        };
        let request = request.body(SdkBody::from(Bytes::clone(body)));
        let time = super::time_for(body.len() as u64);
        let answer = self
            .http
            .send(request.map_err(|_| NoAnswer::Request)?, time)
            .await?;
        timeout(time, read(answer)).map_err(|_| NoAnswer::Time).await?
    }
}

async fn read(mut answer: Response<SdkBody>) -> Result<Answer, NoAnswer> {
    let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(Answer::read_date);
    let retry_after = retry_after(answer.headers());
    let mut body = BytesMut::new();
    while let Some(piece) = next(answer.body_mut()).await {
        let piece = piece.map_err(|()| NoAnswer::Connection)?;
        if body.len() + piece.len() > MAX_ANSWER {
            return Err(NoAnswer::Connection);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answer {
        status: answer.status().as_u16(),
        date,
        retry_after,
        body: body.freeze(),
    })
}

/// The next piece of a body; nothing at its end.
pub(crate) async fn next(body: &mut SdkBody) -> Option<Result<Bytes, ()>> {
    use http_body::Body as _;
    loop {
        let frame =
            std::future::poll_fn(|context| std::pin::Pin::new(&mut *body).poll_frame(context)).await?;
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(piece)) => return Some(Ok(piece)),
            // Trailers.
            Ok(Err(_)) => {}
            Err(_) => return Some(Err(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_travels_in_the_clear_only_on_this_machine() {
        for (text, expected) in [
            ("https://files.example.com/", "https://files.example.com"),
            ("https://x.example.com/stage", "https://x.example.com/stage"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("http://localhost:3000/", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(address(text).as_deref(), Ok(expected));
        }
        for text in [
            "http://files.example.com",
            "http://localhost.example.com",
            "files.example.com",
            "ftp://127.0.0.1",
            "https://me@files.example.com",
            "https://files.example.com/?a=b",
            "",
        ] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_is_escaped_but_for_its_slashes() {
        assert_eq!(encoded("2025/ä b#?%.pdf"), "2025/%C3%A4%20b%23%3F%25.pdf");
    }
}
