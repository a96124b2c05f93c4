//! JSON: whether a file is some, and whether it says what its collection demands.

use casefile::json::{JsonError, Node};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::findings::Findings;
use super::{Kind, Schema, ecg, training};

/// Looks into what must be JSON, of whatever value. A schema may demand more of a file of one name than of another's.
pub(super) fn look(content: &[u8], schema: Schema, name: &str) -> Findings {
    let text = match text(content) {
        Ok(text) => text,
        Err(reason) => return Findings::rejected(super::sniff::kind(content), reason),
    };
    let wrong = match schema {
        Schema::None => Vec::new(),
        Schema::EcgMetrics => ecg::wrong(text, name),
        Schema::TrainingLog => training::wrong(text),
    };
    if wrong.is_empty() {
        Findings::verified(Kind::Json)
    } else {
        Findings::rejected(Kind::Json, wrong.join("; "))
    }
}

/// Looks into what begins as JSON does: a text may begin with brackets, too.
pub(super) fn look_at_what_may_be_text(content: &[u8]) -> Findings {
    Findings::verified(if text(content).is_ok() {
        Kind::Json
    } else {
        Kind::Text
    })
}

/// The JSON text, without the byte order mark that some programs write and readers may skip (RFC 8259, clause 8.1).
/// Nothing is built in memory to tell.
fn text(content: &[u8]) -> Result<&str, String> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let text = std::str::from_utf8(content).map_err(|_| "it is not in UTF-8, as JSON must be".to_owned())?;
    match Node::parse(text) {
        Ok(node) => Ok(node.text()),
        Err(JsonError::Syntax { line, column }) => {
            Err(format!("it is not JSON: line {line}, column {column}"))
        }
        Err(error @ JsonError::TooDeep) => Err(error.to_string()),
    }
}

/// Reads an object into the fields that are asked for; others are passed over, whatever they hold.
///
/// # Errors
/// What is wrong with `what`: it is no object, or names one of the fields twice.
pub(super) fn fields<'a, T: Deserialize<'a>>(what: &str, text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|_| {
        if text.starts_with('{') {
            format!("{what} gives a field twice")
        } else {
            format!("{what} must be an object")
        }
    })
}

/// The string that must stand at a place, and isn't empty.
///
/// # Errors
/// What is wrong there.
pub(super) fn string(place: &str, value: Option<&RawValue>) -> Result<String, String> {
    let value = value.ok_or_else(|| format!("{place} is missing"))?;
    let string: Option<String> = serde_json::from_str(value.get()).ok();
    string
        .filter(|string| !string.trim().is_empty())
        .ok_or_else(|| format!("{place} must be a string that isn't empty"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Status;
    use super::*;

    #[test]
    fn json_is_what_can_be_parsed() {
        for content in [
            b"{}".as_slice(),
            b" [1, 2]\n",
            b"\xef\xbb\xbf{}",
            b"17",
            b"\"\xc3\xa9\"",
        ] {
            assert_eq!(
                look(content, Schema::None, "a.json"),
                Findings::verified(Kind::Json)
            );
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place_alone() {
        let reason = |content: &[u8]| look(content, Schema::None, "a.json").reason.unwrap();
        assert_eq!(
            reason(b"{\n \"secret\": oops}"),
            "it is not JSON: line 2, column 12"
        );
        assert_eq!(reason(b"{\"secret\": 1"), "it is not JSON: line 1, column 12");
        assert_eq!(reason(b"{} {}"), "it is not JSON: line 1, column 4");
        assert_eq!(reason(b""), "it is not JSON: line 1, column 0");
        assert_eq!(reason(b"\"\xff\""), "it is not in UTF-8, as JSON must be");
        assert_eq!(
            reason("[".repeat(10_000_000).as_bytes()),
            "the JSON is nested deeper than 64 levels"
        );
    }

    #[test]
    fn a_text_may_begin_with_brackets() {
        let log = look_at_what_may_be_text(b"[2025-10-28 14:30:22] serial port opened");
        assert_eq!(log, Findings::verified(Kind::Text));
    }

    proptest! {
        #[test]
        fn any_bytes_get_a_verdict(content in any::<Vec<u8>>(), text in any::<String>()) {
            for schema in [Schema::None, Schema::EcgMetrics, Schema::TrainingLog] {
                for content in [content.as_slice(), text.as_bytes()] {
                    let findings = look(content, schema, "a.json");
                    prop_assert_eq!(findings.status == Status::Verified, findings.reason.is_none());
                }
            }
        }
    }
}
