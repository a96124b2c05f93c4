//! What a caller sends to store a file: `{file, metadata?, owner?, replaces?}`.

use casefile::collection::Collection;
use casefile::json::{Errors, Node};
use casefile::name::{Owner, TenantId};
use casefile::problem::Problem;

use super::metadata::Sorted;
use crate::document::{GivenDocument, check_size, read_owner};

const FIELDS: [&str; 3] = ["file", "metadata", "owner"];
const REPLACED_FIELDS: [&str; 4] = ["file", "metadata", "owner", "replaces"];
/// S3's version ids have up to 1,024 bytes (S3 user guide, *Retaining multiple versions of objects*).
const MAX_VERSION_ID: usize = 1_024;

/// A request to store a file.
#[derive(Debug)]
pub(super) struct FileRequest {
    pub(super) file: GivenDocument,
    pub(super) metadata: Sorted,
    pub(super) owner: Option<Owner>,
    /// The version, or the digest of the content, that it replaces.
    pub(super) replaces: Option<String>,
}

impl FileRequest {
    pub(super) fn parse(
        collection: Collection,
        tenant: &TenantId,
        text: &str,
        envelope: &[&str],
    ) -> Result<Self, Problem> {
        check_size(text)?;
        let node = Node::parse(text)?;
        let mut errors = Errors::default();
        match Self::read(collection, tenant, &node, envelope, &mut errors) {
            Some(request) if errors.is_empty() => Ok(request),
            _ => Err(Problem::invalid(errors.into_vec())),
        }
    }

    fn read(
        collection: Collection,
        tenant: &TenantId,
        node: &Node<'_>,
        envelope: &[&str],
        errors: &mut Errors,
    ) -> Option<Self> {
        let mut fields = node.object(errors)?;
        for name in envelope {
            fields.take(name);
        }
        let file = fields.take_required("file", errors);
        let file = file.and_then(|node| GivenDocument::read(&node, errors));
        let owner = fields.take("owner").and_then(|node| read_owner(&node, errors));
        let metadata = fields.take("metadata").and_then(|node| {
            let sorted = Sorted::read(collection, &node, errors)?;
            sorted.check_size(tenant, owner.as_ref(), &node, errors);
            Some(sorted)
        });
        let replaces = if collection.is_replaced() {
            fields
                .take("replaces")
                .and_then(|node| read_version(&node, errors))
        } else {
            None
        };
        let known: &[&str] = if collection.is_replaced() {
            &REPLACED_FIELDS
        } else {
            &FIELDS
        };
        fields.refuse_rest(known, errors);
        Some(Self {
            file: file?,
            metadata: metadata.unwrap_or_default(),
            owner,
            replaces,
        })
    }
}

fn read_version(node: &Node<'_>, errors: &mut Errors) -> Option<String> {
    let version = node.string(errors)?;
    let is_one =
        (1..=MAX_VERSION_ID).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_graphic());
    if !is_one {
        node.refuse(errors, "must be the version_id or the sha256 of what it replaces");
    }
    is_one.then_some(version)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn errors(collection: Collection, request: &Value) -> Vec<String> {
        let tenant = TenantId::parse("acme").unwrap();
        let problem = FileRequest::parse(collection, &tenant, &request.to_string(), &[]).unwrap_err();
        problem.errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn all_errors_of_a_request_are_named_at_once() {
        let request = json!({
            "file": {"file_name": "../x", "content_base64": "%"}, "metadata": {"heart_rate": {}}, "owner": 1,
            "replaces": "x", "more": true,
        });
        let ecg = errors(Collection::ecg_reports(), &request);
        let expected = [
            "/file/file_name",
            "/file/content_base64",
            "/owner",
            "/metadata/heart_rate",
            "/replaces",
            "/more",
        ];
        assert_eq!(ecg, expected);
        let clinical = json!({"metadata": [], "replaces": "a b"});
        assert_eq!(
            errors(Collection::clinical(), &clinical),
            ["/file", "/metadata", "/replaces"]
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let tenant = TenantId::parse("acme").unwrap();
            let _ = FileRequest::parse(Collection::clinical(), &tenant, &text, &["command"]);
        }
    }
}
