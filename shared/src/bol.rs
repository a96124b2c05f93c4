//! The numbers of bills of lading: `PRT-2025-0042`, unique and without gaps for each prefix and year, whatever runs at
//! once and whatever crashes.
//!
//! Three kinds of objects take part:
//! - `_casefile/bols/{series}.json`, the [`State`] of a series: which number is next, and which are given out without it
//!   being known yet what became of them. It moves by `If-Match` alone.
//! - `bols/{YYYY}/{number}.pdf`, the document. Whoever creates it has used the number; its metadata name the request.
//! - `_casefile/bols/requests/{digest}.json`, which number a request used. Create-only.
//!
//! A number leaves the state's open ones only when its document is there, and the request that the document names has
//! been told to remember it; or when an operator records it as void. Until then a repeat of its request finds it, and once
//! whoever took it can't live any more, so does anybody else.

mod number;
mod numbers;
mod state;

pub use number::{BolNumber, NumberError, NumberFormat, NumberFormatError, Series};
pub use numbers::{ChangeError, IssueError, Issued, Made, Numbers, Outcome, REQUEST, Taken, TakenFrom};
pub use state::{Former, Open, SetError, State, Void, VoidError};
