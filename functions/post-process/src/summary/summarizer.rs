//! Asking Bedrock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_bedrockruntime::error::SdkError;
use aws_sdk_bedrockruntime::operation::converse::{ConverseError, ConverseOutput};
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, InferenceConfiguration, Message, StopReason, SystemContentBlock,
};
use aws_smithy_types::{Document, Number};
use casefile::digest::Sha256;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Fault, Rejection, Risk};
use super::input::SummaryInput;
use super::prompt::{self, PROMPT_VERSION};
use super::settings::{Mode, Settings};
use super::unavailable::{Reason, Tokens, Unavailable};
use crate::clients::Clients;

/// The time for a summary, retries included: the rest of a record's work has to end within the function's time, too.
pub const TIME_LIMIT: Duration = Duration::from_secs(45);

/// `summary.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The model, as `BEDROCK_MODEL_ID` names it.
    pub model: String,
    /// See [`PROMPT_VERSION`].
    pub prompt_version: u32,
    /// [`SummaryInput::sha256`].
    pub input_sha256: Sha256,
    /// Of all answers to this input.
    pub tokens: Tokens,
    /// How many items of feedback the model wasn't shown, the least grave ones.
    pub items_left_out: usize,
    /// What was reviewed, and how it went.
    pub reviewed: String,
    /// The gravest open risks, at most three.
    pub risks: Vec<Risk>,
    /// What was rejected, at most five entries.
    pub rejected: Vec<Rejection>,
}

/// Asks Bedrock for summaries.
#[derive(Debug, Clone)]
pub struct Summarizer {
    clients: Arc<Clients>,
    settings: Settings,
    pub(super) limit: Duration,
}

impl Summarizer {
    /// Of a model. Connects to nothing yet.
    pub fn new(clients: Arc<Clients>, settings: Settings) -> Self {
        Self {
            clients,
            settings,
            limit: TIME_LIMIT,
        }
    }

    /// How it asks.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Asks once and, when the answer is wrong, once more. Every answer costs, so whoever calls keeps what it returns,
    /// by [`SummaryInput::sha256`].
    ///
    /// # Errors
    /// There is no summary within [`TIME_LIMIT`]: why, and what it cost. To be noted; not a failure of the record.
    pub async fn summarize(&self, input: &SummaryInput) -> Result<Summary, Unavailable> {
        let mut tokens = Tokens::default();
        let answer = tokio::time::timeout(self.limit, self.answer(input, &mut tokens)).await;
        match answer {
            Ok(Ok(answer)) => Ok(self.summary(input, tokens, answer)),
            Ok(Err(reason)) => Err(Unavailable { reason, tokens }),
            Err(_) => Err(Unavailable {
                reason: Reason::TooSlow,
                tokens,
            }),
        }
    }

    fn summary(&self, input: &SummaryInput, tokens: Tokens, answer: Answer) -> Summary {
        Summary {
            model: self.settings.model.clone(),
            prompt_version: PROMPT_VERSION,
            input_sha256: input.sha256(),
            tokens,
            items_left_out: input.items_left_out(),
            reviewed: answer.reviewed,
            risks: answer.risks,
            rejected: answer.rejected,
        }
    }

    async fn answer(&self, input: &SummaryInput, tokens: &mut Tokens) -> Result<Answer, Reason> {
        match self.ask(input, None, tokens).await? {
            Ok(answer) => Ok(answer),
            Err(fault) => self
                .ask(input, Some(&fault), tokens)
                .await?
                .map_err(Reason::Wrong),
        }
    }

    /// One question: an answer, or what is wrong with it.
    async fn ask(
        &self,
        input: &SummaryInput,
        refused: Option<&Fault>,
        tokens: &mut Tokens,
    ) -> Result<Result<Answer, Fault>, Reason> {
        let question = Message::builder()
            .role(ConversationRole::User)
            .content(ContentBlock::Text(prompt::message(input.data(), refused)))
            .build()
            .map_err(|error| Reason::Failed(error.to_string()))?;
        let output = self
            .clients
            .bedrock()
            .converse()
            .model_id(&self.settings.model)
            .system(SystemContentBlock::Text(prompt::SYSTEM.to_owned()))
            .messages(question)
            .inference_config(inference(&self.settings))
            .set_additional_model_request_fields(reasoning(&self.settings))
            .send()
            .await
            .map_err(|error| reason(&error))?;
        tokens.add(used(&output));
        Ok(text(&output)?.and_then(|text| Answer::parse(&text, input)))
    }
}

fn inference(settings: &Settings) -> InferenceConfiguration {
    let temperature = match settings.mode {
        Mode::Direct { temperature } => temperature,
        Mode::Reasoning { .. } => None,
    };
    InferenceConfiguration::builder()
        .max_tokens(i32::try_from(settings.max_tokens).unwrap_or(i32::MAX))
        .set_temperature(temperature)
        .build()
}

/// As Claude models take it (Bedrock user guide, *Extended thinking*).
fn reasoning(settings: &Settings) -> Option<Document> {
    let Mode::Reasoning { budget_tokens } = settings.mode else {
        return None;
    };
    let budget = Document::Number(Number::PosInt(budget_tokens.into()));
    let thinking = HashMap::from([
        ("type".to_owned(), Document::String("enabled".to_owned())),
        ("budget_tokens".to_owned(), budget),
    ]);
    let fields = HashMap::from([("thinking".to_owned(), Document::Object(thinking))]);
    Some(Document::Object(fields))
}

fn used(output: &ConverseOutput) -> Tokens {
    let count = |tokens: i32| u64::try_from(tokens).unwrap_or_default();
    output.usage().map_or_else(Tokens::default, |usage| {
        let cached = [usage.cache_read_input_tokens(), usage.cache_write_input_tokens()];
        Tokens {
            input: count(usage.input_tokens()) + cached.into_iter().flatten().map(count).sum::<u64>(),
            output: count(usage.output_tokens()),
        }
    })
}

/// The answer's text, if the model ended it itself; what it reasoned is left out.
fn text(output: &ConverseOutput) -> Result<Result<String, Fault>, Reason> {
    match output.stop_reason() {
        StopReason::EndTurn | StopReason::StopSequence => {}
        StopReason::MaxTokens => return Ok(Err(Fault::CutOff)),
        StopReason::MalformedModelOutput => return Ok(Err(Fault::Shape)),
        StopReason::ToolUse | StopReason::MalformedToolUse => return Ok(Err(Fault::Tool)),
        other => return Err(Reason::Declined(stop_name(other))),
    }
    let message = output.output().and_then(|output| output.as_message().ok());
    let mut text = String::new();
    for block in message.map(Message::content).unwrap_or_default() {
        match block {
            ContentBlock::Text(part) => text.push_str(part),
            ContentBlock::ToolUse(_) => return Ok(Err(Fault::Tool)),
            _ => {}
        }
    }
    Ok(Ok(text))
}

/// `content_filtered`, `guardrail_intervened`, `refusal` …; from a service, so nothing long or odd goes on.
fn stop_name(stop: &StopReason) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    stop.as_str().chars().filter(is_plain).take(40).collect()
}

fn reason<R>(error: &SdkError<ConverseError, R>) -> Reason {
    match error {
        SdkError::TimeoutError(_) => Reason::TooSlow,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Reason::TooSlow,
        SdkError::DispatchFailure(_) => Reason::Failed("it can't be reached".to_owned()),
        SdkError::ServiceError(service) => of_service(service.err()),
        _ => Reason::Failed("its answer can't be read".to_owned()),
    }
}

fn of_service(error: &ConverseError) -> Reason {
    match error {
        ConverseError::ThrottlingException(_)
        | ConverseError::ServiceUnavailableException(_)
        | ConverseError::ModelNotReadyException(_) => Reason::Throttled,
        ConverseError::ModelTimeoutException(_) => Reason::TooSlow,
        ConverseError::AccessDeniedException(_) => Reason::SetUp("AccessDeniedException"),
        ConverseError::ResourceNotFoundException(_) => Reason::SetUp("ResourceNotFoundException"),
        ConverseError::ValidationException(_) => Reason::SetUp("ValidationException"),
        other => Reason::Failed(code(other)),
    }
}

fn code(error: &ConverseError) -> String {
    use aws_sdk_bedrockruntime::error::ProvideErrorMetadata;
    let code = error.code().unwrap_or("an error without a code");
    code.chars().take(100).filter(|c| !c.is_control()).collect()
}
