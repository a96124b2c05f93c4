//! What a caller gets for a batch. It fits into what a Lambda function may return, 6 MB, and nearly always into the
//! 256 KiB that a state machine hands on: an export is told by its manifest instead of its files, and a problem's fields
//! are cut.

use casefile::json::FieldError;
use casefile::link::Link;
use casefile::manifest::Warning;
use casefile::problem::{Problem, ProblemDocument};
use serde::Serialize;

use super::{Done, Outcome};
use crate::fallback::KeptAnswer;
use crate::fallback::answer::KeptZip;
use crate::review::answer::{ExportAnswer, UploadedFile};

/// Wrong fields that are named of one review.
const MAX_ERRORS: usize = 10;
/// Characters of a text that may quote the request.
const MAX_TEXT_CHARS: usize = 300;

/// The answer to a batch.
#[derive(Debug, Serialize)]
pub struct BatchAnswer {
    /// Each review's outcome, in the order asked.
    pub reviews: Vec<ItemAnswer>,
    /// Where to go on, when more is staged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// What became of one review.
#[derive(Debug, Serialize)]
pub struct ItemAnswer {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// What it is called below `inbox/reviews/{tenant}/`, if it was found there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staged: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: ItemOutcome,
}

/// What became of one review.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ItemOutcome {
    /// Its folder is complete.
    Exported {
        /// The export.
        export: Box<BatchExport>,
    },
    /// S3 doesn't take it: it is kept, and sent on later.
    Kept {
        /// Where, and why.
        kept: Box<BatchKept>,
    },
    /// It isn't exported.
    Refused {
        /// Why, as its own request would have been answered.
        problem: ItemProblem,
    },
}

/// An export, without the list of its files, which its manifest holds.
#[derive(Debug, Serialize)]
pub struct BatchExport {
    /// The session.
    pub session_id: String,
    /// 1 for the first export of the session, 2 for its next revision, …
    pub revision: u32,
    /// The folder as an S3 URI.
    pub location: String,
    /// The folder's name.
    pub folder_name: String,
    /// How many files it holds, the manifest included.
    pub total_files: usize,
    /// The manifest.
    pub manifest: Option<UploadedFile>,
    /// How many comments the after document got.
    pub comments: usize,
    /// What didn't go as asked without costing the export.
    pub warnings: Vec<Warning>,
    /// As in the answer to a single export.
    pub link: Option<Link>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// A review that is kept, without the list of its files.
#[derive(Debug, Serialize)]
pub struct BatchKept {
    /// `local`.
    pub stored: &'static str,
    /// The session.
    pub session_id: Option<String>,
    /// What its folder is called.
    pub folder_name: Option<String>,
    /// Where the files are.
    pub folder: String,
    /// The files as one.
    pub zip: KeptZip,
    /// The size of all files, in bytes.
    pub size: u64,
    /// Why it isn't in S3.
    pub reason: String,
    /// The same in words, and what happens next.
    pub detail: String,
}

impl From<KeptAnswer> for BatchKept {
    fn from(kept: KeptAnswer) -> Self {
        Self {
            stored: kept.stored,
            session_id: kept.session_id,
            folder_name: kept.folder_name,
            folder: kept.folder,
            zip: kept.zip,
            size: kept.size,
            reason: kept.reason,
            detail: kept.detail,
        }
    }
}

/// A problem; what a header says of a whole answer stands in it.
#[derive(Debug, Serialize)]
pub struct ItemProblem {
    /// The problem.
    #[serde(flatten)]
    pub document: ProblemDocument,
    /// Seconds after which a retry makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl ItemAnswer {
    /// What became of the review at `index`.
    pub(super) fn new(index: usize, staged: Option<&str>, outcome: Outcome, request_id: &str) -> Self {
        Self {
            index,
            staged: staged.map(str::to_owned),
            outcome: match outcome {
                Ok(Done::Stored(answer)) => ItemOutcome::Exported {
                    export: Box::new((*answer).into()),
                },
                Ok(Done::Kept(kept)) => ItemOutcome::Kept {
                    kept: Box::new((*kept).into()),
                },
                Err(problem) => ItemOutcome::Refused {
                    problem: ItemProblem::new(problem, request_id),
                },
            },
        }
    }
}

impl From<ExportAnswer> for BatchExport {
    fn from(answer: ExportAnswer) -> Self {
        Self {
            session_id: answer.session_id,
            revision: answer.revision,
            location: answer.location,
            folder_name: answer.folder_name,
            total_files: answer.total_files,
            manifest: answer.uploaded_files.into_iter().next_back(),
            comments: answer.comments,
            warnings: answer.warnings,
            link: answer.link,
            duration_ms: answer.duration_ms,
        }
    }
}

impl ItemProblem {
    fn new(mut problem: Problem, request_id: &str) -> Self {
        let omitted = problem.errors.len().saturating_sub(MAX_ERRORS);
        problem.errors.truncate(MAX_ERRORS);
        for error in &mut problem.errors {
            cut(&mut error.pointer);
            cut(&mut error.detail);
        }
        if omitted > 0 {
            problem.errors.push(FieldError {
                pointer: String::new(),
                detail: format!("{omitted} more errors are not listed"),
            });
        }
        cut(&mut problem.detail);
        Self {
            document: problem.document(request_id),
            retry_after: problem.retry_after,
        }
    }
}

fn cut(text: &mut String) {
    if let Some((at, _)) = text.char_indices().nth(MAX_TEXT_CHARS) {
        text.truncate(at);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_problems_fit_into_an_answer() {
        let error = FieldError {
            pointer: format!("/session/{}", "\u{1}".repeat(50_000)),
            detail: "\u{1}".repeat(5_000),
        };
        let problem = Problem::invalid(vec![error; 30]);
        let answer = ItemAnswer::new(0, None, Err(problem), "id");
        let text = serde_json::to_string(&answer).unwrap();
        assert!(text.len() < 50_000, "{}", text.len());
        assert!(text.contains("20 more errors are not listed"));
    }
}
