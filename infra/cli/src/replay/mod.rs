//! `casefile replay`: sends on what was kept locally when storage was at fault.

#![expect(
    clippy::doc_markdown,
    reason = "the comments on arguments are the help text, which has no markup"
)]

mod show;

use std::path::PathBuf;
use std::time::Duration;

use casefile::config::Env;
use casefile::id::Entropy;
use casefile::time::Clock;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use session_export::config::Config;
use session_export::fallback::FallbackSettings;
use session_export::handler::SessionExport;
use session_export::replay::ReplayOptions;
use session_export::replay::report::{EntryReport, ReplayReport};

use crate::failure::Failure;

/// How long `--watch` waits before it looks again.
const PAUSE: Duration = Duration::from_secs(30);

const EXAMPLES: &str = "Examples:
  casefile replay
  casefile replay --dir /mnt/fallback --dry-run --json
  casefile replay --watch";

/// The command's arguments.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder; without it, FALLBACK_DIR.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Only looks what waits, and whether it is whole.
    #[arg(long)]
    dry_run: bool,
    /// Goes on: looks again every 30 seconds, until it is interrupted.
    #[arg(long, conflicts_with = "dry_run")]
    watch: bool,
    /// Answers in JSON.
    #[arg(long)]
    json: bool,
}

/// Does what the arguments say; `tell` gets each report when it is there. Gives whether nothing waits any more.
///
/// # Errors
/// [`Failure`], in words for the person.
pub async fn run(
    arguments: &Arguments,
    env: Env,
    clock: Clock,
    entropy: Entropy,
    mut tell: impl FnMut(&str),
) -> Result<bool, Failure> {
    let function = function(arguments, env, clock, entropy)?;
    if !arguments.watch {
        let report = replay(&function, arguments.dry_run).await?;
        tell(&shown(arguments, &report)?);
        return Ok(report.waiting == 0);
    }
    let mut last = None;
    loop {
        let report = replay(&function, false).await;
        let told = match &report {
            Ok(report) => shown(arguments, report)?,
            // It may be otherwise the next time.
            Err(failure) => format!("{failure}\n"),
        };
        // A watch is silent as long as there is nothing new to tell.
        if report.is_ok_and(|report| report.sent > 0) || last.as_ref() != Some(&told) {
            tell(&told);
        }
        last = Some(told);
        tokio::time::sleep(PAUSE).await;
    }
}

fn function(
    arguments: &Arguments,
    env: Env,
    clock: Clock,
    entropy: Entropy,
) -> Result<SessionExport, Failure> {
    let failed = |error: String| Failure::Failed(error);
    let mut config = Config::from_env(env).map_err(|error| failed(error.to_string()))?;
    if let Some(dir) = &arguments.dir {
        let found = dir.canonicalize();
        let dir = found.map_err(|error| failed(format!("{}: {error}", dir.display())))?;
        config.fallback = Some(FallbackSettings {
            dir,
            max_bytes: u64::MAX,
        });
    }
    if config.fallback.is_none() {
        return Err(failed(
            "which folder? Give it with --dir, or as FALLBACK_DIR".to_owned(),
        ));
    }
    SessionExport::new(config, clock, entropy).map_err(|error| failed(error.to_string()))
}

async fn replay(function: &SessionExport, dry_run: bool) -> Result<ReplayReport, Failure> {
    let bar = bar();
    let options = ReplayOptions {
        until: None,
        dry_run,
        retries_refused: true,
    };
    let report = Box::pin(function.replay(options, |total, entry| {
        bar.set_length(total as u64);
        bar.inc(1);
        bar.set_message(message(entry));
    }));
    let report = report.await;
    bar.finish_and_clear();
    Ok(report?)
}

/// On standard error, where that is a terminal.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {pos} of {len}  {msg:<30}");
    let bar = ProgressBar::new(0);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn message(entry: &EntryReport) -> String {
    format!("{} {}", entry.collection, entry.outcome.name())
}

fn shown(arguments: &Arguments, report: &ReplayReport) -> Result<String, Failure> {
    if !arguments.json {
        return Ok(show::table(report, arguments.dry_run));
    }
    let json = serde_json::to_string_pretty(report);
    let json = json.map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(format!("{json}\n"))
}
