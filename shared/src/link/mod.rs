//! Links: who asks → may they → is it there → the audit record → only then the link. One place for both functions.

mod refusal;
pub mod request;
pub mod settings;
pub mod share;
pub mod terms;

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::audit::{Activity, Asked, AuditLog, Event, File, Given, Outcome};
use crate::bucket::{Bucket, SignedRead, SignedUrl};
use crate::caller::{Caller, Origin};
use crate::collection::{Collection, LinkKind};
use crate::digest::Sha256;
use crate::document::{self, Document, Found};
use crate::http::disposition::can_be_inline;
use crate::id::TimeId;
use crate::json::FieldError;
use crate::key::BasePath;
use crate::permission::{Action, Decision, Permissions};
use crate::problem::Problem;
use crate::time::rfc3339;

pub use refusal::{Refusal, no_document, storage_problem};
use request::LinkRequest;
use terms::{ClampedBy, Terms};

/// What is needed to hand out links. Built once in a process.
#[derive(Debug)]
pub struct Links {
    /// The artifacts bucket.
    pub bucket: Bucket,
    /// What comes before a session's folder.
    pub base: BasePath,
    /// The audit log.
    pub audit: AuditLog,
    /// Who may do what.
    pub permissions: Permissions,
    /// When the credentials that sign end, if that is known.
    pub credentials_end: Option<Timestamp>,
    /// Where the API is reached from outside, if the deployment says so.
    pub public_url: Option<String>,
}

/// Who asks, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// Who.
    pub caller: &'a Caller,
    /// From where.
    pub origin: &'a Origin,
    /// Where the API is reached, as this request reached it.
    pub base_url: Option<&'a str>,
    /// When the request came, if it had to be kept then and is sent on now: nobody waits for a link any more.
    pub kept_at: Option<Timestamp>,
}

impl Asking<'_> {
    /// What happened to this request, for the log of the caller's own tenant.
    pub fn event<'a>(&'a self, activity: Activity, outcome: Outcome, decision: &'a Decision) -> Event<'a> {
        Event {
            activity,
            outcome,
            caller: Some(self.caller),
            origin: self.origin,
            tenant: Some(self.caller.tenant.as_str()),
            policies: &decision.policies,
            file: None,
            grant_id: None,
            asked: Asked {
                kept_at: self.kept_at.map(rfc3339),
                ..Asked::default()
            },
            given: Given::default(),
        }
    }
}

/// A link, as its caller gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The link. Whoever has it may use it.
    #[serde(serialize_with = "SignedUrl::serialize_exposed")]
    pub url: SignedUrl,
    /// Its kind.
    pub kind: LinkKind,
    /// The document's collection.
    pub collection: &'static str,
    /// The document's path.
    pub path: String,
    /// Until when: RFC 3339, UTC.
    pub expires_at: String,
    /// For how many seconds, counted from when the request came.
    pub expires_in: u64,
    /// What made it shorter than asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clamped_by: Option<ClampedBy>,
    /// Of the grant: a direct link's names its audit record, a share link's is what revokes it.
    pub grant_id: String,
    /// What the file is called.
    pub file_name: String,
    /// The media type.
    pub content_type: String,
    /// In bytes.
    pub size: u64,
    /// Of the content; null where it isn't known.
    pub sha256: Option<Sha256>,
    /// The version that the link leads to, in a bucket that keeps versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// How many uses a share link has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// The network that a share link may be used from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// What a link is made from, when all is decided.
struct Grant<'a> {
    id: TimeId,
    document: &'a Document,
    request: &'a LinkRequest,
    terms: Terms,
    now: Timestamp,
}

impl Links {
    /// Issues a link to a document, or refuses it; either is in the audit log before this returns.
    ///
    /// # Errors
    /// `not-found` when there is no such document or the caller may not read it, which nobody can tell apart; `conflict`
    /// when it must be verified and isn't; `invalid-request` when it can't be shown inline; `unavailable` when storage or the audit log fails.
    pub async fn issue(&self, asking: &Asking<'_>, request: &LinkRequest) -> Result<Link, Problem> {
        let found = self.find(&request.collection, &request.path).await?;
        let unverified = found.as_ref().and_then(Found::unverified);
        let found = found.map(|found| found.document);
        let (document, decision) = self.decide(asking.caller, Action::Read, found);
        match (document, unverified) {
            (Some(document), None) if decision.allowed => {
                self.give(asking, &document, &decision, request).await
            }
            (Some(_), Some(why)) if decision.allowed => {
                self.refuse_unverified(asking, &decision, request, why).await
            }
            (document, _) => {
                let refusal = Refusal {
                    activity: Activity::Share,
                    collection: &request.collection,
                    path: &request.path,
                    document: document.as_ref(),
                    decision: &decision,
                };
                self.refuse(asking, &refusal, request).await
            }
        }
    }

    /// The document that a request names, if it is there.
    ///
    /// # Errors
    /// `unavailable` and `internal` when storage fails.
    pub async fn find(&self, collection: &str, path: &str) -> Result<Option<Found>, Problem> {
        let Some(collection) = Collection::parse(collection) else {
            return Ok(None);
        };
        let found = document::look(&self.bucket, &self.base, collection, path).await;
        found.map_err(|error| storage_problem(&error))
    }

    /// Gives a link to a document that the caller may read, and to which links may lead.
    ///
    /// # Errors
    /// As for [`Links::issue`].
    pub async fn give(
        &self,
        asking: &Asking<'_>,
        document: &Document,
        decision: &Decision,
        request: &LinkRequest,
    ) -> Result<Link, Problem> {
        let now = self.audit.now();
        let id = self.audit.next_id()?;
        let kind = request.kind.unwrap_or(document.collection.link_kind());
        let refusal = request.refused_by(document);
        let terms = Terms::new(
            document.collection,
            kind,
            request.expires_in,
            now,
            self.credentials_end,
        )?;
        let grant = Grant {
            id,
            document,
            request,
            terms,
            now,
        };
        let link = match (refusal.is_none(), kind) {
            (false, _) => None,
            (true, LinkKind::Direct) => Some(self.direct(&grant).await?),
            (true, LinkKind::Share) => Some(self.share(asking, &grant).await?),
        };
        let outcome = match link {
            Some(_) => Outcome::Success,
            None => Outcome::Refused {
                status: 422,
                reason: "not_inline",
            },
        };
        let event = Event {
            file: Some(file(self.bucket.name(), document)),
            grant_id: link.as_ref().map(|link| link.grant_id.clone()),
            asked: request.asked(),
            given: link.as_ref().map(given).unwrap_or_default(),
            ..asking.event(Activity::Share, outcome, decision)
        };
        self.audit.write(id, &event).await?;
        link.ok_or_else(|| Problem::invalid(refusal.into_iter().collect()))
    }

    async fn direct(&self, grant: &Grant<'_>) -> Result<Link, Problem> {
        let id = grant.id.to_string();
        let url = self
            .sign(
                &Presign {
                    document: grant.document,
                    request: grant.request,
                    now: grant.now,
                    expires_in: grant.terms.expires_in,
                },
                &id,
            )
            .await?;
        Ok(grant.link(url, id))
    }

    /// Signs a read of just this version of a document.
    ///
    /// # Errors
    /// `internal` when it can't be signed.
    pub async fn sign(&self, presign: &Presign<'_>, grant_id: &str) -> Result<SignedUrl, Problem> {
        let Presign {
            document,
            request,
            now,
            expires_in,
        } = presign;
        let disposition = request.disposition.header(&document.file_name);
        let read = SignedRead {
            key: &document.key,
            version_id: document.version_id.as_deref(),
            content_disposition: &disposition,
            content_type: &document.content_type,
            now: *now,
            expires_in: Duration::from_secs(*expires_in),
            grant_id,
        };
        let signed = self.bucket.presign_read(&read).await;
        signed.map_err(|error| storage_problem(&error))
    }
}

/// A read to be signed.
#[derive(Debug)]
pub struct Presign<'a> {
    /// Of what.
    pub document: &'a Document,
    /// How it is to be saved or shown.
    pub request: &'a LinkRequest,
    /// From when on.
    pub now: Timestamp,
    /// For how many seconds.
    pub expires_in: u64,
}

impl Grant<'_> {
    fn link(&self, url: SignedUrl, grant_id: String) -> Link {
        let Terms {
            kind,
            expires_at,
            expires_in,
            clamped_by,
        } = self.terms;
        let document = self.document;
        Link {
            url,
            kind,
            collection: document.collection.name(),
            path: document.path.clone(),
            expires_at: rfc3339(expires_at),
            expires_in,
            clamped_by,
            grant_id,
            file_name: document.file_name.clone(),
            content_type: document.content_type.clone(),
            size: document.size,
            sha256: document.sha256,
            version_id: document.version_id.clone(),
            uses: None,
            network: None,
        }
    }
}

impl LinkRequest {
    /// Why this document can't be had in this way.
    fn refused_by(&self, document: &Document) -> Option<FieldError> {
        let is_inline = self.disposition == crate::http::disposition::Disposition::Inline;
        (is_inline && !can_be_inline(&document.content_type)).then(|| FieldError {
            pointer: self.pointer("disposition"),
            detail: "can't be inline for this file's type; PDF, text, JSON and images can".to_owned(),
        })
    }
}

/// A document as records describe it.
pub fn file(bucket: &str, document: &Document) -> File {
    File {
        bucket: bucket.to_owned(),
        collection: document.collection.name().to_owned(),
        path: document.path.clone(),
        key: document.key.clone(),
        version_id: document.version_id.clone(),
        size: Some(document.size),
        sha256: document.sha256,
        content_type: Some(document.content_type.clone()),
    }
}

fn given(link: &Link) -> Given {
    Given {
        kind: Some(link.kind),
        expires_at: Some(link.expires_at.clone()),
        expires_in: Some(link.expires_in),
        clamped_by: link.clamped_by.map(|by| by.name().to_owned()),
        ..Given::default()
    }
}
