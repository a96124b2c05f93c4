//! How the work on an object can fail, by what has to happen then.

use casefile::store_error::StoreError;

/// Why the work on an object didn't end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It will never end, however often it is tried: to the dead-letter queue, with this reason. Holds no content.
    #[error("{0}")]
    Poison(String),
    /// It may end when it is tried again: back to the queue. For the log.
    #[error("{0}")]
    Transient(String),
}

impl From<StoreError> for Failure {
    /// Whatever storage says may be otherwise the next time, a wrong set-up included: somebody mends it.
    fn from(error: StoreError) -> Self {
        Self::Transient(error.to_string())
    }
}
