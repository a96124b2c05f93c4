//! Word comments without losing anything else of a document.
//!
//! [`annotate`] adds real Word comments to a .docx file. What is already there stays: the change to each part is
//! a list of insertions at byte offsets, never a new serialisation, every other part keeps its compressed bytes,
//! and each result proves this before it is given out.
//!
//! A call climbs these steps: open the archive within [`limits`] (`package`) → read the main part into offsets
//! (`reader`, `model`) → find each section and quote (`sections`, `search`) → choose where markers may stand
//! (`place`) → write insertions (`marks`, `comments`) → build the archive (`rebuild`) → prove it (`proof`).
//!
//! Sources: ECMA-376 and ISO/IEC 29500 parts 1 and 2, [MS-DOCX], [MS-OI29500].

mod comments;
mod directory;
mod edit;
mod error;
mod fields;
mod fold;
mod hosts;
pub mod limits;
mod marks;
mod markup;
mod matcher;
mod model;
mod opc;
mod package;
mod place;
mod proof;
mod reader;
mod rebuild;
mod search;
mod sections;
mod stories;
mod styles;
#[cfg(test)]
mod tests;
mod text;
mod xml;

pub use error::{DocxError, PartLabel};
pub use model::Story;

use comments::{CommentsPart, Context};
use fold::Level;
use model::Model;
use opc::Relationship;
use package::Package;
use place::Range;
use rebuild::{Changed, Changes};
use search::Found;
use sections::{Home, Homes};
use stories::Stories;
use styles::Styles;

/// One comment to put into a document.
#[derive(Debug, Clone)]
pub struct Comment<'a> {
    /// Who comments. Cut to 255 characters.
    pub author: &'a str,
    /// The author's initials. Cut to 9 characters.
    pub initials: &'a str,
    /// When, in UTC: `2025-11-14T14:25:10Z`. Anything else is left out.
    pub date: &'a str,
    /// The text, one paragraph a line up to [`limits::PARAGRAPHS`]. Characters that XML cannot hold are left out.
    pub paragraphs: Vec<String>,
    /// The text that is commented on. Longer ones than [`limits::QUOTE`] are not searched, nor those beyond
    /// [`limits::QUOTES`].
    pub quote: Option<&'a str>,
    /// The name of the section that it is in.
    pub section: Option<&'a str>,
}

/// Where a section is.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    /// Its name, as [`Comment::section`] has it.
    pub name: &'a str,
    /// Its paragraphs, counted from 0 among those directly in the body (not in tables). Indices that the
    /// document doesn't have are ignored.
    pub paragraphs: &'a [usize],
}

/// The rule by which a comment got its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnchoredBy {
    /// The quote, as it is.
    Quote,
    /// The quote, but for blanks, quotation marks, dashes and invisible characters.
    QuoteFolded,
    /// The quote, but for these and case.
    QuoteCaseFolded,
    /// The quote's letters and digits.
    QuoteFuzzy,
    /// The drawing whose text box, or the mark whose note holds the quote; see [`Anchor::quote_in`].
    QuoteHost,
    /// The first paragraph of the section's indices.
    SectionParagraph,
    /// The heading whose text is the section's name.
    Heading,
    /// The document's first paragraph.
    FirstParagraph,
}

/// Where a comment went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Anchor {
    /// The comment's `w:id`.
    pub comment_id: u32,
    /// By which rule.
    pub anchored_by: AnchoredBy,
    /// The story beside the body in which the quote was found, where Word ignores comments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote_in: Option<Story>,
    /// The range covers more than the quote, because a marker there would hide text or break a field.
    pub widened: bool,
}

/// A document with comments.
#[derive(Debug, Clone)]
pub struct Annotated {
    /// The .docx file.
    pub document: Vec<u8>,
    /// One for each comment, in their order.
    pub anchors: Vec<Anchor>,
    /// The document carries a digital signature, which any change makes invalid. It was kept.
    pub signature_broken: bool,
}

/// Adds comments to a document.
///
/// Each comment gets the first place that exists: its quote, within its section when that is known; the section's
/// first paragraph by its indices; a heading with the section's name; the document's first paragraph. A section
/// reaches from its first listed paragraph to the next body paragraph after its last one; one without usable
/// indices, from its heading to the next of the same or a higher level; one without either is not known. Deleted
/// text and field codes are not searched. A quote from a text box or note puts the comment on the drawing or the
/// note's mark. When the range does not hold the quote, the quote is added to the comment's text.
///
/// The same input gives the same bytes. Without comments, the input itself comes back, checked in the same way.
/// Time and memory are linear in the document, the comments and the sections' indices, whatever they look like:
/// [`limits`] says where the search stops for that.
///
/// # Errors
/// The document is refused, see [`DocxError`]; or the result could not be proven, and then it is thrown away.
pub fn annotate(
    document: &[u8],
    comments: &[Comment<'_>],
    sections: &[Section<'_>],
) -> Result<Annotated, DocxError> {
    let mut package = Package::open(document)?;
    let main = opc::main_part(&mut package)?;
    let index = package
        .find(&main)
        .ok_or_else(|| DocxError::MissingPart(main.as_str().into()))?;
    let bytes = package.read_at(index, &main)?;
    let relationships = main_relationships(&mut package, &main)?;
    let styles = styles(&mut package, &relationships)?;
    let model = reader::read(&main, &bytes, &styles)?;
    let part = CommentsPart::find(&mut package, &main, &relationships)?;
    if comments.is_empty() {
        return Ok(Annotated {
            document: document.to_vec(),
            anchors: Vec::new(),
            signature_broken: false,
        });
    }

    let xml = xml::utf8(&main, &bytes)?;
    let planned = plan(xml, &model, comments, sections, || {
        Stories::read(&mut package, &relationships)
    })?;
    let ids = part.new_ids(&model.comment_ids, comments.len())?;
    let ranges: Vec<_> = ids.iter().copied().zip(planned.iter().map(|p| p.range)).collect();
    let dialect = markup::Dialect::new(model.strict, model.plain_w);
    let insertions = marks::insertions(xml, &model, &dialect, &styles, &ranges)?;
    let written = write_comments(&part.dialect(model.strict), comments, &planned, &ids, &styles)?;
    if insertions.size() + written.len() > limits::INSERTED {
        return Err(DocxError::TooMuchInserted);
    }

    let mut changes = Changes::default();
    let context = Context {
        main: &main,
        strict: model.strict,
        relationships: &relationships,
    };
    part.add(&mut package, &context, &written, &mut changes)?;
    drop(model);
    changes.changed.insert(
        index,
        Changed {
            original: bytes,
            insertions,
        },
    );
    let document = finish(&mut package, &changes)?;
    let anchors = ids
        .iter()
        .zip(&planned)
        .map(|(id, planned)| planned.anchor(*id))
        .collect();
    Ok(Annotated {
        document,
        anchors,
        signature_broken: is_signed(&package),
    })
}

fn main_relationships(package: &mut Package<'_>, main: &str) -> Result<Vec<Relationship>, DocxError> {
    let name = opc::rels_name(main);
    match package.read(&name)? {
        Some(bytes) => Ok(opc::relationships(&name, &bytes, main)?.0),
        None => Ok(Vec::new()),
    }
}

fn styles(package: &mut Package<'_>, relationships: &[Relationship]) -> Result<Styles, DocxError> {
    let part = relationships
        .iter()
        .filter(|r| r.kind == "styles")
        .find_map(|r| r.target.as_deref());
    let Some(part) = part else {
        return Ok(Styles::default());
    };
    match package.read(part)? {
        Some(bytes) => Styles::read(part, &bytes),
        None => Ok(Styles::default()),
    }
}

fn is_signed(package: &Package<'_>) -> bool {
    package.names().any(|name| name.starts_with("_xmlsignatures/"))
}

fn finish(package: &mut Package<'_>, changes: &Changes) -> Result<Vec<u8>, DocxError> {
    for index in changes.changed.keys() {
        package.check_method(*index)?;
    }
    let document = rebuild::rebuild(package, changes)?;
    proof::prove(package, &document, changes)?;
    Ok(document)
}

/// Where a comment will go, and why.
struct Planned {
    range: Range,
    anchored_by: AnchoredBy,
    quote_in: Option<Story>,
}

impl Planned {
    fn anchor(&self, comment_id: u32) -> Anchor {
        let Self {
            range,
            anchored_by,
            quote_in,
        } = *self;
        Anchor {
            comment_id,
            anchored_by,
            quote_in,
            widened: range.widened,
        }
    }

    /// The range shows what the quote says.
    fn shows_quote(&self) -> bool {
        use AnchoredBy::{Quote, QuoteCaseFolded, QuoteFolded, QuoteFuzzy};
        matches!(
            self.anchored_by,
            Quote | QuoteFolded | QuoteCaseFolded | QuoteFuzzy
        )
    }
}

fn plan<'a>(
    xml: &str,
    model: &'a Model,
    comments: &[Comment<'a>],
    sections: &'a [Section<'a>],
    stories: impl FnOnce() -> Stories,
) -> Result<Vec<Planned>, DocxError> {
    let mut homes = Homes::new(xml, model, sections).ok_or(DocxError::NoParagraph)?;
    let homes: Vec<Home> = comments.iter().map(|comment| homes.of(comment.section)).collect();
    let found = search::search(xml, model, comments, &homes, stories);
    let planned = found
        .into_iter()
        .zip(&homes)
        .map(|(found, home)| place(model, found, home));
    planned.collect::<Option<Vec<_>>>().ok_or(DocxError::NoParagraph)
}

fn place(model: &Model, found: Option<Found>, home: &Home) -> Option<Planned> {
    let (range, anchored_by, quote_in) = match found {
        Some(Found::Main(level, first, last)) => (place::quote(model, first, last)?, rung(level), None),
        Some(Found::Host(index)) => {
            let host = model.hosts.get(index)?;
            let range = place::run(model, host.paragraph as usize, host.run);
            (range, AnchoredBy::QuoteHost, Some(host.story))
        }
        Some(Found::Beside(story)) => (place::paragraph(model, home.paragraph)?, home.rung, Some(story)),
        None => (place::paragraph(model, home.paragraph)?, home.rung, None),
    };
    Some(Planned {
        range,
        anchored_by,
        quote_in,
    })
}

fn rung(level: Level) -> AnchoredBy {
    match level {
        Level::Exact => AnchoredBy::Quote,
        Level::Folded => AnchoredBy::QuoteFolded,
        Level::CaseFolded => AnchoredBy::QuoteCaseFolded,
        Level::Letters => AnchoredBy::QuoteFuzzy,
    }
}

fn write_comments(
    dialect: &markup::Dialect,
    comments: &[Comment<'_>],
    planned: &[Planned],
    ids: &[u32],
    styles: &Styles,
) -> Result<String, DocxError> {
    let mut out = String::new();
    for ((comment, planned), id) in comments.iter().zip(planned).zip(ids) {
        out.push_str(&dialect.comment(*id, comment, &lines(comment, planned), styles));
        if out.len() > limits::INSERTED {
            return Err(DocxError::TooMuchInserted);
        }
    }
    Ok(out)
}

/// The comment's lines, at least one, and the quote where the range does not show it.
fn lines(comment: &Comment<'_>, planned: &Planned) -> Vec<String> {
    let mut lines = Vec::new();
    for line in comment.paragraphs.iter().flat_map(|text| text.split('\n')) {
        add_line(&mut lines, line.trim_end_matches('\r'));
    }
    if let Some(quote) = comment
        .quote
        .map(str::trim)
        .filter(|q| !q.is_empty() && !planned.shows_quote())
    {
        let quote = quote.split_whitespace().collect::<Vec<_>>().join(" ");
        let found = where_found(planned.quote_in);
        add_line(&mut lines, &format!("{found} \u{201c}{quote}\u{201d}"));
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// Adds a line as a paragraph, or to the last paragraph when there are too many.
fn add_line(lines: &mut Vec<String>, line: &str) {
    match lines.get_mut(limits::PARAGRAPHS - 1) {
        None => lines.push(line.to_owned()),
        Some(_) if line.is_empty() => {}
        Some(last) => {
            last.push(' ');
            last.push_str(line);
        }
    }
}

fn where_found(story: Option<Story>) -> &'static str {
    match story {
        None => "Quoted text, not found as such in the document:",
        Some(Story::TextBox) => "Quoted text, in this text box:",
        Some(Story::Footnote) => "Quoted text, in this footnote:",
        Some(Story::Endnote) => "Quoted text, in this endnote:",
        Some(Story::Header) => "Quoted text, in the header:",
        Some(Story::Footer) => "Quoted text, in the footer:",
    }
}
