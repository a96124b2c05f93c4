//! What was found of a version, as its tags say it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The tag that holds a version's [`Status`].
pub const STATUS: &str = "status";
/// The tag that holds the name of its collection.
pub const COLLECTION: &str = "collection";
/// The tag that holds its content's digest, in hexadecimal digits.
pub const SHA256: &str = "sha256";

/// What was found of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has the content that it should have, and is what it claims to be.
    Verified,
    /// It isn't: it lies in the quarantine.
    Rejected,
    /// Its kind can't be looked into.
    Unsupported,
    /// Its collection doesn't take it.
    Skipped,
    /// It was rejected, and an operator has let it go.
    Released,
}

impl Status {
    const ALL: [Self; 5] = [
        Self::Verified,
        Self::Rejected,
        Self::Unsupported,
        Self::Skipped,
        Self::Released,
    ];

    /// As tags spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Rejected => "rejected",
            Self::Unsupported => "unsupported",
            Self::Skipped => "skipped",
            Self::Released => "released",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// What a version's tags say; nothing when it wasn't looked at yet.
    pub fn of(tags: &BTreeMap<String, String>) -> Option<Self> {
        Self::parse(tags.get(STATUS)?)
    }

    /// Whether links may lead there where verification is demanded.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Verified | Self::Released)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_told_by_its_tag_alone() {
        for status in Status::ALL {
            let tags = [(STATUS, status.name()), ("other", "verified")];
            let tags = tags
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
            assert_eq!(Status::of(&tags), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
        for tags in [
            &[][..],
            &[("Status", "verified")],
            &[(STATUS, "Verified")],
            &[(STATUS, "")],
        ] {
            let tags = tags
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            assert_eq!(Status::of(&tags.collect()), None);
        }
    }
}
