//! Objects from bodies that are too large for memory: they are read while they are sent.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::primitives::SdkBody;

use super::put::Put;
use super::{Bucket, Content, Created, Target};
use crate::store_error::StoreError;

/// A body that can be opened again, for each try from its beginning. Cheap to clone.
#[derive(Clone)]
pub struct Outgoing {
    content: Content,
    time: Duration,
    open: Arc<dyn Fn() -> SdkBody + Send + Sync>,
}

impl Outgoing {
    /// A body of this size and digest, for which one try may take this `time`.
    pub fn new(content: Content, time: Duration, open: impl Fn() -> SdkBody + Send + Sync + 'static) -> Self {
        let open = Arc::new(open);
        Self { content, time, open }
    }

    /// What it is to be.
    pub fn content(&self) -> Content {
        self.content
    }

    fn body(&self) -> SdkBody {
        let open = Arc::clone(&self.open);
        SdkBody::retryable(move || open())
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

impl Bucket {
    /// [`Bucket::create`] of a body that is sent as it is read, in one piece. S3 compares what arrives with the digest, and
    /// stores nothing that is otherwise.
    ///
    /// # Errors
    /// As for [`Bucket::create`]; [`StoreError::Refused`] also when the body isn't what it is said to be.
    pub async fn create_from(&self, outgoing: &Outgoing, target: &Target) -> Result<Created, StoreError> {
        let put = Put::target(target, outgoing.content, outgoing.time);
        self.create_by(&put, || outgoing.body()).await
    }
}
