//! Finds quotes: in the main story, then in the stories where Word ignores comments.

use std::collections::BTreeMap;
use std::ops::Range;

use super::fold::{self, Level, SEPARATOR};
use super::hosts::Hosts;
use super::matcher::Matcher;
use super::model::{Model, Story};
use super::sections::Home;
use super::stories::Stories;
use super::text::{Spot, Text};
use super::{Comment, limits};

/// How often the document may be searched, all spans taken together.
const SPANS: u64 = 4;

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

/// Paragraphs, and the comments whose quotes are searched there.
type Group = (Range<usize>, Vec<usize>);

/// Searches all quotes. The time is linear in the document and the quotes: sections may overlap, but all spans
/// together are at most [`SPANS`] documents, and each is folded at most five times.
pub(super) fn search(
    xml: &str,
    model: &Model,
    comments: &[Comment<'_>],
    homes: &[Home],
    stories: impl FnOnce() -> Stories,
) -> Results {
    let mut results = vec![None; comments.len()];
    let groups = groups(comments, homes);
    let everywhere = 0..model.paragraphs.len();
    let main = Main {
        xml,
        model,
        comments,
        homes,
    };
    for (span, members) in &affordable(&groups, everywhere.clone(), |span| model.size_of(span)) {
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
    let hosts = Hosts::new(model, &stories);
    for (span, members) in &affordable(&groups, everywhere, |span| hosts.size_of(span)) {
        for (index, host) in anywhere(hosts.within(span), comments, members, &results) {
            let paragraph = model.hosts.get(host).map(|host| host.paragraph as usize);
            let at_home = paragraph.is_some_and(|paragraph| is_home(homes, index, paragraph));
            set(&mut results, index, at_home.then_some(Found::Host(host)));
        }
    }
    let everyone: Vec<usize> = groups.into_iter().flat_map(|(_, members)| members).collect();
    beside(&stories, comments, &everyone, &mut results);
    results
}

/// Comments with a quote, by the span in which it is searched. Those after [`limits::QUOTES`] are left out.
fn groups(comments: &[Comment<'_>], homes: &[Home]) -> Vec<Group> {
    let mut groups: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    let mut left = limits::QUOTES;
    for (index, (comment, home)) in comments.iter().zip(homes).enumerate() {
        let Some(quote) = comment.quote else { continue };
        let Some(now) = left.checked_sub(quote.len().min(limits::QUOTE)) else {
            break;
        };
        left = now;
        groups
            .entry((home.span.start, home.span.end))
            .or_default()
            .push(index);
    }
    groups
        .into_iter()
        .map(|((start, end), members)| (start..end, members))
        .collect()
}

/// What is searched: each span for itself, the smallest first, as long as all together are not larger than
/// [`SPANS`] times everything. What is left is searched once everywhere; then a hit counts only at home.
fn affordable(groups: &[Group], everywhere: Range<usize>, size: impl Fn(&Range<usize>) -> u64) -> Vec<Group> {
    let mut left = SPANS * size(&everywhere);
    let mut ordered: Vec<&Group> = groups.iter().collect();
    ordered.sort_by_key(|(span, _)| size(span));
    let (mut chosen, mut rest) = (Vec::new(), Vec::new());
    for (span, members) in ordered {
        match left.checked_sub(size(span)) {
            Some(now) => {
                left = now;
                chosen.push((span.clone(), members.clone()));
            }
            None => rest.extend(members),
        }
    }
    if !rest.is_empty() {
        chosen.push((everywhere, rest));
    }
    chosen
}

/// Whether a paragraph is among those in which a comment's quote is searched.
fn is_home(homes: &[Home], index: usize, paragraph: usize) -> bool {
    homes
        .get(index)
        .is_some_and(|home| home.span.contains(&paragraph))
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
    homes: &'a [Home],
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
            let at_home = spots.filter(|(start, end)| {
                let home = |spot: &Spot| is_home(self.homes, *index, self.model.paragraph_of(spot.piece));
                home(start) && home(end)
            });
            let found = at_home.map(|(start, end)| Found::Main(level, start, end));
            set(results, *index, found);
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
    if texts.is_empty() {
        return Vec::new();
    }
    for level in Level::ALL {
        let mut wanted = wanted(level, comments, members, results);
        wanted.retain(|(index, _)| !found.contains_key(index));
        if wanted.is_empty() {
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

#[cfg(test)]
mod tests {
    use super::{SPANS, affordable};

    #[test]
    fn overlapping_spans_cost_no_more_than_a_few_documents() {
        let groups: Vec<_> = (0..5_000).map(|n| (n..100_000, vec![n])).collect();
        let size = |span: &std::ops::Range<usize>| span.len() as u64;
        let searched = affordable(&groups, 0..100_000, size);
        let cost: u64 = searched.iter().map(|(span, _)| size(span)).sum();
        assert!(cost <= (SPANS + 1) * 100_000, "{cost}");
        let mut members: Vec<usize> = searched.into_iter().flat_map(|(_, members)| members).collect();
        members.sort_unstable();
        assert!(members.into_iter().eq(0..5_000), "nobody is forgotten");
    }

    #[test]
    fn spans_that_do_not_overlap_are_each_searched_alone() {
        let groups: Vec<_> = (0..5_000).map(|n| (n..n + 1, vec![n])).collect();
        let mut searched = affordable(&groups, 0..5_000, |span| span.len() as u64);
        searched.sort_by_key(|(span, _)| span.start);
        assert_eq!(searched, groups);
    }
}
