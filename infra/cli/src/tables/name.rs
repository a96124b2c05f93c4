//! What tables and their versions are called: in the bucket, and as files.

use std::fmt;
use std::str::FromStr;

use casefile::digest::Sha256;

/// What comes before every table's key.
pub(super) const PREFIX: &str = "parquet/";
const SUFFIX: &str = ".parquet";
/// With a version's id and two suffixes it fits into a file's name, which has at most 255 bytes.
const MAX_NAME_CHARS: usize = 128;
/// S3 user guide, *How S3 Versioning works*.
const MAX_VERSION_BYTES: usize = 1_024;
/// Ids of S3 have 32 characters.
const MAX_PLAIN_ID: usize = 64;

/// A table's name: a file's name on any machine, and never a path. 1 to 128 letters, digits, `-`, `_` and `.`, the last
/// not in front.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TableName(String);

impl TableName {
    /// The table that lies at a key, if one can.
    pub(super) fn of_key(key: &str) -> Option<Self> {
        Self::of_file(key.strip_prefix(PREFIX)?)
    }

    /// The table whose newest version is kept as a file of that name.
    pub(super) fn of_file(name: &str) -> Option<Self> {
        name.strip_suffix(SUFFIX)?.parse().ok()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TableName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = (1..=MAX_NAME_CHARS).contains(&text.len())
            && text.chars().all(is_plain)
            && !text.starts_with('.');
        if is_name {
            Ok(Self(text.to_owned()))
        } else {
            Err("is not a table's name: 1 to 128 letters, digits, '-', '_' and '.', the last not in front")
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// A version's id, as S3 gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VersionId(String);

impl VersionId {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The id itself where it can stand in a file's name, else the beginning of its digest.
    fn in_file_name(&self) -> String {
        if self.0.len() <= MAX_PLAIN_ID && self.0.chars().all(is_plain) {
            return self.0.clone();
        }
        let digest = Sha256::of(self.0.as_bytes()).to_string();
        digest.chars().take(32).collect()
    }
}

impl FromStr for VersionId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_id =
            (1..=MAX_VERSION_BYTES).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
        if is_id {
            Ok(Self(text.to_owned()))
        } else {
            Err("is not a version's id")
        }
    }
}

/// A table, as its newest version or as one that is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) table: TableName,
    pub(super) version: Option<VersionId>,
}

impl Wanted {
    pub(super) fn newest(table: TableName) -> Self {
        let version = None;
        Self { table, version }
    }

    pub(super) fn key(&self) -> String {
        format!("{PREFIX}{}{SUFFIX}", self.table)
    }

    pub(super) fn version_id(&self) -> Option<&str> {
        self.version.as_ref().map(VersionId::as_str)
    }

    /// No table's name has an `@`.
    pub(super) fn file_name(&self) -> String {
        match &self.version {
            None => format!("{}{SUFFIX}", self.table),
            Some(version) => format!("{}@{}{SUFFIX}", self.table, version.in_file_name()),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version_id() {
            None => write!(f, "the table {}", self.table),
            Some(version) => write!(f, "the version {version} of the table {}", self.table),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(table: &str, version: Option<&str>) -> Wanted {
        Wanted {
            table: table.parse().unwrap(),
            version: version.map(|version| version.parse().unwrap()),
        }
    }

    #[test]
    fn a_name_is_never_a_path() {
        for name in ["demographics_maindata", "a", "2025.v1", "A-b_c", &"x".repeat(128)] {
            assert_eq!(name.parse::<TableName>().unwrap().as_str(), name);
        }
        for name in [
            "",
            ".",
            "..",
            ".a",
            "a/b",
            "../a",
            "a\\b",
            "a b",
            "a@b",
            "ü",
            "a\0",
            "a\n",
            "C:a",
            &"x".repeat(129),
        ] {
            assert!(name.parse::<TableName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_key_names_a_table_only_in_its_folder_and_with_its_suffix() {
        let key = wanted("encounter_maindata", None).key();
        assert_eq!(key, "parquet/encounter_maindata.parquet");
        assert_eq!(TableName::of_key(&key).unwrap().as_str(), "encounter_maindata");
        for key in [
            "parquet/",
            "parquet/a/b.parquet",
            "parquet/a.PARQUET",
            "parquet/.parquet",
            "a.parquet",
        ] {
            assert_eq!(TableName::of_key(key), None, "{key}");
        }
    }

    #[test]
    fn a_version_lies_beside_under_a_safe_name_of_its_own() {
        assert_eq!(wanted("a", None).file_name(), "a.parquet");
        assert_eq!(wanted("a", Some("v.1")).file_name(), "a@v.1.parquet");
        let odd = wanted("a", Some("3/L4kqtJlcp+../")).file_name();
        assert_eq!(
            (odd.len(), odd.contains('/')),
            ("a@.parquet".len() + 32, false),
            "{odd}"
        );
        assert!("a b".parse::<VersionId>().is_err() && "".parse::<VersionId>().is_err());
    }
}
