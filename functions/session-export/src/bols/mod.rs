//! Bills of lading: a record of a shipment comes in, a PDF with a number of its own is kept. [`record`] reads what the
//! caller sends, [`render`] draws it, and [`issue`] numbers and stores it, or a PDF that was drawn elsewhere.

mod issue;
pub(crate) mod keep;
pub mod record;
pub mod render;
mod request;

pub use issue::{Bol, BolAnswer, HEADER_WITHIN, check_header, issue};
