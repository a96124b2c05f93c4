//! What became of a file.

use std::path::PathBuf;

use casefile::store_error::StoreError;
use serde::{Deserialize, Serialize};

use crate::web::Outage;

/// What a service says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sent {
    /// It lies there now.
    Stored(Stored),
    /// It lay there before.
    There(Stored),
    /// Its collection doesn't take it.
    Skipped(String),
    /// The API has it, and brings it to S3 when that is back.
    Kept,
    /// It can't be stored as things are.
    Refused(String),
    /// The set-up is wrong.
    Failed(String),
    /// This file can't be stored just now: a later try may do better.
    Busy(String),
    /// Nobody can be reached, for any file.
    Down(String),
}

/// Where a file lies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stored {
    /// The API's, of the document, or S3's. Never a signed one.
    pub(super) url: String,
    /// What is odd about it.
    pub(super) notes: Vec<String>,
}

impl From<Outage> for Sent {
    fn from(outage: Outage) -> Self {
        match outage {
            Outage::Nobody(why) => Self::Down(why),
            Outage::Busy(why) => Self::Busy(why),
        }
    }
}

impl From<StoreError> for Sent {
    /// Of an outage, whether it is all of S3's.
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(cause) if cause.is_answer() => Self::Busy(error.to_string()),
            _ => Self::Down(error.to_string()),
        }
    }
}

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Stored,
    AlreadyThere,
    Skipped,
    Kept,
    Queued,
    Refused,
    Failed,
}

impl Status {
    pub(super) const ALL: [Self; 7] = [
        Self::Stored,
        Self::AlreadyThere,
        Self::Skipped,
        Self::Kept,
        Self::Queued,
        Self::Refused,
        Self::Failed,
    ];

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::AlreadyThere => "already there",
            Self::Skipped => "skipped",
            Self::Kept => "kept",
            Self::Queued => "queued",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// Whether nobody needs to do anything more about the file.
    pub(super) fn is_done(self) -> bool {
        matches!(
            self,
            Self::Stored | Self::AlreadyThere | Self::Skipped | Self::Kept
        )
    }
}

/// A file, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Told {
    pub(super) local_path: PathBuf,
    pub(super) collection: String,
    pub(super) status: Status,
    pub(super) url: Option<String>,
    /// Why.
    pub(super) detail: Option<String>,
    pub(super) notes: Vec<String>,
}

impl Told {
    pub(super) fn new(local_path: PathBuf, collection: &str, status: Status, detail: Option<String>) -> Self {
        Self {
            local_path,
            collection: collection.to_owned(),
            status,
            url: None,
            detail,
            notes: Vec::new(),
        }
    }

    pub(super) fn stored(self, stored: Stored) -> Self {
        Self {
            url: Some(stored.url),
            notes: stored.notes,
            ..self
        }
    }
}

/// What a command ends with: 2 when something failed, else 1 when something is refused, else 3 when something waits.
pub(super) fn code(all: &[Told], is_waiting: bool) -> u8 {
    let is_any = |status| all.iter().any(|told| told.status == status);
    if is_any(Status::Failed) {
        2
    } else if is_any(Status::Refused) {
        1
    } else if is_waiting || is_any(Status::Queued) {
        3
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worse_decides_what_a_command_ends_with() {
        let told = |status| Told::new(PathBuf::new(), "bols", status, None);
        for (statuses, expected) in [
            (
                &[
                    Status::Stored,
                    Status::AlreadyThere,
                    Status::Skipped,
                    Status::Kept,
                ][..],
                0,
            ),
            (&[Status::Stored, Status::Queued], 3),
            (&[Status::Queued, Status::Refused], 1),
            (&[Status::Refused, Status::Failed, Status::Queued], 2),
            (&[], 0),
        ] {
            let all: Vec<_> = statuses.iter().map(|status| told(*status)).collect();
            assert_eq!(code(&all, false), expected, "{statuses:?}");
        }
        assert_eq!(code(&[told(Status::Stored)], true), 3);
    }
}
