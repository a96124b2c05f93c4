use std::collections::BTreeMap;

use jiff::Timestamp;
use s3s::crypto::{Checksum as _, Md5};

use crate::s3::hex;

/// A message. Attributes are by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id, the same each time that it is received, and in a dead-letter queue.
    pub id: String,
    /// Its body.
    pub body: String,
    /// What the sender said beside the body.
    pub attributes: BTreeMap<String, Attribute>,
    /// When it was sent.
    pub sent: Timestamp,
    /// How often it was received.
    pub receives: u32,
    /// The ARN of the queue that gave it up, in a dead-letter queue.
    pub source: Option<String>,
}

impl Message {
    /// The text of an attribute that has one.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        match &self.attributes.get(name)?.value {
            Value::Text(text) => Some(text),
            Value::Binary(_) => None,
        }
    }
}

/// An attribute of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, and maybe a name of one's own after a dot.
    pub data_type: String,
    /// Its value.
    pub value: Value,
}

impl Attribute {
    /// An attribute of type `String`.
    pub fn text(value: impl Into<String>) -> Self {
        Self {
            data_type: "String".to_owned(),
            value: Value::Text(value.into()),
        }
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of a `String` or a `Number`.
    Text(String),
    /// Of a `Binary`.
    Binary(Vec<u8>),
}

impl Value {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// The MD5 of a text, in hexadecimal, as SDKs compare it.
pub(super) fn digest(text: &str) -> String {
    hex(&Md5::checksum(text.as_bytes()))
}

/// The MD5 of all attributes; nothing without any.
pub(super) fn digest_of(attributes: &BTreeMap<String, Attribute>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut bytes = Vec::new();
    for (name, Attribute { data_type, value }) in attributes {
        add(&mut bytes, name.as_bytes());
        add(&mut bytes, data_type.as_bytes());
        bytes.push(match value {
            Value::Text(_) => 1,
            Value::Binary(_) => 2,
        });
        add(&mut bytes, value.as_bytes());
    }
    Some(hex(&Md5::checksum(&bytes)))
}

/// A part with its length before it.
fn add(bytes: &mut Vec<u8>, part: &[u8]) {
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    bytes.extend(length.to_be_bytes());
    bytes.extend(part);
}
