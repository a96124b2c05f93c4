//! The handler: parse the event → do → answer, by the door that the event came through.
//!
//! Nothing is retried here. HTTP callers are told whether a retry makes sense (`Retry-After`); a failed command goes
//! back to whoever invoked it. Nothing goes to a dead-letter queue: an export that fails is its caller's to repeat.

use std::time::Duration;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use casefile::bucket::Bucket;
use casefile::problem::{Problem, ProblemKind};
use casefile::time::Clock;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::Config;
use crate::review::problems::unavailable;
use crate::review::readable::ReportTemplate;
use crate::review::{Exported, ReviewExport, generator};
use crate::{command, http};

/// A caller behind API Gateway, which gives up after 30 s, has an answer within this time.
const DEADLINE: Duration = Duration::from_secs(25);

/// session-export, with everything that it needs. Built once in a process.
#[derive(Debug)]
pub struct SessionExport {
    reviews: ReviewExport,
}

/// What the function returns, by the door.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To API Gateway.
    Http(ApiGatewayV2httpResponse),
    /// To whoever sent a command.
    Command(Value),
}

/// What tells a command from an HTTP event.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    command: Option<std::borrow::Cow<'a, str>>,
}

impl SessionExport {
    /// Builds the function.
    ///
    /// # Errors
    /// When the report's template can't be parsed.
    pub fn new(config: Config, clock: Clock) -> Result<Self, minijinja::Error> {
        let bucket = Bucket::new(config.s3.client(), config.bucket);
        let generator = generator(config.report_template.as_deref());
        let template = ReportTemplate::new(config.report_template)?;
        Ok(Self {
            reviews: ReviewExport::new(bucket, config.base_path, template, generator, clock),
        })
    }

    /// Handles an event of either kind.
    ///
    /// # Errors
    /// A command's problem. HTTP problems are answers.
    pub async fn handle(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Answer, Diagnostic> {
        let request_id = event.context.request_id;
        let text = event.payload.get();
        if let Ok(Envelope {
            command: Some(command),
        }) = serde_json::from_str(text)
        {
            let answer = self.command(&command, text).await;
            answer
                .map(Answer::Command)
                .map_err(|problem| command::failure(&noted(problem), &request_id))
        } else {
            let answer = self.http(text).await;
            Ok(Answer::Http(answer.unwrap_or_else(|problem| {
                http::problem(&noted(problem), &request_id)
            })))
        }
    }

    async fn command(&self, command: &str, text: &str) -> Result<Value, Problem> {
        match command {
            "export_review" => command::answer(self.export_review(text).await?),
            _ => Err(command::unknown(command)),
        }
    }

    async fn http(&self, text: &str) -> Result<ApiGatewayV2httpResponse, Problem> {
        let request: ApiGatewayV2httpRequest = serde_json::from_str(text).map_err(|_| not_an_event())?;
        match http::route(&request)? {
            http::Route::ExportReview => http::answer(self.export_review(&http::json_body(request)?).await?),
        }
    }

    async fn export_review(&self, text: &str) -> Result<Exported, Problem> {
        // Boxed, for the compiler gives up on the layout of futures nested this deep.
        let exported = tokio::time::timeout(DEADLINE, Box::pin(self.reviews.export(text))).await;
        exported.unwrap_or_else(|_| {
            tracing::error!(export.deadline_s = DEADLINE.as_secs(), "the export took too long");
            Err(unavailable("storage took too long"))
        })
    }
}

/// The log has each problem once, without the request's texts: what is ours to mend as an error.
fn noted(problem: Problem) -> Problem {
    let kind = problem.kind.name();
    match problem.kind {
        ProblemKind::Internal | ProblemKind::Unavailable => {
            tracing::error!(problem.kind = kind, "the request failed");
        }
        _ => {
            let errors = problem.errors.len();
            tracing::info!(
                problem.kind = kind,
                problem.errors = errors,
                "the request was refused"
            );
        }
    }
    problem
}

fn not_an_event() -> Problem {
    let detail = "the event is neither an HTTP API event (payload format 2.0) nor a command \
                  ({\"command\": \"export_review\", …})";
    Problem::new(ProblemKind::Malformed, detail)
}
