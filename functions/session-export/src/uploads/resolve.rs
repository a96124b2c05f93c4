//! The documents that an export means by the uploads that it names: as they lie in the caller's inbox now.

use bytes::Bytes;
use casefile::bucket::{Bucket, Source};
use casefile::digest::Sha256;
use casefile::document::optional;
use casefile::json::FieldError;
use casefile::key::Inbox;
use casefile::link::storage_problem;
use casefile::problem::{Problem, ProblemKind};
use futures::future::try_join_all;

use super::key;
use crate::document::{Content, Document, GivenContent, GivenDocument};
use crate::review::request::{Destination, Documents, ReviewRequest};

/// The largest upload that is read into memory, in bytes: to be marked with comments, or to go into a ZIP.
pub const MAX_READ_BYTES: u64 = 64 * 1024 * 1024;

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

/// One file that a request gives: from the request, or as it lies in the caller's inbox now.
///
/// # Errors
/// As for [`resolve`].
pub async fn resolve_file(
    bucket: &Bucket,
    inbox: &Inbox,
    given: &GivenDocument,
) -> Result<Document, Problem> {
    match look(bucket, inbox, Some(given), false).await? {
        Some(Ok(document)) => Ok(document),
        Some(Err(error)) => Err(Problem::invalid(vec![error])),
        None => Err(Problem::new(
            ProblemKind::Internal,
            "the request has lost its file",
        )),
    }
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
    // A grant always binds a digest, which S3 checks. What came otherwise is hashed, if it isn't too large for that.
    let sha256 = match head.checksum {
        Some(sha256) => sha256,
        None if head.size > MAX_READ_BYTES => return Ok(None),
        None => {
            let hashed = bucket.hash_version(&key, head.version_id.as_deref()).await;
            hashed.map_err(failed)?.sha256
        }
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
