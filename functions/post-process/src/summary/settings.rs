//! Whether, with which model and how summaries are written.

use casefile::config::Env;

const DEFAULT_MAX_TOKENS: u32 = 1024;
/// Bounds what an answer can cost.
const MAX_TOKENS: u32 = 65_536;
/// The least that Bedrock takes (Bedrock user guide, *Extended thinking*).
const MIN_BUDGET: u32 = 1024;
/// The longest `modelId` that Converse takes.
const MAX_MODEL_CHARS: usize = 2048;

/// How to ask Bedrock.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// A model's id, or the id or ARN of an inference profile.
    pub model: String,
    /// The most tokens in an answer; reasoning counts.
    pub max_tokens: u32,
    /// Whether the model reasons first.
    pub mode: Mode,
}

/// Bedrock takes a temperature only where the model doesn't reason.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// Answers at once, at this temperature, or the model's own.
    Direct {
        /// From 0 to 1.
        temperature: Option<f32>,
    },
    /// Reasons first.
    Reasoning {
        /// The most tokens for reasoning: from 1,024 to one less than `max_tokens`.
        budget_tokens: u32,
    },
}

impl Settings {
    /// Reads `BEDROCK_MODEL_ID` (without it nothing is summarised), `BEDROCK_MAX_TOKENS` (1,024), `BEDROCK_TEMPERATURE`
    /// (the model's own), `REASONING_ENABLED` (false) and `REASONING_BUDGET_TOKENS` (1,024).
    ///
    /// Wrong values are refused also where no model is set: they would wait for the day that one is.
    pub fn read(env: &mut Env) -> Option<Self> {
        let model = env.optional("BEDROCK_MODEL_ID", model_id);
        let max_tokens = or_default(env, "BEDROCK_MAX_TOKENS", DEFAULT_MAX_TOKENS, max_tokens);
        let temperature = env.optional("BEDROCK_TEMPERATURE", temperature);
        let mode = match env.optional("REASONING_ENABLED", switch) {
            Some(true) => reasoning(env, max_tokens),
            _ => Some(Mode::Direct { temperature }),
        };
        Some(Self {
            model: model?,
            max_tokens: max_tokens?,
            mode: mode?,
        })
    }
}

/// Bedrock's rules for reasoning (Bedrock user guide, *Extended thinking*, *Considerations*).
fn reasoning(env: &mut Env, max_tokens: Option<u32>) -> Option<Mode> {
    if env.text("BEDROCK_TEMPERATURE").is_some() {
        env.refuse(
            "BEDROCK_TEMPERATURE",
            "must not be set while REASONING_ENABLED is true: a model that reasons takes no temperature",
        );
    }
    let budget_tokens = or_default(env, "REASONING_BUDGET_TOKENS", MIN_BUDGET, budget)?;
    if max_tokens.is_some_and(|max_tokens| budget_tokens >= max_tokens) {
        env.refuse(
            "REASONING_BUDGET_TOKENS",
            format!(
                "is {budget_tokens}, and must be less than BEDROCK_MAX_TOKENS, which reasoning counts towards"
            ),
        );
    }
    Some(Mode::Reasoning { budget_tokens })
}

fn or_default(
    env: &mut Env,
    name: &str,
    default: u32,
    parse: fn(&str) -> Result<u32, String>,
) -> Option<u32> {
    match env.text(name) {
        Some(_) => env.optional(name, parse),
        None => Some(default),
    }
}

fn max_tokens(text: &str) -> Result<u32, String> {
    whole_number(text, 1, MAX_TOKENS)
}

fn budget(text: &str) -> Result<u32, String> {
    whole_number(text, MIN_BUDGET, MAX_TOKENS)
}

fn whole_number(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("must be a whole number from {least} to {most}"))
}

fn temperature(text: &str) -> Result<f32, &'static str> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or("must be a number from 0 to 1")
}

fn switch(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("must be true or false"),
    }
}

fn model_id(text: &str) -> Result<String, &'static str> {
    let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
    if text.len() > MAX_MODEL_CHARS || !text.chars().all(is_id) {
        return Err("is not a model's id, or the id or ARN of an inference profile");
    }
    // Bedrock takes neither system prompt nor limits beside one.
    if text.contains(":prompt/") {
        return Err("names a managed prompt; it must name a model or an inference profile");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        let mut env = Env::of(variables.iter().copied());
        let settings = Settings::read(&mut env);
        env.finish(Some(settings)).map_err(|error| error.to_string())
    }

    const MODEL: (&str, &str) = ("BEDROCK_MODEL_ID", "eu.anthropic.claude-sonnet-4-20250514-v1:0");

    #[test]
    fn without_a_model_nothing_is_summarised() {
        assert_eq!(
            read(&[("BEDROCK_MODEL_ID", ""), ("BEDROCK_MAX_TOKENS", "2048")]),
            Ok(None)
        );
    }

    #[test]
    fn a_model_alone_is_enough() {
        let settings = read(&[MODEL]).unwrap().unwrap();
        assert_eq!(settings.max_tokens, 1024);
        assert_eq!(settings.mode, Mode::Direct { temperature: None });
    }

    #[test]
    fn reasoning_has_a_budget_and_no_temperature() {
        let settings = read(&[
            MODEL,
            ("BEDROCK_MAX_TOKENS", "4096"),
            ("REASONING_ENABLED", "True"),
            ("REASONING_BUDGET_TOKENS", "4095"),
        ]);
        assert_eq!(
            settings.unwrap().unwrap().mode,
            Mode::Reasoning { budget_tokens: 4095 }
        );
        let error = read(&[
            MODEL,
            ("BEDROCK_MAX_TOKENS", "2048"),
            ("BEDROCK_TEMPERATURE", "0.7"),
            ("REASONING_ENABLED", "true"),
            ("REASONING_BUDGET_TOKENS", "2048"),
        ])
        .unwrap_err();
        assert!(error.contains("BEDROCK_TEMPERATURE must not be set"), "{error}");
        assert!(
            error.contains("REASONING_BUDGET_TOKENS is 2048, and must be less than"),
            "{error}"
        );
    }

    #[test]
    fn the_default_answer_is_too_short_to_reason() {
        let error = read(&[MODEL, ("REASONING_ENABLED", "true")]).unwrap_err();
        assert!(error.contains("less than BEDROCK_MAX_TOKENS"), "{error}");
    }

    #[test]
    fn all_wrong_settings_are_named_at_once_each_once() {
        let error = read(&[
            ("BEDROCK_MODEL_ID", "two words"),
            ("BEDROCK_MAX_TOKENS", "0"),
            ("BEDROCK_TEMPERATURE", "NaN"),
            ("REASONING_ENABLED", "perhaps"),
        ])
        .unwrap_err();
        for name in [
            "BEDROCK_MODEL_ID",
            "BEDROCK_MAX_TOKENS",
            "BEDROCK_TEMPERATURE",
            "REASONING_ENABLED",
        ] {
            assert_eq!(error.matches(name).count(), 1, "{name}: {error}");
        }
        let error = read(&[
            MODEL,
            ("BEDROCK_MAX_TOKENS", "4096"),
            ("REASONING_ENABLED", "true"),
            ("REASONING_BUDGET_TOKENS", "1023"),
        ])
        .unwrap_err();
        assert!(
            error.contains("REASONING_BUDGET_TOKENS must be a whole number from 1024"),
            "{error}"
        );
    }

    #[test]
    fn a_managed_prompt_is_no_model() {
        let prompt = "arn:aws:bedrock:eu-central-1:123456789012:prompt/ABCDEFGHIJ:1";
        let error = read(&[("BEDROCK_MODEL_ID", prompt)]).unwrap_err();
        assert!(
            error.contains("names a managed prompt") && !error.contains(prompt),
            "{error}"
        );
    }
}
