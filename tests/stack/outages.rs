//! Outages, call by call: what is asked of S3 is recorded, and then each call fails, before and after taking effect.
//! A call that a later version makes besides is recorded, too, so that it can't go without its failures.

mod branch;
pub(crate) mod calls;
mod downloads;
mod operator;
mod run;
mod scenes;
mod uploads;
