//! What at least two of Casefile's functions need: names that are safe to store, the bucket's layout,
//! the S3 client and its create-only writes, manifests and their verification, problems, configuration.
//!
//! Dependencies point one way: a function's `main` → handler → use case → this crate.

pub mod audit;
pub mod backoff;
pub mod bol;
pub mod bucket;
pub mod caller;
pub mod client;
pub mod collection;
pub mod config;
pub mod digest;
pub mod document;
pub mod http;
pub mod id;
pub mod intake;
pub mod json;
pub mod key;
pub mod link;
pub mod logging;
pub mod manifest;
pub mod metadata;
pub mod metrics;
pub mod name;
pub mod permission;
pub mod pointer;
pub mod problem;
pub mod quarantine;
pub mod session_file;
pub mod set_up;
pub mod status;
pub mod store_error;
pub mod time;
pub mod training_log;
pub mod verify;
