//! What a caller doesn't get, and what it is told: the same of everything that it may not know of.

use super::{Asking, Links};
use crate::audit::{Activity, Asked, Event, File, Given, Outcome};
use crate::caller::{Caller, Origin};
use crate::collection::Collection;
use crate::document::{Document, Unverified};
use crate::http::Request;
use crate::name::TenantId;
use crate::permission::{Action, Decision, Resource};
use crate::problem::{Problem, ProblemKind};
use crate::store_error::StoreError;

use super::request::LinkRequest;

/// Seconds after which a caller should try again when S3 is unavailable.
const RETRY_AFTER: u32 = 5;
/// Seconds in which an object that has just arrived is verified.
const VERIFIED_AFTER: u32 = 10;

/// Something that a caller doesn't get.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// What was asked for.
    pub activity: Activity,
    /// The collection that the request named.
    pub collection: &'a str,
    /// The path that the request named.
    pub path: &'a str,
    /// The caller's own tenant's document, which it may not read.
    pub document: Option<&'a Document>,
    /// What decided.
    pub decision: &'a Decision,
}

impl Links {
    /// Whether the caller may do this with the document. What isn't there, isn't anybody's or is another tenant's is
    /// decided upon all the same, so that it takes as long; it then counts as not there.
    pub fn decide(
        &self,
        caller: &Caller,
        action: Action,
        found: Option<Document>,
    ) -> (Option<Document>, Decision) {
        let nothing = Resource::Document {
            tenant: "",
            owner: None,
            collection: "",
            path: "",
        };
        let resource = found.as_ref().and_then(Document::resource).unwrap_or(nothing);
        let decision = self.permissions.decide(&caller.principal(), action, &resource);
        let is_own = |document: &Document| document.tenant.as_ref() == Some(&caller.tenant);
        if found.as_ref().is_some_and(|document| !is_own(document)) {
            tracing::warn!("a caller asked for a document of another tenant");
        }
        match found.filter(is_own) {
            Some(document) => (Some(document), decision),
            // Nothing tells the two kinds of nothing apart, not even which policy decided.
            None => (None, Decision::none()),
        }
    }

    /// Whether the caller may read what its tenant stores in a collection, and names no owner.
    pub fn may_read(&self, caller: &Caller, collection: Collection) -> bool {
        let any = Resource::Document {
            tenant: caller.tenant.as_str(),
            owner: None,
            collection: collection.name(),
            path: "",
        };
        let decision = self.permissions.decide(&caller.principal(), Action::Read, &any);
        decision.allowed
    }

    /// Records a refusal, and gives the problem that the caller gets.
    ///
    /// # Errors
    /// Always: `not-found`, or `unavailable` when it can't be recorded.
    pub async fn refuse<T>(
        &self,
        asking: &Asking<'_>,
        refusal: &Refusal<'_>,
        request: &LinkRequest,
    ) -> Result<T, Problem> {
        self.refuse_asked(asking, refusal, request.asked()).await
    }

    /// The same for a request that isn't one for a link.
    ///
    /// # Errors
    /// As for [`Links::refuse`].
    pub async fn refuse_asked<T>(
        &self,
        asking: &Asking<'_>,
        refusal: &Refusal<'_>,
        asked: Asked,
    ) -> Result<T, Problem> {
        let reason = match refusal.document {
            Some(_) => "forbidden",
            None => "not_found",
        };
        let outcome = Outcome::Refused { status: 404, reason };
        let event = Event {
            file: Some(self.place(refusal.collection, refusal.path)),
            asked,
            ..asking.event(refusal.activity, outcome, refusal.decision)
        };
        self.audit.write(self.audit.next_id()?, &event).await?;
        Err(no_document())
    }

    /// Records that a document isn't linked to, which the caller may read, and gives the problem that the caller gets.
    pub(super) async fn refuse_unverified<T>(
        &self,
        asking: &Asking<'_>,
        decision: &Decision,
        request: &LinkRequest,
        why: Unverified,
    ) -> Result<T, Problem> {
        let outcome = Outcome::Refused {
            status: ProblemKind::Conflict.status(),
            reason: match why {
                Unverified::Archived => "archived",
                Unverified::Yet | Unverified::Ever => "not_verified",
            },
        };
        let event = Event {
            file: Some(self.place(&request.collection, &request.path)),
            asked: request.asked(),
            ..asking.event(Activity::Share, outcome, decision)
        };
        self.audit.write(self.audit.next_id()?, &event).await?;
        Err(not_verified(why))
    }

    /// Who is asking. That nobody is known to be is a refusal, and recorded like any other.
    ///
    /// # Errors
    /// `unauthenticated`; `unavailable` when that can't be recorded.
    pub async fn caller(
        &self,
        request: &Request,
        default_tenant: &TenantId,
        activity: Activity,
        origin: &Origin,
    ) -> Result<Caller, Problem> {
        let problem = match Caller::of(request, default_tenant) {
            Ok(caller) => return Ok(caller),
            Err(problem) => problem,
        };
        let event = Event {
            activity,
            outcome: Outcome::Refused {
                status: problem.kind.status(),
                reason: "unauthenticated",
            },
            caller: None,
            origin,
            tenant: None,
            policies: &[],
            file: None,
            grant_id: None,
            asked: Asked::default(),
            given: Given::default(),
        };
        self.audit.write(self.audit.next_id()?, &event).await?;
        Err(problem)
    }

    /// Whether the caller may do this in a collection of its tenant.
    pub fn may(&self, caller: &Caller, action: Action, collection: Collection) -> Decision {
        let resource = Resource::Collection {
            tenant: caller.tenant.as_str(),
            name: collection.name(),
        };
        self.permissions.decide(&caller.principal(), action, &resource)
    }

    /// The same, and a refusal is recorded. That the caller may not is no secret.
    ///
    /// # Errors
    /// `forbidden` when it may not, which is in the audit log then; `unavailable` when it can't be recorded.
    pub async fn permit(
        &self,
        asking: &Asking<'_>,
        activity: Activity,
        action: Action,
        collection: Collection,
    ) -> Result<Decision, Problem> {
        let decision = self.may(asking.caller, action, collection);
        if decision.allowed {
            return Ok(decision);
        }
        let outcome = Outcome::Refused {
            status: 403,
            reason: "forbidden",
        };
        let event = Event {
            file: Some(File {
                collection: collection.name().to_owned(),
                ..File::default()
            }),
            ..asking.event(activity, outcome, &decision)
        };
        self.audit.write(self.audit.next_id()?, &event).await?;
        let detail = format!("you may not put files into the collection {}", collection.name());
        Err(Problem::new(ProblemKind::Forbidden, detail))
    }

    /// Where a path leads, in the spelling that a link to it is recorded in.
    fn place(&self, named: &str, path: &str) -> File {
        let collection = Collection::parse(named);
        let key = collection.and_then(|collection| collection.key(&self.base, path));
        let key = key.unwrap_or_default();
        let own = collection.and_then(|collection| collection.path(&self.base, &key));
        File {
            bucket: self.bucket.name().to_owned(),
            collection: named.to_owned(),
            path: own.unwrap_or(path).to_owned(),
            key,
            ..File::default()
        }
    }
}

/// The one answer about everything that a caller may not know of.
pub fn no_document() -> Problem {
    Problem::new(
        ProblemKind::NotFound,
        "there is no such document, or it isn't yours to read",
    )
}

/// Why a document isn't linked to that the caller may read.
fn not_verified(why: Unverified) -> Problem {
    match why {
        Unverified::Yet => Problem {
            retry_after: Some(VERIFIED_AFTER),
            ..Problem::new(
                ProblemKind::Conflict,
                "the document isn't verified yet, and no link leads to it before; repeat the request",
            )
        },
        Unverified::Archived => Problem::new(
            ProblemKind::Conflict,
            "the document lies in an archive, and no link leads to it before the service's operator has restored it",
        ),
        Unverified::Ever => Problem::new(
            ProblemKind::Conflict,
            "the document couldn't be verified, so no link leads to it; the service's operator can tell why",
        ),
    }
}

/// Logs the cause, once, and says to the caller what a failure of storage means for a link.
pub fn storage_problem(error: &StoreError) -> Problem {
    error.note("storage failed");
    let problem = match error {
        StoreError::Unavailable(_) => Problem {
            retry_after: Some(RETRY_AFTER),
            ..Problem::new(
                ProblemKind::Unavailable,
                "storage can't be reached just now; repeat the request",
            )
        },
        _ => Problem::new(
            ProblemKind::Internal,
            "storage holds or says something unexpected; its operator finds it in the log",
        ),
    };
    Problem {
        fault: error.fault(),
        ..problem
    }
}
