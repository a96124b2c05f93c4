//! The paths of a file, the first of which it gets that nothing else has.

use casefile::bucket::{Bucket, NewObject};
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::optional;
use casefile::intake::{self, Dated};
use casefile::key::{BasePath, ObjectKey};
use casefile::link::{Links, storage_problem};
use casefile::name::TenantId;
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::metadata::Sorted;
use crate::document::Document;

/// A note is well below this size.
const MAX_NOTE_BYTES: u64 = 4 * 1024;

/// Which path something got when it came first, that doesn't say so itself: a file without a date, which would have another
/// one on another day; a session's log, which could be said to have begun in another month.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    path: String,
}

/// Where a file goes: by its name and date, and, should other content have that, beside it under a name with the digest.
/// What may be replaced has one path. A file without a date has that of when it `came`.
pub(super) async fn paths(
    links: &Links,
    tenant: &TenantId,
    collection: Collection,
    document: &Document,
    metadata: &Sorted,
    came: Timestamp,
) -> Result<Vec<String>, Problem> {
    let name = document.name.as_str();
    let (path, dated) = intake::path(collection, name, &metadata.values(), came);
    let path = match dated {
        Dated::ByArrival => {
            let sha256 = document.sha256.to_string();
            let what = [
                "a file without a date",
                tenant.as_str(),
                collection.name(),
                name,
                &sha256,
            ];
            noted(links, &what, path).await?
        }
        Dated::ByItself | Dated::Never => path,
    };
    if collection.is_replaced() {
        return Ok(vec![path]);
    }
    let (stem, extension) = path.rsplit_once('.').unwrap_or((&path, ""));
    let beside = format!("{stem}_{}.{extension}", document.sha256);
    Ok(vec![path, beside])
}

/// The path that something has had before, or has from now on: `what` tells it from everything else.
///
/// # Errors
/// `unavailable` and `internal` when storage fails.
pub async fn noted(links: &Links, what: &[&str], path: String) -> Result<String, Problem> {
    let failed = |error: StoreError| storage_problem(&error);
    let key = note_key(&links.base, what);
    let internal = |_| Problem::new(ProblemKind::Internal, "a file's path can't be noted as JSON");
    let note = serde_json::to_vec(&Note { path: path.clone() }).map_err(internal)?;
    match links.bucket.create(&NewObject::json(key.clone(), note)).await {
        Ok(_) => Ok(path),
        Err(StoreError::AlreadyExists) => read(&links.bucket, &key).await.map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

/// The path that [`noted`] has noted, if it has; it notes nothing.
///
/// # Errors
/// [`StoreError`] when storage fails.
pub async fn note(bucket: &Bucket, base: &BasePath, what: &[&str]) -> Result<Option<String>, StoreError> {
    optional(read(bucket, &note_key(base, what))).await
}

/// Where a path is noted of `what`.
pub fn note_key(base: &BasePath, what: &[&str]) -> String {
    ObjectKey::PathNote(Sha256::of_parts(what.iter().copied())).path(base)
}

async fn read(bucket: &Bucket, key: &str) -> Result<String, StoreError> {
    let note = bucket.read(key, MAX_NOTE_BYTES).await?;
    let note: Result<Note, _> = serde_json::from_slice(&note);
    note.map(|note| note.path)
        .map_err(|_| StoreError::Damaged("a file's path was noted as no JSON"))
}
