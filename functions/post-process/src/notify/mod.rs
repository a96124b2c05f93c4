//! Telling subscribers what was filed and judged: one message a session or a file, by SNS.
//!
//! A message may come twice, as everything that is sent at least once; its deduplication id tells. Neither subject nor
//! e-mail holds names, keys or anything of a file's content: mailboxes are read by more people than the bucket. The
//! JSON for machines names the object, which a subscriber needs to find it.

mod news;
mod notice;
mod publish;
mod topic;

pub use news::{About, News};
pub use notice::{Attributes, Notice};
pub use publish::Notifier;
pub use topic::Topic;
