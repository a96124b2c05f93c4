//! What a check says of a file.

use casefile::digest::Sha256;
use casefile::status::Status;
use serde::Serialize;

/// What a file is, by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Portable Document Format (ISO 32000).
    Pdf,
    /// A Word document (ECMA-376).
    Docx,
    /// JSON (RFC 8259).
    Json,
    /// Apache Parquet.
    Parquet,
    /// Text without control characters.
    Text,
    /// A ZIP archive that is no Word document.
    Zip,
    /// Anything else.
    Other,
}

/// What readers of a file should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Its content, or a part of it, is encrypted; it was not looked at.
    Encrypted,
    /// It brings programs along that its reader may run.
    Macros,
}

/// What was found in a file besides its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// How many pages a PDF has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    /// What a Parquet file's footer says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parquet: Option<ParquetFacts>,
}

/// What a Parquet file's footer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParquetFacts {
    /// Of the whole file.
    pub rows: u64,
    /// Row groups.
    pub row_groups: u64,
    /// The leaf columns, in the file's order: at most 1,000 of them, and at most 256 KiB in JSON.
    pub columns: Vec<Column>,
    /// The columns after those.
    #[serde(skip_serializing_if = "is_zero")]
    pub columns_left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A leaf column of a Parquet file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its path, with dots; at most 256 bytes in UTF-8. Control and text-direction characters are U+FFFD.
    pub name: String,
    /// The physical type, and in brackets what it stands for: `byte_array (string)`.
    #[serde(rename = "type")]
    pub data_type: String,
}

/// What a check says of a file: the same for the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The verdict.
    pub status: Status,
    /// Why it is no better, for people: a sentence without its subject, which holds nothing of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// In bytes.
    pub size: u64,
    /// Of all bytes.
    pub sha256: Sha256,
    /// What readers should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// What else was found.
    pub facts: Facts,
}
