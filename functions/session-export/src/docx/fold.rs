//! Ways of comparing a quote with a document, from exact to forgiving.

use super::xml;

/// How much a quote and the text may differ. Each level also accepts what the one before accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Not at all; a paragraph's end is a line break.
    Exact,
    /// In blanks, quotation marks, dashes and invisible characters.
    Folded,
    /// In case too.
    CaseFolded,
    /// In everything except letters and digits.
    Letters,
}

impl Level {
    /// From the strictest to the most forgiving.
    pub(super) const ALL: [Self; 4] = [Self::Exact, Self::Folded, Self::CaseFolded, Self::Letters];

    /// All but the strictest.
    pub(super) const FORGIVING: [Self; 3] = [Self::Folded, Self::CaseFolded, Self::Letters];

    /// Fewest letters a quote must have to be searched for by letters alone; shorter ones match by accident.
    const LETTERS: usize = 12;
}

/// Separates texts that no quote may span. XML cannot contain it.
pub(super) const SEPARATOR: char = '\u{1}';

/// Adds a character to folded text.
pub(super) fn push(level: Level, c: char, out: &mut String) {
    if c == SEPARATOR || level == Level::Exact {
        out.push(c);
        return;
    }
    match fold(c) {
        Some(folded) if level == Level::Letters && !folded.is_alphanumeric() => {}
        Some(' ') if out.ends_with(' ') => {}
        Some(folded) if level == Level::Folded => out.push(folded),
        Some(folded) if folded.is_ascii() => out.push(folded.to_ascii_lowercase()),
        Some(folded) => out.extend(folded.to_lowercase()),
        None => {}
    }
}

fn fold(c: char) -> Option<char> {
    match c {
        '!'..='_' | 'a'..='~' => Some(c),
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => None,
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{2b9}' | '\u{60}' | '\u{b4}' => Some('\''),
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{ab}' | '\u{bb}' => Some('"'),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        c if c.is_whitespace() => Some(' '),
        c => Some(c),
    }
}

/// Folds a whole text.
pub(super) fn text(level: Level, source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    source.chars().for_each(|c| push(level, c, &mut out));
    out
}

/// A quote as it is searched for at a level; `None` if it is not searched for at all.
pub(super) fn quote(level: Level, quote: &str) -> Option<String> {
    let quote: String = quote
        .trim()
        .chars()
        .filter(|c| *c != '\r' && *c != SEPARATOR)
        .collect();
    let folded = text(level, &quote).trim().to_owned();
    let enough = level != Level::Letters || folded.chars().count() >= Level::LETTERS;
    (enough && !folded.is_empty() && folded.len() <= super::limits::QUOTE).then_some(folded)
}

/// A quote's letters and digits, perhaps none; `None` if it is too long to be searched for. Where they don't
/// occur, the quote occurs at no level.
pub(super) fn letters(quote: &str) -> Option<String> {
    let letters = text(Level::Letters, quote).replace(SEPARATOR, "");
    (letters.len() <= super::limits::QUOTE).then_some(letters)
}

/// The characters of escaped text with the bytes each takes.
pub(super) fn escaped_chars(raw: &str) -> impl Iterator<Item = (char, usize)> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        let (c, used) = xml::next_char(rest)?;
        rest = rest.get(used..).unwrap_or("");
        Some((c, used))
    })
}
