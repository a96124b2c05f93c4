//! Turns what was found into places where markers may stand (the element groups of `wml.xsd`, and the cases in
//! which Word or `LibreOffice` would lose text).

use super::model::{Model, NONE, Piece, Run, TextPiece};
use super::text::Spot;

/// Start tags and properties longer than this are not repeated; the run is then commented on as a whole.
const REPEATED: u32 = 16 << 10;

/// How a marker gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Between two elements.
    Between,
    /// Into a paragraph that is an empty-element tag; the index of the paragraph.
    Paragraph(u32),
    /// Between two children of a run, which is split; the index of the run.
    Child(u32),
    /// Inside of text, which is split with its run; the index of the piece.
    Text(u32),
}

/// A place for markers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u32,
    pub(super) cut: Cut,
}

/// A comment's range. It is empty when only one place was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: Place,
    pub(super) end: Place,
    /// The range had to cover more or other text than was asked for.
    pub(super) widened: bool,
}

fn between(offset: u32) -> Place {
    Place {
        offset,
        cut: Cut::Between,
    }
}

/// The range of a quote.
pub(super) fn quote(model: &Model, first: Spot, last: Spot) -> Option<Range> {
    let piece = |spot: Spot| {
        let piece = model.pieces.get(spot.piece)?;
        Some((piece, model.runs.get(piece.run as usize)?))
    };
    let start = start_of(piece(first)?, first);
    let end = end_of(piece(last)?, last);
    let paragraphs = (model.paragraph_of(first.piece), model.paragraph_of(last.piece));
    Some(safe(model, paragraphs, start, end))
}

/// The range of a whole run, such as one that holds a drawing or a note's reference.
pub(super) fn run(model: &Model, paragraph: usize, run: (u32, u32)) -> Range {
    safe(
        model,
        (paragraph, paragraph),
        (between(run.0), false),
        (between(run.1), false),
    )
}

/// The range of a whole paragraph.
pub(super) fn paragraph(model: &Model, index: usize) -> Option<Range> {
    let start = first_in(model, index)?;
    let end = last_in(model, index)?;
    Some(safe(model, (index, index), (start, false), (end, false)))
}

fn first_in(model: &Model, index: usize) -> Option<Place> {
    let paragraph = model.paragraphs.get(index)?;
    let cut = if paragraph.empty_tag {
        Cut::Paragraph(u32::try_from(index).ok()?)
    } else {
        Cut::Between
    };
    Some(Place {
        offset: paragraph.first,
        cut,
    })
}

fn last_in(model: &Model, index: usize) -> Option<Place> {
    let paragraph = model.paragraphs.get(index)?;
    Some(Place {
        offset: paragraph.last,
        ..first_in(model, index)?
    })
}

/// A marker in the piece goes around its run. To split the run would repeat its start tag and properties, and the
/// text's start tag.
fn whole(piece: &TextPiece, run: &Run) -> bool {
    let text_tag = piece.start - piece.element.0;
    run.whole || (run.tag_end - run.start) + (run.properties.1 - run.properties.0) + text_tag > REPEATED
}

/// The piece is one element, which has no inside.
fn is_char(piece: &TextPiece) -> bool {
    matches!(piece.kind, Piece::Char(_))
}

/// The place before a spot, and whether it is further out than the spot.
fn start_of((piece, run): (&TextPiece, &Run), spot: Spot) -> (Place, bool) {
    let inside = !is_char(piece) && spot.offset > piece.start;
    if !inside && piece.element.0 == run.content.0 {
        (between(run.start), false)
    } else if whole(piece, run) {
        (between(run.start), true)
    } else {
        (
            split(piece, spot, if inside { None } else { Some(piece.element.0) }),
            false,
        )
    }
}

/// The place after a spot, and whether it is further out than the spot.
fn end_of((piece, run): (&TextPiece, &Run), spot: Spot) -> (Place, bool) {
    let inside = !is_char(piece) && spot.offset < piece.end;
    if !inside && piece.element.1 == run.content.1 {
        (between(run.end), false)
    } else if whole(piece, run) {
        (between(run.end), true)
    } else {
        (
            split(piece, spot, if inside { None } else { Some(piece.element.1) }),
            false,
        )
    }
}

fn split(piece: &TextPiece, spot: Spot, child: Option<u32>) -> Place {
    match child {
        Some(offset) => Place {
            offset,
            cut: Cut::Child(piece.run),
        },
        None => Place {
            offset: spot.offset,
            cut: Cut::Text(u32::try_from(spot.piece).unwrap_or(NONE)),
        },
    }
}

/// Moves places out of what must stay in one piece.
fn safe(model: &Model, paragraphs: (usize, usize), start: (Place, bool), end: (Place, bool)) -> Range {
    let (mut range, mut widened) = (
        Range {
            start: start.0,
            end: end.0,
            widened: false,
        },
        start.1 || end.1,
    );
    if let Some(unit) = model.unit_around(range.start.offset) {
        range.start = between(unit.0);
        widened = true;
    }
    if let Some(unit) = model.unit_around(range.end.offset) {
        range.end = between(unit.1);
        widened = true;
    }
    let range = outside_control(model, paragraphs, range);
    Range {
        widened: widened || range.widened,
        ..range
    }
}

/// Takes markers out of the first paragraph of a block content control, where `LibreOffice` drops text: the
/// start goes before the control, the end to the next paragraph that is no such first one. A reference has to
/// stand in a paragraph (ECMA-376-1 17.13.4.5), so the end cannot go between blocks.
fn outside_control(model: &Model, (first, last): (usize, usize), range: Range) -> Range {
    let control = |index: usize| {
        model
            .paragraphs
            .get(index)
            .map(|p| p.control)
            .filter(|c| *c != NONE)
    };
    let original = range;
    let range = match control(first) {
        Some(offset) => Range {
            start: between(offset),
            widened: true,
            ..range
        },
        None => range,
    };
    if control(last).is_none() {
        return range;
    }
    let (before, after) = model.free_around(last);
    let before = before.and_then(|index| last_in(model, index));
    let after = after.and_then(|index| first_in(model, index));
    match (after, before) {
        (Some(end), _) => Range {
            end,
            widened: true,
            ..range
        },
        (None, Some(end)) if range.start.offset < end.offset => Range {
            end,
            widened: true,
            ..range
        },
        (None, Some(point)) => Range {
            start: point,
            end: point,
            widened: true,
        },
        (None, None) => original,
    }
}
