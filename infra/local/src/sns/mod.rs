//! An SNS for one machine: it takes what is published to the template's topics, and remembers it.
//!
//! The wire format is the AWS query protocol, version 2010-03-31, with XML answers; `Publish` and
//! `GetTopicAttributes` are all there is. A parameter that isn't known here is refused, and so is what SNS itself would refuse: a subject of more than 100
//! characters or with a line break, a JSON structure without `default`, a deduplication id (which standard topics don't
//! take). Signatures have to be there, and aren't verified. Nobody is subscribed, so nothing is sent on.
//!
//! Sources: Amazon SNS API Reference, "Publish"; Amazon SNS Developer Guide, "Amazon SNS message attributes".

mod api;
mod error;
mod parameters;
mod publish;

#[cfg(test)]
mod tests;

pub(crate) use api::router;
pub use publish::{Notification, Topics};
