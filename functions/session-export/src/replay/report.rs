//! What a replay has done.

use casefile::time::rfc3339;
use jiff::Timestamp;
use serde::Serialize;

use crate::fallback::local::EntryName;

/// Entries that a report tells of one by one.
const MAX_ENTRIES: usize = 1_000;

/// What became of all that was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReplayReport {
    /// Entries that aren't in S3 yet, whatever keeps them from it.
    pub waiting: usize,
    /// Sent on, and as it should be.
    pub sent: usize,
    /// Not sent on: the next replay tries again.
    pub failed: usize,
    /// Not taken, and never will be as things are: somebody has to decide.
    pub refused: usize,
    /// No longer what was kept: somebody has to look at it.
    pub damaged: usize,
    /// Half-written: no answer has ever told of them.
    pub unfinished: usize,
    /// Each entry, at most 1,000 of them.
    pub entries: Vec<EntryReport>,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryReport {
    /// What it is called in the folder.
    pub entry: String,
    /// Its collection.
    pub collection: String,
    /// When its request came: RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_at: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, or what is to be known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Where it is in S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The number that a bill of lading has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is in S3.
    Sent,
    /// It wasn't its turn.
    Waiting,
    /// The next replay tries again.
    Failed,
    /// S3 holds something else there, or the request isn't allowed any more.
    Refused,
    /// Another replay is at it.
    Busy,
    /// It isn't what was kept.
    Damaged,
}

impl Outcome {
    /// Whether what comes after it about the same may go on.
    pub(super) fn is_settled(self) -> bool {
        matches!(self, Self::Sent | Self::Refused | Self::Damaged)
    }

    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Damaged => "damaged",
        }
    }
}

impl EntryReport {
    pub(super) fn new(name: &EntryName, kept_at: Option<Timestamp>) -> Self {
        Self {
            entry: name.to_string(),
            collection: name.collection().to_owned(),
            kept_at: kept_at.map(rfc3339),
            outcome: Outcome::Waiting,
            detail: None,
            location: None,
            number: None,
        }
    }

    pub(super) fn with(self, outcome: Outcome, detail: &str) -> Self {
        Self {
            outcome,
            detail: Some(detail.to_owned()),
            ..self
        }
    }
}

impl ReplayReport {
    pub(super) fn new(unfinished: usize) -> Self {
        Self {
            unfinished,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, entry: EntryReport) {
        match entry.outcome {
            Outcome::Sent => self.sent += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Damaged => self.damaged += 1,
            Outcome::Waiting | Outcome::Busy => {}
        }
        if entry.outcome != Outcome::Sent {
            self.waiting += 1;
        }
        if self.entries.len() < MAX_ENTRIES {
            self.entries.push(entry);
        }
    }

    /// Tells the log, for nobody may look at what a schedule gets.
    pub(super) fn note(&self, is_dry: bool) {
        let Self {
            waiting,
            sent,
            failed,
            refused,
            damaged,
            ..
        } = *self;
        if is_dry {
            tracing::info!(replay.waiting = waiting, "a dry replay");
        } else if failed + refused + damaged > 0 {
            tracing::error!(
                replay.sent = sent,
                replay.failed = failed,
                replay.refused = refused,
                replay.damaged = damaged,
                "not all that was kept could be sent on"
            );
        } else {
            tracing::info!(
                replay.sent = sent,
                replay.waiting = waiting,
                "kept exports were sent on"
            );
        }
    }
}
