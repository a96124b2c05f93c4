//! One check, and how it came out.

use serde::Serialize;

/// What was checked, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) outcome: Outcome,
    pub(super) detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Ok,
    Failed,
    /// Something else has to hold before. That is not as it should be, either.
    NotChecked,
    /// Nobody asked for it.
    Skipped,
}

impl Check {
    pub(super) fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            outcome: Outcome::Ok,
            detail: detail.into(),
            mend: None,
        }
    }

    pub(super) fn failed(
        name: impl Into<String>,
        detail: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            outcome: Outcome::Failed,
            mend: Some(mend.into()),
            ..Self::ok(name, detail)
        }
    }

    /// Because of what `why` says.
    pub(super) fn not_checked(name: impl Into<String>, why: &str) -> Self {
        Self {
            outcome: Outcome::NotChecked,
            ..Self::ok(name, format!("not checked: {why}"))
        }
    }

    /// Because `variable` isn't set, which would have it checked.
    pub(super) fn skipped(name: impl Into<String>, variable: &str) -> Self {
        Self {
            outcome: Outcome::Skipped,
            ..Self::ok(name, format!("not configured: {variable} isn't set"))
        }
    }

    /// Whether it is as it should be.
    pub(super) fn holds(&self) -> bool {
        matches!(self.outcome, Outcome::Ok | Outcome::Skipped)
    }
}
