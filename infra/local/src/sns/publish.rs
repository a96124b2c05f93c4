//! `Publish`: what may be published, and what was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::error::SnsError;
use super::parameters::Parameters;
use crate::service::Memory;
use crate::sqs::{Attribute, Value};

/// The largest message in bytes, with its attributes.
pub(super) const MAX_MESSAGE: usize = 262_144;
const MAX_SUBJECT: usize = 100;
/// More than any subscriber could filter by, and less than a request could bring.
const MAX_ATTRIBUTES: usize = 100;

/// What was published to a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The id that its publisher was told.
    pub id: String,
    /// The topic.
    pub topic_arn: String,
    /// The subject of e-mails.
    pub subject: Option<String>,
    /// The message as it was published; with `MessageStructure`, a JSON object.
    pub message: String,
    /// The message for each protocol, with `MessageStructure`: `default`, `email`, …
    pub by_protocol: BTreeMap<String, String>,
    /// What subscribers filter by.
    pub attributes: BTreeMap<String, Attribute>,
    /// When it was published.
    pub time: Timestamp,
}

impl Notification {
    /// The message as subscribers with this protocol get it.
    pub fn text(&self, protocol: &str) -> &str {
        let own = self.by_protocol.get(protocol);
        let text = own.or_else(|| self.by_protocol.get("default"));
        text.unwrap_or(&self.message)
    }

    /// The text of an attribute that has one.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        match &self.attributes.get(name)?.value {
            Value::Text(text) => Some(text),
            Value::Binary(_) => None,
        }
    }
}

/// The topics of a stack, and what was published to them. Clones share it.
#[derive(Debug, Clone)]
pub struct Topics {
    arns: Arc<BTreeSet<String>>,
    published: Arc<Memory<Notification>>,
}

impl Topics {
    pub(crate) fn new(arns: impl IntoIterator<Item = String>) -> Self {
        Self {
            arns: Arc::new(arns.into_iter().collect()),
            published: Arc::default(),
        }
    }

    /// What was published, oldest first; of very much, the last ten thousand.
    pub fn published(&self) -> Vec<Notification> {
        self.published.all()
    }

    /// A topic's own attributes, as XML: its ARN, and that nobody is subscribed.
    ///
    /// # Errors
    /// `NotFound` for a topic that isn't here.
    pub(super) fn attributes(&self, mut parameters: Parameters) -> Result<String, SnsError> {
        let topic_arn = parameters.require("TopicArn")?;
        parameters.finish()?;
        if !self.arns.contains(&topic_arn) {
            return Err(SnsError::no_topic());
        }
        let entry = |key: &str, value: &str| format!("<entry><key>{key}</key><value>{value}</value></entry>");
        let entries = [
            entry("TopicArn", &topic_arn),
            entry("SubscriptionsConfirmed", "0"),
            entry("SubscriptionsPending", "0"),
        ];
        Ok(format!("<Attributes>{}</Attributes>", entries.concat()))
    }

    /// # Errors
    /// What SNS would refuse.
    pub(super) fn publish(
        &self,
        mut parameters: Parameters,
        id: &str,
        now: Timestamp,
    ) -> Result<(), SnsError> {
        let topic_arn = parameters.require("TopicArn")?;
        let message = parameters.require("Message")?;
        let subject = parameters.take("Subject");
        let structure = parameters.take("MessageStructure");
        let attributes = attributes(&mut parameters)?;
        for name in ["MessageDeduplicationId", "MessageGroupId"] {
            if parameters.take(name).is_some() {
                return Err(SnsError::invalid(format!(
                    "The request includes {name} parameter that is not valid for this topic type"
                )));
            }
        }
        parameters.finish()?;
        if !self.arns.contains(&topic_arn) {
            return Err(SnsError::no_topic());
        }
        check(&message, subject.as_deref(), &attributes)?;
        let by_protocol = by_protocol(&message, structure.as_deref())?;
        self.published.push(Notification {
            id: id.to_owned(),
            topic_arn,
            subject,
            message,
            by_protocol,
            attributes,
            time: now,
        });
        Ok(())
    }
}

fn check(
    message: &str,
    subject: Option<&str>,
    attributes: &BTreeMap<String, Attribute>,
) -> Result<(), SnsError> {
    if message.is_empty() {
        return Err(SnsError::invalid("Empty message"));
    }
    let attributes = attributes
        .iter()
        .map(|(name, attribute)| name.len() + attribute.data_type.len() + attribute.value.as_bytes().len());
    if message.len() + attributes.sum::<usize>() > MAX_MESSAGE {
        return Err(SnsError::invalid("Message too long"));
    }
    let Some(subject) = subject else { return Ok(()) };
    let length = subject.chars().count();
    let plain = !subject.starts_with(' ') && !subject.chars().any(char::is_control);
    if length == 0 || length > MAX_SUBJECT || !plain {
        return Err(SnsError::invalid("Subject"));
    }
    Ok(())
}

fn by_protocol(message: &str, structure: Option<&str>) -> Result<BTreeMap<String, String>, SnsError> {
    match structure {
        None => return Ok(BTreeMap::new()),
        Some("json") => {}
        Some(_) => return Err(SnsError::invalid("Message Structure - must be json")),
    }
    let refused = |what: &str| SnsError::invalid(format!("Message Structure - {what}"));
    let Ok(Json::Object(entries)) = serde_json::from_str(message) else {
        return Err(refused("JSON message body failed to parse"));
    };
    // Others are left out, as SNS does.
    let texts = entries.into_iter().filter_map(|(protocol, text)| match text {
        Json::String(text) => Some((protocol, text)),
        _ => None,
    });
    let texts: BTreeMap<_, _> = texts.collect();
    if !texts.contains_key("default") {
        return Err(refused("No default entry in JSON message body"));
    }
    Ok(texts)
}

/// `MessageAttributes.entry.{n}.…`, from 1 on and without a gap.
fn attributes(parameters: &mut Parameters) -> Result<BTreeMap<String, Attribute>, SnsError> {
    let mut all = BTreeMap::new();
    for n in 1..=MAX_ATTRIBUTES {
        let entry = format!("MessageAttributes.entry.{n}");
        let Some(name) = parameters.take(&format!("{entry}.Name")) else {
            break;
        };
        let data_type = parameters.require(&format!("{entry}.Value.DataType"))?;
        let text = parameters.take(&format!("{entry}.Value.StringValue"));
        let binary = parameters.take(&format!("{entry}.Value.BinaryValue"));
        let attribute = attribute(&name, data_type, text, binary)?;
        if all.insert(name.clone(), attribute).is_some() {
            return Err(SnsError::attribute(format!(
                "Duplicate message attribute name '{name}'"
            )));
        }
    }
    Ok(all)
}

fn attribute(
    name: &str,
    data_type: String,
    text: Option<String>,
    binary: Option<String>,
) -> Result<Attribute, SnsError> {
    let refused = |what: &str| SnsError::attribute(format!("The message attribute '{name}' {what}"));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > 256 || !name.bytes().all(plain) {
        return Err(refused("has an invalid name"));
    }
    let value = match (data_type.as_str(), text, binary) {
        ("String", Some(text), None) if !text.is_empty() => Value::Text(text),
        ("Number", Some(text), None) if text.parse::<f64>().is_ok_and(f64::is_finite) => Value::Text(text),
        ("String.Array", Some(text), None) if is_array(&text) => Value::Text(text),
        ("Binary", None, Some(text)) => match BASE64.decode(text) {
            Ok(bytes) if !bytes.is_empty() => Value::Binary(bytes),
            _ => return Err(refused("must contain a non-empty value in base64")),
        },
        ("String" | "Number" | "String.Array" | "Binary", _, _) => {
            return Err(refused("must contain one value, of its type and not empty"));
        }
        _ => return Err(refused("has an invalid message attribute type")),
    };
    Ok(Attribute { data_type, value })
}

/// Whether it is a JSON array of texts, numbers, booleans and nulls.
fn is_array(text: &str) -> bool {
    let Ok(Json::Array(items)) = serde_json::from_str(text) else {
        return false;
    };
    !items
        .iter()
        .any(|item| matches!(item, Json::Array(_) | Json::Object(_)))
}
