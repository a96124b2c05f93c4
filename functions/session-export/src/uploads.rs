//! Uploads: files that are too large for a request. `POST /v1/uploads` grants a presigned PUT into the caller's own
//! inbox; a later export names it, and the bytes are copied inside S3, in the version that was looked at.

use std::time::Duration;

use bytes::Bytes;
use casefile::audit::{Activity, Asked, Event, File, Given, Outcome};
use casefile::bucket::{Bucket, PresignedPut, SignedUrl, SignedWrite, Source};
use casefile::collection::{Collection, LinkKind};
use casefile::digest::Sha256;
use casefile::document::optional;
use casefile::id::TimeId;
use casefile::json::{Errors, FieldError, Node};
use casefile::key::{BasePath, Inbox, ObjectKey};
use casefile::link::terms::{ClampedBy, Terms};
use casefile::link::{Asking, Links, storage_problem};
use casefile::name::FileName;
use casefile::permission::{Action, Decision};
use casefile::problem::{Problem, ProblemKind};
use casefile::time::rfc3339;
use futures::future::try_join_all;
use serde::{Serialize, Serializer};

use crate::review::request::{
    Content, Destination, Document, Documents, GivenContent, GivenDocument, ReviewRequest,
};

/// The largest upload, in bytes: what one PUT may carry (S3 user guide, *Uploading objects*).
pub const MAX_UPLOAD_BYTES: u64 = 5 * 1024 * 1024 * 1024;
/// The largest upload that is read into memory, in bytes: to be marked with comments, or to go into a ZIP.
pub const MAX_READ_BYTES: u64 = 64 * 1024 * 1024;
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
struct UploadRequest {
    collection: Collection,
    file_name: FileName,
    size: u64,
    sha256: Sha256,
    content_type: String,
    expires_in: Option<u64>,
}

/// A grant, as its caller gets it.
#[derive(Debug, Serialize)]
pub struct UploadGrant {
    /// What an export names.
    pub upload_id: TimeId,
    /// Where to. Whoever has it may put just these bytes there, once.
    #[serde(serialize_with = "exposed")]
    pub url: SignedUrl,
    /// How.
    pub method: &'static str,
    /// The headers that the PUT must carry, as they are here.
    #[serde(serialize_with = "as_object")]
    pub headers: Vec<(String, String)>,
    /// Until when: RFC 3339, UTC.
    pub expires_at: String,
    /// For how many seconds from now.
    pub expires_in: u64,
    /// What made it shorter than asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clamped_by: Option<ClampedBy>,
    /// Of the grant: its audit record's id.
    pub grant_id: TimeId,
    /// In bytes.
    pub size: u64,
    /// Of the content.
    pub sha256: Sha256,
}

fn exposed<S: Serializer>(url: &SignedUrl, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(url.expose())
}

fn as_object<S: Serializer>(headers: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.iter().map(|(name, value)| (name, value)))
}

/// Grants an upload, bound to its exact length, SHA-256 and media type, create-only; the grant is in the audit log
/// before this returns.
///
/// # Errors
/// What is wrong with the request; `forbidden`; `unavailable` when the audit log can't be written.
pub async fn grant(links: &Links, asking: &Asking<'_>, body: &str) -> Result<UploadGrant, Problem> {
    let request = UploadRequest::parse(body)?;
    let decision = links
        .permit(asking, Activity::Upload, Action::Upload, request.collection)
        .await?;
    let now = links.audit.now();
    let id = links.audit.next_id()?;
    // Of the one kind that an upload can be, whatever the collection's links are.
    let terms = Terms::new(
        request.collection,
        LinkKind::Direct,
        request.expires_in,
        now,
        links.credentials_end,
    )?;
    let key = key(id, &asking.caller.inbox());
    let grant_id = id.to_string();
    let write = SignedWrite {
        key: &key,
        size: request.size,
        sha256: request.sha256,
        content_type: &request.content_type,
        now,
        expires_in: Duration::from_secs(terms.expires_in),
        grant_id: &grant_id,
    };
    let signed = links.bucket.presign_write(&write).await;
    let PresignedPut { url, headers } = signed.map_err(|error| storage_problem(&error))?;
    let expires_at = rfc3339(terms.expires_at);
    record(links, asking, id, &decision, &request, &key, &terms).await?;
    Ok(UploadGrant {
        upload_id: id,
        url,
        method: "PUT",
        headers,
        expires_at,
        expires_in: terms.expires_in,
        clamped_by: terms.clamped_by,
        grant_id: id,
        size: request.size,
        sha256: request.sha256,
    })
}

async fn record(
    links: &Links,
    asking: &Asking<'_>,
    id: TimeId,
    decision: &Decision,
    request: &UploadRequest,
    key: &str,
    terms: &Terms,
) -> Result<(), Problem> {
    let event = Event {
        activity: Activity::Upload,
        outcome: Outcome::Success,
        caller: Some(asking.caller),
        origin: asking.origin,
        tenant: Some(asking.caller.tenant.as_str()),
        policies: &decision.policies,
        file: Some(File {
            bucket: links.bucket.name().to_owned(),
            collection: request.collection.name().to_owned(),
            path: request.file_name.as_str().to_owned(),
            key: key.to_owned(),
            version_id: None,
            size: Some(request.size),
            sha256: Some(request.sha256),
            content_type: Some(request.content_type.clone()),
        }),
        grant_id: Some(id.to_string()),
        asked: Asked {
            expires_in: request.expires_in,
            ..Asked::default()
        },
        given: Given {
            expires_at: Some(rfc3339(terms.expires_at)),
            expires_in: Some(terms.expires_in),
            clamped_by: terms.clamped_by.map(|by| by.name().to_owned()),
            ..Given::default()
        },
    };
    links.audit.write(id, &event).await
}

/// Where an upload of a caller lies.
pub fn key(id: TimeId, inbox: &Inbox) -> String {
    let inbox = inbox.clone();
    // The base path has no part in it.
    ObjectKey::Upload { id, inbox }.path(&BasePath::default())
}

impl UploadRequest {
    fn parse(body: &str) -> Result<Self, Problem> {
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
            checked(&node, errors, upload_size(size))
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
        let names: Vec<_> = Collection::ALL.map(Collection::name).into();
        format!("must be one of {}", names.join(", "))
    })
}

fn upload_size(size: usize) -> Result<u64, String> {
    u64::try_from(size)
        .ok()
        .filter(|size| (1..=MAX_UPLOAD_BYTES).contains(size))
        .ok_or_else(|| format!("must be a whole number from 1 to {MAX_UPLOAD_BYTES}, in bytes"))
}

fn lifetime(seconds: usize) -> Result<u64, String> {
    u64::try_from(seconds)
        .ok()
        .filter(|seconds| (60..=900).contains(seconds))
        .ok_or_else(|| "must be a whole number from 60 to 900, in seconds".to_owned())
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

/// The request with the documents that it means: those in the caller's inbox as they lie there now.
///
/// # Errors
/// `invalid-request` with each upload that isn't there, or isn't this caller's, which nobody can tell apart;
/// `too-large` when a ZIP is asked for that can't be made in memory; `unavailable` and `internal` when storage fails.
pub async fn resolve<'a>(
    bucket: &Bucket,
    inbox: &Inbox,
    request: ReviewRequest<'a, GivenDocument>,
) -> Result<ReviewRequest<'a>, Problem> {
    let Documents {
        before,
        after,
        guidelines,
    } = &request.documents;
    let is_download = request.destination == Destination::Download;
    let lookups = [
        (Some(before), is_download || after.is_none()),
        (after.as_ref(), is_download),
        (guidelines.as_ref(), is_download),
    ];
    let lookups = lookups.map(|(given, is_read)| look(bucket, inbox, given, is_read));
    let mut errors = Vec::new();
    let mut found = Vec::new();
    for document in try_join_all(lookups).await? {
        match document {
            Some(Err(error)) => {
                errors.push(error);
                found.push(None);
            }
            Some(Ok(document)) => found.push(Some(document)),
            None => found.push(None),
        }
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let mut found = found.into_iter();
    let mut next = || found.next().flatten();
    let (Some(before), after, guidelines) = (next(), next(), next()) else {
        return Err(Problem::new(
            ProblemKind::Internal,
            "the request has lost a document",
        ));
    };
    let documents = Documents {
        before,
        after,
        guidelines,
    };
    if is_download && documents.all().any(|document| document.bytes().is_none()) {
        let detail =
            format!("a ZIP takes uploads of at most {MAX_READ_BYTES} bytes; use \"destination\": \"s3\"");
        return Err(Problem::new(ProblemKind::TooLarge, detail));
    }
    Ok(request.with(documents))
}

type Lookup = Option<Result<Document, FieldError>>;

async fn look(
    bucket: &Bucket,
    inbox: &Inbox,
    given: Option<&GivenDocument>,
    is_read: bool,
) -> Result<Lookup, Problem> {
    let Some(given) = given else {
        return Ok(None);
    };
    let (id, pointer) = match &given.content {
        GivenContent::Inline(bytes) => {
            let document = Document::new(given.name.clone(), Bytes::clone(bytes));
            return Ok(Some(Ok(document)));
        }
        GivenContent::Upload { id, pointer } => (*id, pointer),
    };
    let found = uploaded(bucket, key(id, inbox), is_read).await?;
    Ok(Some(match found {
        Some((source, bytes)) => Ok(Document {
            name: given.name.clone(),
            size: source.size,
            sha256: source.sha256,
            content: Content::Upload(source, bytes),
        }),
        None => Err(FieldError {
            pointer: pointer.clone(),
            detail: "names no upload of yours that is there; an upload expires after two days".to_owned(),
        }),
    }))
}

/// An upload as it lies there, and its bytes if they are to be read.
async fn uploaded(
    bucket: &Bucket,
    key: String,
    is_read: bool,
) -> Result<Option<(Source, Option<Bytes>)>, Problem> {
    let failed = |error| storage_problem(&error);
    let Some(head) = optional(bucket.head(&key)).await.map_err(failed)? else {
        return Ok(None);
    };
    let sha256 = match head.checksum {
        Some(sha256) => sha256,
        None => bucket.hash(&key).await.map_err(failed)?.sha256,
    };
    let version = head.version_id.as_deref();
    let bytes = if is_read && head.size <= MAX_READ_BYTES {
        let bytes = bucket.read_version(&key, version, head.size).await;
        Some(bytes.map_err(failed)?)
    } else {
        None
    };
    if bytes.as_ref().is_some_and(|bytes| Sha256::of(bytes) != sha256) {
        return Err(Problem::new(
            ProblemKind::Unavailable,
            "an upload came back with other bytes than were stored; repeat the request",
        ));
    }
    let source = Source {
        key,
        version_id: head.version_id,
        size: head.size,
        sha256,
    };
    Ok(Some((source, bytes)))
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
