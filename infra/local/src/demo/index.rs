//! The index, as Athena would read it.

use casefile::bucket::Bucket;
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::status::Status;
use casefile::store_error::StoreError;
use casefile_cli::tree::thousands;
use serde::Deserialize;
use serde_json::Value;

use super::links::short;
use super::table;

/// A row is well below this size.
const MAX_ROW_BYTES: u64 = 1024 * 1024;
const HEAD: [&str; 7] = [
    "collection",
    "dt",
    "what",
    "status",
    "bytes",
    "sha256",
    "known of it",
];
const WIDEST: [usize; 7] = [11, 10, 7, 8, 10, 16, 36];

/// What a row says, as far as it is shown.
#[derive(Deserialize)]
pub(super) struct Row {
    /// The partition that it lies in.
    #[serde(skip)]
    day: String,
    collection: String,
    kind: String,
    pub(super) path: String,
    pub(super) key: String,
    pub(super) version_id: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) status: Status,
    pub(super) reason: Option<String>,
    size: u64,
    pub(super) sha256: Sha256,
    #[serde(default)]
    content_kind: Option<String>,
    #[serde(default)]
    facts: Value,
    #[serde(default)]
    total_files: u64,
    #[serde(default)]
    statistics: Value,
    #[serde(default)]
    summary: Option<String>,
}

/// The wanted rows of a collection, from the partition of `day` on.
pub(super) async fn since(
    bucket: &Bucket,
    collection: Collection,
    day: &str,
    wanted: impl Fn(&Row) -> bool,
) -> Result<Vec<Row>, StoreError> {
    let prefix = format!("index/{}/dt=", collection.name());
    let mut rows = Vec::new();
    for key in bucket.keys(&prefix).await? {
        let its_day = key.strip_prefix(&prefix).and_then(|rest| rest.get(..day.len()));
        let Some(its_day) = its_day.filter(|its_day| *its_day >= day) else {
            continue;
        };
        let row = bucket.read(&key, MAX_ROW_BYTES).await?;
        let mut row: Row = serde_json::from_slice(&row)
            .map_err(|_| StoreError::Damaged("a row of the index can't be read"))?;
        its_day.clone_into(&mut row.day);
        rows.push(row);
    }
    rows.retain(wanted);
    Ok(rows)
}

/// Draws rows as a table.
pub(super) fn render(rows: &[&Row]) -> String {
    let rows: Vec<_> = rows.iter().map(|row| row.cells()).collect();
    table::render(HEAD, WIDEST, &rows)
}

impl Row {
    /// The file's name.
    pub(super) fn name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it is about a session as a whole.
    pub(super) fn is_session(&self) -> bool {
        self.kind == "session"
    }

    fn cells(&self) -> [String; 7] {
        [
            self.collection.clone(),
            self.day.clone(),
            self.content_kind.as_ref().unwrap_or(&self.kind).clone(),
            self.status.name().to_owned(),
            thousands(self.size),
            short(self.sha256),
            self.known(),
        ]
    }

    fn known(&self) -> String {
        if self.is_session() {
            let all = self.statistics.get("total_ai_suggestions");
            let all = all.and_then(Value::as_u64).unwrap_or_default();
            let summary = match self.summary.as_deref() {
                Some("available") => "a summary",
                _ => "no summary",
            };
            return format!("{} files, {all} suggestions, {summary}", self.total_files);
        }
        match self.facts.get("pages").and_then(Value::as_u64) {
            Some(1) => "1 page".to_owned(),
            Some(pages) => format!("{pages} pages"),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_lines_of_a_table() {
        let file = json!({
            "collection": "ecg-reports", "kind": "file", "path": "x", "key": "x", "status": "verified", "size": 9986,
            "sha256": "a".repeat(64), "content_kind": "pdf", "facts": {"pages": 1},
        });
        let session = json!({
            "collection": "reviews", "kind": "session", "path": "x", "key": "x", "status": "verified", "size": 164_212,
            "sha256": "b".repeat(64), "total_files": 14, "statistics": {"total_ai_suggestions": 7}, "summary": null,
        });
        let row = |value| Row {
            day: "2025-11-14".to_owned(),
            ..serde_json::from_value(value).unwrap()
        };
        let expected = "\
collection   dt          what     status    bytes    sha256            known of it
───────────  ──────────  ───────  ────────  ───────  ────────────────  ───────────────────────────────────
ecg-reports  2025-11-14  pdf      verified  9,986    aaaaaaaaaaaaaaaa  1 page
reviews      2025-11-14  session  verified  164,212  bbbbbbbbbbbbbbbb  14 files, 7 suggestions, no summary
";
        assert_eq!(render(&[&row(file), &row(session)]), expected);
    }
}
