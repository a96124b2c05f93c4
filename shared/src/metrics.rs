//! Metrics in `CloudWatch`'s embedded metric format: each invocation writes what it counted as JSON lines among its
//! logs, and `CloudWatch` makes metrics of them. No calls, no agent.
//!
//! The namespace is `Casefile`, and each metric has the dimension `Function`, which is the Lambda function's name; some
//! have more, see below. A line is written for each set of dimensions that has something to tell: one in most
//! invocations, none in one that counted nothing. Names, dimensions and units are all in this module; every dimension's
//! values are words of this program, never a key, a name or anything else of a caller's.
//!
//! | metric | unit | dimensions beside `Function` | |
//! |---|---|---|---|
//! | `ExportsSucceeded`, `ExportsFailed` | count | | failed: by our fault; what callers got wrong isn't counted |
//! | `ExportsFallenBack` | count | | kept locally, for storage was at fault |
//! | `ReplaysSent`, `ReplaysFailed` | count | | kept exports that a replay has sent on, and that it couldn't |
//! | `StorageSetUpFaults` | count | | S3 refused a call: the log says what is wrong with the set-up |
//! | `ExportDuration` | ms | | of those that succeeded |
//! | `ExportFiles`, `ExportBytes` | count, bytes | | of those that succeeded |
//! | `Links` | count | `Kind`: `direct`, `share`, `share_use`; `Outcome`: `granted`, `refused`, `failed` | |
//! | `Verdicts` | count | `Status` | of files that arrived |
//! | `BatchFailures` | count | | messages that go back to their queue |
//! | `DeadLetters` | count | | messages that went to the dead-letter queue at once |
//! | `SummaryInputTokens`, `SummaryOutputTokens` | count | | what the model was asked and answered |
//!
//! Source: Amazon `CloudWatch` user guide, *Specification: Embedded metric format*.

use std::io::Write;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use metrics_cloudwatch_embedded::{Builder, Collector};

use crate::collection::LinkKind;
use crate::config::Env;
use crate::problem::{Problem, ProblemKind};

const NAMESPACE: &str = "Casefile";

const EXPORTS_SUCCEEDED: &str = "ExportsSucceeded";
const EXPORTS_FAILED: &str = "ExportsFailed";
const EXPORTS_FALLEN_BACK: &str = "ExportsFallenBack";
const REPLAYS_SENT: &str = "ReplaysSent";
const REPLAYS_FAILED: &str = "ReplaysFailed";
const STORAGE_SET_UP_FAULTS: &str = "StorageSetUpFaults";
const EXPORT_DURATION: &str = "ExportDuration";
const EXPORT_FILES: &str = "ExportFiles";
const EXPORT_BYTES: &str = "ExportBytes";
const LINKS: &str = "Links";
const VERDICTS: &str = "Verdicts";
const BATCH_FAILURES: &str = "BatchFailures";
const DEAD_LETTERS: &str = "DeadLetters";
const SUMMARY_INPUT_TOKENS: &str = "SummaryInputTokens";
const SUMMARY_OUTPUT_TOKENS: &str = "SummaryOutputTokens";

const UNITS: [(&str, Unit); 14] = [
    (EXPORTS_SUCCEEDED, Unit::Count),
    (EXPORTS_FAILED, Unit::Count),
    (EXPORTS_FALLEN_BACK, Unit::Count),
    (REPLAYS_SENT, Unit::Count),
    (REPLAYS_FAILED, Unit::Count),
    (STORAGE_SET_UP_FAULTS, Unit::Count),
    (EXPORT_FILES, Unit::Count),
    (EXPORT_BYTES, Unit::Bytes),
    (LINKS, Unit::Count),
    (VERDICTS, Unit::Count),
    (BATCH_FAILURES, Unit::Count),
    (DEAD_LETTERS, Unit::Count),
    (SUMMARY_INPUT_TOKENS, Unit::Count),
    (SUMMARY_OUTPUT_TOKENS, Unit::Count),
];

/// What the process counts. Without it, which is so in tests, counting does nothing.
#[derive(Clone, Copy)]
pub struct Metrics(&'static Collector);

/// The process counts already.
#[derive(Debug, thiserror::Error)]
#[error("the process counts its metrics already")]
pub struct Started;

impl Metrics {
    /// Starts counting: once in a process. `function` is what the function is called where Lambda hasn't named it.
    ///
    /// # Errors
    /// When the process counts already.
    pub fn start(env: &Env, function: &'static str) -> Result<Self, Started> {
        let name = env.text("AWS_LAMBDA_FUNCTION_NAME");
        let collector = Builder::new()
            .cloudwatch_namespace(NAMESPACE)
            .with_dimension("Function", name.unwrap_or_else(|| function.to_owned()))
            .init()
            .map_err(|_| Started)?;
        for (name, unit) in UNITS {
            describe_counter!(name, unit, "");
        }
        describe_histogram!(EXPORT_DURATION, Unit::Milliseconds, "");
        Ok(Self(collector))
    }

    /// Runs an invocation, and writes what was counted when it ends, also by a panic.
    pub async fn after<T>(&self, invocation: impl Future<Output = T>) -> T {
        let _flush = Flush(*self);
        invocation.await
    }

    /// In one write, so that no log line comes between. A line that can't be written is lost, like any log line.
    fn flush(self) {
        let mut lines = Vec::new();
        if self.0.flush(&mut lines).is_ok() && !lines.is_empty() {
            drop(std::io::stdout().lock().write_all(&lines));
        }
    }
}

struct Flush(Metrics);

impl Drop for Flush {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Counts an export that succeeded: how many files and bytes it has, and how long it took.
pub fn export_succeeded(files: usize, bytes: u64, took: Duration) {
    counter!(EXPORTS_SUCCEEDED).increment(1);
    counter!(EXPORT_FILES).increment(files as u64);
    counter!(EXPORT_BYTES).increment(bytes);
    histogram!(EXPORT_DURATION).record(took.as_secs_f64() * 1000.0);
}

/// Counts an export that ended in a problem, if that is ours to mend.
pub fn export_failed(problem: &Problem) {
    if is_ours(problem) {
        counter!(EXPORTS_FAILED).increment(1);
    }
}

/// Counts an export that was kept locally.
pub fn export_fell_back() {
    counter!(EXPORTS_FALLEN_BACK).increment(1);
}

/// Counts what a replay has done.
pub fn replayed(sent: usize, failed: usize) {
    counter!(REPLAYS_SENT).increment(sent as u64);
    counter!(REPLAYS_FAILED).increment(failed as u64);
}

/// Counts a call that S3 refused because something is wrong with the set-up.
pub fn set_up_fault() {
    counter!(STORAGE_SET_UP_FAULTS).increment(1);
}

/// Counts a file that was judged. `status` is one of the verdicts' names.
pub fn verdict(status: &'static str) {
    counter!(VERDICTS, "Status" => status).increment(1);
}

/// Counts messages that go back to their queue.
pub fn batch_failures(messages: usize) {
    counter!(BATCH_FAILURES).increment(messages as u64);
}

/// Counts a message that went to the dead-letter queue at once.
pub fn dead_letter() {
    counter!(DEAD_LETTERS).increment(1);
}

/// Counts what a summary cost.
pub fn summary_tokens(input: u64, output: u64) {
    counter!(SUMMARY_INPUT_TOKENS).increment(input);
    counter!(SUMMARY_OUTPUT_TOKENS).increment(output);
}

/// Counts a link that was granted along with something else.
pub fn link_granted(kind: LinkKind) {
    LinkCount::asked(kind).ended(&Ok(()));
}

/// A link that is asked for, or a share link that is used: counted when it ends. One that is dropped on its way,
/// because the time was up, has failed.
#[derive(Debug)]
#[must_use = "it counts a failure when it is dropped"]
pub struct LinkCount {
    kind: &'static str,
    outcome: Option<&'static str>,
}

impl LinkCount {
    /// Somebody asks for a link of this kind.
    pub fn asked(kind: LinkKind) -> Self {
        Self::of(kind.name())
    }

    /// Somebody uses a share link.
    pub fn used() -> Self {
        Self::of("share_use")
    }

    fn of(kind: &'static str) -> Self {
        Self {
            kind,
            outcome: Some("failed"),
        }
    }

    /// It was granted, refused, or has failed by our fault.
    pub fn ended<T>(mut self, outcome: &Result<T, Problem>) {
        self.outcome = match outcome {
            Ok(_) => Some("granted"),
            Err(problem) if is_ours(problem) => Some("failed"),
            Err(_) => Some("refused"),
        };
    }

    /// Nobody asked for a link after all.
    pub fn none(mut self) {
        self.outcome = None;
    }
}

impl Drop for LinkCount {
    fn drop(&mut self) {
        if let Some(outcome) = self.outcome {
            counter!(LINKS, "Kind" => self.kind, "Outcome" => outcome).increment(1);
        }
    }
}

fn is_ours(problem: &Problem) -> bool {
    matches!(problem.kind, ProblemKind::Internal | ProblemKind::Unavailable)
}

#[cfg(test)]
mod tests {
    use std::sync::{LazyLock, Mutex, PoisonError};

    use serde_json::{Value, json};

    use super::*;

    /// There is one in a process.
    static METRICS: LazyLock<Mutex<Metrics>> = LazyLock::new(|| {
        let env = Env::of([("AWS_LAMBDA_FUNCTION_NAME", "casefile-signed-download")]);
        Mutex::new(Metrics::start(&env, "signed-download").unwrap())
    });

    /// What is written after `work`, without the time.
    fn written(work: impl FnOnce()) -> Vec<Value> {
        let metrics = METRICS.lock().unwrap_or_else(PoisonError::into_inner);
        metrics.0.flush(std::io::sink()).unwrap();
        work();
        let mut lines = Vec::new();
        metrics.0.flush(&mut lines).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        let line = |line: &str| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let time = line["_aws"].as_object_mut().unwrap().remove("Timestamp");
            assert!(time.unwrap().as_u64().unwrap() > 1_700_000_000_000);
            line
        };
        lines.lines().map(line).collect()
    }

    #[test]
    fn an_export_is_one_line_with_units() {
        let lines = written(|| export_succeeded(14, 51_234, Duration::from_micros(182_500)));
        let metric = |name, unit| json!({"Name": name, "Unit": unit});
        assert_eq!(
            lines,
            [json!({
                "_aws": {"CloudWatchMetrics": [{
                    "Namespace": "Casefile",
                    "Dimensions": [["Function"]],
                    "Metrics": [
                        metric("ExportBytes", "Bytes"),
                        metric("ExportDuration", "Milliseconds"),
                        metric("ExportFiles", "Count"),
                        metric("ExportsSucceeded", "Count"),
                    ],
                }]},
                "Function": "casefile-signed-download",
                "ExportBytes": 51_234,
                "ExportDuration": [182.5],
                "ExportFiles": 14,
                "ExportsSucceeded": 1,
            })]
        );
    }

    #[test]
    fn links_are_counted_by_kind_and_outcome() {
        let refused = Problem::new(ProblemKind::NotFound, "nothing");
        let failed = Problem::new(ProblemKind::Unavailable, "down");
        let lines = written(|| {
            LinkCount::asked(LinkKind::Direct).ended(&Ok(()));
            LinkCount::asked(LinkKind::Direct).ended(&Ok(()));
            LinkCount::asked(LinkKind::Share).ended::<()>(&Err(refused));
            LinkCount::used().ended::<()>(&Err(failed));
            LinkCount::used().none();
            drop(LinkCount::used());
        });
        let counted: Vec<_> = lines
            .iter()
            .map(|line| (&line["Kind"], &line["Outcome"], &line["Links"]))
            .map(|(kind, outcome, links)| json!([kind, outcome, links]))
            .collect();
        assert_eq!(
            counted,
            [
                json!(["direct", "granted", 2]),
                json!(["share", "refused", 1]),
                json!(["share_use", "failed", 2]),
            ]
        );
        let metrics = &lines[0]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(metrics["Dimensions"], json!([["Function", "Kind", "Outcome"]]));
        assert_eq!(metrics["Metrics"], json!([{"Name": "Links", "Unit": "Count"}]));
    }

    #[test]
    fn what_callers_got_wrong_is_no_failed_export() {
        let lines = written(|| export_failed(&Problem::new(ProblemKind::Malformed, "not JSON")));
        assert_eq!(lines, [] as [Value; 0]);
        let lines = written(|| export_failed(&Problem::new(ProblemKind::Internal, "ours")));
        assert_eq!(lines[0]["ExportsFailed"], 1);
    }

    #[test]
    fn what_happens_to_arrivals_is_counted() {
        let lines = written(|| {
            verdict("verified");
            verdict("rejected");
            batch_failures(2);
            dead_letter();
            summary_tokens(812, 97);
        });
        assert_eq!(lines.len(), 3);
        let all: Vec<_> = lines.iter().filter(|line| line.get("Status").is_none()).collect();
        for (name, value) in [
            ("BatchFailures", 2),
            ("DeadLetters", 1),
            ("SummaryInputTokens", 812),
            ("SummaryOutputTokens", 97),
        ] {
            assert_eq!(all[0][name], value, "{name}");
        }
    }

    #[test]
    fn nothing_is_written_when_nothing_was_counted() {
        assert_eq!(written(|| batch_failures(0)), [] as [Value; 0]);
    }

    #[test]
    fn a_process_counts_once() {
        drop(METRICS.lock());
        assert!(Metrics::start(&Env::of([("X", "Y")]), "twice").is_err());
    }
}
