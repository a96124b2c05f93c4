//! A session's numbers, under the names that readers of such exports parse.

use std::collections::{HashMap, HashSet};

use casefile::json::Ordered;
use casefile::manifest::Summary;
use serde::Serialize;

use super::feedback::{FeedbackBySection, FeedbackItem};
use super::session::{LogEntry, Session};

/// Counts in the order in which their names were first seen.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Vec<(String, usize)>,
    by_name: HashMap<String, usize>,
}

impl Tally {
    /// Counts `name`, `more` times.
    pub fn add(&mut self, name: &str, more: usize) {
        let known = self.by_name.get(name).and_then(|at| self.counts.get_mut(*at));
        if let Some((_, count)) = known {
            *count += more;
        } else {
            self.by_name.insert(name.to_owned(), self.counts.len());
            self.counts.push((name.to_owned(), more));
        }
    }

    /// The counts, for writing.
    pub fn into_ordered(self) -> Ordered<String, usize> {
        Ordered(self.counts)
    }
}

/// `summary_statistics`: rates in percent of the AI suggestions, 0 when there are none.
#[derive(Debug, Serialize)]
pub struct SummaryStatistics {
    /// Suggestions of the AI.
    pub total_ai_suggestions: usize,
    /// Every accepted item, the user's own included.
    pub total_accepted: usize,
    /// Every rejected item.
    pub total_rejected: usize,
    /// Items that the user added.
    pub total_user_feedback: usize,
    /// AI suggestions that were accepted.
    pub acceptance_rate: f64,
    /// AI suggestions that were accepted or rejected.
    pub user_engagement_rate: f64,
}

impl SummaryStatistics {
    /// Counts a session's feedback.
    pub fn of(session: &Session<'_>) -> Self {
        let total = session.suggestions.total();
        let decided = |chosen: &[&FeedbackBySection<'_>]| {
            let of_section = |(name, items): &(String, Vec<FeedbackItem<'_>>)| {
                let chosen: Vec<_> = chosen.iter().map(|by_section| by_section.section(name)).collect();
                suggestions_among(items, &chosen)
            };
            session
                .suggestions
                .sections()
                .iter()
                .map(of_section)
                .sum::<usize>()
        };
        Self {
            total_ai_suggestions: total,
            total_accepted: session.accepted.total(),
            total_rejected: session.rejected.total(),
            total_user_feedback: session.custom.total(),
            acceptance_rate: percent(decided(&[&session.accepted]), total),
            user_engagement_rate: percent(decided(&[&session.accepted, &session.rejected]), total),
        }
    }

    /// As the manifest and lists have it.
    pub fn summary(&self) -> Summary {
        Summary {
            total_ai_suggestions: self.total_ai_suggestions,
            total_accepted: self.total_accepted,
            total_rejected: self.total_rejected,
            total_user_feedback: self.total_user_feedback,
            acceptance_rate: self.acceptance_rate,
        }
    }
}

/// `section_analysis` of one section.
#[derive(Debug, Serialize)]
pub struct SectionStatistics {
    /// Suggestions of the AI.
    pub total_suggestions: usize,
    /// Every accepted item, the user's own included.
    pub accepted: usize,
    /// Every rejected item.
    pub rejected: usize,
    /// Items that the user added.
    pub user_added: usize,
    /// Accepted AI suggestions in percent of the AI suggestions, 0 when there are none.
    pub acceptance_rate: f64,
}

impl SectionStatistics {
    /// Counts one section's feedback.
    pub fn of(session: &Session<'_>, section: &str) -> Self {
        let suggestions = session.suggestions.section(section);
        let accepted = session.accepted.section(section);
        Self {
            total_suggestions: suggestions.len(),
            accepted: accepted.len(),
            rejected: session.rejected.section(section).len(),
            user_added: session.custom.section(section).len(),
            acceptance_rate: percent(suggestions_among(suggestions, &[accepted]), suggestions.len()),
        }
    }
}

/// How many of the AI's suggestions are among the chosen items: by id, and never the user's own.
fn suggestions_among(suggestions: &[FeedbackItem<'_>], chosen: &[&[FeedbackItem<'_>]]) -> usize {
    let ids: HashSet<&str> = chosen.iter().copied().flat_map(ids_by_ai).collect();
    suggestions
        .iter()
        .filter(|item| ids.contains(item.id.as_str()))
        .count()
}

/// The ids of those that the user didn't add.
fn ids_by_ai<'a>(items: &'a [FeedbackItem<'_>]) -> impl Iterator<Item = &'a str> {
    let by_ai = items.iter().filter(|item| !item.user_created);
    by_ai.map(|item| item.id.as_str())
}

/// `category_acceptance` of one category: what became of the AI's suggestions in it, and of nothing else.
#[derive(Debug, Default, Serialize)]
pub struct CategoryStatistics {
    /// Suggestions of the AI.
    pub suggestions: usize,
    /// Those of them that were accepted.
    pub accepted: usize,
    /// Those of them that were rejected.
    pub rejected: usize,
    /// `accepted` in percent of `suggestions`.
    pub acceptance_rate: f64,
}

impl CategoryStatistics {
    /// Counts a session's feedback by category, in the order in which the categories were first seen.
    pub fn by_category(session: &Session<'_>) -> Ordered<String, Self> {
        let mut categories = Vec::<(String, Self)>::new();
        let mut by_name = HashMap::new();
        for (section, items) in session.suggestions.sections() {
            let accepted: HashSet<_> = ids_by_ai(session.accepted.section(section)).collect();
            let rejected: HashSet<_> = ids_by_ai(session.rejected.section(section)).collect();
            for item in items {
                let at = *by_name.entry(item.category.as_str()).or_insert_with(|| {
                    categories.push((item.category.clone(), Self::default()));
                    categories.len() - 1
                });
                if let Some((_, counts)) = categories.get_mut(at) {
                    counts.suggestions += 1;
                    counts.accepted += usize::from(accepted.contains(item.id.as_str()));
                    counts.rejected += usize::from(rejected.contains(item.id.as_str()));
                }
            }
        }
        for (_, counts) in &mut categories {
            counts.acceptance_rate = percent(counts.accepted, counts.suggestions);
        }
        Ordered(categories)
    }
}

/// `risk_analysis` and `category_analysis` of the AI suggestions.
pub fn risks_and_categories(session: &Session<'_>) -> (Tally, Tally) {
    // These three are always there, in this order, also when nothing has such a risk.
    let mut risks = Tally::default();
    for level in ["High", "Medium", "Low"] {
        risks.add(level, 0);
    }
    let mut categories = Tally::default();
    for item in session.suggestions.items() {
        risks.add(&item.risk_level, 1);
        categories.add(&item.category, 1);
    }
    (risks, categories)
}

/// How often an action was logged.
pub fn actions(log: &[LogEntry<'_>], action: &str) -> usize {
    log.iter().filter(|entry| entry.action == action).count()
}

/// Times of a review, in minutes with two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReviewTimes {
    /// From the first to the last activity; 0 when no timestamp, or one of them, can't be read.
    pub review_duration: f64,
    /// The duration by the number of sections analysed; 0 when none was.
    pub avg_time_per_section: f64,
}

impl ReviewTimes {
    /// Measures a session by its activity log.
    pub fn of(session: &Session<'_>) -> Self {
        let times: Option<Vec<_>> = session.activities.iter().map(LogEntry::time).collect();
        let times = times.unwrap_or_default();
        let minutes = match (times.iter().min(), times.iter().max()) {
            (Some(first), Some(last)) => last.duration_since(*first).as_secs_f64() / 60.0,
            _ => 0.0,
        };
        let sections = actions(&session.activities, "SECTION_ANALYZED");
        let average = if sections == 0 {
            0.0
        } else {
            minutes / count(sections)
        };
        Self {
            review_duration: two_decimals(minutes),
            avg_time_per_section: two_decimals(average),
        }
    }
}

/// `part` in percent of `whole`, two decimals; 0 when there is no whole.
fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        two_decimals(100.0 * count(part) / count(whole))
    }
}

/// Rounds half away from zero.
pub fn two_decimals(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// A count as a number to divide.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn count(n: usize) -> f64 {
    n as f64
}
