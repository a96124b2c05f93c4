//! What a list is limited to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casefile::http::query::{Query, written};
use casefile::json::Errors;
use casefile::pointer::PointerName;
use casefile::problem::Problem;

/// The most entries of a page.
const MAX_LIMIT: u64 = 200;
const DEFAULT_LIMIT: u64 = 50;
/// In UTF-8.
const MAX_PREFIX_BYTES: usize = 512;
const PARAMETERS: [&str; 3] = ["prefix", "limit", "cursor"];

/// What a list is limited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// What its paths begin with.
    pub(super) prefix: String,
    /// How many entries a page has.
    pub(super) limit: usize,
    /// After which entry it goes on.
    pub(super) cursor: Option<PointerName>,
}

impl Question {
    /// Reads `?prefix&limit&cursor`.
    ///
    /// # Errors
    /// `invalid-request` with every wrong parameter.
    pub(super) fn read(raw: &str) -> Result<Self, Problem> {
        let mut errors = Errors::default();
        let mut query = Query::read(raw, &mut errors);
        let prefix = query.value("prefix", &mut errors, prefix);
        let limit = query.number("limit", 1, MAX_LIMIT, &mut errors);
        let cursor = query.value("cursor", &mut errors, decode);
        query.refuse_rest(&PARAMETERS, &mut errors);
        if !errors.is_empty() {
            return Err(Problem::invalid(errors.into_vec()));
        }
        Ok(Self {
            prefix: prefix.unwrap_or_default(),
            limit: usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX),
            cursor,
        })
    }

    /// The question as records keep it.
    pub(super) fn written(&self) -> String {
        written(&[
            ("prefix", (!self.prefix.is_empty()).then(|| self.prefix.clone())),
            ("limit", Some(self.limit.to_string())),
            ("cursor", self.cursor.as_ref().map(encode)),
        ])
    }
}

fn prefix(text: &str) -> Result<String, String> {
    if text.len() > MAX_PREFIX_BYTES || text.chars().any(char::is_control) {
        return Err(format!(
            "must have at most {MAX_PREFIX_BYTES} bytes in UTF-8 and no control characters"
        ));
    }
    Ok(text.to_owned())
}

/// A cursor as its caller gets it.
pub(super) fn encode(name: &PointerName) -> String {
    URL_SAFE_NO_PAD.encode(name.as_str())
}

fn decode(text: &str) -> Result<PointerName, &'static str> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|name| !name.chars().any(char::is_control))
        .and_then(|name| PointerName::parse(&name))
        .ok_or("must be the next_cursor of an earlier answer")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_question_without_parameters_asks_for_the_first_fifty() {
        let expected = Question {
            prefix: String::new(),
            limit: 50,
            cursor: None,
        };
        assert_eq!(Question::read(""), Ok(expected.clone()));
        assert_eq!(expected.written(), "limit=50");
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let problem = Question::read("prefix=%0A&limit=201&cursor=eA&offset=3&limit=2").unwrap_err();
        let pointers: Vec<_> = problem
            .errors
            .iter()
            .map(|error| error.pointer.as_str())
            .collect();
        assert_eq!(pointers, ["?limit", "?prefix", "?limit", "?cursor", "?offset"]);
        let long = format!("prefix={}", "x".repeat(513));
        assert!(Question::read(&long).is_err());
    }

    proptest! {
        #[test]
        fn every_cursor_reads_back(millis in 0..4_102_444_800_000_i64, path in "[^\\x00-\\x1f\\x7f-\\x9f]{1,80}") {
            let time = jiff::Timestamp::from_millisecond(millis).unwrap();
            let name = PointerName::new(time, &path);
            let question = Question::read(&format!("cursor={}", encode(&name))).unwrap();
            prop_assert_eq!(question.cursor, Some(name));
        }

        #[test]
        fn no_query_makes_it_panic(raw in "(prefix|limit|cursor|&|=|%|[0-9a-zA-Z_-]){0,30}") {
            if let Ok(question) = Question::read(&raw) {
                prop_assert_eq!(Question::read(&question.written()), Ok(question));
            }
        }
    }
}
