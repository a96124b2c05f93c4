//! What the operator's tool `casefile` shows, for use by the local stack too.

pub mod tree;
