//! The text boxes and notes that the main story leads to.

use std::collections::HashSet;
use std::ops::Range;

use super::model::{Model, Story};
use super::stories::Stories;

/// Their texts in document order, with the index of the host.
///
/// Each note's text is there once, at its first mark: a mark takes thirty bytes, and a million of them may lead
/// to one note of many megabytes.
pub(super) struct Hosts<'a> {
    texts: Vec<(usize, &'a str)>,
    /// The paragraph of each host, ascending.
    paragraphs: Vec<usize>,
    /// Bytes of all texts before each, and of all in the end.
    sizes: Vec<u64>,
}

impl<'a> Hosts<'a> {
    pub(super) fn new(model: &'a Model, stories: &'a Stories) -> Self {
        let mut hosts = Self {
            texts: Vec::new(),
            paragraphs: Vec::new(),
            sizes: vec![0],
        };
        let (mut seen, mut size) = (HashSet::new(), 0);
        for (index, host) in model.hosts.iter().enumerate() {
            let text = stories.text_of(host);
            if text.is_empty() || (host.story != Story::TextBox && !seen.insert((host.story, &host.id))) {
                continue;
            }
            size += text.len() as u64 + 1;
            hosts.texts.push((index, text));
            hosts.paragraphs.push(host.paragraph as usize);
            hosts.sizes.push(size);
        }
        hosts
    }

    fn range(&self, span: &Range<usize>) -> Range<usize> {
        let before = |end: usize| self.paragraphs.partition_point(|paragraph| *paragraph < end);
        before(span.start)..before(span.end)
    }

    /// The texts whose hosts are in some paragraphs.
    pub(super) fn within(&self, span: &Range<usize>) -> &[(usize, &'a str)] {
        self.texts.get(self.range(span)).unwrap_or(&[])
    }

    /// What it costs to search them.
    pub(super) fn size_of(&self, span: &Range<usize>) -> u64 {
        let range = self.range(span);
        let at = |index: usize| self.sizes.get(index).copied().unwrap_or(0);
        at(range.end).saturating_sub(at(range.start))
    }
}
