//! Files as requests give them, inline or by an upload; and as they are stored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use casefile::bucket::Source;
use casefile::digest::Sha256;
use casefile::id::TimeId;
use casefile::json::{Errors, Node};
use casefile::name::{FileName, Owner};
use casefile::problem::{Problem, ProblemKind};

/// The largest request, in bytes: what fits through API Gateway into a Lambda function
/// (AWS Lambda developer guide, *Lambda quotas*, 6 MB for a synchronous invocation).
pub const MAX_REQUEST_BYTES: usize = 6 * 1024 * 1024;

const DOCUMENT_FIELDS: [&str; 3] = ["file_name", "content_base64", "upload_id"];

/// Whether a request isn't too large.
///
/// # Errors
/// `too-large` past [`MAX_REQUEST_BYTES`].
pub fn check_size(text: &str) -> Result<(), Problem> {
    if text.len() <= MAX_REQUEST_BYTES {
        return Ok(());
    }
    Err(too_large(
        "the request",
        text.len() as u64,
        MAX_REQUEST_BYTES as u64,
    ))
}

/// What has more bytes than it may have.
pub fn too_large(what: &str, size: u64, limit: u64) -> Problem {
    let detail = format!("{what} has {size} bytes; at most {limit} are allowed");
    Problem::new(ProblemKind::TooLarge, detail)
}

/// A document as a request names it.
#[derive(Debug)]
pub struct GivenDocument {
    /// Its name.
    pub name: FileName,
    /// Its content.
    pub content: GivenContent,
}

/// A document's content as a request names it.
#[derive(Debug)]
pub enum GivenContent {
    /// It stands in the request.
    Inline(Bytes),
    /// The caller has uploaded it.
    Upload {
        /// The upload.
        id: TimeId,
        /// Where the request names it, for errors.
        pointer: String,
    },
}

/// A document as it is exported.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its name.
    pub name: FileName,
    /// In bytes.
    pub size: u64,
    /// Of the content.
    pub sha256: Sha256,
    /// Where the content is.
    pub content: Content,
}

/// Where a document's content is.
#[derive(Debug, Clone)]
pub enum Content {
    /// In memory.
    Bytes(Bytes),
    /// In the caller's inbox; and in memory, if it has to be read.
    Upload(Source, Option<Bytes>),
}

impl Content {
    /// The bytes, if they are in memory.
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) | Self::Upload(_, Some(bytes)) => Some(bytes),
            Self::Upload(_, None) => None,
        }
    }
}

impl Document {
    /// A document in memory.
    pub fn new(name: FileName, bytes: Bytes) -> Self {
        Self {
            name,
            size: bytes.len() as u64,
            sha256: Sha256::of(&bytes),
            content: Content::Bytes(bytes),
        }
    }

    /// The document that stands in a request; `None` of one that was uploaded.
    pub fn inline(given: &GivenDocument) -> Option<Self> {
        match &given.content {
            GivenContent::Inline(bytes) => Some(Self::new(given.name.clone(), Bytes::clone(bytes))),
            GivenContent::Upload { .. } => None,
        }
    }

    /// Its bytes, if they are in memory.
    pub fn bytes(&self) -> Option<&Bytes> {
        self.content.bytes()
    }
}

impl GivenDocument {
    /// Reads one: `{file_name, content_base64}` or `{file_name, upload_id}`.
    pub fn read(node: &Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = node.object(errors)?;
        let name = fields.take_required("file_name", errors);
        let name = name.and_then(|node| {
            let text = node.string(errors)?;
            FileName::parse(&text)
                .map_err(|error| node.refuse(errors, error.to_string()))
                .ok()
        });
        let content = match (fields.take("content_base64"), fields.take("upload_id")) {
            (Some(inline), None) => read_base64(&inline, errors).map(GivenContent::Inline),
            (None, Some(upload)) => read_upload_id(&upload, errors),
            (given, _) => {
                let detail = if given.is_some() {
                    "has both content_base64 and upload_id; one of them says what it holds"
                } else {
                    "needs content_base64 or upload_id"
                };
                node.refuse(errors, detail);
                None
            }
        };
        fields.refuse_rest(&DOCUMENT_FIELDS, errors);
        Some(Self {
            name: name?,
            content: content?,
        })
    }
}

fn read_base64(node: &Node<'_>, errors: &mut Errors) -> Option<Bytes> {
    let bytes = BASE64.decode(node.string(errors)?);
    match bytes {
        Ok(bytes) if !bytes.is_empty() => Some(Bytes::from(bytes)),
        Ok(_) => {
            node.refuse(errors, "must not be empty");
            None
        }
        Err(_) => {
            node.refuse(errors, "must be base64 (RFC 4648, section 4, with padding)");
            None
        }
    }
}

fn read_upload_id(node: &Node<'_>, errors: &mut Errors) -> Option<GivenContent> {
    let id = TimeId::parse(&node.string(errors)?);
    if id.is_none() {
        node.refuse(errors, "must be an upload_id that POST /v1/uploads gave");
    }
    Some(GivenContent::Upload {
        id: id?,
        pointer: node.pointer().to_string(),
    })
}

/// Reads whose something is within its tenant.
pub fn read_owner(node: &Node<'_>, errors: &mut Errors) -> Option<Owner> {
    Owner::parse(&node.string(errors)?)
        .map_err(|error| node.refuse(errors, error.to_string()))
        .ok()
}
