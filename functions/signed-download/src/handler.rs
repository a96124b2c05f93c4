//! The handler: find the route → who is it → may they, and is it there → the audit record → answer.
//!
//! Nothing is retried here, and nothing goes to a dead-letter queue: a caller is told whether a retry makes sense
//! (`Retry-After`), and whatever was begun for it counts or expires.

use std::convert::Infallible;
use std::time::Duration;

use casefile::caller::Origin;
use casefile::http::{self, Request, Response};
use casefile::id::Entropy;
use casefile::link::{Asking, Links};
use casefile::metrics::LinkCount;
use casefile::name::TenantId;
use casefile::permission::PermissionError;
use casefile::problem::{Problem, ProblemKind};
use casefile::time::Clock;
use lambda_runtime::LambdaEvent;
use serde_json::value::RawValue;

use crate::config::Config;
use crate::route::{KnownRoute, Route, ShareUse};
use crate::{audit, documents, links, share};

/// A caller behind API Gateway, which gives up after 30 s, has an answer within this time.
const DEADLINE: Duration = Duration::from_secs(25);
/// Seconds after which a caller should try again.
const RETRY_AFTER: u32 = 5;

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
        Ok(Self::with(config.links.links(clock, entropy)?, default_tenant))
    }

    /// The function with links of one's own, on another client of S3, say. Callers whose identity names no tenant are of
    /// `default_tenant`.
    pub fn with(links: Links, default_tenant: TenantId) -> Self {
        Self {
            links,
            default_tenant,
        }
    }

    /// Handles an event of the HTTP API. Problems are answers.
    ///
    /// # Errors
    /// Never.
    pub async fn handle(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Response, Infallible> {
        let request_id = event.context.request_id;
        let answer = tokio::time::timeout(DEADLINE, self.answer(event.payload.get(), &request_id)).await;
        let answer = answer.unwrap_or_else(|_| {
            tracing::error!(link.deadline_s = DEADLINE.as_secs(), "the answer took too long");
            Err(too_slow())
        });
        Ok(answer.unwrap_or_else(|problem| http::problem(&problem.noted(), &request_id)))
    }

    async fn answer(&self, event: &str, request_id: &str) -> Result<Response, Problem> {
        let request = Request::read(event)?;
        let origin = Origin::of(&request, request_id);
        match Route::of(&request)? {
            Route::Open(ShareUse { token, by }) => {
                let count = LinkCount::used();
                let answer = Box::pin(share::redeem(&self.links, &origin, &request, &token, &by)).await;
                match &answer {
                    // The page with the button, or an answer to HEAD.
                    Ok(response) if response.status_code == 200 => count.none(),
                    answer => count.ended(answer),
                }
                answer
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
        let links = &self.links;
        let caller = links
            .caller(&request, &self.default_tenant, route.activity(), origin)
            .await?;
        let base_url = request.base_url();
        let asking = Asking {
            caller: &caller,
            origin,
            base_url: base_url.as_deref(),
            kept_at: None,
        };
        match route {
            KnownRoute::Link(place) => links::one(links, &asking, &request, place).await,
            KnownRoute::Links => links::many(links, &asking, request).await,
            KnownRoute::RevokeShare { id } => share::revoke(links, &asking, &request, &id).await,
            KnownRoute::List { collection } => documents::list(links, &asking, &request, &collection).await,
            KnownRoute::Metadata(place) => documents::metadata(links, &asking, &request, &place).await,
            KnownRoute::Audit => audit::search(links, &asking, &request).await,
        }
    }
}

/// Whatever was begun counts for nothing: no link has left.
fn too_slow() -> Problem {
    Problem {
        retry_after: Some(RETRY_AFTER),
        ..Problem::new(
            ProblemKind::Unavailable,
            "storage took too long; repeat the request",
        )
    }
}
