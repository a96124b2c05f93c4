//! What the API answers.

use std::time::Duration;

use bytes::Bytes;
use casefile::problem::ProblemDocument;
use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use serde::de::DeserializeOwned;

/// The longest that is waited because an answer says so: a person may be waiting, too.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(5);

/// What an answer asks to wait before the next try, in whole seconds (RFC 9110, section 10.2.3), at most five of them. A date
/// is not read.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

/// An answer that is there, good or bad.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// When the server says that it is.
    pub(crate) date: Option<Timestamp>,
    /// What it asks to wait before the next try.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The time of a `Date` header (RFC 9110, section 5.6.7).
    pub(crate) fn read_date(text: &str) -> Option<Timestamp> {
        DateTimeParser::new().parse_timestamp(text).ok()
    }

    /// What an answer says that ended well; `None` of anything else.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What an answer says that didn't, for a person.
    pub(crate) fn problem(&self) -> String {
        let status = self.status;
        let said = match self.json::<ProblemDocument>() {
            Some(problem) => explained(&problem),
            // API Gateway's own answers.
            None if status == 413 => "it is too large for one request".to_owned(),
            None => format!("status {status}"),
        };
        match status {
            401 => format!("the API doesn't know who asks: {said}; check the token, which may have expired"),
            403 => format!("the API doesn't allow it: {said}"),
            429 | 500.. => format!("the API is down or busy: {said}"),
            _ => format!("the API refuses: {said}"),
        }
    }
}

fn explained(problem: &ProblemDocument) -> String {
    let errors = problem.errors.iter();
    let errors: Vec<_> = errors
        .map(|error| format!("{} {}", error.pointer, error.detail))
        .collect();
    match errors.len() {
        0 => problem.detail.clone(),
        _ => errors.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        Answer {
            status,
            date: None,
            retry_after: None,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn a_problem_names_every_field_and_what_to_do_about_a_token() {
        let body = r#"{"type":"x","title":"t","status":422,"detail":"2 fields are invalid","instance":"i",
            "errors":[{"pointer":"/date","detail":"is required"},{"pointer":"/owner","detail":"is empty"}]}"#;
        let said = answer(422, body).problem();
        assert_eq!(said, "the API refuses: /date is required; /owner is empty");
        let said = answer(401, r#"{"message":"Unauthorized"}"#).problem();
        assert!(said.contains("check the token"), "{said}");
        assert!(answer(413, "").problem().contains("too large"));
        for status in [429, 503] {
            let said = answer(status, "").problem();
            assert!(said.contains("is down or busy"), "{said}");
        }
    }

    #[test]
    fn a_service_is_waited_for_as_long_as_it_asks_but_not_for_minutes() {
        for (text, expected) in [("2", Some(2)), ("3600", Some(5)), ("-1", None), ("soon", None)] {
            let headers = [(RETRY_AFTER, text.parse().unwrap())].into_iter().collect();
            assert_eq!(retry_after(&headers), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn a_date_header_is_a_time() {
        let date = Answer::read_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(Answer::read_date("today"), None);
    }
}
