//! Why a command didn't do what it should.

use casefile::problem::Problem;
use casefile::store_error::StoreError;

/// In words for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It can't be done as things are.
    #[error("{0}")]
    Refused(String),
    /// The set-up is wrong, or storage fails.
    #[error("{0}")]
    Failed(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem.detail)
    }
}
