//! What is inside of a run: text, characters, fields, notes and drawings.

use std::ops::Range;

use super::super::model::{Host, NONE, Piece, Story, TextPiece};
use super::super::xml::{self, Ns, Tag};
use super::{Place, Reader, offset};

impl Reader<'_> {
    pub(super) fn run_property(&mut self, name: &str) -> Place {
        // Tracked changes carry ids and dates that must not be doubled.
        self.run.whole |= matches!(name, "rPrChange" | "ins" | "del" | "moveFrom" | "moveTo");
        Place::Opaque
    }

    pub(super) fn run_child(&mut self, span: &Range<usize>, tag: &Tag<'_>) -> Place {
        if tag.word() == "rPr" && self.run.content.0 == NONE {
            return Place::RunProperties;
        }
        if self.run.content.0 == NONE {
            self.run.content.0 = offset(span.start);
        }
        match tag.word() {
            "t" => {
                self.text_pieces = self.model.pieces.len();
                return Place::Text;
            }
            "tab" | "ptab" => self.char_piece(span, '\t'),
            "br" | "cr" => self.char_piece(span, '\n'),
            "noBreakHyphen" => self.char_piece(span, '\u{2011}'),
            "softHyphen" => self.char_piece(span, '\u{ad}'),
            "fldChar" => self.field_char(tag),
            "instrText" => {
                self.run.whole = true;
                return Place::Code;
            }
            "footnoteReference" => self.note(tag, Story::Footnote),
            "endnoteReference" => self.note(tag, Story::Endnote),
            _ if tag.ns == Ns::Compatibility => return self.opaque(tag),
            _ => {}
        }
        Place::Opaque
    }

    fn field_char(&mut self, tag: &Tag<'_>) {
        self.run.whole = true;
        let paragraph = self.model.paragraphs.len();
        let kind = tag.attribute("fldCharType").unwrap_or_default();
        self.fields.mark(&kind, self.run.start, paragraph);
    }

    fn note(&mut self, tag: &Tag<'_>, story: Story) {
        let id = tag.attribute("id").unwrap_or_default();
        self.host(story, id, String::new());
    }

    fn host(&mut self, story: Story, id: String, text: String) {
        let paragraph = offset(self.model.paragraphs.len().saturating_sub(1));
        let run = (self.run.start, NONE);
        self.model.hosts.push(Host {
            story,
            paragraph,
            run,
            id,
            text,
        });
    }

    pub(super) fn opaque(&mut self, tag: &Tag<'_>) -> Place {
        let in_run = || self.stack.iter().any(|frame| frame.place == Place::Run);
        match (tag.ns, tag.local()) {
            (Ns::Compatibility, "Fallback") => Place::Fallback,
            (Ns::Word, "txbxContent") if in_run() => Place::TextBox,
            _ => Place::Opaque,
        }
    }

    pub(super) fn text_box_child(&mut self, tag: &Tag<'_>) -> Place {
        match tag.word() {
            "t" => Place::TextBoxText,
            "tab" | "br" | "cr" => {
                self.text_box.push(' ');
                Place::Opaque
            }
            "p" => {
                self.text_box.push('\n');
                Place::TextBox
            }
            "del" | "moveFrom" | "pPr" | "rPr" | "instrText" => Place::Fallback,
            _ if (tag.ns, tag.local()) == (Ns::Compatibility, "Fallback") => Place::Fallback,
            _ => Place::TextBox,
        }
    }

    fn char_piece(&mut self, span: &Range<usize>, c: char) {
        let element = (offset(span.start), offset(span.end));
        self.push_piece(Piece::Char(c), element, element, false);
    }

    fn push_piece(&mut self, kind: Piece, text: (u32, u32), element: (u32, u32), add_space: bool) {
        if self.fields.in_code() {
            return;
        }
        self.run_is_kept = true;
        let run = offset(self.model.runs.len());
        self.model.pieces.push(TextPiece {
            kind,
            start: text.0,
            end: text.1,
            element,
            run,
            add_space,
        });
    }

    pub(super) fn text(&mut self, span: &Range<usize>, kind: Piece) {
        match self.place() {
            Some(Place::TextBoxText) => {
                let raw = self.xml.get(span.clone()).unwrap_or("");
                self.text_box.push_str(&if kind == Piece::CData {
                    raw.to_owned()
                } else {
                    xml::unescape(raw)
                });
            }
            Some(Place::Code) => self.fields.code(self.xml.get(span.clone()).unwrap_or("")),
            Some(Place::Text) => self.run_text(span, kind),
            _ => {}
        }
    }

    fn run_text(&mut self, span: &Range<usize>, kind: Piece) {
        let (start, end) = (offset(span.start), offset(span.end));
        let last = self
            .model
            .pieces
            .get_mut(self.text_pieces..)
            .and_then(<[_]>::last_mut);
        if let Some(last) = last {
            if last.end == start && (last.kind, kind) == (Piece::Text, Piece::Text) {
                last.end = end;
                return;
            }
            self.run.whole = true;
        }
        self.run.whole |= kind == Piece::CData;
        self.push_piece(kind, (start, end), (start, end), false);
    }

    pub(super) fn aside(&mut self) {
        if self.place() == Some(Place::Text) {
            self.run.whole = true;
        }
    }

    pub(super) fn close_run(&mut self, end: u32) {
        self.run.end = end;
        let run = self.run;
        for host in self
            .model
            .hosts
            .iter_mut()
            .rev()
            .take_while(|host| host.run.1 == NONE)
        {
            host.run.1 = end;
        }
        if self.run_is_kept {
            self.model.runs.push(run);
        }
        let paragraph = self.model.paragraphs.len();
        self.units.extend(self.fields.finish_run(end, paragraph));
    }

    pub(super) fn close_text(&mut self, start: u32, end: u32) {
        let Some(pieces) = self.model.pieces.get_mut(self.text_pieces..) else {
            return;
        };
        let last = pieces.len().saturating_sub(1);
        let head = pieces.first().map_or(start, |first| first.start);
        let space = space(self.xml.get(start as usize..head as usize).unwrap_or(""));
        for (index, piece) in pieces.iter_mut().enumerate() {
            // Between two pieces of one element there is no place for a marker.
            let (first, last) = (index == 0, index == last);
            piece.element = (
                if first { start } else { piece.start },
                if last { end } else { piece.end },
            );
            let raw = self
                .xml
                .get(piece.start as usize..piece.end as usize)
                .unwrap_or("");
            match space {
                Space::Preserve => {}
                Space::Missing if raw.trim_ascii() == raw => piece.add_space = true,
                // Word drops the outer blanks of such a text; split, they would show.
                _ => self.run.whole = true,
            }
        }
        self.text_pieces = self.model.pieces.len();
    }

    pub(super) fn close_text_box(&mut self, parent: Option<Place>) {
        if parent == Some(Place::TextBox) {
            return; // an element inside the box
        }
        let text = std::mem::take(&mut self.text_box);
        self.host(Story::TextBox, String::new(), text);
    }
}

enum Space {
    Preserve,
    Missing,
    Other,
}

/// The `xml:space` of a start tag that is the beginning of `head`.
fn space(head: &str) -> Space {
    let tag = head.split_once('>').map_or(head, |(tag, _)| tag);
    match tag.split_once("xml:space") {
        None => Space::Missing,
        Some((_, value)) => {
            let value = value.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '=');
            if value.get(1..).is_some_and(|v| v.starts_with("preserve")) {
                Space::Preserve
            } else {
                Space::Other
            }
        }
    }
}
