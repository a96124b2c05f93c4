//! `cargo local demo`: a finished review becomes a verified folder, is handed out to those who may have it and to nobody
//! else, and all of it stands in the audit trail; what a device delivers is judged, filed or quarantined, indexed and
//! announced, before one's eyes; and a file of each other kind is stored and found again.

use std::sync::{Arc, mpsc};

use casefile::config::ConfigError;
use casefile::name::NameError;
use casefile::store_error::StoreError;
use jiff::Timestamp;

use crate::client::ClientError;
use crate::lambda::LogSink;
use crate::progress::Progress;
use crate::stack::{Stack, StackConfig, StackError};

mod arrivals;
mod device;
mod export;
mod index;
mod kinds;
mod links;
pub mod outage;
mod people;
mod records;
mod step;
mod table;
mod trail;

use export::export;
use people::People;

/// Why the demo doesn't end well. Tells no link and no token.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The stack doesn't start.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The samples can't be read.
    #[error("the samples of tests/fixtures can't be read")]
    Sample(#[source] std::io::Error),
    /// What was found can't be shown.
    #[error("standard output can't be written")]
    Show(#[from] std::io::Error),
    /// A server doesn't answer.
    #[error("{step}: no answer")]
    Client {
        /// Where in the demo.
        step: &'static str,
        /// Why not.
        source: ClientError,
    },
    /// A step didn't go as it should.
    #[error("{step}: expected {expected}, got {got}")]
    Unexpected {
        /// Where in the demo.
        step: &'static str,
        /// What should have come.
        expected: String,
        /// What came instead.
        got: String,
    },
    /// The answer's folder is none.
    #[error("the export's folder is none")]
    Folder(#[from] NameError),
    /// The template's settings don't lead to a bucket.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// S3 can't be read or written.
    #[error("S3 can't be read or written")]
    Store(#[from] StoreError),
    /// The folder isn't what its manifest says.
    #[error("the folder is not what its manifest says")]
    Different,
}

/// Exports the sample review through the gateway, reads every file back and draws the folder; then downloads from it
/// through a direct link, is refused as another tenant, uses a share link up, and shows what the audit log has of it all.
/// Then a device delivers, and verdicts, index, notices and quarantine are shown; and a bill of lading, an ECG report, a
/// training log and clinical files are stored, and found again by list, link and index.
///
/// # Errors
/// What didn't go as it should. The stack is stopped in any case.
pub async fn run(config: StackConfig) -> Result<(), DemoError> {
    quietly(&config, async |quiet| Box::pin(start_and_show(quiet)).await).await
}

/// What the functions print is of interest only when something goes wrong.
async fn quietly(
    config: &StackConfig,
    demo: impl AsyncFnOnce(&StackConfig) -> Result<(), DemoError>,
) -> Result<(), DemoError> {
    let (kept, printed) = mpsc::channel();
    let log: LogSink = Arc::new(move |line| {
        let _ = kept.send(line);
    });
    let quiet = StackConfig {
        log,
        ..config.clone()
    };
    let outcome = demo(&quiet).await;
    if outcome.is_err() {
        for line in printed.try_iter() {
            (config.log)(line);
        }
    }
    outcome
}

async fn start_and_show(config: &StackConfig) -> Result<(), DemoError> {
    let progress = Progress::new();
    progress.step("building the functions and starting S3, Lambda and gateway");
    let stack = Stack::start(config).await?;
    let outcome = Box::pin(show(&stack, &progress, (config.clock)())).await;
    stack.stop().await;
    if outcome.is_ok() {
        progress.heading(&format!(
            "everything went as it should; what was stored stays in {}",
            config.data.display()
        ));
    }
    progress.finish();
    outcome
}

/// All steps. What the audit log has of them is later than `begun`.
async fn show(stack: &Stack, progress: &Progress, begun: Timestamp) -> Result<(), DemoError> {
    let people = People::new(begun);
    let document = export(stack, progress, &people).await?;
    let gateway = stack.gateway();
    let direct = links::download(gateway, progress, &people, &document).await?;
    let nothing = links::refused_elsewhere(gateway, progress, &people, &document).await?;
    let share = links::use_up(gateway, progress, &people, &document, &nothing).await?;
    let export = document.grant_id.clone();
    let grants = trail::Grants {
        export,
        direct,
        share,
    };
    trail::show(gateway, progress, &people, begun, &grants).await?;
    arrivals::show(stack, progress, &document, &nothing, begun).await?;
    kinds::show(stack, progress, &people).await
}
