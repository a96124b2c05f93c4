//! Content types and relationships (ECMA-376 part 2, clauses 6.2.3 and 6.5): just enough to find the parts
//! that matter and to add one.

use super::package::Package;
use super::xml::{Scanner, Tag, Token};
use super::{DocxError, package};

pub(super) const CONTENT_TYPES: &str = "[Content_Types].xml";
const TRANSITIONAL: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/";
const STRICT: &str = "http://purl.oclc.org/ooxml/officeDocument/relationships/";

/// A relationship of a part to another part inside the package.
#[derive(Debug, Clone)]
pub(super) struct Relationship {
    pub(super) id: String,
    /// The type's last step, such as `comments`, for the types of ECMA-376; else the whole type.
    pub(super) kind: String,
    /// The target's part name, resolved; `None` for targets outside the package.
    pub(super) target: Option<String>,
}

/// A part's root element, to which children can be added.
#[derive(Debug, Clone, Default)]
pub(super) struct Root {
    /// The element's name as written, with its prefix.
    pub(super) name: String,
    /// Offset of the closing tag; in an empty-element tag, of its slash.
    pub(super) end: usize,
    pub(super) empty_tag: bool,
    pub(super) strict: bool,
    pub(super) plain_w: bool,
}

/// Visits every element below a part's root, with its depth (1 for children), and describes the root.
///
/// # Errors
/// The part is malformed.
pub(super) fn visit(
    part: &str,
    bytes: &[u8],
    mut visit: impl FnMut(usize, &Tag<'_>),
) -> Result<Root, DocxError> {
    let text = super::xml::utf8(part, bytes)?;
    let mut scanner = Scanner::new(part, bytes)?;
    let mut depth = 0_usize;
    let mut root = Root::default();
    while let Some((span, token)) = scanner.next()? {
        let empty_tag = matches!(token, Token::Empty(_));
        match token {
            Token::Start(tag) | Token::Empty(tag) => {
                if depth == 0 {
                    let name = super::xml::tag_name(text, span.start).to_owned();
                    root = Root {
                        name,
                        end: span.end.saturating_sub(2),
                        empty_tag,
                        ..root
                    };
                }
                visit(depth, &tag);
                depth += usize::from(!empty_tag);
            }
            Token::End => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    root.end = span.start;
                }
            }
            _ => {}
        }
    }
    Ok(Root {
        strict: scanner.strict,
        plain_w: scanner.plain_w(),
        ..root
    })
}

/// The relationships part that belongs to a part; the package's own for an empty name.
pub(super) fn rels_name(part: &str) -> String {
    let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
    if folder.is_empty() {
        format!("_rels/{file}.rels")
    } else {
        format!("{folder}/_rels/{file}.rels")
    }
}

/// Reads a relationships part. `source` is the part it belongs to.
///
/// # Errors
/// The part is malformed.
pub(super) fn relationships(
    part: &str,
    bytes: &[u8],
    source: &str,
) -> Result<(Vec<Relationship>, Root), DocxError> {
    let mut found = Vec::new();
    let root = visit(part, bytes, |depth, tag| {
        if depth == 1 && tag.local() == "Relationship" {
            found.push(relationship(tag, source));
        }
    })?;
    Ok((found, root))
}

fn relationship(tag: &Tag<'_>, source: &str) -> Relationship {
    let kind = tag.attribute("Type").unwrap_or_default();
    let short = kind
        .strip_prefix(TRANSITIONAL)
        .or_else(|| kind.strip_prefix(STRICT))
        .map(ToOwned::to_owned);
    let external = tag.attribute("TargetMode").is_some_and(|mode| mode == "External");
    let target = tag
        .attribute("Target")
        .filter(|_| !external)
        .map(|target| resolve(source, &target));
    Relationship {
        id: tag.attribute("Id").unwrap_or_default(),
        kind: short.unwrap_or(kind),
        target,
    }
}

/// The type of the relationship to the comments part, in the document's own dialect.
pub(super) fn comments_relationship_type(strict: bool) -> String {
    format!("{}comments", if strict { STRICT } else { TRANSITIONAL })
}

/// Resolves a target against the part that refers to it. Dots never lead out of the package; the result is
/// only compared with part names, never used as a path.
fn resolve(source: &str, target: &str) -> String {
    let folder = source.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut steps: Vec<&str> = if target.starts_with('/') {
        Vec::new()
    } else {
        folder.split('/').collect()
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.retain(|step| !step.is_empty());
    steps.join("/")
}

/// The main document part's name: the target of the package's `officeDocument` relationship.
///
/// # Errors
/// There is none, or the package's relationships cannot be read.
pub(super) fn main_part(package: &mut Package<'_>) -> Result<String, DocxError> {
    let name = rels_name("");
    let bytes = package
        .read(&name)?
        .ok_or_else(|| DocxError::MissingPart(name.as_str().into()))?;
    let (relationships, _) = relationships(&name, &bytes, "")?;
    let target = relationships
        .into_iter()
        .filter(|r| r.kind == "officeDocument")
        .find_map(|r| r.target);
    target.ok_or_else(|| DocxError::MissingPart("the main document".into()))
}

/// What `[Content_Types].xml` says.
pub(super) struct ContentTypes {
    pub(super) bytes: Vec<u8>,
    pub(super) root: Root,
    overrides: Vec<(String, String)>,
}

impl ContentTypes {
    /// # Errors
    /// The part is missing or malformed.
    pub(super) fn read(package: &mut Package<'_>) -> Result<Self, DocxError> {
        let bytes = package
            .read(CONTENT_TYPES)?
            .ok_or_else(|| DocxError::MissingPart(CONTENT_TYPES.into()))?;
        let mut overrides = Vec::new();
        let root = visit(CONTENT_TYPES, &bytes, |_, tag| {
            if tag.local() == "Override" {
                let name = tag.attribute("PartName").unwrap_or_default();
                overrides.push((
                    package::canonical(&name),
                    tag.attribute("ContentType").unwrap_or_default(),
                ));
            }
        })?;
        Ok(Self {
            bytes,
            root,
            overrides,
        })
    }

    /// The type an `Override` gives to the part.
    pub(super) fn override_of(&self, part: &str) -> Option<&str> {
        let name = package::canonical(part);
        self.overrides
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, kind)| kind.as_str())
    }
}
