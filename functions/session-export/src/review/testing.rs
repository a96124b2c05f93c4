//! The sample review, as a request.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use casefile::name::FolderName;
use serde_json::{Value, json};

use super::folder::{Draft, Folder};
use super::readable::ReportTemplate;
use super::request::ReviewRequest;

/// A file of the sample review.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/review");
    std::fs::read(folder.join(name)).unwrap()
}

/// A request for the sample review.
pub(crate) fn sample_request() -> Value {
    let session: Value = serde_json::from_slice(&sample("session.json")).unwrap();
    json!({
        "documents": {
            "before": { "file_name": session["document_name"], "content_base64": BASE64.encode(sample("before.docx")) },
            "guidelines": { "file_name": "guidelines.docx", "content_base64": BASE64.encode(sample("guidelines.docx")) },
        },
        "session": session,
    })
}

/// A request whose documents all stand in it.
pub(crate) fn inline(text: &str) -> ReviewRequest<'_> {
    ReviewRequest::parse(text, &[]).unwrap().inline().unwrap()
}

/// The export of a request, at the sample's time.
pub(crate) fn build(request: &Value) -> Folder {
    let text = request.to_string();
    let request = inline(&text);
    let name = FolderName::parse("20251114_142510_write-up_TR-20417").unwrap();
    let template = ReportTemplate::new(None).unwrap();
    let draft = Draft {
        request: &request,
        template: &template,
        generator: "session-export/test",
        kept: None,
    };
    draft.build(&name, "2025-11-14T14:25:10.000Z", 1).unwrap()
}

/// A file of an export, as text.
pub(crate) fn text(folder: &Folder, path: &str) -> String {
    let file = folder.all().find(|file| file.file.path() == path).unwrap();
    String::from_utf8(file.bytes().unwrap().to_vec()).unwrap()
}
