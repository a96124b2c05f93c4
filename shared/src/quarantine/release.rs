//! An operator lets go what was rejected.

use super::{Item, is_released};
use crate::bucket::{Bucket, Merged, takes_tag};
use crate::document::optional;
use crate::status::{self, Status};
use crate::store_error::StoreError;

/// How often a release begins again, when somebody else lays a marker or sets a tag meanwhile.
const MAX_ROUNDS: usize = 12;

/// What a release finds in the item's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// This version, under a delete marker.
    Hidden {
        /// The marker.
        marker: String,
    },
    /// This version, for all to see.
    Seen,
}

/// Why an item isn't released.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// A newer version has its place.
    #[error("a newer version lies in its place, which a release would not replace; nothing was changed")]
    Replaced,
    /// A newer version came into its place meanwhile.
    #[error(
        "a newer version came into its place meanwhile, and stays there; this one is tagged as released, and only what \
         names its version leads to it"
    )]
    Overtaken,
    /// The version was removed for good, or its bucket keeps none.
    #[error(
        "its version is gone from the artifacts bucket; what was copied of it lies in the quarantine's content/ still"
    )]
    Gone,
    /// Ten tags of others leave no room for the one that would let links lead to it.
    #[error(
        "its version has ten tags of others, which leave no room for its status; remove one of them, and release it \
         then; nothing was changed"
    )]
    Full,
    /// S3 failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Looks whether an item can be released.
///
/// # Errors
/// [`ReleaseError`], all but [`ReleaseError::Overtaken`].
pub async fn place(artifacts: &Bucket, item: &Item) -> Result<Place, ReleaseError> {
    let version_id = item.version_id.as_deref().ok_or(ReleaseError::Gone)?;
    let top = artifacts.top(&item.key).await?;
    let tags = optional(artifacts.tags(&item.key, Some(version_id))).await?;
    let tags = tags.ok_or(ReleaseError::Gone)?;
    if top.version_id.as_deref() != Some(version_id) {
        return Err(ReleaseError::Replaced);
    }
    if !takes_tag(&tags, status::STATUS) {
        return Err(ReleaseError::Full);
    }
    Ok(match top.marker {
        Some(marker) => Place::Hidden { marker },
        None => Place::Seen,
    })
}

/// Releases an item: the tag `status=released` → the delete marker is removed, also one that somebody else laid over it
/// since → the tag is looked at again, for a late twin of the quarantine may have set its own. From then on links lead to
/// it, and no late event hides it again. May be repeated.
///
/// # Errors
/// [`ReleaseError`]: nothing is changed when something else lies in its place, or when there is no room for the tag.
pub async fn release(artifacts: &Bucket, item: &Item) -> Result<(), ReleaseError> {
    let mut place = self::place(artifacts, item).await?;
    let tags = [(status::STATUS, Status::Released.name())];
    let version_id = item.version_id.as_deref();
    for _ in 0..MAX_ROUNDS {
        let merged = artifacts.merge_tags_unless(&item.key, version_id, &tags, is_released);
        let merged = merged.await.map_err(untagged)?;
        match place {
            Place::Seen if merged == Merged::Left => return Ok(()),
            Place::Seen => {}
            Place::Hidden { marker } => artifacts.remove_marker(&item.key, &marker).await?,
        }
        place = self::place(artifacts, item).await.map_err(overtaken)?;
    }
    Err(StoreError::Damaged("others lay more and more delete markers over it, or change its tags").into())
}

fn untagged(error: StoreError) -> ReleaseError {
    match error {
        StoreError::NotFound => ReleaseError::Gone,
        StoreError::Damaged(_) => ReleaseError::Full,
        error => error.into(),
    }
}

/// What was found when the tag was set already.
fn overtaken(error: ReleaseError) -> ReleaseError {
    match error {
        ReleaseError::Replaced => ReleaseError::Overtaken,
        error => error,
    }
}
