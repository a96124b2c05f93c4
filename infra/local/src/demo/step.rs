//! A step of the demo: what is asked, what should come, and what came.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::LOCATION;
use http::{Method, Response, Uri};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::DemoError;
use crate::client::{ClientError, call, post_json};
use crate::progress::Progress;

/// An answer, read to its end.
pub(super) type Answer = Response<Bytes>;

/// A step under way. Whatever it says has no link and no token in it.
pub(super) struct Step<'a> {
    name: &'static str,
    progress: &'a Progress,
}

impl<'a> Step<'a> {
    /// Begins a step.
    pub(super) fn begin(progress: &'a Progress, name: &'static str) -> Self {
        progress.heading(name);
        Self { name, progress }
    }

    /// A line about what was asked and what came.
    pub(super) fn note(&self, what: &str) {
        self.progress.note(&format!("  {what}"));
    }

    /// Something to keep: on standard output.
    pub(super) fn show(&self, text: &str) -> Result<(), DemoError> {
        Ok(self.progress.show(text)?)
    }

    pub(super) fn unexpected(&self, expected: impl Into<String>, got: impl Into<String>) -> DemoError {
        DemoError::Unexpected {
            step: self.name,
            expected: expected.into(),
            got: got.into(),
        }
    }

    /// A failure unless it holds.
    pub(super) fn expect(&self, holds: bool, expected: &str, got: &str) -> Result<(), DemoError> {
        if holds {
            Ok(())
        } else {
            Err(self.unexpected(expected, got))
        }
    }

    pub(super) async fn get(
        &self,
        server: SocketAddr,
        target: &str,
        token: &str,
        status: u16,
    ) -> Result<Answer, DemoError> {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let answer = call(server, Method::GET, target, &headers, Bytes::new()).await;
        self.with_status(answer, status)
    }

    pub(super) async fn post(
        &self,
        server: SocketAddr,
        target: &str,
        token: &str,
        body: String,
        status: u16,
    ) -> Result<Answer, DemoError> {
        let answer = post_json(server, target, body, Some(token)).await;
        self.with_status(answer, status)
    }

    /// Goes where a link leads, as anybody who has it.
    pub(super) async fn follow(&self, link: &str, status: u16) -> Result<Answer, DemoError> {
        let uri = link.parse::<Uri>().ok();
        let place = uri.as_ref().and_then(|uri| {
            let server: SocketAddr = uri.authority()?.as_str().parse().ok()?;
            Some((server, uri.path_and_query()?.as_str()))
        });
        let Some((server, target)) = place else {
            return Err(self.unexpected("a link to this machine", "another"));
        };
        let answer = call(server, Method::GET, target, &[], Bytes::new()).await;
        self.with_status(answer, status)
    }

    /// Where an answer sends its caller.
    pub(super) fn location<'b>(&self, answer: &'b Answer) -> Result<&'b str, DemoError> {
        let location = answer.headers().get(LOCATION);
        let location = location.and_then(|value| value.to_str().ok());
        location.ok_or_else(|| self.unexpected("a redirect's Location", "none"))
    }

    /// Reads an answer. What it can't read it doesn't quote: there may be a link in it.
    pub(super) fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, DemoError> {
        serde_json::from_slice(answer.body()).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let got = format!("one that can't be read beyond line {line}, column {column}");
            self.unexpected("an answer as the API's contract says", got)
        })
    }

    fn with_status(&self, answer: Result<Answer, ClientError>, status: u16) -> Result<Answer, DemoError> {
        let answer = answer.map_err(|source| DemoError::Client {
            step: self.name,
            source,
        })?;
        if answer.status().as_u16() == status {
            return Ok(answer);
        }
        Err(self.unexpected(format!("status {status}"), refusal(&answer)))
    }
}

/// An answer's status, and the problem that it is, if it is one.
pub(super) fn refusal(answer: &Answer) -> String {
    let status = answer.status().as_u16();
    let content_type = answer.headers().get(http::header::CONTENT_TYPE);
    let is_problem = content_type.is_some_and(|value| value == "application/problem+json");
    let problem = serde_json::from_slice::<Value>(answer.body()).ok();
    match problem.filter(|_| is_problem) {
        Some(problem) => format!("status {status}, {problem}"),
        None => format!("status {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, content_type: &str, body: &'static str) -> Answer {
        Response::builder()
            .status(status)
            .header("content-type", content_type)
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap()
    }

    #[test]
    fn an_unexpected_answer_is_told_without_a_link() {
        let link = answer(200, "application/json", r#"{"url":"http://secret","size":"x"}"#);
        assert_eq!(refusal(&link), "status 200");
        let problem = answer(404, "application/problem+json", r#"{"title":"Not found"}"#);
        assert_eq!(refusal(&problem), r#"status 404, {"title":"Not found"}"#);
        let progress = Progress::new();
        let step = Step::begin(&progress, "a test");
        let unread = step.read::<Vec<u64>>(&link).unwrap_err().to_string();
        assert!(
            unread.starts_with("a test: expected an answer") && !unread.contains("secret"),
            "{unread}"
        );
    }

    #[tokio::test]
    async fn a_link_to_elsewhere_is_not_followed_and_not_told() {
        let progress = Progress::new();
        let step = Step::begin(&progress, "a test");
        for link in ["https://example.com/secret", "secret", "http://"] {
            let error = step.follow(link, 200).await.unwrap_err().to_string();
            assert_eq!(
                error, "a test: expected a link to this machine, got another",
                "{link}"
            );
        }
    }
}
