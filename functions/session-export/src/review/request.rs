//! What a caller sends to export a review: `{session, documents, destination?, strict?, revision?, owner?}`.
//!
//! It is read in two steps: [`ReviewRequest::parse`] checks everything that stands in the request;
//! [`ReviewRequest::with`] joins it with the documents, of which some may have been uploaded before.

use std::sync::OnceLock;

use casefile::digest::{Hasher, Sha256};
use casefile::json::{self, Errors, Node, Object};
use casefile::name::Owner;
use casefile::problem::Problem;

use super::session::Session;
use crate::document::{Document, GivenDocument, check_size, read_owner};

const FIELDS: [&str; 6] = [
    "session",
    "documents",
    "destination",
    "strict",
    "revision",
    "owner",
];

/// A request to export a review, read and checked, with its documents: those that it names, [`GivenDocument`], or those
/// that it means, [`Document`].
#[derive(Debug)]
pub struct ReviewRequest<'a, D = Document> {
    /// The session.
    pub session: Session<'a>,
    /// Its documents.
    pub documents: Documents<D>,
    /// Where the export goes.
    pub destination: Destination,
    /// Whether a document that can't be marked is an error instead of a warning.
    pub strict: bool,
    /// Whether other content than the first export's becomes a new revision instead of an error.
    pub revision: bool,
    /// Whose the session is within its tenant.
    pub owner: Option<Owner>,
    /// The session as it came.
    session_text: &'a str,
    /// [`ReviewRequest::content_sha256`], once it was asked for: it reads all of a session.
    content_sha256: OnceLock<Sha256>,
}

/// A review's documents.
#[derive(Debug)]
pub struct Documents<D> {
    /// As it came for review.
    pub before: D,
    /// With the review's result, where the application made it itself.
    pub after: Option<D>,
    /// What it was reviewed against.
    pub guidelines: Option<D>,
}

impl<D> Documents<D> {
    /// Each of them.
    pub fn all(&self) -> impl Iterator<Item = &D> {
        [&self.before]
            .into_iter()
            .chain(&self.after)
            .chain(&self.guidelines)
    }
}

/// Where an export goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// Into the bucket.
    S3,
    /// Into the answer, as a ZIP; nothing is stored.
    Download,
}

impl<'a> ReviewRequest<'a, GivenDocument> {
    /// Reads a request. `envelope` are the fields that a command event has beside the request's.
    ///
    /// # Errors
    /// `too-large` past [`MAX_REQUEST_BYTES`](crate::document::MAX_REQUEST_BYTES), `malformed-request` when it isn't JSON, `invalid-request` with every
    /// wrong field.
    pub fn parse(text: &'a str, envelope: &[&str]) -> Result<Self, Problem> {
        check_size(text)?;
        Self::parse_any(text, envelope)
    }

    /// Reads a request whose size is known to be right.
    ///
    /// # Errors
    /// As for [`ReviewRequest::parse`].
    pub fn parse_any(text: &'a str, envelope: &[&str]) -> Result<Self, Problem> {
        let node = Node::parse(text)?;
        let mut errors = Errors::default();
        match Self::read(&node, envelope, &mut errors) {
            Some(request) if errors.is_empty() => Ok(request),
            _ => Err(Problem::invalid(errors.into_vec())),
        }
    }

    fn read(node: &Node<'a>, envelope: &[&str], errors: &mut Errors) -> Option<Self> {
        let mut fields = node.object(errors)?;
        for name in envelope {
            fields.take(name);
        }
        let documents = fields.take_required("documents", errors);
        let documents = documents.and_then(|node| Documents::read(&node, errors));
        let session_node = fields.take_required("session", errors);
        let name = documents.as_ref().map(|documents| &documents.before.name);
        let session = session_node
            .as_ref()
            .and_then(|node| Session::parse(node, name, errors));
        let destination = fields
            .take("destination")
            .and_then(|node| Destination::read(&node, errors));
        let strict = flag(&mut fields, "strict", errors);
        let revision = flag(&mut fields, "revision", errors);
        let owner = fields.take("owner").and_then(|node| read_owner(&node, errors));
        fields.refuse_rest(&FIELDS, errors);
        Some(Self {
            session: session?,
            destination: destination.unwrap_or(Destination::S3),
            documents: documents?,
            strict,
            revision,
            owner,
            session_text: session_node?.text(),
            content_sha256: OnceLock::new(),
        })
    }

    /// The request with the documents that it means.
    pub fn with(self, documents: Documents<Document>) -> ReviewRequest<'a> {
        ReviewRequest {
            session: self.session,
            documents,
            destination: self.destination,
            strict: self.strict,
            revision: self.revision,
            owner: self.owner,
            session_text: self.session_text,
            content_sha256: self.content_sha256,
        }
    }
}

impl ReviewRequest<'_> {
    /// The digest of everything that decides what is written; `destination` and `revision` don't. It is the same
    /// whether a document stands in the request or was uploaded.
    pub fn content_sha256(&self) -> Sha256 {
        *self.content_sha256.get_or_init(|| self.content_digest())
    }

    fn content_digest(&self) -> Sha256 {
        let mut hasher = Hasher::default();
        // Each part is preceded by its length, so that no two contents give the same bytes.
        let mut part = |bytes: Option<&[u8]>| {
            let length = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
            hasher.update(&length.to_be_bytes());
            hasher.update(bytes.unwrap_or_default());
        };
        part(Some(&json::compact(self.session_text)));
        let documents = &self.documents;
        for document in [
            Some(&documents.before),
            documents.after.as_ref(),
            documents.guidelines.as_ref(),
        ] {
            part(document.map(|document| document.name.as_str().as_bytes()));
            let digest = document.map(|document| document.sha256.to_string());
            part(digest.as_deref().map(str::as_bytes));
        }
        part(Some(&[u8::from(self.strict)]));
        part(self.owner.as_ref().map(|owner| owner.as_str().as_bytes()));
        hasher.finish()
    }
}

impl Documents<GivenDocument> {
    fn read(node: &Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = node.object(errors)?;
        let before = fields
            .take_required("before", errors)
            .and_then(|node| GivenDocument::read(&node, errors));
        let mut optional = |fields: &mut Object<'_>, name| {
            fields
                .take(name)
                .and_then(|node| GivenDocument::read(&node, errors))
        };
        let after = optional(&mut fields, "after");
        let guidelines = optional(&mut fields, "guidelines");
        fields.refuse_rest(&["before", "after", "guidelines"], errors);
        Some(Self {
            before: before?,
            after,
            guidelines,
        })
    }
}

impl Destination {
    fn read(node: &Node<'_>, errors: &mut Errors) -> Option<Self> {
        match node.string(errors)?.as_str() {
            "s3" => Some(Self::S3),
            "download" => Some(Self::Download),
            _ => {
                node.refuse(errors, "must be s3 or download");
                None
            }
        }
    }
}

fn flag(fields: &mut Object<'_>, name: &str, errors: &mut Errors) -> bool {
    fields
        .take(name)
        .and_then(|node| node.boolean(errors))
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use casefile::problem::ProblemKind;

    use super::*;
    use crate::document::MAX_REQUEST_BYTES;
    use crate::review::testing::{inline, sample_request};

    fn errors(request: &Value) -> Vec<(String, String)> {
        let problem = ReviewRequest::parse(&request.to_string(), &[]).unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Invalid, "{problem}");
        problem
            .errors
            .into_iter()
            .map(|error| (error.pointer, error.detail))
            .collect()
    }

    fn digest(request: &Value) -> Sha256 {
        inline(&request.to_string()).content_sha256()
    }

    #[test]
    fn all_errors_of_a_request_are_named_at_once() {
        let mut request = sample_request();
        request["session"]["session_id"] = json!("../../etc");
        request["session"]["feedback_data"]["Background"][0]["type"] = json!("grave");
        request["session"]["feedback_data"]["Background"][0]["confidence"] = json!(1.5);
        request["session"]["rejected_feedback"]["Executive Summary"][0]["description"] = json!(null);
        request["session"]["activity_log"][2] = json!("x");
        request["session"]["paragraph_indices"]["Background"] = json!([1, -1]);
        request["documents"]["before"]["content_base64"] = json!("%%%");
        request["documents"]["guidelines"]["file_name"] = json!("../x.docx");
        request["documents"]["after"] =
            json!({"file_name": "x.docx", "upload_id": "x", "content_base64": ""});
        request["owner"] = json!("a\u{0}b");
        request["destination"] = json!("ftp");
        request["strickt"] = json!(true);
        let found: Vec<_> = errors(&request).into_iter().map(|(pointer, _)| pointer).collect();
        let expected = [
            "/documents/before/content_base64",
            "/documents/after",
            "/documents/guidelines/file_name",
            "/session/session_id",
            "/session/feedback_data/Background/0/confidence",
            "/session/feedback_data/Background/0/type",
            "/session/rejected_feedback/Executive Summary/0/description",
            "/session/paragraph_indices/Background/1",
            "/session/activity_log/2",
            "/destination",
            "/owner",
            "/strickt",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn limits_have_clear_errors() {
        let mut request = sample_request();
        let item = request["session"]["feedback_data"]["Background"][0].clone();
        request["session"]["feedback_data"]["Background"] = json!(vec![item; 5_001 - 6]);
        request["session"]["activity_log"] = json!(vec![json!({"action": "X"}); 20_001]);
        request["documents"]["before"]["file_name"] = json!("x".repeat(201));
        request["session"]["document_name"] = json!("x");
        let details: Vec<_> = errors(&request).into_iter().map(|(_, detail)| detail).collect();
        let expected = [
            "has 201 characters; at most 200 are allowed",
            "holds 5001 feedback items; at most 5000 are allowed",
            "holds 20001 entries; at most 20000 are allowed",
        ];
        assert_eq!(details, expected);
    }

    #[test]
    fn what_is_too_large_too_deep_or_no_json_is_said_to_be_so() {
        let kind = |text: &str| ReviewRequest::parse(text, &[]).unwrap_err().kind;
        assert_eq!(kind(&" ".repeat(MAX_REQUEST_BYTES + 1)), ProblemKind::TooLarge);
        assert_eq!(kind(&"[".repeat(65)), ProblemKind::Invalid);
        assert_eq!(kind("{\"session\": "), ProblemKind::Malformed);
        assert_eq!(kind(""), ProblemKind::Malformed);
        assert_eq!(kind("[]"), ProblemKind::Invalid);
    }

    #[test]
    fn the_digest_covers_content_and_not_how_it_is_asked_for() {
        let request = sample_request();
        let mut same = request.clone();
        same["destination"] = json!("s3");
        same["revision"] = json!(true);
        assert_eq!(digest(&request), digest(&same));
        let spaced = serde_json::to_string_pretty(&request).unwrap();
        assert_eq!(inline(&spaced).content_sha256(), digest(&request));
        for change in [
            json!({"owner": "x"}),
            json!({"strict": true}),
            json!({"documents": {"before": {"file_name": "y.docx", "content_base64": "eA=="}}}),
        ] {
            let mut other = request.clone();
            for (name, value) in change.as_object().unwrap() {
                other[name] = value.clone();
            }
            assert_ne!(digest(&request), digest(&other), "{change}");
        }
    }

    #[test]
    fn a_session_without_a_document_name_takes_the_file_s() {
        let mut request = sample_request();
        request["session"]
            .as_object_mut()
            .unwrap()
            .remove("document_name");
        let text = request.to_string();
        assert_eq!(
            ReviewRequest::parse(&text, &[])
                .unwrap()
                .session
                .document_name
                .as_str(),
            "write-up TR-20417.docx"
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = ReviewRequest::parse(&text, &[]);
        }

        #[test]
        fn a_damaged_request_never_panics(at in 0..60_000_usize, byte in any::<char>()) {
            let mut text = sample_request()["session"].to_string();
            let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.insert(at, byte);
            let _ = ReviewRequest::parse(&format!(r#"{{"session": {text}, "documents": {{}}}}"#), &[]);
        }
    }
}
