//! What was kept is sent on.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::demo::DemoError;
use crate::demo::step::Step;
use crate::progress::Progress;
use crate::stack::Stack;

const COMMAND: &[u8] = br#"{"command": "replay"}"#;
/// How long it goes on without anything being sent: what is under way elsewhere ends in half of that.
const STUCK: Duration = Duration::from_mins(1);
/// Between runs: what another one is busy with is free a moment later.
const PAUSE: Duration = Duration::from_millis(500);

/// How many were sent on, by collection.
pub(super) type Sent = BTreeMap<String, usize>;

/// The answer to `replay`.
#[derive(Deserialize)]
struct Report {
    waiting: usize,
    sent: usize,
    #[serde(default)]
    failed: usize,
    #[serde(default)]
    refused: usize,
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    collection: String,
    outcome: String,
    detail: Option<String>,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = self.detail.as_deref().unwrap_or("without a word why");
        write!(f, "{}: {}, {detail}", self.collection, self.outcome)
    }
}

/// Lets session-export send on what it kept, as often as it takes. A stack without a folder for that keeps nothing.
pub(super) async fn replay(stack: &Stack, progress: &Progress) -> Result<Sent, DemoError> {
    let mut sent = Sent::new();
    let Some(function) = stack
        .function("session-export")
        .filter(|_| stack.fallback_dir().is_some())
    else {
        return Ok(sent);
    };
    let step = Step::begin(progress, "sending on what was kept");
    let mut last_sent = Instant::now();
    loop {
        let report = run(stack, function, &step).await?;
        step.note(&format!(
            "{} sent, {} failed, {} refused, {} still waiting",
            report.sent, report.failed, report.refused, report.waiting
        ));
        for entry in &report.entries {
            match entry.outcome.as_str() {
                "sent" => *sent.entry(entry.collection.clone()).or_default() += 1,
                "failed" | "refused" | "damaged" => step.note(&format!("  {entry}")),
                _ => {}
            }
        }
        if report.waiting == 0 {
            return Ok(sent);
        }
        if report.sent > 0 {
            last_sent = Instant::now();
        } else if last_sent.elapsed() > STUCK {
            return Err(step.unexpected("nothing kept any more", format!("{} exports", report.waiting)));
        }
        sleep(PAUSE).await;
    }
}

async fn run(stack: &Stack, function: &str, step: &Step<'_>) -> Result<Report, DemoError> {
    let invocation = stack.lambda.invoke(function, Bytes::from_static(COMMAND)).await;
    let expected = "a report of what was sent on";
    let invocation = invocation.map_err(|error| step.unexpected(expected, error.to_string()))?;
    let answer = invocation
        .result
        .map_err(|error| step.unexpected(expected, error.to_string()))?;
    serde_json::from_slice(&answer).map_err(|error| step.unexpected(expected, error.to_string()))
}
