//! Object Lock, as far as a default retention goes: what is written can't be deleted until its time is over.
//!
//! No key may bypass it, as in compliance mode. Requests that lock an object themselves are not here.
//!
//! Sources: "Locking objects with Object Lock", "Object Lock considerations" (user guide).

use std::time::Duration;

use jiff::Timestamp;
use s3s::{S3Result, s3_error};

use super::bucket::{Bucket, State};
use super::version::{Version, Versioning};

impl State {
    /// Delete markers aren't locked, and neither is hiding a key under one.
    ///
    /// # Errors
    /// `AccessDenied` for a version that can't be deleted yet.
    pub(super) fn check_lock(&self, version: &Version, now: Timestamp) -> S3Result<()> {
        let Some(retention) = self.retention.filter(|_| !version.is_delete_marker()) else {
            return Ok(());
        };
        let until = version.modified.checked_add(retention).unwrap_or(Timestamp::MAX);
        if until <= now {
            return Ok(());
        }
        Err(s3_error!(
            AccessDenied,
            "Access Denied because object protected by object lock."
        ))
    }

    /// # Errors
    /// `InvalidBucketState` when a bucket with Object Lock is to keep no versions.
    pub(super) fn check_versioning(&self, versioning: Versioning) -> S3Result<()> {
        if self.retention.is_none() || versioning == Versioning::Enabled {
            return Ok(());
        }
        Err(s3_error!(
            InvalidBucketState,
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        ))
    }
}

impl Bucket {
    /// Keeps each version from being deleted for so long after it was written.
    ///
    /// # Errors
    /// `NoSuchBucket` when it was deleted meanwhile.
    pub(crate) fn lock(&self, retention: Duration) -> S3Result<()> {
        self.write()?.retention = Some(retention);
        Ok(())
    }
}
