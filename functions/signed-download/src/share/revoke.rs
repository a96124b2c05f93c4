//! The end of a share link.

use casefile::audit::{Activity, Event, Outcome};
use casefile::digest::Sha256;
use casefile::http::query::Query;
use casefile::http::{self, Request, Response};
use casefile::link::share::{Revoked, Share};
use casefile::link::{Asking, Links, no_document};
use casefile::name::Owner;
use casefile::permission::{Action, Decision, Resource};
use casefile::problem::Problem;

use super::state::{self, Change, Stored};
use super::{REFUSED, shared_file};

/// `DELETE /v1/s/{token}`, with the grant id in the token's place: no use that begins after this answers 204 gets
/// anything; an address that a use before has got works for what is left of its 60 seconds. To revoke again changes
/// nothing.
///
/// # Errors
/// `not-found` when there is no such share or the caller may not revoke it, which nobody can tell apart;
/// `invalid-request` for a query parameter; `unavailable` when storage or the audit log fails, after which the share may
/// be revoked.
pub async fn revoke(
    links: &Links,
    asking: &Asking<'_>,
    request: &Request,
    id: &str,
) -> Result<Response, Problem> {
    Query::refuse_all(request.raw_query())?;
    let grant_id = grant_id(id);
    let found = match grant_id {
        Some(grant_id) => state::read(&links.bucket, grant_id).await?,
        None => None,
    };
    let (found, decision) = decide(links, asking, found);
    let share = found.as_ref().map(|stored| stored.share.clone());
    let is_revoked = match found {
        Some(stored) if decision.allowed => end(links, asking, stored).await?,
        _ => false,
    };
    let outcome = outcome(is_revoked, share.is_some() && !decision.allowed);
    let event = Event {
        file: share.as_ref().map(|share| shared_file(&links.bucket, share)),
        grant_id: grant_id.map(|id| id.to_string()),
        ..asking.event(Activity::Unshare, outcome, &decision)
    };
    links.audit.write(links.audit.next_id()?, &event).await?;
    match outcome {
        Outcome::Success => Ok(http::empty(204)),
        Outcome::Refused { .. } => Err(no_document()),
    }
}

/// A share's id in its one spelling.
fn grant_id(text: &str) -> Option<Sha256> {
    Sha256::from_hex(text).filter(|id| id.to_string() == text)
}

/// Whether the caller may. Another tenant's share counts as not there, and what isn't there is decided upon all the same,
/// so that it takes as long.
fn decide(links: &Links, asking: &Asking<'_>, found: Option<Stored>) -> (Option<Stored>, Decision) {
    let id = found.as_ref().map(|stored| stored.share.grant_id.to_string());
    let resource = match &found {
        Some(Stored { share, .. }) => Resource::Share {
            tenant: share.tenant.as_str(),
            owner: share.owner.as_ref().map(Owner::as_str),
            collection: &share.collection,
            created_by: &share.created_by,
            id: id.as_deref().unwrap_or_default(),
        },
        None => Resource::Share {
            tenant: "",
            owner: None,
            collection: "",
            created_by: "",
            id: "",
        },
    };
    let principal = asking.caller.principal();
    let decision = links.permissions.decide(&principal, Action::Revoke, &resource);
    match found.filter(|stored| stored.share.tenant == asking.caller.tenant) {
        Some(stored) => (Some(stored), decision),
        None => (None, Decision::none()),
    }
}

/// `false` when the share went away meanwhile.
async fn end(links: &Links, asking: &Asking<'_>, stored: Stored) -> Result<bool, Problem> {
    let at = links.audit.now();
    let decide = |share: &Share| {
        if share.revoked.is_some() {
            return Change::Keep(());
        }
        let revoked = Revoked {
            at,
            by: asking.caller.user_id.clone(),
        };
        let share = Share {
            revoked: Some(revoked),
            ..share.clone()
        };
        Change::Write(Box::new(share), ())
    };
    Ok(state::change(links, stored, decide).await?.is_some())
}

fn outcome(is_revoked: bool, is_forbidden: bool) -> Outcome {
    let reason = match (is_revoked, is_forbidden) {
        (true, _) => return Outcome::Success,
        (false, true) => "forbidden",
        (false, false) => "not_found",
    };
    Outcome::Refused {
        status: REFUSED,
        reason,
    }
}
