//! A message to subscribers.

use casefile::digest::Sha256;
use serde_json::Value;

/// "Less than 100 characters" (SNS API reference, *Publish*).
const MAX_SUBJECT_CHARS: usize = 99;

/// What subscribers may filter by (SNS developer guide, *Message filtering*).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// The collection's name.
    pub collection: String,
    /// The verdict.
    pub status: String,
    /// Whose it is.
    pub tenant: String,
    /// `session` or `file`.
    pub kind: String,
}

/// A message to subscribers: for people by e-mail, for machines as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    subject: String,
    text: String,
    json: Value,
    attributes: Attributes,
    id: Sha256,
}

impl Notice {
    /// A message. Two about the same state of the same thing get the same `id`. What a subject can't hold, other than
    /// ASCII, is replaced by `?`, and what is too long is cut.
    pub fn new(subject: &str, text: String, json: Value, attributes: Attributes, id: Sha256) -> Self {
        let fit = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
        Self {
            subject: subject.trim().chars().map(fit).take(MAX_SUBJECT_CHARS).collect(),
            text,
            json,
            attributes,
            id,
        }
    }

    /// The subject of an e-mail: ASCII, one line, fewer than 100 characters.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The e-mail.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What machines get: an object, with the `deduplication_id`.
    pub fn json(&self) -> Value {
        let mut json = self.json.clone();
        if let Some(fields) = json.as_object_mut() {
            fields.insert("deduplication_id".to_owned(), self.deduplication_id().into());
        }
        json
    }

    /// What to filter by.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// Tells a message that comes again from a new one: 64 hexadecimal digits.
    pub fn deduplication_id(&self) -> String {
        self.id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn notice(subject: &str) -> Notice {
        let attributes = Attributes {
            collection: "bols".to_owned(),
            status: "verified".to_owned(),
            tenant: "default".to_owned(),
            kind: "file".to_owned(),
        };
        let json = json!({"key": "bols/2025/PRT-2025-0001.pdf"});
        Notice::new(subject, String::new(), json, attributes, Sha256::of(b"1"))
    }

    #[test]
    fn a_subject_is_short_ascii_on_one_line() {
        let subject = notice(&format!(" Größe\r\nBcc: x{}", "y".repeat(200))).subject;
        assert_eq!(subject.len(), 99);
        assert!(subject.starts_with("Gr??e??Bcc: xyy"), "{subject}");
    }

    #[test]
    fn machines_get_the_deduplication_id_with_the_message() {
        let notice = notice("s");
        assert_eq!(notice.json()["deduplication_id"], notice.deduplication_id());
        assert_eq!(notice.deduplication_id().len(), 64);
    }
}
