//! `cargo local demo`: a finished review becomes a verified folder, before one's eyes.

use std::io::Write as _;
use std::sync::{Arc, mpsc};

use bytes::Bytes;
use casefile::config::ConfigError;
use casefile::key::session_prefix;
use casefile::name::{FolderName, NameError};
use casefile::store_error::StoreError;
use casefile::verify::verify_session;
use casefile_cli::tree;
use serde::Deserialize;

use crate::client::{ClientError, post_json};
use crate::lambda::LogSink;
use crate::progress::Progress;
use crate::sample::review_request;
use crate::stack::{Stack, StackConfig, StackError};

/// Why the demo doesn't end well.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The stack doesn't start.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The sample can't be read.
    #[error("the sample review of tests/fixtures/review can't be read")]
    Sample(#[from] std::io::Error),
    /// The gateway doesn't answer.
    #[error("the export got no answer")]
    Client(#[from] ClientError),
    /// The export was refused.
    #[error("the export was refused: status {status}, {body}")]
    Refused {
        /// HTTP.
        status: u16,
        /// The problem.
        body: String,
    },
    /// The answer isn't what it should be.
    #[error("the export's answer can't be read")]
    Answer(#[from] serde_json::Error),
    /// The answer's folder is none.
    #[error("the export's folder is none")]
    Folder(#[from] NameError),
    /// The template's settings don't lead to a bucket.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder can't be read back.
    #[error("the folder can't be read back")]
    ReadBack(#[from] StoreError),
    /// The folder isn't what its manifest says.
    #[error("the folder is not what its manifest says")]
    Different,
}

#[derive(Deserialize)]
struct Answer {
    folder_name: String,
    location: String,
    total_files: usize,
    comments: usize,
}

/// Exports the sample review through the gateway, reads every file back, and draws the folder.
///
/// # Errors
/// What didn't go as it should. The stack is stopped in any case.
pub async fn run(config: StackConfig) -> Result<(), DemoError> {
    // What the functions print is of interest only when something goes wrong.
    let (kept, printed) = mpsc::channel();
    let log: LogSink = Arc::new(move |line| {
        let _ = kept.send(line);
    });
    let outcome = export_and_show(&StackConfig {
        log,
        ..config.clone()
    })
    .await;
    if outcome.is_err() {
        for line in printed.try_iter() {
            (config.log)(line);
        }
    }
    outcome
}

async fn export_and_show(config: &StackConfig) -> Result<(), DemoError> {
    let progress = Progress::new();
    progress.step("building the functions and starting S3, Lambda and gateway");
    let stack = Stack::start(config).await?;
    let outcome = export(&stack, &progress).await;
    stack.stop().await;
    progress.finish();
    let (shown, holds) = outcome?;
    std::io::stdout().write_all(shown.as_bytes())?;
    if holds { Ok(()) } else { Err(DemoError::Different) }
}

async fn export(stack: &Stack, progress: &Progress) -> Result<(String, bool), DemoError> {
    progress.step("exporting the sample review: POST /v1/reviews");
    let mut request = review_request()?;
    // The folder of an earlier demo with another sample stays; this one then is the next revision.
    if let Some(fields) = request.as_object_mut() {
        fields.insert("revision".to_owned(), true.into());
    }
    let response = post_json(stack.gateway(), "/v1/reviews", Bytes::from(request.to_string())).await?;
    if response.status() != 201 {
        let body = String::from_utf8_lossy(response.body()).into_owned();
        return Err(DemoError::Refused {
            status: response.status().as_u16(),
            body,
        });
    }
    let answer: Answer = serde_json::from_slice(response.body())?;
    progress.note(&format!(
        "exported {} files to {}, {} comments in the after document",
        answer.total_files, answer.location, answer.comments
    ));
    progress.step("reading every file back");
    let folder = FolderName::parse(&answer.folder_name)?;
    let (bucket, base) = stack.artifacts()?;
    let verification = verify_session(&bucket, &base, &folder).await?;
    Ok((
        tree::render(&session_prefix(&base, &folder), &verification),
        verification.holds(),
    ))
}
