//! The SDK's own client against a server that speaks Bedrock's wire format.

mod answers;
mod budget;
mod hostile;
mod questions;

use serde_json::{Value, json};

use super::{Mode, SessionFiles, Settings, Summarizer, Summary, SummaryInput, Unavailable};
use crate::clients::testing::{Answer, Server};

/// The fields of a session's files that a summary rests on.
struct Session {
    report: Value,
    accepted: Value,
    rejected: Value,
    user_custom: Value,
    suggestions: Value,
}

impl Session {
    /// The sample session, as session-export writes it.
    fn sample() -> Self {
        let sample = include_str!("../../../../../tests/fixtures/review/session.json");
        let sample: Value = serde_json::from_str(sample).unwrap();
        Self {
            report: json!({
                "export_metadata": {
                    "document_name": sample["document_name"],
                    "guidelines_used": sample["guidelines_name"],
                    "session_id": sample["session_id"],
                },
                "summary_statistics": {"total_ai_suggestions": 7, "total_rejected": 2},
                "risk_analysis": {"High": 2, "Medium": 3, "Low": 2},
                "category_analysis": {"Documentation": 2, "Timeline": 1},
                "section_analysis": {"Background": {"total_suggestions": 1}},
                "session": {"user": sample["user"], "sections": sample["sections"]},
            }),
            accepted: sample["accepted_feedback"].clone(),
            rejected: sample["rejected_feedback"].clone(),
            user_custom: sample["user_feedback"].clone(),
            suggestions: sample["feedback_data"].clone(),
        }
    }

    /// A session of one accepted item.
    fn of(item: &Value) -> Self {
        let mut session = Self::sample();
        session.accepted = json!({"Background": [item]});
        for file in [
            &mut session.rejected,
            &mut session.user_custom,
            &mut session.suggestions,
        ] {
            *file = json!({});
        }
        session
    }

    fn input(&self) -> SummaryInput {
        let file = |feedback: &Value| {
            let document = json!({"export_info": {"total_items": 1}, "feedback_by_section": feedback});
            serde_json::to_vec(&document).unwrap()
        };
        let files = [
            &self.accepted,
            &self.rejected,
            &self.user_custom,
            &self.suggestions,
        ]
        .map(file);
        let report = serde_json::to_vec(&self.report).unwrap();
        let files = SessionFiles {
            report: &report,
            accepted: &files[0],
            rejected: &files[1],
            user_custom: &files[2],
            suggestions: &files[3],
        };
        SummaryInput::from_files(&settings(), &files).unwrap()
    }
}

fn settings() -> Settings {
    Settings {
        model: "anthropic.claude-sonnet-4-20250514-v1:0".to_owned(),
        max_tokens: 1024,
        mode: Mode::Direct { temperature: None },
    }
}

/// An answer that fits the sample session.
fn good() -> Value {
    json!({
        "reviewed": "A write-up of a suspended account was reviewed. Seven suggestions were made, five accepted.",
        "risks": [
            {"feedback_ids": ["bg-1"], "risk": "Other accounts may be exposed.", "why": "Nobody counted them."},
            {"feedback_ids": ["ip-1", "custom_101530_000001"], "risk": "Evidence may not hold.", "why": "No exhibit."},
        ],
        "rejected": [
            {"feedback_ids": ["ip-2"], "what": "A wording was rejected.", "why": "It matters little."},
        ],
    })
}

/// Bedrock's answer of these content blocks, of 100 tokens in and 20 out.
fn converse(content: &Value, stop_reason: &str) -> Answer {
    let answer = json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason,
        "usage": {"inputTokens": 100, "outputTokens": 20, "totalTokens": 120},
        "metrics": {"latencyMs": 5},
    });
    Answer::ok(answer.to_string())
}

/// Bedrock's answer of one text.
fn text(text: &impl ToString) -> Answer {
    converse(&json!([{ "text": text.to_string() }]), "end_turn")
}

fn summarizer(server: &Server) -> Summarizer {
    Summarizer::new(server.clients(), settings())
}

/// What comes of these answers to the sample session, and how often Bedrock was asked.
async fn summarize<const N: usize>(answers: [Answer; N]) -> (Result<Summary, Unavailable>, usize) {
    let server = Server::start(answers).await;
    let summary = summarizer(&server).summarize(&Session::sample().input()).await;
    (summary, server.asked().len())
}
