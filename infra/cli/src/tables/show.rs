//! What the commands show: for a person, or in JSON.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use casefile::bucket::Head;
use casefile::time::rfc3339;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::fetch::{Had, Way, age};
use super::name::TableName;
use super::shelf::{Local, Record};
use crate::failure::Failure;
use crate::tree::{printable, thousands};

/// What stands where something isn't known.
const UNKNOWN: &str = "-";

/// What a copy is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// What S3 has.
    Fresh,
    /// Of another version.
    Old,
    Missing,
    /// Not what was downloaded.
    Damaged,
    /// What was downloaded; S3 wasn't asked.
    Kept,
    /// What was downloaded, and isn't handed out, as S3 said before.
    Withheld,
}

impl State {
    pub(super) fn of(local: &Local, head: &Head) -> Self {
        match local {
            Local::Missing => Self::Missing,
            Local::Unknown => Self::Damaged,
            Local::Copy(record) | Local::Withheld(record, _) if record.is_of(head) => Self::Fresh,
            Local::Copy(_) | Local::Withheld(..) => Self::Old,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Old => "old",
            Self::Missing => "missing",
            Self::Damaged => "damaged",
            Self::Kept => "kept",
            Self::Withheld => "withheld",
        }
    }
}

/// A table in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) table: TableName,
    /// In bytes.
    pub(super) size: u64,
    pub(super) stored_at: Option<Timestamp>,
    pub(super) version_id: Option<String>,
    pub(super) state: State,
    pub(super) path: PathBuf,
}

/// Where a list's tables and copies are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) bucket: &'a str,
    pub(super) folder: &'a Path,
    /// Whether S3 was asked.
    pub(super) is_s3: bool,
}

pub(super) fn list(rows: &[Row], place: Place<'_>, is_json: bool) -> String {
    if is_json {
        return pretty(&json!({
            "bucket": place.bucket,
            "directory": place.folder,
            "source": if place.is_s3 { "s3" } else { "copies" },
            "tables": rows.iter().map(row).collect::<Vec<_>>(),
        }));
    }
    let names = width(rows.iter().map(|row| row.table.as_str()));
    let sizes: Vec<_> = rows.iter().map(|row| thousands(row.size)).collect();
    let digits = width(sizes.iter().map(String::as_str));
    let mut out = String::new();
    for (row, size) in rows.iter().zip(&sizes) {
        let _ = writeln!(
            out,
            "{:<names$}  {size:>digits$} bytes  {:<24}  {:<8}  {}",
            row.table.as_str(),
            row.stored_at.map_or_else(|| UNKNOWN.to_owned(), rfc3339),
            row.state.name(),
            printable(row.version_id.as_deref().unwrap_or(UNKNOWN)),
        );
    }
    let count = count(rows.len(), if place.is_s3 { "table" } else { "copy" });
    let _ = writeln!(
        out,
        "{count} of s3://{}; copies in {}",
        place.bucket,
        place.folder.display()
    );
    out
}

fn row(row: &Row) -> Value {
    json!({
        "name": row.table.as_str(),
        "size": row.size,
        "stored_at": row.stored_at.map(rfc3339),
        "version_id": row.version_id,
        "copy": row.state.name(),
        "path": row.path,
    })
}

/// What became of each table.
pub(super) type Synced = [(TableName, Result<Had, Failure>)];

pub(super) fn synced(tables: &Synced, folder: &Path, is_json: bool) -> String {
    if is_json {
        let tables: Vec<_> = tables.iter().map(|(table, had)| outcome(table, had)).collect();
        return pretty(&json!({ "directory": folder, "tables": tables }));
    }
    let names = width(tables.iter().map(|(table, _)| table.as_str()));
    let mut out = String::new();
    for (table, had) in tables {
        let rest = match had {
            Ok(Had {
                way: Way::Kept(why),
                record,
                ..
            }) => format!("{why}; the copy, {}", age(record)),
            Ok(had) => format!("{} bytes", thousands(had.record.size)),
            Err(failure) => failure.to_string(),
        };
        let _ = writeln!(
            out,
            "{:<10}  {:<names$}  {}",
            name(had),
            table.as_str(),
            printable(&rest)
        );
    }
    let failed = tables.iter().filter(|(_, had)| had.is_err()).count();
    let all = count(tables.len(), "table");
    let folder = folder.display();
    let _ = match failed {
        0 => writeln!(out, "{all} in {folder}"),
        failed => writeln!(out, "{all}, {failed} not to be had; the others in {folder}"),
    };
    out
}

fn outcome(table: &TableName, had: &Result<Had, Failure>) -> Value {
    let record: Option<&Record> = had.as_ref().ok().map(|had| &had.record);
    json!({
        "name": table.as_str(),
        "outcome": name(had),
        "path": had.as_ref().ok().map(|had| &had.path),
        "size": record.map(|record| record.size),
        "sha256": record.map(|record| record.sha256),
        "stored_at": record.and_then(|record| record.stored_at).map(rfc3339),
        "version_id": record.and_then(|record| record.version_id.as_deref()),
        "reason": match had {
            Ok(Had { way: Way::Kept(why), .. }) => Some(why.clone()),
            Ok(_) => None,
            Err(failure) => Some(failure.to_string()),
        },
    })
}

fn name(had: &Result<Had, Failure>) -> &'static str {
    match had.as_ref().map(|had| &had.way) {
        Ok(Way::Fresh) => "fresh",
        Ok(Way::Downloaded) => "downloaded",
        Ok(Way::Kept(_) | Way::Copy) => "kept",
        Err(_) => "failed",
    }
}

fn width<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(str::len).max().unwrap_or_default()
}

fn count(number: usize, what: &str) -> String {
    match (number, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (number, Some(stem)) => format!("{number} {stem}ies"),
        (number, None) => format!("{number} {what}s"),
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        text.parse().ok()
    }

    fn rows() -> Vec<Row> {
        let row = |table: &str, size, state| Row {
            table: table.parse().unwrap(),
            size,
            stored_at: at("2025-11-14T14:25:10Z"),
            version_id: Some(format!("{table}-1")),
            state,
            path: PathBuf::from(format!("/copies/{table}.parquet")),
        };
        vec![
            row("demographics_maindata", 11_421, State::Fresh),
            row("encounter_maindata", 1_426_751, State::Old),
            row("labs", 9, State::Missing),
            Row {
                version_id: None,
                stored_at: None,
                ..row("x", 0, State::Damaged)
            },
            row("y", 7, State::Withheld),
        ]
    }

    fn place() -> Place<'static> {
        Place {
            bucket: "artifacts",
            folder: Path::new("/copies"),
            is_s3: true,
        }
    }

    #[test]
    fn a_list_says_what_each_copy_is_worth() {
        insta::assert_snapshot!(list(&rows(), place(), false));
    }

    #[test]
    fn programs_get_the_same_list_as_json() {
        let shown: Value = serde_json::from_str(&list(&rows(), place(), true)).unwrap();
        assert_eq!(
            (&shown["source"], &shown["directory"]),
            (&json!("s3"), &json!("/copies"))
        );
        assert_eq!(
            shown["tables"][1],
            json!({
                "name": "encounter_maindata", "size": 1_426_751, "stored_at": "2025-11-14T14:25:10.000Z",
                "version_id": "encounter_maindata-1", "copy": "old", "path": "/copies/encounter_maindata.parquet",
            })
        );
    }

    #[test]
    fn an_empty_list_says_so() {
        assert_eq!(
            list(&[], place(), false),
            "0 tables of s3://artifacts; copies in /copies\n"
        );
        let offline = Place {
            is_s3: false,
            ..place()
        };
        assert_eq!(
            list(&[], offline, false),
            "0 copies of s3://artifacts; copies in /copies\n"
        );
    }

    fn outcomes() -> Vec<(TableName, Result<Had, Failure>)> {
        let record: Record = serde_json::from_value(json!({
            "bucket": "artifacts", "key": "parquet/x.parquet", "version_id": "v1", "etag": "\"00\"",
            "sha256": "0".repeat(64), "size": 26_751, "stored_at": "2025-11-14T14:25:10Z",
            "checked_at": "2025-11-15T08:00:00Z", "modified_at": "2025-11-14T15:00:00.123456789Z",
        }))
        .unwrap();
        let had = |table: &str, way| {
            let had = Had {
                path: PathBuf::from(format!("/copies/{table}.parquet")),
                record: record.clone(),
                way,
            };
            (table.parse().unwrap(), Ok(had))
        };
        let failure = Failure::Refused("there is no table lab in artifacts; did you mean labs?".to_owned());
        vec![
            had("demographics_maindata", Way::Fresh),
            had("encounter_maindata", Way::Downloaded),
            had(
                "labs",
                Way::Kept("S3 is unavailable: HeadObject: no connection".to_owned()),
            ),
            ("lab".parse().unwrap(), Err(failure)),
        ]
    }

    #[test]
    fn each_synced_table_has_a_line() {
        insta::assert_snapshot!(synced(&outcomes(), Path::new("/copies"), false));
        let shown: Value = serde_json::from_str(&synced(&outcomes(), Path::new("/copies"), true)).unwrap();
        let outcomes: Vec<_> = (0..4).map(|at| shown["tables"][at]["outcome"].clone()).collect();
        assert_eq!(outcomes, ["fresh", "downloaded", "kept", "failed"]);
        assert_eq!(shown["tables"][1]["path"], "/copies/encounter_maindata.parquet");
        assert_eq!(shown["tables"][3]["path"], Value::Null);
        assert!(shown["tables"][3]["reason"].as_str().unwrap().contains("labs"));
    }
}
