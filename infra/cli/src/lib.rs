//! What the operator's tool `casefile` does and shows, the latter for use by the local stack too.

pub mod quarantine;
pub mod tree;
