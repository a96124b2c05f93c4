//! A look at a file that is to replace what others read: whether it is whole, as far as its ends tell. The rest is looked
//! into when it has arrived.

use bytes::Bytes;
use casefile::json::FieldError;
use casefile::link::{Links, storage_problem};
use casefile::problem::Problem;

use crate::document::{Content, Document};

/// What a Parquet file begins and ends with (Apache Parquet, *File Format*).
pub const PARQUET: &[u8] = b"PAR1";

/// Whether a file of this size may be a Parquet file, which begins and ends with these bytes.
pub fn is_table(size: u64, begin: &[u8], end: &[u8]) -> bool {
    size > 2 * PARQUET.len() as u64 && begin == PARQUET && end == PARQUET
}

/// Whether a table is one, from its first byte to its last.
///
/// # Errors
/// `invalid-request` when it isn't; what reading an upload fails with.
pub(super) async fn check(links: &Links, document: &Document) -> Result<(), Problem> {
    if !document.name.as_str().to_lowercase().ends_with(".parquet") {
        return Ok(());
    }
    let length = PARQUET.len() as u64;
    let is_table = document.size > 2 * length
        && is_table(
            document.size,
            &part(links, document, 0).await?,
            &part(links, document, document.size - length).await?,
        );
    if is_table {
        return Ok(());
    }
    Err(Problem::invalid(vec![FieldError {
        pointer: "/file".to_owned(),
        detail: "is no Parquet file, or isn't whole: it doesn't begin and end with PAR1".to_owned(),
    }]))
}

/// As many bytes as the mark has, from `start` on.
async fn part(links: &Links, document: &Document, start: u64) -> Result<Bytes, Problem> {
    let end = start + PARQUET.len() as u64;
    match &document.content {
        Content::Bytes(bytes) | Content::Upload(_, Some(bytes)) => {
            let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
            let found = range.filter(|(_, end)| *end <= bytes.len());
            Ok(found.map_or_else(Bytes::new, |(start, end)| bytes.slice(start..end)))
        }
        Content::Upload(source, None) => {
            let version = source.version_id.as_deref();
            let read = links.bucket.range(&source.key, version, start..end).await;
            read.map_err(|error| storage_problem(&error))
        }
    }
}
