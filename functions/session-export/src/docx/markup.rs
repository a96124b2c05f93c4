//! The XML that is inserted (ECMA-376-1 17.13.4; `wml.xsd`).

use std::fmt::Write as _;

use super::styles::Styles;
use super::xml::{W_STRICT, W_TRANSITIONAL};
use super::{Comment, opc};

/// Longest author, in UTF-16 units (the SDK's schema for `ST_String` of `w:author`).
const AUTHOR: usize = 255;
/// Longest initials.
const INITIALS: usize = 9;

/// How elements are written at some place: whether `w:` must be declared, and as what.
#[derive(Debug, Clone)]
pub(super) struct Dialect {
    declaration: String,
    uri: &'static str,
}

impl Dialect {
    pub(super) fn new(strict: bool, plain_w: bool) -> Self {
        let uri = if strict { W_STRICT } else { W_TRANSITIONAL };
        let declaration = if plain_w {
            String::new()
        } else {
            format!(" xmlns:w=\"{uri}\"")
        };
        Self { declaration, uri }
    }

    pub(super) fn range_start(&self, id: u32) -> String {
        format!("<w:commentRangeStart{} w:id=\"{id}\"/>", self.declaration)
    }

    /// The end of the range and the run with the comment's mark.
    pub(super) fn range_end(&self, id: u32, styles: &Styles) -> String {
        let ns = &self.declaration;
        let properties = mark_properties(styles);
        format!(
            "<w:commentRangeEnd{ns} w:id=\"{id}\"/>\
             <w:r{ns}>{properties}<w:commentReference w:id=\"{id}\"/></w:r>"
        )
    }

    /// The comment itself, one paragraph a line.
    pub(super) fn comment(
        &self,
        id: u32,
        comment: &Comment<'_>,
        lines: &[String],
        styles: &Styles,
    ) -> String {
        let mut out = format!("<w:comment{} w:id=\"{id}\"", self.declaration);
        attribute(&mut out, "w:author", &shorten(comment.author, AUTHOR));
        if is_date(comment.date) {
            attribute(&mut out, "w:date", comment.date);
        }
        attribute(&mut out, "w:initials", &shorten(comment.initials, INITIALS));
        out.push('>');
        for (index, line) in lines.iter().enumerate() {
            paragraph(&mut out, line, styles, index == 0);
        }
        out.push_str("</w:comment>");
        out
    }

    /// A comments part that holds some comments.
    pub(super) fn comments_part(&self, comments: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
             <w:comments xmlns:w=\"{}\">{comments}</w:comments>",
            self.uri
        )
    }
}

/// The look of the comment's mark. A document without the style gets its size, since styles.xml stays as it is.
fn mark_properties(styles: &Styles) -> String {
    match &styles.reference {
        Some(id) => format!("<w:rPr><w:rStyle w:val=\"{}\"/></w:rPr>", escape(id)),
        None => "<w:rPr><w:sz w:val=\"16\"/><w:szCs w:val=\"16\"/></w:rPr>".to_owned(),
    }
}

fn paragraph(out: &mut String, line: &str, styles: &Styles, first: bool) {
    out.push_str("<w:p>");
    if let Some(id) = &styles.text {
        let _ = write!(out, "<w:pPr><w:pStyle w:val=\"{}\"/></w:pPr>", escape(id));
    }
    if first {
        let _ = write!(out, "<w:r>{}<w:annotationRef/></w:r>", mark_properties(styles));
    }
    if !line.is_empty() {
        let _ = write!(
            out,
            "<w:r><w:t xml:space=\"preserve\">{}</w:t></w:r>",
            escape(line)
        );
    }
    out.push_str("</w:p>");
}

fn attribute(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, " {name}=\"{}\"", escape(value));
}

fn shorten(text: &str, limit: usize) -> String {
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= limit
    };
    text.chars()
        .filter(|c| is_xml_char(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .take_while(fits)
        .collect()
}

/// The characters that XML 1.0 allows (production 2).
fn is_xml_char(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Text fit for element content and attribute values; what XML cannot hold is left out.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| is_xml_char(*c)) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// Whether this looks like an `xsd:dateTime` in UTC: `2025-11-14T14:25:10Z`, perhaps with a fraction.
fn is_date(date: &str) -> bool {
    let shape = |c: char| if c.is_ascii_digit() { '0' } else { c };
    let (seconds, rest) = date.split_at_checked(19).unwrap_or((date, ""));
    let fraction = rest.strip_suffix('Z').and_then(|f| {
        if f.is_empty() {
            Some("0")
        } else {
            f.strip_prefix('.')
        }
    });
    seconds.chars().map(shape).eq("0000-00-00T00:00:00".chars())
        && fraction.is_some_and(|f| !f.is_empty() && f.len() <= 9 && f.bytes().all(|b| b.is_ascii_digit()))
}

/// A relationship to a comments part. `parent` is the name of the part's root as written.
pub(super) fn relationship(parent: &str, id: &str, strict: bool, target: &str) -> String {
    format!(
        "<Relationship{} Id=\"{}\" Type=\"{}\" Target=\"{}\"/>",
        default_namespace(
            parent,
            "http://schemas.openxmlformats.org/package/2006/relationships"
        ),
        escape(id),
        opc::comments_relationship_type(strict),
        escape(target),
    )
}

/// A relationships part with one relationship.
pub(super) fn relationships_part(relationship: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
         <Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
         {relationship}</Relationships>"
    )
}

/// The content type of a part.
pub(super) fn content_type(parent: &str, part: &str, kind: &str) -> String {
    let namespace = default_namespace(
        parent,
        "http://schemas.openxmlformats.org/package/2006/content-types",
    );
    format!(
        "<Override{namespace} PartName=\"/{}\" ContentType=\"{kind}\"/>",
        escape(part)
    )
}

fn default_namespace(parent: &str, uri: &str) -> String {
    if parent.contains(':') {
        format!(" xmlns=\"{uri}\"")
    } else {
        String::new()
    }
}
