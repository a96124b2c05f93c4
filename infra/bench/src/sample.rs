use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::binaries::workspace;
use crate::error::BenchError;

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
        http_event(&body.to_string()).to_string().into_bytes()
    }
}

fn base64(path: &Path) -> Result<String, BenchError> {
    Ok(STANDARD.encode(std::fs::read(path)?))
}

/// An event of payload format 2.0, as API Gateway sends it.
fn http_event(body: &str) -> Value {
    let key = "POST /v1/reviews";
    let claims =
        json!({ "sub": "bench", "email": "bench@localhost", "groups": "[office]", "tenant": "bench" });
    json!({
        "version": "2.0",
        "routeKey": key,
        "rawPath": "/v1/reviews",
        "rawQueryString": "",
        "headers": {
            "content-length": body.len().to_string(),
            "content-type": "application/json",
            "host": "id.execute-api.us-east-1.amazonaws.com",
            "user-agent": "casefile-bench",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "id",
            "authorizer": { "jwt": { "claims": claims, "scopes": null } },
            "domainName": "id.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "id",
            "http": {
                "method": "POST",
                "path": "/v1/reviews",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "casefile-bench",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": key,
            "stage": "$default",
            "time": "14/Nov/2025:14:25:10 +0000",
            "timeEpoch": 1_763_130_310_000_i64,
        },
        "body": body,
        "isBase64Encoded": false,
    })
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
