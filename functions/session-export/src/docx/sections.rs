//! Which paragraphs belong to a section.

use std::collections::HashMap;
use std::ops::Range;

use super::fold::{self, Level};
use super::model::Model;
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
    /// The paragraphs of the first heading with each text.
    by_text: HashMap<String, Range<usize>>,
    known: HashMap<&'a str, Option<Home>>,
    elsewhere: Home,
}

impl<'a> Homes<'a> {
    /// `None` if the document has no paragraph.
    pub(super) fn new(xml: &str, model: &'a Model, sections: &'a [Section<'a>]) -> Option<Self> {
        let mut by_text = HashMap::new();
        for span in headings(model) {
            by_text
                .entry(key(&text::paragraph(xml, model, span.start)))
                .or_insert(span);
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

    fn by_heading(&self, name: &str) -> Option<Home> {
        let span = self.by_text.get(&key(name))?;
        Some(Home {
            span: span.clone(),
            paragraph: span.start,
            rung: AnchoredBy::Heading,
        })
    }
}

/// For each heading in document order: from there to the next one of the same or a higher level.
fn headings(model: &Model) -> Vec<Range<usize>> {
    // The nearest heading of each level behind the current one, from title to level 9.
    let mut nearest = [model.paragraphs.len(); 10];
    let mut found = Vec::new();
    for (index, paragraph) in model.paragraphs.iter().enumerate().rev() {
        let level = usize::from(paragraph.level);
        if let Some([above @ .., same]) = nearest.get_mut(..=level) {
            let end = above.iter().fold(*same, |end, other| end.min(*other));
            *same = index;
            found.push(index..end);
        }
    }
    found.reverse();
    found
}

/// What two spellings of one heading have in common.
fn key(text: &str) -> String {
    fold::text(Level::CaseFolded, text).trim().to_owned()
}
