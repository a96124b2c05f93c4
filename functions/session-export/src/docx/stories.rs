//! The text of notes, headers and footers. Word ignores comments there ([MS-OI29500] 2.1.315), so a quote from
//! one of them is anchored in the body.

use std::collections::{HashMap, HashSet};

use super::model::{Host, Story};
use super::opc::Relationship;
use super::package::Package;
use super::xml::{self, Scanner, Token};
use super::{DocxError, limits};

/// What can be read of the other stories. A part that cannot be read is as if it were empty: it only serves to
/// find a better place.
#[derive(Debug, Default)]
pub(super) struct Stories {
    notes: HashMap<(bool, String), String>,
    /// Headers and footers, in the order of their relationships.
    pub(super) beside: Vec<(Story, String)>,
}

impl Stories {
    /// Reads the parts that the main part refers to, each once, as far as [`limits::STORIES`] goes.
    pub(super) fn read(package: &mut Package<'_>, relationships: &[Relationship]) -> Self {
        let mut stories = Self::default();
        let mut seen = HashSet::new();
        let mut left = limits::STORIES;
        for relationship in relationships {
            let Some((story, target)) = story(relationship) else {
                continue;
            };
            let Some(index) = package.find(target).filter(|index| seen.insert(*index)) else {
                continue;
            };
            let Some(now) = left.checked_sub(package.size_of(index)) else {
                continue;
            };
            left = now;
            if let Ok(bytes) = package.read_at(index, target) {
                stories.add(story, texts(target, &bytes).unwrap_or_default());
            }
        }
        stories
    }

    fn add(&mut self, story: Story, texts: Vec<(String, String)>) {
        if matches!(story, Story::Header | Story::Footer) {
            let text: Vec<String> = texts.into_iter().map(|(_, text)| text).collect();
            self.beside.push((story, text.join("\n")));
        } else {
            let endnote = story == Story::Endnote;
            self.notes
                .extend(texts.into_iter().map(|(id, text)| ((endnote, id), text)));
        }
    }

    /// The text that a host leads to.
    pub(super) fn text_of<'a>(&'a self, host: &'a Host) -> &'a str {
        match host.story {
            Story::TextBox => &host.text,
            story => self
                .notes
                .get(&(story == Story::Endnote, host.id.clone()))
                .map_or("", String::as_str),
        }
    }
}

/// The story that a relationship leads to, and its part.
fn story(relationship: &Relationship) -> Option<(Story, &str)> {
    let story = match relationship.kind.as_str() {
        "footnotes" => Story::Footnote,
        "endnotes" => Story::Endnote,
        "header" => Story::Header,
        "footer" => Story::Footer,
        _ => return None,
    };
    Some((story, relationship.target.as_deref()?))
}

/// A part's text by note id; without notes, under an empty id.
fn texts(part: &str, bytes: &[u8]) -> Result<Vec<(String, String)>, DocxError> {
    let source = xml::utf8(part, bytes)?;
    let mut scanner = Scanner::new(part, bytes)?;
    let mut texts = vec![(String::new(), String::new())];
    let mut in_text = false;
    while let Some((span, token)) = scanner.next()? {
        let Some((_, text)) = texts.last_mut() else { break };
        let (Token::Start(tag) | Token::Empty(tag)) = &token else {
            if matches!(token, Token::Text) && in_text {
                text.push_str(&xml::unescape(source.get(span).unwrap_or("")));
            } else if matches!(token, Token::End) {
                in_text = false;
            }
            continue;
        };
        in_text = tag.word() == "t" && matches!(token, Token::Start(_));
        match tag.word() {
            "footnote" | "endnote" => {
                // Millions of empty notes need no room.
                if text.trim().is_empty() {
                    texts.pop();
                }
                texts.push((tag.attribute("id").unwrap_or_default(), String::new()));
            }
            "p" => text.push('\n'),
            "tab" | "br" | "cr" => text.push(' '),
            _ => {}
        }
    }
    Ok(texts)
}
