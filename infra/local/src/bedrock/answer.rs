//! What the stand-in answers.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::service::Memory;

/// Fits whoever wants JSON with a summary, its risks and its rejections: it names none.
const NOBODY: &str =
    r#"{"reviewed":"No model runs on this machine: a stand-in wrote this.","risks":[],"rejected":[]}"#;

/// What somebody asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The model's id.
    pub model: String,
    /// The request's body.
    pub request: Value,
}

impl Asked {
    /// All texts of the last message, in their order.
    pub fn text(&self) -> String {
        let messages = self.request.get("messages").and_then(Value::as_array);
        let content = messages.and_then(|messages| messages.last()?.get("content")?.as_array());
        let texts = content.into_iter().flatten();
        texts
            .filter_map(|block| block.get("text")?.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// An answer of Bedrock's.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `x-amzn-ErrorType`, of a failure.
    pub error: Option<String>,
    /// The body.
    pub body: Value,
    /// How long it takes to come.
    pub delay: Duration,
}

impl Answer {
    /// The model says this.
    pub fn text(text: impl Into<String>) -> Self {
        Self::stopped(text, "end_turn")
    }

    /// The model says this, and stops because of `reason`: `end_turn`, `max_tokens`, `content_filtered`, `refusal`, …
    pub fn stopped(text: impl Into<String>, reason: &str) -> Self {
        let content = json!([{ "text": text.into() }]);
        Self::body(json!({
            "output": { "message": { "role": "assistant", "content": content } },
            "stopReason": reason,
            "usage": { "inputTokens": 3, "outputTokens": 4, "totalTokens": 7 },
            "metrics": { "latencyMs": 5 },
        }))
    }

    /// This body, with status 200.
    pub fn body(body: Value) -> Self {
        Self {
            status: 200,
            error: None,
            body,
            delay: Duration::ZERO,
        }
    }

    /// A failure, such as 429 `ThrottlingException`.
    pub fn failure(status: u16, error: &str, message: &str) -> Self {
        Self {
            status,
            error: Some(error.to_owned()),
            body: json!({ "message": message }),
            delay: Duration::ZERO,
        }
    }

    /// The same, after a while.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

type Script = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;

/// What the stand-in was asked, and what it answers. Clones share it.
///
/// Answers that were lined up come first, each once, and then what the script says. Until somebody says otherwise, that
/// is a summary without content.
#[derive(Clone, Default)]
pub struct Bedrock {
    lined_up: Arc<Mutex<VecDeque<Answer>>>,
    script: Arc<Mutex<Option<Script>>>,
    asked: Arc<Memory<Asked>>,
}

impl fmt::Debug for Bedrock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bedrock").finish_non_exhaustive()
    }
}

impl Bedrock {
    /// Lines up answers to the next requests.
    pub fn line_up(&self, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.lined_up).extend(answers);
    }

    /// Answers from now on what `script` says.
    pub fn answer_with(&self, script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) {
        *lock(&self.script) = Some(Arc::new(script));
    }

    /// What was asked and wasn't refused, oldest first; of very much, the last ten thousand.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.all()
    }

    pub(super) fn answer(&self, asked: &Asked) -> Answer {
        self.asked.push(asked.clone());
        if let Some(answer) = lock(&self.lined_up).pop_front() {
            return answer;
        }
        let script = lock(&self.script).clone();
        script.map_or_else(|| Answer::text(NOBODY), |script| script(asked))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
