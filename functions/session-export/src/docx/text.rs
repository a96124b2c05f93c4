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

/// Folded text. Only where each piece begins is kept; inside a piece, folding is repeated.
pub(super) struct Text<'a> {
    xml: &'a str,
    model: &'a Model,
    level: Level,
    pub(super) folded: String,
    begins: Vec<(u32, u32)>,
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
        let at = u32::try_from(self.folded.len()).unwrap_or(u32::MAX);
        self.begins.push((at, u32::try_from(index).unwrap_or(u32::MAX)));
        let raw = slice(self.xml, (piece.start, piece.end));
        if piece.kind == Piece::Text && !raw.contains('&') {
            raw.chars()
                .for_each(|c| fold::push(self.level, c, &mut self.folded));
        } else {
            chars(self.xml, piece).for_each(|(c, _)| fold::push(self.level, c, &mut self.folded));
        }
    }

    /// The places where a match in the folded text starts and ends.
    pub(super) fn spots(&self, found: (usize, usize)) -> Option<(Spot, Spot)> {
        let (first, _) = self.locate(found.0)?;
        let (last, _) = self.locate(found.1.checked_sub(1)?)?;
        let start = Spot {
            piece: first.piece,
            offset: first.offset,
        };
        let end = Spot {
            piece: last.piece,
            offset: last.offset + self.length(last),
        };
        Some((start, end))
    }

    /// The character that made the folded byte at `at`. A line break between paragraphs made none: then it is
    /// the last character before it.
    fn locate(&self, at: usize) -> Option<(Spot, char)> {
        let index = self
            .begins
            .partition_point(|begin| begin.0 as usize <= at)
            .checked_sub(1)?;
        let (begin, index) = *self.begins.get(index)?;
        let piece = self.model.pieces.get(index as usize)?;
        let mut again = String::from(if self.blank_before(begin as usize) {
            " "
        } else {
            ""
        });
        let skipped = again.len();
        let mut offset = piece.start;
        let mut last = None;
        for (c, used) in chars(self.xml, piece) {
            last = Some((
                Spot {
                    piece: index as usize,
                    offset,
                },
                c,
            ));
            fold::push(self.level, c, &mut again);
            if begin as usize + again.len() - skipped > at {
                break;
            }
            offset += used;
        }
        last
    }

    fn blank_before(&self, at: usize) -> bool {
        self.folded.get(..at).is_some_and(|before| before.ends_with(' '))
    }

    /// The bytes of the character at a spot.
    fn length(&self, spot: Spot) -> u32 {
        let Some(piece) = self.model.pieces.get(spot.piece) else {
            return 0;
        };
        let rest = TextPiece {
            start: spot.offset,
            ..*piece
        };
        chars(self.xml, &rest).next().map_or(0, |(_, used)| used)
    }
}

/// A piece's characters with the bytes each takes in the part.
pub(super) fn chars<'a>(xml: &'a str, piece: &TextPiece) -> impl Iterator<Item = (char, u32)> + use<'a> {
    let raw = slice(xml, (piece.start, piece.end));
    let (escaped, plain, single) = match piece.kind {
        Piece::Text => (raw, "", None),
        Piece::CData => ("", raw, None),
        Piece::Char(c) => ("", "", Some((c, piece.end - piece.start))),
    };
    let small = |n: usize| u32::try_from(n).unwrap_or(0);
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
