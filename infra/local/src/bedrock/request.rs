//! What Bedrock would refuse.

use serde::Deserialize;
use serde_json::Value;

const MIN_BUDGET: u64 = 1024;

/// The body of a Converse request, as far as it is looked into.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Converse {
    #[serde(default)]
    messages: Vec<Message>,
    #[serde(default)]
    system: Vec<Value>,
    #[serde(default)]
    inference_config: Inference,
    #[serde(default)]
    additional_model_request_fields: Value,
    #[serde(default, rename = "additionalModelResponseFieldPaths")]
    _paths: Vec<String>,
    #[serde(rename = "toolConfig")]
    _tools: Option<Value>,
    #[serde(rename = "guardrailConfig")]
    _guardrail: Option<Value>,
    #[serde(rename = "outputConfig")]
    _output: Option<Value>,
    #[serde(rename = "performanceConfig")]
    _performance: Option<Value>,
    #[serde(rename = "serviceTier")]
    _tier: Option<Value>,
    #[serde(rename = "requestMetadata")]
    _metadata: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: Role,
    content: Vec<Value>,
}

#[derive(Deserialize, PartialEq, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Role {
    User,
    Assistant,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Inference {
    max_tokens: Option<u64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    #[serde(default, rename = "stopSequences")]
    _stop: Vec<String>,
}

/// # Errors
/// The message of Bedrock's `ValidationException`.
pub(super) fn check(body: &Value) -> Result<(), String> {
    let request = Converse::deserialize(body).map_err(|error| format!("Malformed input request: {error}"))?;
    check_messages(&request.messages)?;
    for block in &request.system {
        check_block(block)?;
    }
    check_inference(&request.inference_config)?;
    check_reasoning(
        &request.inference_config,
        &request.additional_model_request_fields,
    )
}

fn check_messages(messages: &[Message]) -> Result<(), String> {
    match messages.first() {
        None => return Err("A conversation must have a message.".to_owned()),
        Some(first) if first.role != Role::User => {
            return Err("A conversation must start with a user message.".to_owned());
        }
        Some(_) => {}
    }
    let mut pairs = messages.iter().zip(messages.iter().skip(1));
    if pairs.any(|(one, next)| one.role == next.role) {
        return Err("A conversation must alternate between user and assistant roles.".to_owned());
    }
    for (message, n) in messages.iter().zip(0..) {
        if message.content.is_empty() {
            return Err(format!(
                "The content field in the Message object at messages.{n} is empty."
            ));
        }
        message.content.iter().try_for_each(check_block)?;
    }
    Ok(())
}

/// One member, and no text without text.
fn check_block(block: &Value) -> Result<(), String> {
    match block.as_object() {
        Some(members) if members.len() == 1 => {}
        _ => return Err("A ContentBlock object has exactly one member.".to_owned()),
    }
    match block.get("text").map(Value::as_str) {
        Some(None) => Err("The text field in the ContentBlock object is no text.".to_owned()),
        Some(Some(text)) if text.trim().is_empty() => Err(
            "The text field in the ContentBlock object is blank. Add text to the text field, and try again."
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

fn check_inference(inference: &Inference) -> Result<(), String> {
    if inference.max_tokens == Some(0) {
        return Err("maxTokens must be at least 1".to_owned());
    }
    for (name, value) in [("temperature", inference.temperature), ("topP", inference.top_p)] {
        if value.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            return Err(format!("{name} must be from 0 to 1"));
        }
    }
    Ok(())
}

fn check_reasoning(inference: &Inference, fields: &Value) -> Result<(), String> {
    let settings = ["thinking", "reasoning_config"];
    let settings = settings.into_iter().find_map(|name| fields.get(name));
    let Some(settings) =
        settings.filter(|settings| settings.get("type").is_some_and(|kind| kind == "enabled"))
    else {
        return Ok(());
    };
    let budget = settings.get("budget_tokens").and_then(Value::as_u64);
    if budget.is_none_or(|budget| budget < MIN_BUDGET) {
        return Err(format!(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to {MIN_BUDGET}"
        ));
    }
    if budget >= inference.max_tokens {
        return Err("`max_tokens` must be greater than `thinking.budget_tokens`.".to_owned());
    }
    if inference.temperature.is_some_and(|temperature| temperature < 1.0) {
        return Err("`temperature` may only be set to 1 when thinking is enabled.".to_owned());
    }
    Ok(())
}
