//! Mutable state: it moves by `If-Match` alone, so that no change is lost.

use bytes::Bytes;

use super::put::{Answer, Condition, Put};
use super::{Bucket, NewObject};
use crate::store_error::{StoreError, classify, status};

/// An object's content, and the tag by which a change names what it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The content.
    pub bytes: Bytes,
    /// The entity tag of just this content.
    pub etag: String,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// The object has the new content, as this version in a bucket that keeps versions.
    Now(Option<String>),
    /// Somebody else changed or removed the object meanwhile, or this very change took effect and its answer was lost:
    /// read it again.
    Changed,
}

impl Replaced {
    /// Whether the object has the new content.
    pub fn is_now(&self) -> bool {
        matches!(self, Self::Now(_))
    }
}

impl Bucket {
    /// Reads an object of at most `limit` bytes, with its tag.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::TooLarge`], [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn read_tagged(&self, key: &str, limit: u64) -> Result<Tagged, StoreError> {
        let object = self.open(key, None).await?;
        let etag = object.e_tag.ok_or(StoreError::Damaged("S3 gave no entity tag"))?;
        let bytes = Self::collect(object.body, limit).await?;
        Ok(Tagged { bytes, etag })
    }

    /// Gives an object new content, if it still has the content that `etag` names.
    /// Source: S3 user guide, *Conditional writes*.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], after which the change may have taken effect; [`StoreError::Refused`].
    pub async fn replace(&self, object: &NewObject, etag: &str) -> Result<Replaced, StoreError> {
        let put = Put::object(object, Condition::Still(etag));
        match self.put(&put, object.body.clone().into()).await {
            Ok(Answer::Stored(version_id)) => Ok(Replaced::Now(version_id)),
            Ok(Answer::Conflict | Answer::Unfit) => Ok(Replaced::Changed),
            // S3's answer to If-Match on an object that is gone.
            Err(error) if status(&error) == Some(404) => Ok(Replaced::Changed),
            Err(error) => Err(classify("PutObject", &error)),
        }
    }
}
