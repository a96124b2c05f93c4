//! Why a version is not handed out, although it exists.

use std::fmt;

use serde::{Deserialize, Serialize};

/// As with links: what was rejected is not handed out, and what came through the inbox only once it is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Withheld {
    /// It lies in the quarantine.
    Rejected,
    /// Nobody has looked into it yet, or it couldn't be verified.
    Unverified,
}

impl fmt::Display for Withheld {
    /// What follows its name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rejected => "was rejected: it lies in the quarantine",
            Self::Unverified => "isn't verified, and not handed out before it is",
        })
    }
}
