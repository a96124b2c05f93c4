//! PDF (ISO 32000-1): header, end, and the way from there to the pages. Pages aren't drawn, and what they are drawn
//! with isn't unpacked.
//!
//! Where the cross-reference table leads nowhere the file is searched for its objects, as its readers do; so a file that
//! opens for people opens here. Reading stops when all places that were read together are 16 times the file's size.

mod document;
mod lexer;
mod pages;
mod repair;
mod source;
mod stream;
mod value;
mod xref;

use super::findings::{Findings, Trouble};
use super::{Flag, Kind};

use document::Document;
use source::Source;

/// The header stands in as many of the first bytes, and the end in as many of the last (ISO 32000-1, annex H, notes 13
/// and 18).
const EDGE: usize = 1_024;

/// Looks into a PDF.
pub(super) fn look(content: &[u8]) -> Findings {
    match open(content) {
        Ok(Opened::Encrypted) => Findings::verified(Kind::Pdf).flagged(Flag::Encrypted),
        Ok(Opened::Pages(count)) => {
            let mut findings = Findings::verified(Kind::Pdf);
            findings.facts.pages = Some(count);
            findings
        }
        Err(trouble) => Findings::trouble(Kind::Pdf, trouble),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Opened {
    /// The pages may be among what is encrypted.
    Encrypted,
    Pages(u64),
}

fn open(content: &[u8]) -> Result<Opened, Trouble> {
    let bytes = from_header(content).ok_or(Trouble::Broken("it has no header with a PDF version"))?;
    let start = xref_offset(bytes)?;
    let source = Source::new(bytes);
    let by_table = start.map_or(Err(NO_TABLE), |start| {
        Document::new(&source, xref::read(&source, start)?).open()
    });
    match by_table {
        Err(Trouble::Broken(reason)) => match Document::new(&source, repair::search(&source)?).open() {
            // What is wrong with the file itself, not with what the search made of it.
            Err(Trouble::Broken(_)) => Err(Trouble::Broken(reason)),
            searched => searched,
        },
        opened => opened,
    }
}

const NO_TABLE: Trouble = Trouble::Broken("it doesn't say where its cross-reference table is");

/// The file from its header on, from where all offsets are counted.
fn from_header(content: &[u8]) -> Option<&[u8]> {
    let edge = content.get(..EDGE).unwrap_or(content);
    let at = edge.windows(5).position(|window| window == b"%PDF-")?;
    let bytes = content.get(at..)?;
    match bytes.get(5..8)? {
        [b'1' | b'2', b'.', b'0'..=b'9'] => Some(bytes),
        _ => None,
    }
}

/// Where the file says that its newest cross-reference section is.
///
/// # Errors
/// The file is cut off.
fn xref_offset(bytes: &[u8]) -> Result<Option<usize>, Trouble> {
    let is_padding = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let end = bytes
        .iter()
        .rposition(|byte| !is_padding(byte))
        .map_or(0, |last| last + 1);
    let edge = bytes.get(end.saturating_sub(EDGE)..end).unwrap_or_default();
    let marker = edge.windows(5).rposition(|window| window == b"%%EOF");
    let before = edge.get(..marker.ok_or(CUT_OFF)?).unwrap_or_default();
    let keyword = b"startxref";
    let at = before
        .windows(keyword.len())
        .rposition(|window| window == keyword);
    let digits = at
        .and_then(|at| before.get(at + keyword.len()..))
        .unwrap_or_default();
    Ok(std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.trim().parse().ok()))
}

const CUT_OFF: Trouble = Trouble::Broken("it is cut off: the marker of its end is missing");

#[cfg(test)]
mod tests;
