//! session-export: writes everything that belongs to a finished session to S3, in a documented layout, completely
//! or not at all.
//!
//! `main` wires; [`handler`] takes an event by its [`route`] or as a [`command`]; [`review`] does the work for sessions,
//! with [`docx`] for Word comments, [`bols`] for bills of lading and [`files`] for single files; [`uploads`] is for what
//! doesn't fit into a request. What S3 doesn't take goes into the [`fallback`], and [`replay`] sends it on.

pub mod archive;
pub mod bols;
pub mod command;
pub mod config;
pub mod document;
pub mod docx;
pub mod fallback;
pub mod files;
pub mod handler;
pub mod replay;
pub mod review;
pub mod route;
pub mod uploads;
mod work;
