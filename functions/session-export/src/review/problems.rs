//! What a failure of storage is to the caller.

use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StoreError;

/// Seconds after which a caller should try again when S3 is unavailable.
const RETRY_AFTER: u32 = 5;

/// Logs the cause, once, and says to the caller what it means for the request.
pub fn storage_problem(error: &StoreError) -> Problem {
    error.note("storage failed");
    let problem = match error {
        StoreError::Unavailable(_) => unavailable("storage can't be reached just now"),
        StoreError::AlreadyExists => Problem::new(
            ProblemKind::Conflict,
            "the session's folder holds a file with other content than this export's; nothing was overwritten",
        ),
        StoreError::Refused(_) => Problem::new(
            ProblemKind::Internal,
            "storage refused the export; its operator finds the cause in the log",
        ),
        StoreError::NotFound | StoreError::TooLarge { .. } | StoreError::Damaged(_) => Problem::new(
            ProblemKind::Internal,
            "storage holds something unexpected; its operator finds it in the log",
        ),
    };
    Problem {
        fault: error.fault(),
        ..problem
    }
}

/// The same request may succeed later, and what it has written so far will count.
pub fn unavailable(why: &str) -> Problem {
    let detail = format!("{why}; repeat the request: what was written so far is continued, never doubled");
    Problem {
        retry_after: Some(RETRY_AFTER),
        ..Problem::new(ProblemKind::Unavailable, detail)
    }
}
