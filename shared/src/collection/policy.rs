//! What `infra/collections.toml` says of each collection, as the program has it: compiled in by `build.rs`, which prints
//! these types as Rust, or read at start from the same as JSON.

use serde::{Deserialize, Serialize};

/// All collections. Five have code of their own, so they are always there; the others only store files.
#[derive(Debug, PartialEq)]
pub struct Table {
    pub(super) reviews: Policy,
    pub(super) bols: Policy,
    pub(super) ecg_reports: Policy,
    pub(super) training_logs: Policy,
    pub(super) clinical: Policy,
    pub(super) others: &'static [Policy],
}

impl Table {
    /// The table of these.
    ///
    /// # Errors
    /// The name of the first that is missing.
    pub(super) fn of(mut policies: Vec<Policy>) -> Result<Self, &'static str> {
        let mut own = |name: &'static str| {
            let at = policies.iter().position(|policy| policy.name == name);
            at.map(|at| policies.remove(at)).ok_or(name)
        };
        Ok(Self {
            reviews: own("reviews")?,
            bols: own("bols")?,
            ecg_reports: own("ecg-reports")?,
            training_logs: own("training-logs")?,
            clinical: own("clinical")?,
            others: policies.leak(),
        })
    }

    /// All of them, in the order of [`Table::of`].
    pub(super) fn all(&self) -> impl Iterator<Item = &Policy> {
        let own = [
            &self.reviews,
            &self.bols,
            &self.ecg_reports,
            &self.training_logs,
            &self.clinical,
        ];
        own.into_iter().chain(self.others)
    }
}

/// One collection's policy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    pub(super) name: &'static str,
    pub(super) prefix: &'static str,
    pub(super) path: &'static str,
    pub(super) date_from: Option<&'static str>,
    pub(super) number: Option<&'static str>,
    pub(super) max_bytes: u64,
    pub(super) inbox: bool,
    pub(super) versions: Versions,
    pub(super) link: LinkPolicy,
    pub(super) verification: Verification,
    pub(super) retention: Retention,
    #[serde(deserialize_with = "kept")]
    pub(super) accept: &'static [Accept],
    #[serde(deserialize_with = "kept")]
    pub(super) metadata: &'static [Field],
}

/// The two kinds of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// A presigned URL of S3.
    Direct,
    /// `/v1/s/{token}`, checked at each use.
    Share,
}

/// How links work where the caller doesn't say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPolicy {
    pub(super) kind: LinkKind,
    pub(super) minutes: u64,
}

/// Whether what is stored may be followed by a new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Versions {
    /// Nothing is ever overwritten.
    Kept,
    /// By the one that names the version which it replaces.
    Replaced,
}

/// What a link waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// For post-process to have verified the version.
    Demanded,
    /// For nothing.
    Recorded,
}

/// After how many days objects move on, and expire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// To `STANDARD_IA`.
    pub standard_ia: Option<u32>,
    /// To `GLACIER`.
    pub glacier: Option<u32>,
    /// For good.
    pub expire: Option<u32>,
}

/// Files that a collection takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    pub(super) ends_with: &'static str,
    #[serde(deserialize_with = "kept")]
    pub(super) contains: &'static [&'static str],
    pub(super) content_type: &'static str,
    pub(super) folder: &'static str,
    pub(super) content: ContentRule,
}

/// What a file's inside must be, beside what its type demands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentRule {
    /// Nothing.
    #[default]
    Any,
    /// The measurements of an ECG.
    EcgMetrics,
    /// The log of a training run.
    TrainingLog,
}

/// Metadata that a collection keeps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// The least plausible value.
    pub min: Option<i64>,
    /// The largest plausible value.
    pub max: Option<i64>,
    /// Of both.
    pub unit: &'static str,
}

fn kept<'de, D, T>(deserializer: D) -> Result<&'static [T], D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    let items = Vec::<T>::deserialize(deserializer)?;
    // Once in a process, and for as long as it lives.
    Ok(Vec::leak(items))
}
