//! What the index takes from a session's report.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::index::Acceptance;

/// Those with the most suggestions.
const MAX_CATEGORIES: usize = 100;
/// In bytes. A longer name is a text, and none that sessions have in common.
const MAX_NAME: usize = 200;

/// The numbers of `comprehensive_report.json`.
#[derive(Debug, Default, PartialEq, Deserialize)]
pub(super) struct Report {
    #[serde(default)]
    pub(super) summary_statistics: Map<String, Value>,
    /// Reports of older versions have none.
    #[serde(default, deserialize_with = "most_frequent")]
    pub(super) category_acceptance: BTreeMap<String, Acceptance>,
}

impl Report {
    /// Nothing where it is no such report.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }
}

/// Of what is no count nothing is told, and the rest of the report stands.
fn most_frequent<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Acceptance>, D::Error> {
    let Value::Object(all) = Value::deserialize(from)? else {
        return Ok(BTreeMap::new());
    };
    let mut named: Vec<_> = all
        .into_iter()
        .filter(|(name, _)| name.len() <= MAX_NAME)
        .filter_map(|(name, counts)| Some((name, Acceptance::deserialize(counts).ok()?)))
        .collect();
    named.sort_by(|(one, of_one), (other, of_other)| {
        (Reverse(of_one.suggestions), one).cmp(&(Reverse(of_other.suggestions), other))
    });
    named.truncate(MAX_CATEGORIES);
    Ok(named.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(report: &Value) -> Report {
        Report::parse(report.to_string().as_bytes())
    }

    #[test]
    fn an_older_report_has_statistics_and_no_categories() {
        let report = parse(
            &json!({"summary_statistics": {"total_accepted": 7}, "category_analysis": {"Timeline": 1}}),
        );
        assert_eq!(report.summary_statistics["total_accepted"], 7);
        assert!(report.category_acceptance.is_empty());
    }

    #[test]
    fn of_many_categories_the_most_frequent_are_kept() {
        let counts =
            |n: usize| json!({"suggestions": n, "accepted": 1, "rejected": 0, "acceptance_rate": 1.5});
        let mut categories: Map<_, _> = (1..=150).map(|n| (format!("c{n}"), counts(n))).collect();
        categories.insert("x".repeat(MAX_NAME + 1), counts(1000));
        let report = parse(&json!({"category_acceptance": categories}));
        let kept: Vec<_> = report
            .category_acceptance
            .values()
            .map(|counts| counts.suggestions)
            .collect();
        assert_eq!(kept.len(), MAX_CATEGORIES);
        assert_eq!(kept.iter().min(), Some(&51));
        assert_eq!(kept.iter().max(), Some(&150));
    }

    #[test]
    fn what_is_no_number_costs_nothing_else() {
        assert_eq!(Report::parse(b"[]"), Report::default());
        for odd in [json!(null), json!(["a"]), json!({"a": {"suggestions": -1}})] {
            let report =
                parse(&json!({"summary_statistics": {"total_accepted": 7}, "category_acceptance": odd}));
            assert_eq!(report.summary_statistics["total_accepted"], 7);
            assert!(report.category_acceptance.is_empty());
        }
    }
}
