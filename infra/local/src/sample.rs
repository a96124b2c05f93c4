//! The sample review that the demo, the tests and the benchmark export.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::token::Claims;

/// The workspace's root.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Who exports the sample: the user `local`, of the office of the tenant `local`.
pub fn caller() -> Claims {
    Claims {
        email: Some("local@localhost".to_owned()),
        groups: vec!["office".to_owned()],
        tenant: Some("local".to_owned()),
        ..Claims::new("local")
    }
}

/// A request to export the sample review of `tests/fixtures/review`.
///
/// # Errors
/// When the files can't be read.
pub fn review_request() -> std::io::Result<Value> {
    let folder = workspace().join("tests/fixtures/review");
    let session: Value = serde_json::from_slice(&std::fs::read(folder.join("session.json"))?)?;
    let document = |file: &str, name: &Value| {
        let content = BASE64.encode(std::fs::read(folder.join(file))?);
        Ok::<_, std::io::Error>(json!({ "file_name": name, "content_base64": content }))
    };
    let before = document(
        "before.docx",
        session.get("document_name").unwrap_or(&Value::Null),
    )?;
    let guidelines = document(
        "guidelines.docx",
        session.get("guidelines_name").unwrap_or(&Value::Null),
    )?;
    Ok(json!({ "session": session, "documents": { "before": before, "guidelines": guidelines } }))
}
