//! A bill of lading on paper: US letter, black and white, one page or as many as its texts need.
//!
//! `form` says what stands on it, `setter` and `shape` turn texts into lines, `flow` fills pages with them, and
//! `paint` writes the PDF.

mod barcode;
mod flow;
mod font;
mod form;
mod page;
mod paint;
mod setter;
mod shape;

use casefile::json::FieldError;
use casefile::problem::{Problem, ProblemKind};

use super::record::BolRecord;
use barcode::Barcode;
use font::{Fonts, REPLACEMENT};
use setter::Setter;
pub(in crate::bols) use shape::is_ignorable;

/// The most characters that one warning names; it says how many more there are.
const MAX_NAMED_CHARS: usize = 20;

/// A bill of lading as a PDF.
#[derive(Debug)]
pub struct Rendered {
    /// The PDF.
    pub pdf: Vec<u8>,
    /// For each field that has characters which the font lacks, which ones. Each is printed as `□`.
    pub warnings: Vec<FieldError>,
}

/// Draws a bill of lading. The same record and number give the same bytes.
///
/// # Errors
/// `internal` when the number can't be a barcode (1 to 18 printable ASCII characters), or the compiled-in font can't be read.
pub fn render(record: &BolRecord, number: &str) -> Result<Rendered, Problem> {
    let failed = |what| {
        Problem::new(
            ProblemKind::Internal,
            format!("the bill of lading can't be drawn: {what}"),
        )
    };
    let barcode = Barcode::new(number).ok_or_else(|| failed("its number can't be a barcode"))?;
    let fonts = Fonts::read().ok_or_else(|| failed("its font can't be read"))?;
    let mut setter = Setter::new(&fonts);
    let pages = form::pages(record, number, &barcode, &mut setter);
    let pdf = paint::pdf(&pages, number, &fonts).ok_or_else(|| failed("its PDF can't be written"))?;
    let warnings = setter.missing.iter().map(|(pointer, chars)| FieldError {
        pointer: pointer.clone(),
        detail: lacking(chars),
    });
    Ok(Rendered {
        pdf,
        warnings: warnings.collect(),
    })
}

fn lacking(chars: &[char]) -> String {
    let named: Vec<_> = chars
        .iter()
        .take(MAX_NAMED_CHARS)
        .map(|c| format!("U+{:04X} ({c})", u32::from(*c)))
        .collect();
    let more = match chars.len().saturating_sub(MAX_NAMED_CHARS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "has characters that the font lacks, printed as {REPLACEMENT}: {}{more}",
        named.join(", ")
    )
}

#[cfg(test)]
mod tests;
