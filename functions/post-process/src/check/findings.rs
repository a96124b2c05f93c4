//! A verdict in the making.

use casefile::digest::Sha256;

use super::{Checked, Facts, Flag, Kind, Status};

/// What a look into a file found, whatever its size and digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) status: Status,
    pub(super) reason: Option<String>,
    pub(super) kind: Kind,
    pub(super) flags: Vec<Flag>,
    pub(super) facts: Facts,
}

/// Why a reader gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// The file isn't what it should be.
    #[error("{0}")]
    Broken(&'static str),
    /// The file may be right, but takes more than is spent on one.
    #[error("{0}")]
    TooMuch(&'static str),
}

impl Findings {
    pub(super) fn verified(kind: Kind) -> Self {
        Self {
            status: Status::Verified,
            reason: None,
            kind,
            flags: Vec::new(),
            facts: Facts::default(),
        }
    }

    pub(super) fn rejected(kind: Kind, reason: impl Into<String>) -> Self {
        Self {
            status: Status::Rejected,
            reason: Some(reason.into()),
            ..Self::verified(kind)
        }
    }

    pub(super) fn unsupported(kind: Kind, reason: impl Into<String>) -> Self {
        Self {
            status: Status::Unsupported,
            ..Self::rejected(kind, reason)
        }
    }

    pub(super) fn trouble(kind: Kind, trouble: Trouble) -> Self {
        match trouble {
            Trouble::Broken(reason) => Self::rejected(kind, reason),
            Trouble::TooMuch(reason) => Self::unsupported(kind, reason),
        }
    }

    pub(super) fn flagged(mut self, flag: Flag) -> Self {
        self.flags.push(flag);
        self
    }

    /// The verdict on a file whose name claims a kind. A file that was found wrong in itself stays so.
    pub(super) fn against(self, claim: Option<Kind>) -> Self {
        let Some(claim) = claim.filter(|_| self.status != Status::Rejected) else {
            return self;
        };
        match (claim, self.kind) {
            // JSON is text; and what looks like text at first, as a line of numbers does, may be JSON: it was read as such,
            // unless it is too large.
            (Kind::Text, Kind::Json) | (Kind::Json, Kind::Text) => self,
            (claim, kind) if claim == kind => self,
            // Opened by nobody here, so nobody can say that it isn't a Word document.
            (Kind::Docx, Kind::Zip) if self.status == Status::Unsupported => self,
            (Kind::Docx, Kind::Other) if !self.flags.is_empty() => self,
            (claim, kind) => Self {
                flags: self.flags,
                ..Self::rejected(kind, contradiction(claim))
            },
        }
    }

    pub(super) fn of(self, size: u64, sha256: Sha256) -> Checked {
        Checked {
            status: self.status,
            reason: self.reason,
            kind: self.kind,
            size,
            sha256,
            flags: self.flags,
            facts: self.facts,
        }
    }
}

fn contradiction(claim: Kind) -> &'static str {
    match claim {
        Kind::Pdf => "its name says PDF, but it is none",
        Kind::Docx => "its name says Word document, but it is none",
        Kind::Json => "its name says JSON, but it is none",
        Kind::Parquet => "its name says Parquet, but it is none",
        Kind::Zip => "its name says ZIP archive, but it is none",
        Kind::Text | Kind::Other => "its name says text, but it is none",
    }
}
