//! What a caller asks an upload grant for.

use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::json::{Errors, Node};
use casefile::link::terms::{MAX_DIRECT_SECONDS, MIN_SECONDS};
use casefile::name::FileName;
use casefile::problem::Problem;

/// The largest upload, in bytes: what one PUT may carry (S3 user guide, *Uploading objects*).
pub const MAX_UPLOAD_BYTES: u64 = 5 * 1024 * 1024 * 1024;
/// RFC 6838, section 4.2, allows 127 characters on each side of the slash.
const MAX_MEDIA_TYPE_CHARS: usize = 255;
const FIELDS: [&str; 6] = [
    "collection",
    "file_name",
    "size",
    "sha256",
    "content_type",
    "expires_in",
];

/// A request for a grant.
#[derive(Debug)]
pub(super) struct UploadRequest {
    pub(super) collection: Collection,
    pub(super) file_name: FileName,
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    pub(super) content_type: String,
    pub(super) expires_in: Option<u64>,
}

impl UploadRequest {
    pub(super) fn parse(body: &str) -> Result<Self, Problem> {
        let node = Node::parse(body)?;
        let mut errors = Errors::default();
        match Self::read(&node, &mut errors) {
            Some(request) if errors.is_empty() => Ok(request),
            _ => Err(Problem::invalid(errors.into_vec())),
        }
    }

    fn read(node: &Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = node.object(errors)?;
        let mut text = |name: &str, errors: &mut Errors| {
            let node = fields.take_required(name, errors)?;
            node.string(errors).map(|text| (node, text))
        };
        let collection =
            text("collection", errors).and_then(|(node, text)| checked(&node, errors, collection(&text)));
        let file_name =
            text("file_name", errors).and_then(|(node, text)| checked(&node, errors, FileName::parse(&text)));
        let sha256 = text("sha256", errors).and_then(|(node, text)| {
            let digest = Sha256::from_hex(&text).ok_or("must be 64 hexadecimal digits");
            checked(&node, errors, digest)
        });
        let content_type =
            text("content_type", errors).and_then(|(node, text)| checked(&node, errors, media_type(text)));
        let size = fields.take_required("size", errors).and_then(|node| {
            let size = node.index(errors)?;
            checked(&node, errors, upload_size(collection, size))
        });
        let expires_in = fields.take("expires_in").map(|node| {
            let seconds = node.index(errors)?;
            checked(&node, errors, lifetime(seconds))
        });
        fields.refuse_rest(&FIELDS, errors);
        Some(Self {
            collection: collection?,
            file_name: file_name?,
            size: size?,
            sha256: sha256?,
            content_type: content_type?,
            expires_in: expires_in.flatten(),
        })
    }
}

fn checked<T, E: ToString>(node: &Node<'_>, errors: &mut Errors, value: Result<T, E>) -> Option<T> {
    value.map_err(|error| node.refuse(errors, error.to_string())).ok()
}

fn collection(name: &str) -> Result<Collection, String> {
    Collection::parse(name).ok_or_else(|| {
        let names: Vec<_> = Collection::all().map(Collection::name).collect();
        format!("must be one of {}", names.join(", "))
    })
}

fn upload_size(collection: Option<Collection>, size: usize) -> Result<u64, String> {
    let largest = collection.map_or(MAX_UPLOAD_BYTES, Collection::max_bytes);
    u64::try_from(size)
        .ok()
        .filter(|size| (1..=largest).contains(size))
        .ok_or_else(|| format!("must be a whole number from 1 to {largest}, in bytes"))
}

fn lifetime(seconds: usize) -> Result<u64, String> {
    u64::try_from(seconds)
        .ok()
        .filter(|seconds| (MIN_SECONDS..=MAX_DIRECT_SECONDS).contains(seconds))
        .ok_or_else(|| {
            format!("must be a whole number from {MIN_SECONDS} to {MAX_DIRECT_SECONDS}, in seconds")
        })
}

/// A media type (RFC 9110, section 8.3.1), with nothing in it that could leave its header.
fn media_type(text: String) -> Result<String, &'static str> {
    let is_token = |part: &str| {
        let is_char = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
        !part.is_empty() && part.chars().all(is_char)
    };
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let is_type = essence
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    let is_safe = text.len() <= MAX_MEDIA_TYPE_CHARS && text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if is_type && is_safe {
        Ok(text)
    } else {
        Err("must be a media type such as application/pdf")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn all_errors_of_a_request_are_named_at_once() {
        let body = json!({
            "collection": "rviews", "file_name": "../x", "size": 0, "sha256": "ab", "content_type": "x\r\ny: z",
            "expires_in": 59, "more": 1,
        });
        let problem = UploadRequest::parse(&body.to_string()).unwrap_err();
        let found: Vec<_> = problem
            .errors
            .iter()
            .map(|error| error.pointer.as_str())
            .collect();
        let expected = [
            "/collection",
            "/file_name",
            "/sha256",
            "/content_type",
            "/size",
            "/expires_in",
            "/more",
        ];
        assert_eq!(found, expected);
        let missing = UploadRequest::parse("{}").unwrap_err();
        assert_eq!(missing.errors.len(), 5);
    }

    #[test]
    fn media_types_are_told_from_other_texts() {
        for good in ["application/pdf", "text/plain; charset=utf-8", "image/svg+xml"] {
            assert!(media_type(good.to_owned()).is_ok(), "{good}");
        }
        for bad in [
            "",
            "pdf",
            "/",
            "a/",
            "a b/c",
            "a/b\r\nx: y",
            "a/b; x=ü",
            &"a/b".repeat(100),
        ] {
            assert!(media_type(bad.to_owned()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(body in any::<String>()) {
            let _ = UploadRequest::parse(&body);
        }
    }
}
