//! The API as its callers reach it, over HTTP, and whether it is meant.

mod answer;
mod api;
mod http;
mod token;
mod way;

pub(crate) use answer::{Answer, retry_after};
pub(crate) use api::{Api, Outage, encoded, next};
pub(crate) use http::{Http, NoAnswer, time_for};
pub(crate) use token::Token;
pub(crate) use way::Way;
