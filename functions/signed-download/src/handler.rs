//! The handler: find the route → who is it → may they, and is it there → the audit record → answer.
//!
//! Nothing is retried here, and nothing goes to a dead-letter queue: a caller is told whether a retry makes sense
//! (`Retry-After`), and whatever was begun for it counts or expires.

use std::convert::Infallible;

use casefile::audit::{Asked, Event, Given, Outcome};
use casefile::caller::{Caller, Origin};
use casefile::http::{self, Request, Response};
use casefile::id::Entropy;
use casefile::link::{Asking, Links};
use casefile::name::TenantId;
use casefile::permission::PermissionError;
use casefile::problem::Problem;
use casefile::time::Clock;
use lambda_runtime::LambdaEvent;
use serde_json::value::RawValue;

use crate::config::Config;
use crate::route::{KnownRoute, Route, ShareUse};
use crate::{audit, documents, links, share};

/// signed-download, with everything that it needs. Built once in a process.
#[derive(Debug)]
pub struct SignedDownload {
    links: Links,
    default_tenant: TenantId,
}

impl SignedDownload {
    /// Builds the function.
    ///
    /// # Errors
    /// When the policies can't be read.
    pub fn new(config: Config, clock: Clock, entropy: Entropy) -> Result<Self, PermissionError> {
        let default_tenant = config.links.default_tenant.clone();
        Ok(Self {
            links: config.links.links(clock, entropy)?,
            default_tenant,
        })
    }

    /// Handles an event of the HTTP API. Problems are answers.
    ///
    /// # Errors
    /// Never.
    pub async fn handle(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Response, Infallible> {
        let request_id = event.context.request_id;
        let answer = self.answer(event.payload.get(), &request_id).await;
        Ok(answer.unwrap_or_else(|problem| http::problem(&problem.noted(), &request_id)))
    }

    async fn answer(&self, event: &str, request_id: &str) -> Result<Response, Problem> {
        let request = Request::read(event)?;
        let origin = Origin::of(&request, request_id);
        match Route::of(&request)? {
            Route::Open(ShareUse { token, by }) => {
                Box::pin(share::redeem(&self.links, &origin, &request, &token, &by)).await
            }
            Route::Known(route) => Box::pin(self.answer_known(request, route, &origin)).await,
        }
    }

    async fn answer_known(
        &self,
        request: Request,
        route: KnownRoute,
        origin: &Origin,
    ) -> Result<Response, Problem> {
        let caller = self.caller(&request, &route, origin).await?;
        let base_url = request.base_url();
        let asking = Asking {
            caller: &caller,
            origin,
            base_url: base_url.as_deref(),
        };
        let links = &self.links;
        match route {
            KnownRoute::Link(place) => links::one(links, &asking, &request, place).await,
            KnownRoute::Links => links::many(links, &asking, request).await,
            KnownRoute::RevokeShare { id } => share::revoke(links, &asking, &request, &id).await,
            KnownRoute::List { collection } => documents::list(links, &asking, &request, &collection).await,
            KnownRoute::Metadata(place) => documents::metadata(links, &asking, &request, &place).await,
            KnownRoute::Audit => audit::search(links, &asking, &request).await,
        }
    }

    /// The caller; that there is none is a refusal, and recorded like any other.
    async fn caller(
        &self,
        request: &Request,
        route: &KnownRoute,
        origin: &Origin,
    ) -> Result<Caller, Problem> {
        let problem = match Caller::of(request, &self.default_tenant) {
            Ok(caller) => return Ok(caller),
            Err(problem) => problem,
        };
        let event = Event {
            activity: route.activity(),
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
        let audit = &self.links.audit;
        audit.write(audit.next_id()?, &event).await?;
        Err(problem)
    }
}
