//! Folded text of a stretch of paragraphs, with the way back to byte offsets.

use std::ops::Range;

use super::fold::{self, Level};
use super::model::{Model, Piece, TextPiece, slice};

/// A place in the main part: a piece and an offset inside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) piece: usize,
    pub(super) offset: u32,
}

/// Bytes of a piece after which the way back is noted again.
const STEP: u32 = 4 << 10;

/// Where folding can be repeated from.
#[derive(Debug, Clone, Copy)]
struct Begin {
    /// In the folded text.
    folded: u32,
    /// Of the piece.
    piece: u32,
    /// In the part.
    offset: u32,
}

/// Folded text. Only where each piece begins is kept, and a place every [`STEP`] bytes in a long one; from
/// there, folding is repeated.
pub(super) struct Text<'a> {
    xml: &'a str,
    model: &'a Model,
    level: Level,
    pub(super) folded: String,
    begins: Vec<Begin>,
}

impl<'a> Text<'a> {
    /// Folds the text of some paragraphs. Between two of them stands a line break.
    pub(super) fn new(xml: &'a str, model: &'a Model, level: Level, paragraphs: Range<usize>) -> Self {
        let mut text = Self {
            xml,
            model,
            level,
            folded: String::new(),
            begins: Vec::new(),
        };
        for paragraph in paragraphs {
            for index in model.pieces_of(paragraph) {
                text.add(index);
            }
            fold::push(level, '\n', &mut text.folded);
        }
        text
    }

    fn add(&mut self, index: usize) {
        let Some(piece) = self.model.pieces.get(index) else {
            return;
        };
        let raw = slice(self.xml, (piece.start, piece.end));
        let (mut offset, mut next) = (piece.start, piece.start);
        let mut add = |c, used: u32| {
            if offset >= next {
                self.begins.push(Begin {
                    folded: small(self.folded.len()),
                    piece: small(index),
                    offset,
                });
                next = offset + STEP;
            }
            fold::push(self.level, c, &mut self.folded);
            offset += used;
        };
        if piece.kind == Piece::Text && !raw.contains('&') {
            raw.chars().for_each(|c| add(c, small(c.len_utf8())));
        } else {
            chars(self.xml, piece).for_each(|(c, used)| add(c, used));
        }
    }

    /// The places where a match in the folded text starts and ends.
    pub(super) fn spots(&self, found: (usize, usize)) -> Option<(Spot, Spot)> {
        let start = self.locate(found.0)?;
        let last = self.locate(found.1.checked_sub(1)?)?;
        let end = Spot {
            offset: last.offset + self.length(last),
            ..last
        };
        Some((start, end))
    }

    /// The character that made the folded byte at `at`. A line break between paragraphs made none: then it is
    /// the last character before it.
    fn locate(&self, at: usize) -> Option<Spot> {
        let index = self
            .begins
            .partition_point(|begin| begin.folded as usize <= at)
            .checked_sub(1)?;
        let begin = *self.begins.get(index)?;
        let mut spot = Spot {
            piece: begin.piece as usize,
            offset: begin.offset,
        };
        let blank = self.blank_before(begin.folded as usize);
        let mut again = String::from(if blank { " " } else { "" });
        let wanted = at - begin.folded as usize + again.len();
        let mut last = None;
        for (c, used) in chars(self.xml, &self.rest(spot)?) {
            last = Some(spot);
            fold::push(self.level, c, &mut again);
            if again.len() > wanted {
                break;
            }
            spot.offset += used;
        }
        last
    }

    /// The part of a piece from a spot on.
    fn rest(&self, spot: Spot) -> Option<TextPiece> {
        let piece = *self.model.pieces.get(spot.piece)?;
        Some(TextPiece {
            start: spot.offset,
            ..piece
        })
    }

    fn blank_before(&self, at: usize) -> bool {
        self.folded.get(..at).is_some_and(|before| before.ends_with(' '))
    }

    /// The bytes of the character at a spot.
    fn length(&self, spot: Spot) -> u32 {
        let rest = self.rest(spot);
        rest.and_then(|rest| chars(self.xml, &rest).next())
            .map_or(0, |(_, used)| used)
    }
}

/// Offsets and indices fit: a part is at most 64 MB.
fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A piece's characters with the bytes each takes in the part.
pub(super) fn chars<'a>(xml: &'a str, piece: &TextPiece) -> impl Iterator<Item = (char, u32)> + use<'a> {
    let raw = slice(xml, (piece.start, piece.end));
    let (escaped, plain, single) = match piece.kind {
        Piece::Text => (raw, "", None),
        Piece::CData => ("", raw, None),
        Piece::Char(c) => ("", "", Some((c, piece.end - piece.start))),
    };
    let escaped = fold::escaped_chars(escaped).map(move |(c, used)| (c, small(used)));
    escaped
        .chain(plain.chars().map(move |c| (c, small(c.len_utf8()))))
        .chain(single)
}

/// A paragraph's visible text.
pub(super) fn paragraph(xml: &str, model: &Model, index: usize) -> String {
    let pieces = model.pieces_of(index).filter_map(|piece| model.pieces.get(piece));
    pieces
        .flat_map(|piece| chars(xml, piece))
        .map(|(c, _)| c)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{reader, styles::Styles};
    use super::{Level, STEP, Text, chars, fold};

    /// Every place is found again without folding more than a step, whatever stands in a piece.
    #[test]
    fn the_way_back_from_a_long_text_is_short() {
        let text = "A\u{ad}\u{201c}\u{e9}\u{a0} &amp; \u{130}x  ".repeat(400);
        let xml = format!(
            "<w:document xmlns:w=\"{}\"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>",
            super::super::xml::W_TRANSITIONAL
        );
        let model = reader::read("x", xml.as_bytes(), &Styles::default()).unwrap();
        let piece = model.pieces[0];
        for level in Level::ALL {
            let text = Text::new(&xml, &model, level, 0..1);
            let steps = text.begins.windows(2).map(|two| two[1].offset - two[0].offset);
            assert!(steps.max().unwrap() <= STEP + 8);
            assert!(piece.end - text.begins.last().unwrap().offset <= STEP + 8);
            let (mut folded, mut offset) = (String::new(), piece.start);
            for (c, used) in chars(&xml, &piece) {
                let begin = folded.len();
                fold::push(level, c, &mut folded);
                for at in (begin..folded.len()).filter(|at| at % 7 == 0) {
                    assert_eq!(text.locate(at).unwrap().offset, offset, "{level:?} {at}");
                }
                offset += used;
            }
            assert!(text.folded.starts_with(&folded));
        }
    }
}
