//! The API as its callers reach it, over HTTP.

mod answer;
mod api;
mod http;
mod token;

pub(crate) use answer::{Answer, retry_after};
pub(crate) use api::{Api, Outage, encoded, given, instead, is_asked, needs_api, next};
pub(crate) use http::{Http, NoAnswer, time_for};
pub(crate) use token::Token;
