//! One file of a plan: what it is, where it goes, and what is to be done with it.

use std::collections::BTreeMap;

use casefile::bol::BolNumber;
use casefile::digest::Sha256;
use casefile::name::Owner;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What is to be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Action {
    /// It is to be stored.
    Upload,
    /// It is stored already.
    SkipIdentical,
    /// Somebody has to decide.
    Conflict,
    /// The collection doesn't take it.
    Rejected,
}

impl Action {
    pub(super) const ALL: [Self; 4] = [Self::Upload, Self::SkipIdentical, Self::Conflict, Self::Rejected];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::SkipIdentical => "skip-identical",
            Self::Conflict => "conflict",
            Self::Rejected => "rejected",
        }
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// Below the folder.
    pub(super) file: String,
    pub(super) action: Action,
    pub(super) reason: String,
    /// What it holds, of all that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) is: Option<Is>,
    /// Where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<To>,
    /// The number that it has elsewhere, though it goes nowhere: nobody else may get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<BolNumber>,
    /// Of what lies there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version_id: Option<String>,
    /// The place in the plan of the file that brings the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) same_as: Option<usize>,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Is {
    pub(super) size: u64,
    pub(super) modified_at: Timestamp,
    pub(super) sha256: Sha256,
}

/// Where a file goes, and with what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct To {
    pub(super) key: String,
    /// Below the collection.
    pub(super) path: String,
    /// Of a bill of lading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<BolNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<Owner>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metadata: BTreeMap<String, String>,
    /// What its path is noted of, where it doesn't say its path itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) note: Vec<String>,
    /// On which a training run began, whose log it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) day: Option<Date>,
}

impl To {
    /// What its path is noted of.
    pub(super) fn noted_of(&self) -> Vec<&str> {
        self.note.iter().map(String::as_str).collect()
    }
}

impl Entry {
    pub(super) fn new(file: String, action: Action, reason: impl Into<String>) -> Self {
        Self {
            file,
            action,
            reason: reason.into(),
            is: None,
            to: None,
            number: None,
            version_id: None,
            same_as: None,
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.is.map_or(0, |is| is.size)
    }

    /// The number that another system has given it, whether it can be moved in or not.
    pub(super) fn number(&self) -> Option<&BolNumber> {
        let to = self.to.as_ref().and_then(|to| to.number.as_ref());
        to.or(self.number.as_ref())
    }

    /// The same with another end.
    pub(super) fn ends(&mut self, action: Action, reason: impl Into<String>) {
        self.action = action;
        self.reason = reason.into();
        self.same_as = None;
    }

    /// What it is and where it belongs, if it is to lie there in the end.
    pub(super) fn wanted(&self) -> Option<(&To, Is)> {
        let is_wanted = matches!(self.action, Action::Upload | Action::SkipIdentical);
        self.to.as_ref().zip(self.is).filter(|_| is_wanted)
    }
}
