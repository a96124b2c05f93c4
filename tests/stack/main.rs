//! The stack from outside: the S3 that it stands on, the export's promises, and what a person meets.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment which other S3 to check"
)]

mod arrivals;
mod audit;
mod batch;
mod bol_numbers;
mod bols;
mod checks;
mod command_line;
mod contract;
mod doctor;
mod documents;
mod events;
mod export;
mod failures;
mod fallback;
mod files;
mod killed;
mod links;
mod listed;
mod migrate;
mod outages;
mod pipeline;
mod quarantine;
mod revisions;
mod schedules;
mod secrets;
mod shares;
mod sixth;
mod support;
mod tables;
mod templates;
mod unplugged;
mod uploader;
mod uploads;
