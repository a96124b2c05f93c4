use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::binaries::workspace;
use crate::error::BenchError;
use crate::event::http_event;

/// The sample review of `tests/fixtures/review`, to be exported again and again.
#[derive(Debug)]
pub(crate) struct Sample {
    session: Value,
    before: String,
    guidelines: Value,
}

impl Sample {
    pub(crate) fn read() -> Result<Self, BenchError> {
        let folder = workspace().join("tests/fixtures/review");
        let session: Value = serde_json::from_slice(&std::fs::read(folder.join("session.json"))?)?;
        let guidelines = json!({
            "file_name": session.get("guidelines_name"),
            "content_base64": base64(&folder.join("guidelines.docx"))?,
        });
        Ok(Self {
            session,
            before: base64(&folder.join("before.docx"))?,
            guidelines,
        })
    }

    /// The HTTP API event of an export; each number makes another session with a document of another name, so that
    /// none finds the name of its folder taken.
    pub(crate) fn event(&self, number: usize) -> Vec<u8> {
        let name = format!("write-up TR-{number}.docx");
        let mut session = self.session.clone();
        if let Value::Object(fields) = &mut session {
            fields.insert(
                "session_id".to_owned(),
                json!(format!("5f0c2b1e-8a4d-4d0e-9c57-{number:012}")),
            );
            fields.insert("document_name".to_owned(), json!(name));
        }
        let before = json!({ "file_name": name, "content_base64": self.before });
        let body =
            json!({ "session": session, "documents": { "before": before, "guidelines": self.guidelines } });
        http_event("POST", "POST /v1/reviews", "/v1/reviews", Some(&body.to_string()))
    }
}

fn base64(path: &Path) -> Result<String, BenchError> {
    Ok(STANDARD.encode(std::fs::read(path)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_another_session_with_another_document() {
        let sample = Sample::read().unwrap();
        let session = |number| {
            let event: Value = serde_json::from_slice(&sample.event(number)).unwrap();
            let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
            body["session"].clone()
        };
        let (first, second) = (session(1), session(2));
        assert_ne!(first["session_id"], second["session_id"]);
        assert_ne!(first["document_name"], second["document_name"]);
        assert_eq!(first["feedback_data"], second["feedback_data"]);
    }
}
