//! The use and the end of share links.
//!
//! A use: the link's state → may it be used now and from here → is the document there → reserve a use → the audit record
//! → only then the redirect. Nothing is retried but the change of the state. A use that is reserved and then fails is
//! given back; where even that fails, because the function ended, a later caller finds that out (`uses`).

mod judge;
mod page;
mod revoke;
mod state;
mod uses;

#[cfg(test)]
mod tests;

pub use revoke::revoke;

use aws_lambda_events::http::Method;
use casefile::audit::{Activity, Asked, Event, File, Given, Outcome};
use casefile::bucket::Bucket;
use casefile::caller::Origin;
use casefile::collection::LinkKind;
use casefile::digest::Sha256;
use casefile::document::{self, Document, Found};
use casefile::http::disposition::{Disposition, can_be_inline};
use casefile::http::{self, Request, Response};
use casefile::id::{TimeId, Token};
use casefile::link::request::LinkRequest;
use casefile::link::share::Share;
use casefile::link::terms::{MIN_SECONDS, Terms};
use casefile::link::{Links, Presign, file, no_document, storage_problem};
use casefile::problem::Problem;
use casefile::time::rfc3339;

use self::judge::{Manner, Refused, manner};
use self::state::Stored;

/// What every refusal answers: 404.
const REFUSED: u16 = 404;

/// A caller with a link, of whom nothing is known but the address.
#[derive(Debug, Clone, Copy)]
struct Visit<'a> {
    links: &'a Links,
    origin: &'a Origin,
}

/// Why a visit ends without what it came for.
#[derive(Debug)]
enum Stop {
    /// The link doesn't lead there: 404, and a record of the reason.
    Refused(Refused),
    /// It isn't the caller's fault.
    Failed(Problem),
}

/// `GET`, `HEAD` and `POST /v1/s/{token}`. `HEAD` says whether the link could be used, a browser's `GET` of a link with a
/// limit gets a page whose button posts, and anything else is a use: a redirect to a presigned URL of 60 seconds, after
/// its audit record is durable. Query parameters are ignored: mail programs add theirs to links.
///
/// # Errors
/// One same `not-found` whatever the reason, which is in the audit record; `unavailable` when storage or the audit log
/// fails, or too many others use the link at the same time: the use is given back then.
pub async fn redeem(
    links: &Links,
    origin: &Origin,
    request: &Request,
    token: &str,
    by: &Method,
) -> Result<Response, Problem> {
    let visit = Visit { links, origin };
    let grant_id = Token::parse(token).map(|token| token.digest());
    let stored = match grant_id {
        Some(grant_id) => state::read(&links.bucket, grant_id).await?,
        None => None,
    };
    let Some(stored) = stored else {
        return visit.refuse(Refused::UnknownLink, grant_id, None).await;
    };
    let share = stored.share.clone();
    let manner = manner(by, request.header("accept"), share.uses.is_some());
    match visit.answer(stored, manner).await {
        Ok(response) => Ok(response),
        Err(Stop::Refused(why)) => visit.refuse(why, grant_id, Some(&share)).await,
        Err(Stop::Failed(problem)) => Err(problem),
    }
}

impl Visit<'_> {
    async fn answer(&self, stored: Stored, manner: Manner) -> Result<Response, Stop> {
        let stored = self.usable(stored).await?;
        let document = self.document(&stored.share).await?;
        match manner {
            Manner::Look => Ok(http::empty(200)),
            Manner::Page => Ok(page::page(&stored.share)),
            Manner::Use(status) => Box::pin(self.redirect(stored, &document, status)).await,
        }
    }

    /// The document, in the version that was shared. One that was deleted or quarantined since, or whose place is
    /// another tenant's now, isn't there any more.
    async fn document(&self, share: &Share) -> Result<Document, Stop> {
        let found = self.links.find(&share.collection, &share.path).await?;
        let is_shared = |found: &Found| {
            let document = &found.document;
            document.key == share.key && document.tenant.as_ref() == Some(&share.tenant)
        };
        let newest = found.filter(is_shared).ok_or(Refused::NotFound)?;
        let found = match &share.version_id {
            Some(shared) if newest.document.version_id.as_ref() != Some(shared) => {
                let found = document::look_at_version(&self.links.bucket, newest.document, shared).await;
                let found = found.map_err(|error| storage_problem(&error))?;
                found.ok_or(Refused::NotFound)?
            }
            _ => newest,
        };
        match found.unverified() {
            Some(_) => Err(Refused::NotVerified.into()),
            None => Ok(found.document),
        }
    }

    async fn redirect(&self, stored: Stored, document: &Document, status: u16) -> Result<Response, Stop> {
        let id = self.links.audit.next_id()?;
        let share = stored.share.clone();
        if share.uses.is_none() {
            return Ok(self.hand_out(id, &share, document, status).await?);
        }
        let answer = match self.reserve(stored, id).await {
            Ok(()) => self.hand_out(id, &share, document, status).await,
            Err(Stop::Failed(problem)) => Err(problem),
            Err(refused) => return Err(refused),
        };
        if answer.is_err() {
            // Also when the use may not have been reserved, or the record may be there: this caller gets nothing.
            Box::pin(self.give_back(share.grant_id, id)).await;
        }
        Ok(answer?)
    }

    /// Signs, records, and only then answers.
    async fn hand_out(
        &self,
        id: TimeId,
        share: &Share,
        document: &Document,
        status: u16,
    ) -> Result<Response, Problem> {
        let Links {
            audit,
            credentials_end,
            ..
        } = self.links;
        let now = audit.now();
        let terms = Terms::new(
            document.collection,
            LinkKind::Direct,
            Some(MIN_SECONDS),
            now,
            *credentials_end,
        )?;
        let presign = Presign {
            document,
            request: &saved_or_shown(share, document),
            now,
            expires_in: terms.expires_in,
        };
        let url = self.links.sign(&presign, &id.to_string()).await?;
        let response = http::redirect(status, &url)?;
        let given = Given {
            kind: Some(LinkKind::Share),
            expires_at: Some(rfc3339(terms.expires_at)),
            expires_in: Some(terms.expires_in),
            ..Given::default()
        };
        let event = Event {
            file: Some(file(self.links.bucket.name(), document)),
            given,
            ..event(Outcome::Success, self.origin, Some(share.grant_id), Some(share))
        };
        audit.write(id, &event).await?;
        Ok(response)
    }

    /// Records a refusal; the caller never learns which one it is.
    async fn refuse(
        &self,
        why: Refused,
        grant_id: Option<Sha256>,
        share: Option<&Share>,
    ) -> Result<Response, Problem> {
        let outcome = Outcome::Refused {
            status: REFUSED,
            reason: why.reason(),
        };
        let audit = &self.links.audit;
        let event = Event {
            file: share.map(|share| shared_file(&self.links.bucket, share)),
            ..event(outcome, self.origin, grant_id, share)
        };
        audit.write(audit.next_id()?, &event).await?;
        Err(no_document())
    }
}

/// The event of a visit. Nobody is named, for the holder of a link is unknown, and the link itself is the permission.
fn event<'a>(
    outcome: Outcome,
    origin: &'a Origin,
    grant_id: Option<Sha256>,
    share: Option<&'a Share>,
) -> Event<'a> {
    Event {
        activity: Activity::Download,
        outcome,
        caller: None,
        origin,
        tenant: share.map(|share| share.tenant.as_str()),
        policies: &[],
        file: None,
        grant_id: grant_id.map(|id| id.to_string()),
        asked: Asked::default(),
        given: Given::default(),
    }
}

/// A share's document, as far as the share itself knows it.
fn shared_file(bucket: &Bucket, share: &Share) -> File {
    File {
        bucket: bucket.name().to_owned(),
        collection: share.collection.clone(),
        path: share.path.clone(),
        key: share.key.clone(),
        version_id: share.version_id.clone(),
        ..File::default()
    }
}

/// A document is shown only where it still is of a type that can't run.
fn saved_or_shown(share: &Share, document: &Document) -> LinkRequest {
    let disposition = match share.disposition {
        Disposition::Inline if can_be_inline(&document.content_type) => Disposition::Inline,
        _ => Disposition::Attachment,
    };
    let mut request = LinkRequest::plain(document.collection, &document.path);
    request.disposition = disposition;
    request
}

impl From<Refused> for Stop {
    fn from(why: Refused) -> Self {
        Self::Refused(why)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}
