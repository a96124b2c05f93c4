//! A CSV that says what is known of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use casefile::bol::BolNumber;
use casefile::collection::Collection;
use casefile::json::{Errors, Node};
use casefile::name::{Owner, TenantId};
use csv::StringRecord;
use serde_json::{Map, Value};
use session_export::files::Sorted;
use unicode_normalization::UnicodeNormalization as _;

use crate::failure::Failure;
use crate::tree::printable;

/// Errors that are told one by one.
const MAX_TOLD: usize = 20;

/// What is known of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) number: Option<BolNumber>,
    pub(super) owner: Option<Owner>,
    /// The collection's own, as it is to be read back.
    pub(super) metadata: BTreeMap<String, String>,
}

/// Rows by their files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rows(BTreeMap<String, Row>);

impl Rows {
    fn insert(&mut self, file: &str, row: Row) -> Option<Row> {
        self.0.insert(spelled(file), row)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// That of a file as the folder has it.
    pub(super) fn remove(&mut self, file: &str) -> Option<Row> {
        self.0.remove(&spelled(file))
    }

    /// Those that are left.
    pub(super) fn into_left(self) -> impl Iterator<Item = (String, Row)> {
        self.0.into_iter()
    }
}

/// A name in the one form that tells it from others: macOS takes letters with accents apart, and a spreadsheet puts them
/// together; `find` has `./` before names, and Windows other slashes.
fn spelled(file: &str) -> String {
    let file: String = file.nfc().collect();
    file.trim_start_matches("./").to_owned()
}

/// Reads a CSV: a header line with `file` and any of `number`, `owner` and the collection's metadata.
///
/// # Errors
/// All that is wrong with it, each with its line.
pub(super) fn read(path: &Path, collection: Collection, tenant: &TenantId) -> Result<Rows, Failure> {
    let told = |why: String| Failure::Refused(format!("{}: {why}", path.display()));
    let reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path);
    let mut reader = reader.map_err(|error| told(error.to_string()))?;
    let columns = reader.headers().map_err(|error| told(error.to_string()))?.clone();
    let mut errors = unknown(&columns, collection);
    let mut rows = Rows::default();
    for record in reader.records() {
        let record = record.map_err(|error| told(error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut refuse = |why: String| errors.push(format!("line {line}: {why}"));
        let (file, row) = row(&columns, &record, collection, tenant, &mut refuse);
        if file.is_empty() {
            refuse("names no file".to_owned());
        } else if rows.insert(&file, row).is_some() {
            refuse(format!("names {} again", printable(&file)));
        }
    }
    if errors.is_empty() {
        return Ok(rows);
    }
    let more = errors.len().saturating_sub(MAX_TOLD);
    errors.truncate(MAX_TOLD);
    if more > 0 {
        errors.push(format!("and {more} more"));
    }
    Err(told(errors.join("; ")))
}

fn unknown(columns: &StringRecord, collection: Collection) -> Vec<String> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for column in columns {
        let is_own = collection.metadata().iter().any(|field| field.name == column);
        let is_number = column == "number" && collection.number_format().is_some();
        if !(is_own || is_number || ["file", "owner"].contains(&column)) {
            let name = collection.name();
            errors.push(format!("line 1: {name} knows no column {}", printable(column)));
        }
        if !seen.insert(column) {
            errors.push(format!(
                "line 1: the column {} stands there twice",
                printable(column)
            ));
        }
    }
    if !seen.contains("file") {
        errors.push("line 1: there is no column file; the first line names the columns".to_owned());
    }
    errors
}

fn row(
    columns: &StringRecord,
    record: &StringRecord,
    collection: Collection,
    tenant: &TenantId,
    refuse: &mut impl FnMut(String),
) -> (String, Row) {
    let (mut file, mut row, mut metadata) = (String::new(), Row::default(), Map::new());
    for (column, value) in columns.iter().zip(record).filter(|(_, value)| !value.is_empty()) {
        match column {
            "file" => file = value.replace('\\', "/"),
            "number" => match value.parse() {
                Ok(number) => row.number = Some(number),
                Err(error) => refuse(format!("the number {error}")),
            },
            "owner" => match Owner::parse(value) {
                Ok(owner) => row.owner = Some(owner),
                Err(error) => refuse(format!("the owner {error}")),
            },
            name => drop(metadata.insert(name.to_owned(), Value::from(value))),
        }
    }
    row.metadata = sorted(metadata, collection, tenant, row.owner.as_ref(), refuse);
    (file, row)
}

/// As a request's metadata are read.
fn sorted(
    metadata: Map<String, Value>,
    collection: Collection,
    tenant: &TenantId,
    owner: Option<&Owner>,
    refuse: &mut impl FnMut(String),
) -> BTreeMap<String, String> {
    let text = Value::Object(metadata).to_string();
    let Ok(node) = Node::parse(&text) else {
        return BTreeMap::new();
    };
    let mut errors = Errors::default();
    let sorted = Sorted::read(collection, &node, &mut errors);
    if let Some(sorted) = &sorted {
        sorted.check_size(tenant, owner, &node, &mut errors);
    }
    for error in errors.into_vec() {
        let name = error.pointer.trim_start_matches('/');
        refuse(format!("{name} {}", error.detail));
    }
    sorted.map_or_else(BTreeMap::new, |sorted| sorted.values().into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read_text(text: &str, collection: Collection) -> Result<Rows, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.csv");
        fs::write(&path, text).unwrap();
        read(&path, collection, &TenantId::parse("acme").unwrap())
    }

    #[test]
    fn a_row_says_number_and_owner_or_metadata() {
        let text = "file,number,owner\n\"a, b.pdf\",PRT-2024-0017,Queen City Castings\nc.pdf,,\n";
        let rows = read_text(text, Collection::bols()).unwrap();
        let row = &rows.0["a, b.pdf"];
        assert_eq!(row.number, BolNumber::parse("PRT-2024-0017"));
        assert_eq!(row.owner, Owner::parse("Queen City Castings").ok());
        assert_eq!(rows.0["c.pdf"], Row::default());
        let text = "patient_name,file\nJosé Álvarez,x\\report.pdf\n";
        let rows = read_text(text, Collection::ecg_reports()).unwrap();
        assert_eq!(rows.0["x/report.pdf"].metadata["patient_name"], "José Álvarez");
    }

    #[test]
    fn a_file_s_row_is_found_however_its_name_is_spelled() {
        let text = "file,number\n./ärztlich.pdf,PRT-2024-0017\nscans\\e\u{301}.pdf,PRT-2024-0018\n";
        let mut rows = read_text(text, Collection::bols()).unwrap();
        for (file, number) in [
            ("a\u{308}rztlich.pdf", "PRT-2024-0017"),
            ("scans/é.pdf", "PRT-2024-0018"),
        ] {
            let row = rows.remove(file).unwrap();
            assert_eq!(row.number, BolNumber::parse(number), "{file}");
        }
        assert!(rows.is_empty());
        let twice = "file\n./a.pdf\na.pdf\n";
        let error = read_text(twice, Collection::bols()).unwrap_err().to_string();
        assert!(error.contains("line 3: names a.pdf again"), "{error}");
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_with_its_line() {
        let text = "file,number,color,owner\na.pdf,17,red,x\na.pdf,PRT-2024-0017,,x\n,,,\n";
        let error = read_text(text, Collection::bols()).unwrap_err().to_string();
        for told in [
            "line 1: bols knows no column color",
            "line 2: the number must be like PRT-2025-0042",
            "line 3: names a.pdf again",
            "line 4: names no file",
        ] {
            assert!(error.contains(told), "{told}: {error}");
        }
        let error = read_text("name\nx\n", Collection::clinical())
            .unwrap_err()
            .to_string();
        assert!(error.contains("there is no column file"), "{error}");
    }
}
