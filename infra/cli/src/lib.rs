//! What the operator's and analyst's tool `casefile` does and shows, the latter for use by the local stack too.

pub mod bol;
pub mod quarantine;
pub mod tables;
pub mod tree;
