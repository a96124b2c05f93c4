//! The executive summary of a review session, by a model of Bedrock's: what was reviewed, the gravest open risks with
//! the feedback that they rest on, what was rejected and why that matters.
//!
//! What a review says is data, never an instruction. The model gets it as JSON between tags that no text can close,
//! has no tools, and its answer is believed only as far as it can be checked: it has to fit a schema, stay within
//! lengths, hold no links, and name feedback that exists and that it was shown.
//!
//! Bounds: at most [`MAX_INPUT_BYTES`] of data a call, the gravest items first; at most `BEDROCK_MAX_TOKENS` out; at
//! most two answers a session, within [`TIME_LIMIT`].
//!
//! Source: Bedrock API reference, *Converse*; OWASP Top 10 for LLM applications, LLM01 and LLM05.

mod answer;
mod input;
mod item;
mod prompt;
mod settings;
mod summarizer;
#[cfg(test)]
mod tests;
mod text;
mod unavailable;

pub use answer::{Fault, Rejection, Risk};
pub use input::{MAX_FILE_BYTES, MAX_INPUT_BYTES, SessionFiles, SummaryInput};
pub use prompt::PROMPT_VERSION;
pub use settings::{Mode, Settings};
pub use summarizer::{Summarizer, Summary, TIME_LIMIT};
pub use unavailable::{Reason, Tokens, Unavailable};
