//! Whole documents in, whole documents out.

mod anchors;
mod bounds;
mod builder;
mod hostile;
mod package;
mod placement;
mod properties;

use std::io::{Cursor, Read as _};

use super::{Anchor, Annotated, Comment, Section, annotate};

/// A comment on a quote.
fn on(quote: &str) -> Comment<'_> {
    Comment {
        author: "Dana Whitfield",
        initials: "DW",
        date: "2025-11-14T14:25:10Z",
        paragraphs: vec!["Why?".to_owned()],
        quote: Some(quote),
        section: None,
    }
}

/// A comment on a section.
fn about(section: &str) -> Comment<'_> {
    Comment {
        quote: None,
        section: Some(section),
        ..on("")
    }
}

/// A part of a document, as text.
fn part(document: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(document)).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn main_part(annotated: &Annotated) -> String {
    part(&annotated.document, "word/document.xml")
}

/// Puts one comment into a document: its anchor, and the main part with short markers: `[` and `]`.
fn one(document: &builder::Docx, comment: Comment<'_>, sections: &[Section<'_>]) -> (Anchor, String) {
    let annotated = annotate(&document.build(), &[comment], sections).unwrap();
    let anchor = annotated.anchors[0];
    (anchor, marked(&main_part(&annotated), anchor.comment_id))
}

/// The body of a main part with `[` and `]` for a comment's markers.
fn marked(xml: &str, id: u32) -> String {
    const LOOK: &str = "<w:rPr><w:sz w:val=\"16\"/><w:szCs w:val=\"16\"/></w:rPr>";
    let end =
        format!("<w:commentRangeEnd w:id=\"{id}\"/><w:r>{LOOK}<w:commentReference w:id=\"{id}\"/></w:r>");
    let xml = xml
        .replace(&format!("<w:commentRangeStart w:id=\"{id}\"/>"), "[")
        .replace(&end, "]");
    let body = xml.split_once("<w:body>").map_or(xml.as_str(), |(_, body)| body);
    body.split_once("</w:body>")
        .map_or(body, |(body, _)| body)
        .to_owned()
}

/// The text between the markers that [`marked`] wrote.
fn between(marked: &str) -> String {
    let inside = marked.split_once('[').unwrap().1.split_once(']').unwrap().0;
    let mut text = String::new();
    let mut rest = inside;
    while let Some((before, tag)) = rest.split_once('<') {
        text += before;
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    text + rest
}
