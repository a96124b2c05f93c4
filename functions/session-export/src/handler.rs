//! The handler: parse the event → do → answer, by the door that the event came through.
//!
//! Nothing is retried here. HTTP callers are told whether a retry makes sense (`Retry-After`); a failed command goes
//! back to whoever invoked it. Nothing goes to a dead-letter queue: an export that fails is its caller's to repeat.

use std::time::Duration;

use casefile::caller::{Caller, Origin};
use casefile::http::{self, Request, Response};
use casefile::id::Entropy;
use casefile::json::FieldError;
use casefile::link::Asking;
use casefile::name::TenantId;
use casefile::problem::{Problem, ProblemKind};
use casefile::time::Clock;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::Config;
use crate::fallback::Fallback;
use crate::review::ReviewExport;
use crate::review::batch::Door;
use crate::review::readable::{ReportTemplate, generator};
use crate::route::{self, Route, Wishes};
use crate::work::{DEADLINE, Incoming};
use crate::{command, uploads};

/// What is left of a command's time when a batch has to end, to answer in.
const TIME_TO_ANSWER: Duration = Duration::from_secs(3);

/// session-export, with everything that it needs. Built once in a process.
#[derive(Debug)]
pub struct SessionExport {
    pub(crate) reviews: ReviewExport,
    pub(crate) fallback: Fallback,
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
    #[serde(default, borrow)]
    fallback: Option<&'a RawValue>,
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
        let fallback = Fallback::new(config.fallback, clock, entropy);
        let links = config.links.links(clock, entropy)?;
        let mut reviews = ReviewExport::new(links, template, generator);
        if let Some(key) = config.report_template_key {
            reviews = reviews.with_template_at(key);
        }
        Ok(Self {
            reviews,
            fallback,
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
        if let Ok(envelope @ Envelope { command: Some(_), .. }) = serde_json::from_str(text) {
            // Boxed, for the compiler gives up on the layout of futures nested this deep.
            let answer = Box::pin(self.command(&envelope, text, &request_id, time)).await;
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
        envelope: &Envelope<'_>,
        text: &str,
        request_id: &str,
        time: Duration,
    ) -> Result<Value, Problem> {
        let caller = Caller::operator(self.tenant(envelope.tenant)?);
        let origin = Origin {
            request_id: request_id.to_owned(),
            ..Origin::default()
        };
        let asking = Asking {
            caller: &caller,
            origin: &origin,
            base_url: None,
            kept_at: None,
        };
        let mut incoming = Incoming {
            came: self.reviews.links().audit.now(),
            asking: &asking,
            text,
            envelope: &command::ENVELOPE,
            returns_zip: returns_zip(envelope.fallback)?,
        };
        match envelope.command.as_deref().unwrap_or_default() {
            "export_review" => command::answer(self.export_review(&incoming).await?),
            "store_bol" => command::result(&self.store_bol(&incoming).await?),
            "store_training_log" => {
                let given = command::TrainingLog::read(text)?;
                (incoming.text, incoming.envelope) = (given.log, &[]);
                command::result(&self.store_training_log(&incoming, given.revision).await?)
            }
            "store_file" => {
                let collection = command::collection(text)?;
                incoming.envelope = &command::FILE_ENVELOPE;
                command::result(&self.store_file(&incoming, collection).await?)
            }
            "export_reviews" => {
                let door = Door::Command(&command::BATCH_ENVELOPE);
                command::result(&self.export_batch(&asking, text, door, time).await?)
            }
            "replay" => command::result(&self.replay_command(text, time).await?),
            unknown => Err(command::unknown(unknown)),
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
            kept_at: None,
        };
        let Wishes {
            revision,
            returns_zip,
        } = route.wishes(request.raw_query())?;
        let body = request.json_body()?;
        let incoming = Incoming {
            came: self.reviews.links().audit.now(),
            asking: &asking,
            text: &body,
            envelope: &[],
            returns_zip,
        };
        match route {
            Route::GrantUpload => http::json(201, &uploads::grant(links, &asking, &body).await?),
            Route::ExportReview => route::exported(&self.export_review(&incoming).await?),
            Route::ExportReviews => {
                let answer = self.export_batch(&asking, &body, Door::Http, DEADLINE).await?;
                http::json(200, &answer)
            }
            Route::StoreBol => route::issued(&self.store_bol(&incoming).await?),
            Route::StoreTrainingLog => route::filed(&self.store_training_log(&incoming, revision).await?),
            Route::StoreFile(collection) => route::filed(&self.store_file(&incoming, collection).await?),
            Route::Health => route::health(),
        }
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

/// Whether a command wants the ZIP of what has to be kept.
fn returns_zip(wish: Option<&RawValue>) -> Result<bool, Problem> {
    match wish.map(|wish| serde_json::from_str::<String>(wish.get())) {
        None => Ok(false),
        Some(Ok(wish)) if wish == command::ZIP => Ok(true),
        Some(_) => Err(command::invalid("/fallback", "must be \"zip\"".to_owned())),
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
