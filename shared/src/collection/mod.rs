//! The collections: kinds of files with one policy each, as `infra/collections.toml` says.

pub mod file;
mod layout;
pub mod policy;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;
use std::time::Duration;

use crate::config::Env;
use crate::digest::Sha256;

pub use policy::{ContentRule, Field, LinkKind, Retention};
use policy::{Policy, Table, Verification, Versions};

/// As they were when the program was built.
#[expect(clippy::unreadable_literal, reason = "build.rs prints it")]
static COMPILED: Table = {
    use ContentRule::{Any, EcgMetrics, TrainingLog};
    use LinkKind::{Direct, Share};
    use Verification::{Demanded, Recorded};
    use Versions::{Kept, Replaced};
    use policy::{Accept, LinkPolicy};
    include!(concat!(env!("OUT_DIR"), "/collections.rs"))
};
/// Those of this process, where it was told of others. Set once, at its start.
static TOLD: OnceLock<Table> = OnceLock::new();

fn table() -> &'static Table {
    TOLD.get().unwrap_or(&COMPILED)
}

/// Reads `COLLECTIONS_FILE`: collections other than those compiled in, as [`as_json`] writes them. `cargo local
/// --collections` sets it. To be called before anything is asked of a collection.
pub fn read(env: &mut Env) {
    let told = env.optional("COLLECTIONS_FILE", |path| {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let policies = serde_json::from_str(text.leak()).map_err(|error| error.to_string())?;
        Table::of(policies).map_err(|missing| format!("lacks {missing}"))
    });
    if let Some(told) = told {
        tell(told);
    }
}

/// Sets the collections of this process, unless they are set already.
pub fn tell(table: Table) {
    let _ = TOLD.set(table);
}

/// Collections as `COLLECTIONS_FILE` holds them.
///
/// # Errors
/// Never: a table is JSON.
pub fn as_json(table: &Table) -> Result<String, serde_json::Error> {
    serde_json::to_string(&table.all().collect::<Vec<_>>())
}

/// A kind of file with one policy: where it lies, what it takes, and how links to it work.
#[derive(Clone, Copy)]
pub struct Collection(&'static Policy);

impl PartialEq for Collection {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Collection {}

impl Hash for Collection {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Collection {
    /// Each of them.
    pub fn all() -> impl Iterator<Item = Self> {
        table().all().map(Self)
    }

    /// Sessions of document review.
    pub fn reviews() -> Self {
        Self(&table().reviews)
    }

    /// Bills of lading.
    pub fn bols() -> Self {
        Self(&table().bols)
    }

    /// Reports of ECG devices.
    pub fn ecg_reports() -> Self {
        Self(&table().ecg_reports)
    }

    /// Logs of training runs.
    pub fn training_logs() -> Self {
        Self(&table().training_logs)
    }

    /// Tables and snapshots of a clinical registry.
    pub fn clinical() -> Self {
        Self(&table().clinical)
    }

    /// As it stands in a route.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The collection of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|collection| collection.name() == name)
    }

    /// What its policy is known by: another as soon as anything of its block is another.
    ///
    /// # Errors
    /// Never: a policy is JSON.
    pub fn sha256(self) -> Result<Sha256, serde_json::Error> {
        Ok(Sha256::of(&serde_json::to_vec(self.0)?))
    }

    /// Whether it only stores files, one by one: all but reviews, which are sessions, and those whose files get their
    /// names here.
    pub fn takes_files(self) -> bool {
        self.0.path.contains("{file_name}")
    }

    /// Whether a device may deliver into its inbox.
    pub fn has_inbox(self) -> bool {
        self.0.inbox
    }

    /// The largest file, in bytes.
    pub fn max_bytes(self) -> u64 {
        self.0.max_bytes
    }

    /// Whether a new version may follow the one that it names; else nothing is ever overwritten.
    pub fn is_replaced(self) -> bool {
        self.0.versions == Versions::Replaced
    }

    /// How its documents are numbered, where they are: `PRT-{YYYY}-{NNNN}`.
    pub fn number_format(self) -> Option<&'static str> {
        self.0.number
    }

    /// The metadata that it keeps.
    pub fn metadata(self) -> &'static [Field] {
        self.0.metadata
    }

    /// The name of the metadata that tells the date of a path.
    pub fn date_from(self) -> Option<&'static str> {
        self.0.date_from
    }

    /// When its objects move on, and expire.
    pub fn retention(self) -> Retention {
        self.0.retention
    }

    /// The kind of its links, where the caller doesn't ask for one.
    pub fn link_kind(self) -> LinkKind {
        self.0.link.kind
    }

    /// How long a link of [`Collection::link_kind`] lives, and at most may.
    pub fn link_life(self) -> Duration {
        Duration::from_mins(self.0.link.minutes)
    }

    /// Whether links lead only to what was verified, or released by an operator. For devices deliver without anybody who
    /// looks; what another collection has through the inbox is treated alike.
    pub fn demands_verification(self) -> bool {
        self.0.verification == Verification::Demanded
    }
}

/// A kind of file that a collection takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileKind(&'static policy::Accept);

impl FileKind {
    /// The media type that goes with it.
    pub fn content_type(self) -> &'static str {
        self.0.content_type
    }

    /// The folder of the collection where it lies.
    pub fn folder(self) -> &'static str {
        self.0.folder
    }

    /// What its inside must be, beside what its type demands.
    pub fn content(self) -> ContentRule {
        self.0.content
    }

    fn is_named(self, lower: &str) -> bool {
        let has_any = self.0.contains.is_empty() || self.0.contains.iter().any(|part| lower.contains(part));
        lower.ends_with(self.0.ends_with) && has_any
    }

    fn describe(self) -> String {
        let contains: Vec<_> = self.0.contains.iter().map(|part| format!("\"{part}\"")).collect();
        match contains.as_slice() {
            [] => self.0.ends_with.to_owned(),
            parts => format!("{} with {} in its name", self.0.ends_with, parts.join(" or ")),
        }
    }
}

impl Collection {
    /// The kind of a file, by its name in any case; `None` for what the collection doesn't take.
    pub fn kind_of(self, name: &str) -> Option<FileKind> {
        let lower = name.to_lowercase();
        let mut kinds = self.0.accept.iter().map(FileKind);
        kinds.find(|kind| kind.is_named(&lower))
    }

    /// What it takes, in words.
    pub fn takes(self) -> String {
        let kinds: Vec<_> = self
            .0
            .accept
            .iter()
            .map(|accept| FileKind(accept).describe())
            .collect();
        kinds.join(", ")
    }
}

impl LinkKind {
    /// As requests and answers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Share => "share",
        }
    }
}

#[cfg(test)]
mod tests;
