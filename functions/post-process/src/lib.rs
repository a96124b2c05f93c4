//! post-process: what happens when an object arrives. It verifies, files, quarantines, indexes, summarises and
//! announces.
//!
//! `main` wires; [`handler`] takes a batch apart, [`arrival`] reads what arrived from every shape of event, [`settle`]
//! decides what is to be done, [`check`] looks into a file, [`summary`] asks Bedrock, [`notify`] tells subscribers.

pub mod arrival;
pub mod batch;
pub mod check;
pub mod clients;
pub mod config;
pub mod dead_letter;
pub mod failure;
pub mod handler;
pub mod index;
pub mod notify;
pub mod settle;
pub mod summary;
