//! Builds the [`Model`] of the main part in one pass.

mod run;

use std::ops::Range;

use super::fields::Fields;
use super::model::{BODY_TEXT, Model, NONE, Paragraph, Piece, Run};
use super::styles::Styles;
use super::xml::{Scanner, Tag, Token};
use super::{DocxError, limits, xml};

/// What an open element is to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Document,
    Body,
    /// Holds blocks: a table, row, cell, or a content control's content.
    Blocks,
    /// A content control among blocks.
    BlockControl,
    BlockControlProperties,
    Paragraph,
    ParagraphProperties,
    /// Holds runs: a hyperlink, an insertion, a field and the like.
    Inline,
    InlineControl,
    Run,
    RunProperties,
    Text,
    /// A field's code.
    Code,
    /// Nothing in it is searched or split.
    Opaque,
    /// A text box, somewhere inside of something opaque.
    TextBox,
    TextBoxText,
    /// The repetition of a drawing for old readers.
    Fallback,
}

struct Frame {
    place: Place,
    start: u32,
    /// The element is a unit that no marker may split.
    unit: bool,
}

/// Reads the main part.
///
/// # Errors
/// The part is malformed or is no `WordprocessingML` document.
pub(super) fn read(part: &str, bytes: &[u8], styles: &Styles) -> Result<Model, DocxError> {
    let text = xml::utf8(part, bytes)?;
    let mut scanner = Scanner::new(part, bytes)?;
    let mut reader = Reader::new(text, styles);
    while let Some((span, token)) = scanner.next()? {
        reader.token(&span, token)?;
        reader.check_size()?;
    }
    reader.model.strict = scanner.strict;
    reader.model.plain_w = scanner.plain_w();
    reader.model.units.sort_unstable();
    Ok(reader.model)
}

struct Reader<'a> {
    xml: &'a str,
    styles: &'a Styles,
    model: Model,
    stack: Vec<Frame>,
    /// Content controls whose first paragraph is still to come.
    controls: Vec<u32>,
    fields: Fields,
    /// Units of the current paragraph.
    units: Vec<(u32, u32)>,
    run: Run,
    run_is_kept: bool,
    /// First piece of the current `w:t`.
    text_pieces: usize,
    /// The text box being read.
    text_box: String,
}

const NO_RUN: Run = Run {
    start: 0,
    end: 0,
    tag_end: 0,
    properties: (0, 0),
    content: (NONE, 0),
    whole: false,
};

/// Offsets fit: a part is at most 64 MB.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(NONE)
}

impl<'a> Reader<'a> {
    fn new(xml: &'a str, styles: &'a Styles) -> Self {
        Self {
            xml,
            styles,
            model: Model::default(),
            stack: Vec::new(),
            controls: Vec::new(),
            fields: Fields::default(),
            units: Vec::new(),
            run: NO_RUN,
            run_is_kept: false,
            text_pieces: 0,
            text_box: String::new(),
        }
    }

    fn token(&mut self, span: &Range<usize>, token: Token<'_>) -> Result<(), DocxError> {
        match token {
            Token::Start(tag) => self.open(span, &tag, false),
            Token::Empty(tag) => {
                self.open(span, &tag, true)?;
                self.close(span, true);
                Ok(())
            }
            Token::End => {
                self.close(span, false);
                Ok(())
            }
            Token::Text => {
                self.text(span, Piece::Text);
                Ok(())
            }
            Token::CData => {
                self.text(&(span.start + 9..span.end.saturating_sub(3)), Piece::CData);
                Ok(())
            }
            Token::Aside => {
                self.aside();
                Ok(())
            }
        }
    }

    fn check_size(&self) -> Result<(), DocxError> {
        let model = &self.model;
        let elements = model.paragraphs.len() + model.pieces.len() + model.hosts.len();
        if elements > limits::ELEMENTS {
            Err(DocxError::TooManyElements)
        } else {
            Ok(())
        }
    }

    fn place(&self) -> Option<Place> {
        self.stack.last().map(|frame| frame.place)
    }

    fn open(&mut self, span: &Range<usize>, tag: &Tag<'_>, empty: bool) -> Result<(), DocxError> {
        let parent = self.place();
        let name = tag.word();
        if name.starts_with("comment") {
            self.model
                .comment_ids
                .extend(tag.attribute("id").and_then(|id| id.trim().parse::<i64>().ok()));
        }
        let place = match parent {
            None if name == "document" => Place::Document,
            None => return Err(DocxError::NotWord),
            Some(Place::Document) if name == "body" => Place::Body,
            Some(Place::Body | Place::Blocks) => self.block(span, name, empty),
            Some(Place::BlockControl) => block_control(name),
            Some(Place::BlockControlProperties) => self.control_properties(name),
            Some(Place::Paragraph | Place::Inline) => self.inline(span, name, parent),
            Some(Place::InlineControl) if name == "sdtContent" => Place::Inline,
            Some(Place::ParagraphProperties) => self.paragraph_property(tag),
            Some(Place::Run) => self.run_child(span, tag),
            Some(Place::RunProperties) => self.run_property(name),
            Some(Place::Text | Place::Code) => {
                self.run.whole = true;
                Place::Opaque
            }
            Some(Place::Opaque) => self.opaque(tag),
            Some(Place::TextBox) => self.text_box_child(tag),
            Some(Place::Fallback) => Place::Fallback,
            Some(Place::Document | Place::InlineControl | Place::TextBoxText) => Place::Opaque,
        };
        let unit =
            matches!(name, "sdt" | "fldSimple") && matches!(place, Place::InlineControl | Place::Inline);
        self.stack.push(Frame {
            place,
            start: offset(span.start),
            unit,
        });
        Ok(())
    }

    fn block(&mut self, span: &Range<usize>, name: &str, empty: bool) -> Place {
        match name {
            "p" => {
                self.open_paragraph(span, empty);
                Place::Paragraph
            }
            "tbl" | "tr" | "tc" | "customXml" | "ins" | "moveTo" => Place::Blocks,
            "sdt" => {
                self.controls.push(offset(span.start));
                Place::BlockControl
            }
            _ => Place::Opaque,
        }
    }

    /// A table of contents and other building blocks keep their text wherever a marker stands.
    fn control_properties(&mut self, name: &str) -> Place {
        if name == "docPartObj" {
            self.controls.pop();
        }
        Place::Opaque
    }

    fn open_paragraph(&mut self, span: &Range<usize>, empty: bool) {
        if self.place() == Some(Place::Body) {
            self.model.body.push(offset(self.model.paragraphs.len()));
        }
        let control = self.controls.first().copied().unwrap_or(NONE);
        self.controls.clear();
        let first = offset(if empty { span.end - 2 } else { span.end });
        self.model.paragraphs.push(Paragraph {
            first,
            last: first,
            start: offset(span.start),
            empty_tag: empty,
            control,
            pieces: offset(self.model.pieces.len()),
            level: BODY_TEXT,
        });
    }

    fn inline(&mut self, span: &Range<usize>, name: &str, parent: Option<Place>) -> Place {
        match name {
            "r" => {
                self.run = Run {
                    start: offset(span.start),
                    tag_end: offset(span.end),
                    ..NO_RUN
                };
                self.run_is_kept = false;
                Place::Run
            }
            "pPr" if parent == Some(Place::Paragraph) => Place::ParagraphProperties,
            "hyperlink" | "smartTag" | "customXml" | "ins" | "moveTo" | "dir" | "bdo" | "fldSimple" => {
                Place::Inline
            }
            "sdt" => Place::InlineControl,
            _ => Place::Opaque,
        }
    }

    fn paragraph_property(&mut self, tag: &Tag<'_>) -> Place {
        let level = match tag.word() {
            "pStyle" => tag.attribute("val").and_then(|id| self.styles.heading_level(&id)),
            "outlineLvl" => tag
                .attribute("val")
                .and_then(|level| super::styles::outline_level(&level)),
            _ => None,
        };
        if let (Some(level), Some(paragraph)) = (level, self.model.paragraphs.last_mut()) {
            paragraph.level = level;
        }
        Place::Opaque
    }

    fn close(&mut self, span: &Range<usize>, empty: bool) {
        let Some(frame) = self.stack.pop() else { return };
        let end = offset(span.end);
        let parent = self.place();
        if frame.unit {
            self.units.push((frame.start, end));
        }
        match frame.place {
            Place::Paragraph => self.close_paragraph(span, empty),
            Place::ParagraphProperties => self.close_paragraph_properties(end),
            Place::Run => self.close_run(end),
            Place::RunProperties => self.run.properties = (frame.start, end),
            Place::BlockControl => self.controls.retain(|start| *start != frame.start),
            Place::Text => self.close_text(frame.start, end),
            Place::TextBox => self.close_text_box(parent),
            _ => {}
        }
        if parent == Some(Place::Run) && frame.place != Place::RunProperties {
            self.run.content.1 = end;
        }
    }

    fn close_paragraph(&mut self, span: &Range<usize>, empty: bool) {
        if let Some(paragraph) = self.model.paragraphs.last_mut()
            && !empty
        {
            paragraph.last = offset(span.start);
        }
        merge(&mut self.units, &mut self.model.units);
    }

    fn close_paragraph_properties(&mut self, end: u32) {
        if let Some(paragraph) = self.model.paragraphs.last_mut() {
            paragraph.first = end;
        }
    }
}

fn block_control(name: &str) -> Place {
    match name {
        "sdtContent" => Place::Blocks,
        "sdtPr" => Place::BlockControlProperties,
        _ => Place::Opaque,
    }
}

/// Moves a paragraph's units to `all`, those that touch inside merged into one.
fn merge(units: &mut Vec<(u32, u32)>, all: &mut Vec<(u32, u32)>) {
    units.sort_unstable();
    let mut current: Option<(u32, u32)> = None;
    for unit in units.drain(..) {
        match &mut current {
            Some(last) if unit.0 < last.1 => last.1 = last.1.max(unit.1),
            _ => all.extend(current.replace(unit)),
        }
    }
    all.extend(current);
}
