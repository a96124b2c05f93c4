//! Other collections than those that the functions were built with.

use std::io::Write as _;
use std::path::Path;

use casefile::collection::{self, file};
use tempfile::{NamedTempFile, TempPath};

use super::StackError;

/// Why a file of collections can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CollectionsError {
    /// It can't be read, or written for the functions.
    #[error("can't be read")]
    Io(#[from] std::io::Error),
    /// It is wrong.
    #[error(transparent)]
    Wrong(#[from] file::FileError),
    /// It can't be written as JSON.
    #[error("can't be written for the functions")]
    Json(#[from] serde_json::Error),
}

/// Checks a file like `infra/collections.toml`, and writes it as the functions read it.
pub(super) fn prepare(path: &Path) -> Result<TempPath, StackError> {
    written(path).map_err(|source| StackError::Collections {
        path: path.to_owned(),
        source,
    })
}

fn written(path: &Path) -> Result<TempPath, CollectionsError> {
    let table = file::parse(&std::fs::read_to_string(path)?)?;
    let mut prepared = NamedTempFile::new()?;
    prepared.write_all(collection::as_json(&table)?.as_bytes())?;
    prepared.flush()?;
    Ok(prepared.into_temp_path())
}
