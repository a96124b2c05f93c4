//! Finds quotes: in the main story, then in the stories where Word ignores comments.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Comment;
use super::fold::{self, Level, SEPARATOR};
use super::matcher::Matcher;
use super::model::{Model, Story};
use super::sections::Home;
use super::stories::Stories;
use super::text::{Spot, Text};

/// Where a quote was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// In the main story.
    Main(Level, Spot, Spot),
    /// In a text box or note; the index of its host.
    Host(usize),
    /// In a header or footer.
    Beside(Story),
}

type Results = Vec<Option<Found>>;

/// Searches all quotes; the time is linear in the spans searched and the quotes, each taken at most five times.
pub(super) fn search(
    xml: &str,
    model: &Model,
    comments: &[Comment<'_>],
    homes: &[Home],
    stories: impl FnOnce() -> Stories,
) -> Results {
    let mut results = vec![None; comments.len()];
    let groups = groups(comments, homes);
    let main = Main { xml, model, comments };
    for (span, members) in &groups {
        main.search(Level::Exact, span, members, &mut results);
        let possible = main.possible(span, members, &results);
        for level in Level::FORGIVING {
            main.search(level, span, &possible, &mut results);
        }
    }
    if groups
        .iter()
        .all(|(_, members)| members.iter().all(|i| is_found(&results, *i)))
    {
        return results;
    }
    let stories = stories();
    for (span, members) in &groups {
        hosts(model, &stories, span, comments, members, &mut results);
    }
    let everyone: Vec<usize> = groups.into_iter().flat_map(|(_, members)| members).collect();
    beside(&stories, comments, &everyone, &mut results);
    results
}

/// Comments with a quote, by the span in which it is searched.
fn groups(comments: &[Comment<'_>], homes: &[Home]) -> Vec<(Range<usize>, Vec<usize>)> {
    let mut groups: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (index, (comment, home)) in comments.iter().zip(homes).enumerate() {
        if comment.quote.is_some() {
            groups
                .entry((home.span.start, home.span.end))
                .or_default()
                .push(index);
        }
    }
    groups
        .into_iter()
        .map(|((start, end), members)| (start..end, members))
        .collect()
}

fn is_found(results: &Results, index: usize) -> bool {
    results.get(index).is_none_or(Option::is_some)
}

/// The quotes that are still to be found, folded.
fn wanted(
    level: Level,
    comments: &[Comment<'_>],
    members: &[usize],
    results: &Results,
) -> Vec<(usize, String)> {
    let open = members.iter().copied().filter(|index| !is_found(results, *index));
    open.filter_map(|index| {
        let quote = comments.get(index)?.quote?;
        Some((index, fold::quote(level, quote)?))
    })
    .collect()
}

/// The main story.
struct Main<'a> {
    xml: &'a str,
    model: &'a Model,
    comments: &'a [Comment<'a>],
}

impl Main<'_> {
    fn search(&self, level: Level, span: &Range<usize>, members: &[usize], results: &mut Results) {
        let wanted = wanted(level, self.comments, members, results);
        if wanted.is_empty() {
            return;
        }
        let text = Text::new(self.xml, self.model, level, span.clone());
        let found = Matcher::new(wanted.iter().map(|(_, quote)| quote.as_str())).find(&text.folded);
        for ((index, _), found) in wanted.iter().zip(found) {
            let spots = found.and_then(|found| text.spots(found));
            set(
                results,
                *index,
                spots.map(|(start, end)| Found::Main(level, start, end)),
            );
        }
    }

    /// The quotes not found yet whose letters occur at all: the others need no further pass.
    fn possible(&self, span: &Range<usize>, members: &[usize], results: &Results) -> Vec<usize> {
        let quote = |index: usize| self.comments.get(index).and_then(|comment| comment.quote);
        let open = members.iter().copied().filter(|index| !is_found(results, *index));
        let open: Vec<(usize, String)> = open
            .filter_map(|index| Some((index, fold::letters(quote(index)?)?)))
            .collect();
        if open.is_empty() {
            return Vec::new();
        }
        let text = Text::new(self.xml, self.model, Level::Letters, span.clone());
        let found = Matcher::new(open.iter().map(|(_, letters)| letters.as_str())).find(&text.folded);
        let kept = open
            .iter()
            .zip(found)
            .filter(|((_, letters), found)| letters.is_empty() || found.is_some());
        kept.map(|((index, _), _)| *index).collect()
    }
}

fn set(results: &mut Results, index: usize, found: Option<Found>) {
    if let Some(slot) = results.get_mut(index)
        && found.is_some()
    {
        *slot = found;
    }
}

/// Text boxes and notes whose host is in the span.
fn hosts(
    model: &Model,
    stories: &Stories,
    span: &Range<usize>,
    comments: &[Comment<'_>],
    members: &[usize],
    results: &mut Results,
) {
    let inside = model
        .hosts
        .iter()
        .enumerate()
        .filter(|(_, host)| span.contains(&(host.paragraph as usize)));
    let texts: Vec<(usize, &str)> = inside
        .map(|(index, host)| (index, stories.text_of(host)))
        .collect();
    for (index, host) in anywhere(&texts, comments, members, results) {
        set(results, index, Some(Found::Host(host)));
    }
}

fn beside(stories: &Stories, comments: &[Comment<'_>], members: &[usize], results: &mut Results) {
    let texts: Vec<(Story, &str)> = stories
        .beside
        .iter()
        .map(|(story, text)| (*story, text.as_str()))
        .collect();
    for (index, story) in anywhere(&texts, comments, members, results) {
        set(results, index, Some(Found::Beside(story)));
    }
}

/// Which of some texts holds each quote.
fn anywhere<T: Copy>(
    texts: &[(T, &str)],
    comments: &[Comment<'_>],
    members: &[usize],
    results: &Results,
) -> Vec<(usize, T)> {
    let mut found: BTreeMap<usize, T> = BTreeMap::new();
    for level in Level::ALL {
        let mut wanted = wanted(level, comments, members, results);
        wanted.retain(|(index, _)| !found.contains_key(index));
        if texts.is_empty() || wanted.is_empty() {
            continue;
        }
        let (mut folded, mut ends) = (String::new(), Vec::new());
        for (_, text) in texts {
            text.chars().for_each(|c| fold::push(level, c, &mut folded));
            folded.push(SEPARATOR);
            ends.push(folded.len());
        }
        let places = Matcher::new(wanted.iter().map(|(_, quote)| quote.as_str())).find(&folded);
        for ((index, _), place) in wanted.iter().zip(places) {
            let text = place.and_then(|(start, _)| texts.get(ends.partition_point(|end| *end <= start)));
            found.extend(text.map(|(owner, _)| (*index, *owner)));
        }
    }
    found.into_iter().collect()
}
