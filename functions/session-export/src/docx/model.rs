//! What the main part looks like to a comment: paragraphs, runs and pieces of text, by byte offset only.
//!
//! Offsets are `u32` because a part is at most 64 MB. Text is never copied: a document of 33 MB takes about as
//! much again for its model.

use std::cell::OnceCell;
use std::ops::Range;

/// No index.
pub(super) const NONE: u32 = u32::MAX;

/// What a piece shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// Escaped text between `start` and `end`.
    Text,
    /// Text of a CDATA section.
    CData,
    /// An element that stands for one character.
    Char(char),
}

/// One stretch of visible text inside a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextPiece {
    pub(super) kind: Piece,
    /// The text itself; for [`Piece::Char`] the element.
    pub(super) start: u32,
    pub(super) end: u32,
    /// The element that holds the text.
    pub(super) element: (u32, u32),
    /// Index of the run.
    pub(super) run: u32,
    /// `xml:space="preserve"` is missing and must be added when the text is split.
    pub(super) add_space: bool,
}

/// A run with visible text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) start: u32,
    pub(super) end: u32,
    /// End of the start tag.
    pub(super) tag_end: u32,
    /// The run's `rPr` element; empty if it has none.
    pub(super) properties: (u32, u32),
    /// From the first child after `rPr` to the end of the last one.
    pub(super) content: (u32, u32),
    /// A second run with the same properties would not mean the same.
    pub(super) whole: bool,
}

/// A paragraph of the main story outside text boxes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paragraph {
    /// Where markers may stand first: after `pPr`; in an empty-element tag, at its slash.
    pub(super) first: u32,
    /// Where markers may stand last: before the closing tag.
    pub(super) last: u32,
    /// The start tag.
    pub(super) start: u32,
    pub(super) empty_tag: bool,
    /// Start of the outermost block content control whose first paragraph this is, else [`NONE`].
    pub(super) control: u32,
    /// First piece; the next paragraph's is the end.
    pub(super) pieces: u32,
    /// Outline level from 0 (title) to 9; [`BODY_TEXT`] for text that is no heading.
    pub(super) level: u8,
}

/// The level of a paragraph that is no heading.
pub(super) const BODY_TEXT: u8 = u8::MAX;

/// The stories beside the main one. Word ignores comments in all of them ([MS-OI29500] 2.1.315).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Story {
    /// A text box, in a drawing or in VML.
    TextBox,
    /// A footnote.
    Footnote,
    /// An endnote.
    Endnote,
    /// A header.
    Header,
    /// A footer.
    Footer,
}

/// Something in a run of the main story that leads to text elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Host {
    pub(super) story: Story,
    pub(super) paragraph: u32,
    /// The run that holds the drawing or the note's reference.
    pub(super) run: (u32, u32),
    /// The note's id, for notes.
    pub(super) id: String,
    /// The text box's text, for text boxes.
    pub(super) text: String,
}

/// The main part.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) strict: bool,
    /// `w:` can be used for inserted elements as it is.
    pub(super) plain_w: bool,
    pub(super) paragraphs: Vec<Paragraph>,
    pub(super) runs: Vec<Run>,
    pub(super) pieces: Vec<TextPiece>,
    /// Inline content controls and fields that a marker must not split: disjoint, ascending.
    pub(super) units: Vec<(u32, u32)>,
    /// Indices of the paragraphs directly in the body.
    pub(super) body: Vec<u32>,
    pub(super) hosts: Vec<Host>,
    /// Ids that comment markers already use.
    pub(super) comment_ids: Vec<i64>,
    /// Indices of the paragraphs that are not the first of a block content control; listed when first needed.
    free: OnceCell<Vec<u32>>,
}

impl Model {
    /// The pieces of a paragraph, as indices.
    pub(super) fn pieces_of(&self, paragraph: usize) -> Range<usize> {
        let at = |i: usize| {
            self.paragraphs
                .get(i)
                .map_or(self.pieces.len(), |p| p.pieces as usize)
        };
        at(paragraph)..at(paragraph + 1)
    }

    /// The bytes of some paragraphs in the part, with what stands between them.
    pub(super) fn size_of(&self, paragraphs: &Range<usize>) -> u64 {
        let end = self.paragraphs.last().map_or(0, |last| last.last);
        let at = |i: usize| u64::from(self.paragraphs.get(i).map_or(end, |p| p.start));
        at(paragraphs.end).saturating_sub(at(paragraphs.start))
    }

    /// The paragraph that a piece belongs to.
    pub(super) fn paragraph_of(&self, piece: usize) -> usize {
        self.paragraphs
            .partition_point(|p| p.pieces as usize <= piece)
            .saturating_sub(1)
    }

    /// The nearest paragraphs before and after one that are not the first of a block content control.
    pub(super) fn free_around(&self, paragraph: usize) -> (Option<usize>, Option<usize>) {
        let free = self.free.get_or_init(|| {
            let all = (0_u32..).zip(&self.paragraphs);
            all.filter(|(_, p)| p.control == NONE)
                .map(|(index, _)| index)
                .collect()
        });
        let at = free.partition_point(|index| (*index as usize) < paragraph);
        let next = free.partition_point(|index| *index as usize <= paragraph);
        let get = |at: usize| free.get(at).map(|index| *index as usize);
        (at.checked_sub(1).and_then(get), get(next))
    }

    /// The content control or field that an offset lies strictly inside of.
    pub(super) fn unit_around(&self, offset: u32) -> Option<(u32, u32)> {
        let at = self.units.partition_point(|unit| unit.1 <= offset);
        self.units.get(at).copied().filter(|unit| unit.0 < offset)
    }
}

/// Text between two offsets.
pub(super) fn slice(xml: &str, span: (u32, u32)) -> &str {
    xml.get(span.0 as usize..span.1 as usize).unwrap_or("")
}
