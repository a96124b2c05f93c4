//! What there is for a caller: lists of documents, and what is known of one.

mod list;
mod metadata;
mod page;
mod question;

pub use list::list;
pub use metadata::metadata;
