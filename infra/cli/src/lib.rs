//! What the operator's and analyst's tool `casefile` does and shows, the latter for use by the local stack too.

pub mod bol;
mod claim;
pub mod doctor;
pub mod failure;
pub mod migrate;
pub mod quarantine;
pub mod replay;
pub mod tables;
pub mod tree;
