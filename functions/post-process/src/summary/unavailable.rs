//! Why there is no summary.

use serde::{Deserialize, Serialize};

use super::answer::Fault;

/// Tokens as Bedrock counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Read.
    pub input: u64,
    /// Written, reasoning included.
    pub output: u64,
}

impl Tokens {
    pub(super) fn add(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
    }
}

/// There is no summary. Nothing else is to wait for one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unavailable {
    /// Why.
    pub reason: Reason,
    /// What was used up all the same.
    pub tokens: Tokens,
}

impl From<Reason> for Unavailable {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            tokens: Tokens::default(),
        }
    }
}

/// Why there is no summary. Fit for logs: it holds nothing of a review, nor of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Too many requests, or Bedrock has no capacity, also after the SDK's retries.
    #[error("Bedrock is throttling")]
    Throttled,
    /// The model, or a guardrail, declined.
    #[error("the model declined to answer ({0})")]
    Declined(String),
    /// Two answers were wrong.
    #[error("the model's second answer, too, {0}")]
    Wrong(Fault),
    /// No answer in time.
    #[error("Bedrock didn't answer in time")]
    TooSlow,
    /// Bedrock refused the request, which is somebody's to mend: rights, model id, region.
    #[error(
        "Bedrock refused the request: {0}; see that BEDROCK_MODEL_ID may be invoked here and takes these settings"
    )]
    SetUp(&'static str),
    /// Anything else.
    #[error("Bedrock failed: {0}")]
    Failed(String),
    /// A file of the session isn't what session-export writes.
    #[error("{0} can't be read as what session-export writes")]
    Unreadable(&'static str),
}
