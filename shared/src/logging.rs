//! Logs: JSON lines on standard output, which Lambda keeps for the operator.

use std::panic::{Location, PanicHookInfo, set_hook};

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
/// From here on a panic is a line that says where it happened, and not its message: a parser's may quote what it read.
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
        .try_init()?;
    set_hook(Box::new(log_panic));
    Ok(())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location();
    let file = place.map_or("unknown", |place| place.file());
    let line = place.map_or(0, Location::line);
    tracing::error!(
        panic.file = file,
        panic.line = line,
        "a panic: what was under way has failed"
    );
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::Value;

    use super::*;

    /// Logs and panics as a function does. What it changes holds for a whole process.
    #[test]
    #[ignore = "runs in a process of its own, see below"]
    fn panics_with_a_secret() {
        start(&Env::of([("X", "Y")]), "casefile").unwrap();
        let secret = "a patient's name";
        let caught = std::panic::catch_unwind(|| panic!("unexpected token in {secret}"));
        assert!(caught.is_err());
    }

    #[test]
    fn a_panic_is_logged_by_its_place_alone() {
        let this = std::env::current_exe().unwrap();
        let output = Command::new(this)
            .args(["--exact", "logging::tests::panics_with_a_secret"])
            .args(["--ignored", "--nocapture"])
            .output()
            .unwrap();
        assert!(output.status.success());
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!format!("{out}{err}").contains("patient"), "{out}{err}");
        // The test's own name may stand before it.
        let json = |line: &str| serde_json::from_str::<Value>(line.get(line.find('{')?..)?).ok();
        let mut lines = out.lines().filter_map(json);
        let line = lines.next().unwrap();
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["fields"]["panic.file"], file!());
        assert!(line["fields"]["panic.line"].as_u64().is_some());
        assert_eq!(lines.next(), None);
    }
}
