//! Which paragraphs belong to a section.

use std::collections::HashMap;
use std::ops::Range;

use super::fold::{self, Level};
use super::model::{BODY_TEXT, Model};
use super::{AnchoredBy, Section, text};

/// Where a comment belongs before its quote is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    /// The paragraphs in which the quote is searched.
    pub(super) span: Range<usize>,
    /// The paragraph that is commented on when there is no quote, and how it was found.
    pub(super) paragraph: usize,
    pub(super) rung: AnchoredBy,
}

/// Finds the homes of sections, each only once.
pub(super) struct Homes<'a> {
    model: &'a Model,
    indices: HashMap<&'a str, &'a [usize]>,
    /// Headings in document order: paragraph and level.
    headings: Vec<(usize, u8)>,
    /// The first heading with each text.
    by_text: HashMap<String, usize>,
    known: HashMap<&'a str, Option<Home>>,
    elsewhere: Home,
}

impl<'a> Homes<'a> {
    /// `None` if the document has no paragraph.
    pub(super) fn new(xml: &str, model: &'a Model, sections: &'a [Section<'a>]) -> Option<Self> {
        let levels = model.paragraphs.iter().map(|p| p.level).enumerate();
        let headings: Vec<_> = levels.filter(|(_, level)| *level != BODY_TEXT).collect();
        let mut by_text = HashMap::new();
        for (index, (paragraph, _)) in headings.iter().enumerate() {
            by_text
                .entry(key(&text::paragraph(xml, model, *paragraph)))
                .or_insert(index);
        }
        let first = model.body.first().map_or(0, |p| *p as usize);
        model.paragraphs.get(first)?;
        let elsewhere = Home {
            span: 0..model.paragraphs.len(),
            paragraph: first,
            rung: AnchoredBy::FirstParagraph,
        };
        let indices = sections
            .iter()
            .map(|section| (section.name, section.paragraphs))
            .collect();
        Some(Self {
            model,
            indices,
            headings,
            by_text,
            known: HashMap::new(),
            elsewhere,
        })
    }

    /// The home of comments on a section; of those on none, the whole document.
    pub(super) fn of(&mut self, section: Option<&'a str>) -> Home {
        let Some(name) = section.filter(|name| !name.trim().is_empty()) else {
            return self.elsewhere.clone();
        };
        if !self.known.contains_key(name) {
            let home = self.by_indices(name).or_else(|| self.by_heading(name));
            self.known.insert(name, home);
        }
        self.known
            .get(name)
            .cloned()
            .flatten()
            .unwrap_or_else(|| self.elsewhere.clone())
    }

    /// From the first listed paragraph to the one before the first body paragraph after the last listed one,
    /// so that a table after the last one belongs to the section.
    fn by_indices(&self, name: &str) -> Option<Home> {
        let usable = self
            .indices
            .get(name)?
            .iter()
            .copied()
            .filter(|index| *index < self.model.body.len());
        let (first, last) = usable.fold(None, |range, index| match range {
            None => Some((index, index)),
            Some((first, last)) => Some((index.min(first), index.max(last))),
        })?;
        let paragraph = *self.model.body.get(first)? as usize;
        let end = self
            .model
            .body
            .get(last + 1)
            .map_or(self.model.paragraphs.len(), |next| *next as usize);
        Some(Home {
            span: paragraph..end,
            paragraph,
            rung: AnchoredBy::SectionParagraph,
        })
    }

    /// From the heading to the next one of the same or a higher level.
    fn by_heading(&self, name: &str) -> Option<Home> {
        let index = *self.by_text.get(&key(name))?;
        let (paragraph, level) = *self.headings.get(index)?;
        let next = self
            .headings
            .iter()
            .skip(index + 1)
            .find(|(_, other)| *other <= level);
        let end = next.map_or(self.model.paragraphs.len(), |(next, _)| *next);
        Some(Home {
            span: paragraph..end,
            paragraph,
            rung: AnchoredBy::Heading,
        })
    }
}

/// What two spellings of one heading have in common.
fn key(text: &str) -> String {
    fold::text(Level::CaseFolded, text).trim().to_owned()
}
