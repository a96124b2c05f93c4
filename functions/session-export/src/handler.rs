//! The handler: parse the event → do → answer, by the door that the event came through.
//!
//! Nothing is retried here. HTTP callers are told whether a retry makes sense (`Retry-After`); a failed command goes
//! back to whoever invoked it. Nothing goes to a dead-letter queue: an export that fails is its caller's to repeat.

use std::pin::Pin;
use std::time::{Duration, Instant};

use casefile::caller::{Caller, Origin};
use casefile::collection::Collection;
use casefile::http::{self, Request, Response};
use casefile::id::Entropy;
use casefile::json::FieldError;
use casefile::link::Asking;
use casefile::metrics;
use casefile::name::TenantId;
use casefile::problem::{Problem, ProblemKind};
use casefile::time::Clock;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::bols::{self, BolAnswer};
use crate::config::Config;
use crate::files::{FileAnswer, Filed};
use crate::review::batch::{BatchAnswer, Door};
use crate::review::problems::unavailable;
use crate::review::readable::{ReportTemplate, generator};
use crate::review::{Exported, ReviewExport};
use crate::route::{self, Route};
use crate::{command, files, uploads};

/// A caller behind API Gateway, which gives up after 30 s, has an answer within this time.
const DEADLINE: Duration = Duration::from_secs(25);
/// A bill of lading's number is waited for so long, and then there is time left to answer.
const NUMBERED_WITHIN: Duration = Duration::from_secs(20);

/// What is left of a command's time when a batch has to end, to answer in.
const TIME_TO_ANSWER: Duration = Duration::from_secs(3);

/// session-export, with everything that it needs. Built once in a process.
#[derive(Debug)]
pub struct SessionExport {
    reviews: ReviewExport,
    default_tenant: TenantId,
}

/// What the function returns, by the door.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To API Gateway.
    Http(Box<Response>),
    /// To whoever sent a command.
    Command(Value),
}

/// What tells a command from an HTTP event.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    command: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, borrow)]
    tenant: Option<&'a RawValue>,
}

impl SessionExport {
    /// Builds the function.
    ///
    /// # Errors
    /// When the report's template or the policies can't be parsed.
    pub fn new(config: Config, clock: Clock, entropy: Entropy) -> Result<Self, lambda_runtime::Error> {
        let default_tenant = config.links.default_tenant.clone();
        let generator = generator(config.report_template.as_deref());
        let template = ReportTemplate::new(config.report_template)?;
        let links = config.links.links(clock, entropy)?;
        let mut reviews = ReviewExport::new(links, template, generator);
        if let Some(key) = config.report_template_key {
            reviews = reviews.with_template_at(key);
        }
        Ok(Self {
            reviews,
            default_tenant,
        })
    }

    /// Handles an event of either kind.
    ///
    /// # Errors
    /// A command's problem. HTTP problems are answers.
    pub async fn handle(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Answer, Diagnostic> {
        let request_id = event.context.request_id;
        let time = self.time_until(event.context.deadline);
        let text = event.payload.get();
        if let Ok(Envelope {
            command: Some(command),
            tenant,
        }) = serde_json::from_str(text)
        {
            // Boxed, for the compiler gives up on the layout of futures nested this deep.
            let answer = Box::pin(self.command(&command, tenant, text, &request_id, time)).await;
            answer
                .map(Answer::Command)
                .map_err(|problem| command::failure(&problem.noted(), &request_id))
        } else {
            let answer = Box::pin(self.http(text, &request_id)).await;
            Ok(Answer::Http(Box::new(answer.unwrap_or_else(|problem| {
                http::problem(&problem.noted(), &request_id)
            }))))
        }
    }

    async fn command(
        &self,
        command: &str,
        tenant: Option<&RawValue>,
        text: &str,
        request_id: &str,
        time: Duration,
    ) -> Result<Value, Problem> {
        let caller = Caller::operator(self.tenant(tenant)?);
        let origin = Origin {
            request_id: request_id.to_owned(),
            ..Origin::default()
        };
        let asking = Asking {
            caller: &caller,
            origin: &origin,
            base_url: None,
        };
        match command {
            "export_review" => {
                let exported = self.export_review(&asking, text, &command::ENVELOPE).await?;
                command::answer(exported)
            }
            "store_bol" => {
                let stored = self.store_bol(&asking, text, &command::ENVELOPE).await?;
                command::result(&stored)
            }
            "store_training_log" => {
                let given = command::TrainingLog::read(text)?;
                let filed = self.store_training_log(&asking, given.log, given.revision);
                command::result(&filed.await?)
            }
            "store_file" => {
                let collection = command::collection(text)?;
                let filed = self.store_file(&asking, collection, text, &command::FILE_ENVELOPE);
                command::result(&filed.await?)
            }
            "export_reviews" => {
                let door = Door::Command(&command::ENVELOPE);
                command::result(&self.export_batch(&asking, text, door, time).await?)
            }
            _ => Err(command::unknown(command)),
        }
    }

    /// How long a command's batch may take: whoever invokes the function waits until its time is up.
    fn time_until(&self, deadline_ms: u64) -> Duration {
        time_between(self.reviews.links().audit.now(), deadline_ms)
    }

    /// The tenant that a command names.
    fn tenant(&self, named: Option<&RawValue>) -> Result<TenantId, Problem> {
        let Some(named) = named else {
            return Ok(self.default_tenant.clone());
        };
        serde_json::from_str(named.get()).map_err(|_| {
            let detail = "must be a tenant's id: letters and digits, '-', '_' and '.', at most 64 of them";
            Problem::invalid(vec![FieldError {
                pointer: "/tenant".to_owned(),
                detail: detail.to_owned(),
            }])
        })
    }

    async fn http(&self, text: &str, request_id: &str) -> Result<Response, Problem> {
        let request = Request::read(text).map_err(|_| not_an_event())?;
        let route = Route::of(&request)?;
        if route == Route::Health {
            return route::health();
        }
        let origin = Origin::of(&request, request_id);
        let links = self.reviews.links();
        let caller = links
            .caller(&request, &self.default_tenant, route.activity(), &origin)
            .await?;
        let base_url = request.base_url();
        let asking = Asking {
            caller: &caller,
            origin: &origin,
            base_url: base_url.as_deref(),
        };
        let revision = route.revision(request.raw_query())?;
        let body = request.json_body()?;
        match route {
            Route::GrantUpload => http::json(201, &uploads::grant(links, &asking, &body).await?),
            Route::ExportReview => route::exported(&self.export_review(&asking, &body, &[]).await?),
            Route::ExportReviews => {
                let answer = self.export_batch(&asking, &body, Door::Http, DEADLINE).await?;
                http::json(200, &answer)
            }
            Route::StoreBol => http::json(201, &self.store_bol(&asking, &body, &[]).await?),
            Route::StoreTrainingLog => {
                route::filed(&self.store_training_log(&asking, &body, revision).await?)
            }
            Route::StoreFile(collection) => {
                route::filed(&self.store_file(&asking, collection, &body, &[]).await?)
            }
            Route::Health => route::health(),
        }
    }

    async fn store_bol(
        &self,
        asking: &Asking<'_>,
        text: &str,
        envelope: &[&str],
    ) -> Result<BolAnswer, Problem> {
        let started = Instant::now();
        let until = tokio::time::Instant::now() + NUMBERED_WITHIN;
        let issuing = bols::issue(self.reviews.links(), asking, text, envelope, until);
        let stored = within_deadline(Box::pin(issuing)).await;
        count_file(
            stored.as_ref().map(|stored| Some(&stored.file)),
            started.elapsed(),
        );
        stored
    }

    async fn store_file(
        &self,
        asking: &Asking<'_>,
        collection: Collection,
        text: &str,
        envelope: &[&str],
    ) -> Result<Filed, Problem> {
        let links = self.reviews.links();
        let storing = Box::pin(files::store(links, asking, collection, text, envelope));
        counted(within_deadline(storing)).await
    }

    async fn store_training_log(
        &self,
        asking: &Asking<'_>,
        text: &str,
        revision: bool,
    ) -> Result<Filed, Problem> {
        let storing = Box::pin(files::training_log(self.reviews.links(), asking, text, revision));
        let storing = Box::pin(async { Ok(Filed::Stored(Box::new(storing.await?))) });
        counted(within_deadline(storing)).await
    }

    async fn export_batch(
        &self,
        asking: &Asking<'_>,
        text: &str,
        door: Door<'_>,
        time: Duration,
    ) -> Result<BatchAnswer, Problem> {
        Box::pin(self.reviews.export_batch(asking, text, door, time)).await
    }

    async fn export_review(
        &self,
        asking: &Asking<'_>,
        text: &str,
        envelope: &[&str],
    ) -> Result<Exported, Problem> {
        let started = Instant::now();
        let exported = within_deadline(Box::pin(self.reviews.export(asking, text, envelope))).await;
        count(&exported, started.elapsed());
        exported
    }
}

/// The time to work in until a deadline. One that lies in the past is none: `cargo lambda invoke` sends one of 1970.
fn time_between(now: Timestamp, deadline_ms: u64) -> Duration {
    let deadline = i64::try_from(deadline_ms).unwrap_or(i64::MAX);
    match u64::try_from(deadline.saturating_sub(now.as_millisecond())) {
        Ok(left) if left > 0 => Duration::from_millis(left).saturating_sub(TIME_TO_ANSWER),
        _ => DEADLINE,
    }
}

/// The work comes boxed, for a request's future is large.
async fn within_deadline<T>(work: Pin<Box<impl Future<Output = Result<T, Problem>>>>) -> Result<T, Problem> {
    let done = tokio::time::timeout(DEADLINE, work).await;
    done.unwrap_or_else(|_| {
        tracing::error!(export.deadline_s = DEADLINE.as_secs(), "the export took too long");
        Err(unavailable("storage took too long"))
    })
}

/// Counts a file; one that is skipped isn't.
async fn counted(storing: impl Future<Output = Result<Filed, Problem>>) -> Result<Filed, Problem> {
    let started = Instant::now();
    let filed = storing.await;
    let answer = filed.as_ref().map(|filed| match filed {
        Filed::Stored(answer) => Some(answer.as_ref()),
        Filed::Skipped(_) => None,
    });
    count_file(answer, started.elapsed());
    filed
}

fn count_file(stored: Result<Option<&FileAnswer>, &Problem>, took: Duration) {
    match stored {
        Ok(Some(answer)) => {
            metrics::export_succeeded(1, answer.size, took);
            if let Some(link) = &answer.link {
                metrics::link_granted(link.kind);
            }
        }
        Ok(None) => {}
        Err(problem) => metrics::export_failed(problem),
    }
}

/// Counts an export; a ZIP is one file.
fn count(exported: &Result<Exported, Problem>, took: Duration) {
    let (files, bytes, link) = match exported {
        Ok(Exported::Stored(answer)) => return answer.count(took),
        Ok(Exported::Archive { zip, .. }) => (1, zip.len() as u64, None),
        Ok(Exported::Linked(link)) => (1, link.size, Some(link.as_ref())),
        Err(problem) => return metrics::export_failed(problem),
    };
    metrics::export_succeeded(files, bytes, took);
    if let Some(link) = link {
        metrics::link_granted(link.kind);
    }
}

fn not_an_event() -> Problem {
    let detail = "the event is neither an HTTP API event (payload format 2.0) nor a command \
                  ({\"command\": \"export_review\", …})";
    Problem::new(ProblemKind::Malformed, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_in_the_past_is_unknown() {
        let now = Timestamp::from_second(1_763_121_600).unwrap();
        let ms = 1_763_121_600_000;
        assert_eq!(time_between(now, ms + 60_000), Duration::from_secs(57));
        assert_eq!(time_between(now, ms + 1_000), Duration::ZERO);
        for past in [0, 25_000, ms] {
            assert_eq!(time_between(now, past), DEADLINE);
        }
    }
}
