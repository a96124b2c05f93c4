//! The styles that comments and headings use (ECMA-376-1 17.7).

use std::collections::HashMap;

use super::DocxError;
use super::model::BODY_TEXT;
use super::xml::{Scanner, Tag, Token};

/// How far a chain of `basedOn` is followed.
const CHAIN: usize = 16;

/// Longest id that is used, in characters (the SDK's schema for `w:styleId`): each mark repeats one, and each
/// paragraph looks one up.
const ID: usize = 253;

/// What the document's styles part says. Style ids differ by language (`a7` in a Cyrillic document), so styles
/// are found by their built-in names.
#[derive(Debug, Default)]
pub(super) struct Styles {
    /// Id of "annotation reference", for the mark in the text.
    pub(super) reference: Option<String>,
    /// Id of "annotation text", for the comment's paragraphs.
    pub(super) text: Option<String>,
    by_id: HashMap<String, Style>,
}

#[derive(Debug, Default)]
struct Style {
    level: Option<u8>,
    based_on: String,
}

impl Styles {
    /// # Errors
    /// The part is malformed.
    pub(super) fn read(part: &str, bytes: &[u8]) -> Result<Self, DocxError> {
        let mut scanner = Scanner::new(part, bytes)?;
        let mut styles = Self::default();
        let mut id = String::new();
        while let Some((_, token)) = scanner.next()? {
            let (Token::Start(tag) | Token::Empty(tag)) = token else {
                continue;
            };
            match tag.word() {
                "style" => {
                    id = style_id(&tag, "styleId");
                    styles.by_id.insert(id.clone(), Style::default());
                }
                "name" => styles.name(&id, &tag.attribute("val").unwrap_or_default()),
                "basedOn" => styles.edit(&id, |s| s.based_on = style_id(&tag, "val")),
                "outlineLvl" => {
                    let level = tag.attribute("val").and_then(|level| outline_level(&level));
                    styles.edit(&id, |s| s.level = s.level.or(level));
                }
                _ => {}
            }
        }
        Ok(styles)
    }

    fn edit(&mut self, id: &str, change: impl FnOnce(&mut Style)) {
        if let Some(style) = self.by_id.get_mut(id) {
            change(style);
        }
    }

    fn name(&mut self, id: &str, name: &str) {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "annotation reference" | "annotation text" if id.is_empty() => {}
            "annotation reference" => self.reference = Some(id.to_owned()),
            "annotation text" => self.text = Some(id.to_owned()),
            "title" => self.edit(id, |s| s.level = Some(0)),
            _ => {
                let level = name.strip_prefix("heading ").and_then(|n| n.parse().ok());
                self.edit(id, |s| {
                    s.level = level.filter(|n| (1..=9).contains(n)).or(s.level);
                });
            }
        }
    }

    /// The level of a paragraph with this style: 0 for a title, 1 to 9 for headings, [`BODY_TEXT`] for a style
    /// that says so, `None` for one that says nothing.
    pub(super) fn heading_level(&self, id: &str) -> Option<u8> {
        let mut id = id;
        for _ in 0..CHAIN {
            let style = self.by_id.get(id)?;
            if style.level.is_some() {
                return style.level;
            }
            id = &style.based_on;
        }
        None
    }
}

/// An attribute that holds a style's id; empty if that is too long.
fn style_id(tag: &Tag<'_>, attribute: &str) -> String {
    let id = tag.attribute(attribute).filter(|id| id.chars().count() <= ID);
    id.unwrap_or_default()
}

/// The level that an `outlineLvl` value means; 9 is body text (ECMA-376-1 17.3.1.20).
pub(super) fn outline_level(value: &str) -> Option<u8> {
    match value.trim().parse::<u8>().ok()? {
        level @ 0..=8 => Some(level + 1),
        9 => Some(BODY_TEXT),
        _ => None,
    }
}
