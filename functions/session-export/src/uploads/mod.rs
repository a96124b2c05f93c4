//! Uploads: files that are too large for a request. `POST /v1/uploads` grants a presigned PUT into the caller's own
//! inbox; a later export names it, and the bytes are copied inside S3, in the version that was looked at.

mod request;
mod resolve;

pub use request::MAX_UPLOAD_BYTES;
pub use resolve::{MAX_READ_BYTES, resolve, resolve_file};

use std::time::Duration;

use casefile::audit::{Activity, Asked, Event, File, Given, Outcome};
use casefile::bucket::{PresignedPut, SignedUrl, SignedWrite};
use casefile::collection::LinkKind;
use casefile::digest::Sha256;
use casefile::id::TimeId;
use casefile::key::{BasePath, Inbox, ObjectKey};
use casefile::link::terms::{ClampedBy, Terms};
use casefile::link::{Asking, Links, storage_problem};
use casefile::permission::{Action, Decision};
use casefile::problem::Problem;
use casefile::time::rfc3339;
use serde::{Serialize, Serializer};

use request::UploadRequest;

/// A grant, as its caller gets it.
#[derive(Debug, Serialize)]
pub struct UploadGrant {
    /// What an export names.
    pub upload_id: TimeId,
    /// Where to. Whoever has it may put just these bytes there, once.
    #[serde(serialize_with = "SignedUrl::serialize_exposed")]
    pub url: SignedUrl,
    /// How.
    pub method: &'static str,
    /// The headers that the PUT must carry, as they are here.
    #[serde(serialize_with = "as_object")]
    pub headers: Vec<(String, String)>,
    /// Until when: RFC 3339, UTC.
    pub expires_at: String,
    /// For how many seconds, counted from when the request came.
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
        ..asking.event(Activity::Upload, Outcome::Success, decision)
    };
    links.audit.write(id, &event).await
}

/// Where an upload of a caller lies.
pub fn key(id: TimeId, inbox: &Inbox) -> String {
    let inbox = inbox.clone();
    // The base path has no part in it.
    ObjectKey::Upload { id, inbox }.path(&BasePath::default())
}
