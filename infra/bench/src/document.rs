use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::event::{TENANT, http_event};
use crate::s3::Object;

/// A stored document that links are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document {
    collection: &'static str,
    path: &'static str,
    key: &'static str,
}

/// A document by itself, of a collection that demands no verification: one HEAD finds it.
pub(crate) const FILE: Document = Document {
    collection: "training-logs",
    path: "2025/11/6f1d2b7c-run.log",
    key: "training-logs/2025/11/6f1d2b7c-run.log",
};

/// A file of a session: whether its manifest is there is asked at the same time.
pub(crate) const SESSION_FILE: Document = Document {
    collection: "reviews",
    path: "20251114_142510_write-up_TR-20417/comprehensive_report.json",
    key: "tara/20251114_142510_write-up_TR-20417/comprehensive_report.json",
};
const MANIFEST: &str = "tara/20251114_142510_write-up_TR-20417/manifest.json";

impl Document {
    /// The event of a request for a link to it.
    pub(crate) fn event(self) -> Vec<u8> {
        let path = format!("/v1/links/{}/{}", self.collection, self.path);
        http_event("GET", "GET /v1/links/{collection}/{path+}", &path, None)
    }
}

/// The objects that lie in the bucket for it, as an office user's own tenant has stored them.
pub(crate) fn objects() -> [(String, Object); 3] {
    [FILE.key, SESSION_FILE.key, MANIFEST].map(|key| (key.to_owned(), object(key)))
}

fn object(key: &str) -> Object {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let content_type = match key.rsplit('.').next() {
        Some("log") => "text/plain",
        _ => "application/json",
    };
    Object {
        headers: vec![
            header("content-type", content_type),
            header("x-amz-checksum-sha256", &STANDARD.encode([7; 32])),
            header("x-amz-checksum-type", "FULL_OBJECT"),
            header("x-amz-meta-tenant", TENANT),
        ],
        body: vec![0; 64 * 1024],
        times: 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_links_are_asked_for_is_there() {
        let keys = objects().map(|(key, _)| key);
        for document in [FILE, SESSION_FILE] {
            assert!(keys.iter().any(|key| key == document.key));
            assert!(document.key.ends_with(document.path));
            let event: Value = serde_json::from_slice(&document.event()).unwrap();
            assert!(event["rawPath"].as_str().unwrap().ends_with(document.path));
        }
    }
}
