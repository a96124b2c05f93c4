//! signed-download: hands out expiring links to those who may have them, and never without a durable audit record.
//!
//! `main` wires; [`handler`] finds the [`route`] and the caller; [`links`] and [`share`] hand out links, [`documents`]
//! says what there is, [`audit`] who saw what.

pub mod audit;
pub mod config;
pub mod documents;
pub mod handler;
pub mod links;
pub mod route;
pub mod share;
