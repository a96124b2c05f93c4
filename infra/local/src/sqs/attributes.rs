//! Attributes of messages as they come and go on the wire, and what a message may be.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::error::SqsError;
use super::message::{Attribute, Value};

/// The largest message in bytes, with its attributes. Source: Amazon SQS Developer Guide, "Amazon SQS message quotas".
pub(super) const MAX_MESSAGE: usize = 1_048_576;
const MAX_ATTRIBUTES: usize = 10;
const MAX_NAME: usize = 256;

/// `MessageAttributeValue`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Wire {
    data_type: String,
    string_value: Option<String>,
    binary_value: Option<String>,
}

/// The attributes of a message that is sent.
pub(super) fn parse(wire: BTreeMap<String, Wire>) -> Result<BTreeMap<String, Attribute>, SqsError> {
    if wire.len() > MAX_ATTRIBUTES {
        return Err(SqsError::invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].",
            wire.len()
        )));
    }
    wire.into_iter()
        .map(|(name, value)| {
            if !is_name(&name) {
                return Err(SqsError::invalid("The message attribute name is invalid."));
            }
            let value = attribute(&name, value)?;
            Ok((name, value))
        })
        .collect()
}

fn attribute(name: &str, wire: Wire) -> Result<Attribute, SqsError> {
    let refused = |what: &str| SqsError::invalid(format!("The message attribute '{name}' {what}."));
    let kind = wire
        .data_type
        .split_once('.')
        .map_or(wire.data_type.as_str(), |(kind, _)| kind);
    let value = match (kind, wire.string_value, wire.binary_value) {
        ("String", Some(text), None) if !text.is_empty() && is_text(&text) => Value::Text(text),
        ("Number", Some(text), None) if text.parse::<f64>().is_ok_and(f64::is_finite) => Value::Text(text),
        ("Binary", None, Some(text)) => match BASE64.decode(text) {
            Ok(bytes) if !bytes.is_empty() => Value::Binary(bytes),
            _ => return Err(refused("must contain a non-empty value in base64")),
        },
        ("String" | "Number" | "Binary", _, _) => {
            return Err(refused("must contain one value, of its type and not empty"));
        }
        _ => return Err(refused("has an invalid message attribute type")),
    };
    Ok(Attribute {
        data_type: wire.data_type,
        value,
    })
}

/// Source: Amazon SQS Developer Guide, "Amazon SQS message metadata".
fn is_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !lower.starts_with("aws.")
        && !lower.starts_with("amazon.")
}

/// Whether SQS takes these characters: `#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF`.
fn is_text(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..))
}

/// Whether a message may be sent.
pub(super) fn check(body: &str, attributes: &BTreeMap<String, Attribute>) -> Result<(), SqsError> {
    if body.is_empty() {
        return Err(SqsError::new(
            "com.amazonaws.sqs#MissingParameter",
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ));
    }
    if !is_text(body) {
        return Err(SqsError::contents(
            "Invalid characters found in the message body.",
        ));
    }
    let attributes = attributes
        .iter()
        .map(|(name, attribute)| name.len() + attribute.data_type.len() + attribute.value.as_bytes().len());
    if body.len() + attributes.sum::<usize>() > MAX_MESSAGE {
        return Err(SqsError::invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {MAX_MESSAGE} bytes."
        )));
    }
    Ok(())
}

/// `MessageAttributes` of a message that is received.
pub(super) fn show(attributes: &BTreeMap<String, Attribute>) -> Json {
    let entries = attributes.iter().map(|(name, Attribute { data_type, value })| {
        let shown = match value {
            Value::Text(text) => json!({ "DataType": data_type, "StringValue": text }),
            Value::Binary(bytes) => json!({ "DataType": data_type, "BinaryValue": BASE64.encode(bytes) }),
        };
        (name.clone(), shown)
    });
    Json::Object(entries.collect())
}

/// The same in an event for a function. Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS".
pub(super) fn show_in_event(attributes: &BTreeMap<String, Attribute>) -> Json {
    let entries = attributes.iter().map(|(name, Attribute { data_type, value })| {
        let (field, text) = match value {
            Value::Text(text) => ("stringValue", text.clone()),
            Value::Binary(bytes) => ("binaryValue", BASE64.encode(bytes)),
        };
        let shown = json!({
            field: text, "stringListValues": [], "binaryListValues": [], "dataType": data_type,
        });
        (name.clone(), shown)
    });
    Json::Object(entries.collect())
}
