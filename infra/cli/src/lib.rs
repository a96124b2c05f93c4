//! What the tool `casefile` does and shows, the latter for use by the local stack too.

pub mod bol;
mod claim;
pub mod command;
pub mod doctor;
pub mod done;
pub mod environment;
pub mod failure;
pub mod get;
pub mod migrate;
mod pen;
pub mod quarantine;
pub mod replay;
pub mod tables;
pub mod tree;
pub mod upload;
pub mod verify;
mod web;
