//! A Bedrock for one machine: it takes requests as the Converse API does, and answers what it was told to.
//!
//! `POST /model/{model id}/converse` is all there is. A request is refused as Bedrock would: without messages, with a
//! blank text, with a conversation that doesn't begin with its user, with a temperature out of range, or with reasoning
//! whose settings break its rules. A field that isn't known here is refused, too. Signatures have to be there, and
//! aren't verified.
//!
//! Sources: Amazon Bedrock API Reference, "Converse"; Amazon Bedrock User Guide, "Extended thinking" (a budget of at
//! least 1,024 tokens and below the most of all, no temperature).

mod answer;
mod api;
mod request;

#[cfg(test)]
mod tests;

pub use answer::{Answer, Asked, Bedrock};
pub(crate) use api::router;
