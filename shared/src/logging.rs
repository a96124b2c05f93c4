//! Logs: JSON lines on standard output, which Lambda keeps for the operator.

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::config::Env;

/// Starts logging for the function whose crate is called `function`.
///
/// `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets from the function's `ApplicationLogLevel`, holds for Casefile's own
/// lines. Libraries log warnings at most: below that they write requests with their signatures.
///
/// # Errors
/// When the process logs already.
pub fn start(env: &Env, function: &'static str) -> Result<(), TryInitError> {
    let level = level(&env.text("AWS_LAMBDA_LOG_LEVEL").unwrap_or_default());
    let targets = Targets::new()
        .with_default(LevelFilter::WARN)
        // Its span carries the request's id.
        .with_target("lambda_runtime", Level::INFO)
        // It writes whole errors, which name the caller's fields; the handler has logged what may be logged.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        .with_target("casefile", level)
        .with_target(function, level);
    let lines = tracing_subscriber::fmt::layer().json().with_span_list(false);
    tracing_subscriber::registry()
        .with(lines)
        .with(targets)
        .try_init()
}

/// Lambda's names for levels (AWS Lambda developer guide, *Log-level filtering*); INFO where it says nothing.
fn level(name: &str) -> LevelFilter {
    match name {
        "TRACE" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "WARN" => LevelFilter::WARN,
        "ERROR" | "FATAL" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}
