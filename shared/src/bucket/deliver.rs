//! Objects from somebody who may put them and do nothing else, such as a device.

use std::time::Duration;

use aws_sdk_s3::primitives::SdkBody;

use super::put::{Answer, Put};
use super::{Bucket, Content, Target};
use crate::store_error::{Cause, StoreError, classify};

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// It lies there now.
    Now,
    /// Something lies there already. Nothing was overwritten, and nothing is known of what it is.
    Taken,
}

impl Bucket {
    /// Puts a body in one piece, create-only (`If-None-Match: *`), and asks for nothing that a right to put doesn't cover.
    /// S3 compares what arrives with the digest, and stores nothing that is otherwise. A try may take this `time`; a body
    /// that is read from a disk is sent once, for it has to be opened again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], after which the object may be there; [`StoreError::Refused`], also when the body isn't
    /// what it is said to be.
    pub async fn deliver(
        &self,
        target: &Target,
        content: Content,
        body: SdkBody,
        time: Duration,
    ) -> Result<Delivered, StoreError> {
        match self.put(&Put::target(target, content, time), body).await {
            Ok(Answer::Stored(_)) => Ok(Delivered::Now),
            Ok(Answer::Unfit) => Ok(Delivered::Taken),
            Ok(Answer::Conflict) => Err(StoreError::Unavailable(Cause::conflict("PutObject"))),
            Err(error) => Err(classify("PutObject", &error)),
        }
    }
}
