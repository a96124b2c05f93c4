//! session-export: writes everything that belongs to a finished session to S3, in a documented layout, completely
//! or not at all.
//!
//! `main` wires; [`handler`] takes an event through [`http`] or [`command`]; [`review`] does the work, with [`docx`]
//! for Word comments.

pub mod command;
pub mod config;
pub mod docx;
pub mod handler;
pub mod http;
pub mod review;
