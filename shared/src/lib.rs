//! What at least two of Casefile's functions need: names that are safe to store, the bucket's layout,
//! the S3 client and its create-only writes, manifests and their verification, problems, configuration.
//!
//! Dependencies point one way: a function's `main` → handler → use case → this crate.

pub mod bucket;
pub mod client;
pub mod config;
pub mod digest;
pub mod json;
pub mod key;
pub mod logging;
pub mod manifest;
pub mod name;
pub mod problem;
pub mod session_file;
pub mod store_error;
pub mod time;
pub mod verify;
