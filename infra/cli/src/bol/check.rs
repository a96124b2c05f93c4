//! Whether every number of a series has its document, or a reason to have none.

use std::collections::BTreeMap;

use casefile::bol::{BolNumber, Series, State};
use serde::Serialize;

/// What the documents of a series say about its numbers.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// Documents of numbers that were given out.
    pub(super) stored: usize,
    /// Numbers that were given out, and are neither stored, open nor void.
    pub(super) missing: Vec<BolNumber>,
    /// Void numbers that have a document all the same.
    pub(super) void_and_stored: Vec<BolNumber>,
    /// Documents from the next number on: they were stored by their numbers.
    pub(super) beyond: Vec<BolNumber>,
    /// Keys that are no number as the series spells them.
    pub(super) unknown: Vec<String>,
}

impl Check {
    pub(super) fn new(series: &Series, state: &State, keys: Vec<String>) -> Self {
        let mut check = Self::default();
        let mut stored = BTreeMap::new();
        for key in keys {
            let name = key.rsplit('/').next().and_then(|name| name.strip_suffix(".pdf"));
            let number = name.and_then(BolNumber::parse);
            // Of a series whose prefix begins with this one's.
            if number.as_ref().is_some_and(|number| number.series() != series) {
                continue;
            }
            match number.filter(|number| state.number(series, number.count()) == *number) {
                Some(number) => {
                    stored.insert(number.count(), number);
                }
                None => check.unknown.push(key),
            }
        }
        let beyond = stored.split_off(&state.next());
        check.stored = stored.len();
        check.beyond = beyond.into_values().collect();
        for count in 1..state.next() {
            let is_stored = stored.contains_key(&count);
            let has_reason = state.is_void(count) || state.is_open(count) || state.is_former(count);
            if is_stored && state.is_void(count) {
                check.void_and_stored.push(state.number(series, count));
            } else if !is_stored && !has_reason {
                check.missing.push(state.number(series, count));
            }
        }
        check
    }

    /// Documents beyond the next number are passed over when it comes to them: nothing is wrong with them.
    pub(super) fn holds(&self) -> bool {
        self.missing.is_empty() && self.void_and_stored.is_empty() && self.unknown.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use casefile::bol::Void;
    use casefile::digest::Sha256;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_number_is_stored_open_void_another_system_s_or_missing() {
        let series = Series::parse("PRT-2025").unwrap();
        let at = "2025-11-14T14:25:10Z";
        let void = |number| Void {
            number,
            reason: "x".to_owned(),
            by: "olga".to_owned(),
            at: at.parse().unwrap(),
        };
        let state: State = serde_json::from_value(json!({
            "width": 4, "next": 9, "changes": 1,
            "former": [{"from": 1, "to": 2, "by": "olga", "at": at}],
            "open": [{"number": 3, "request": Sha256::of(b"x"), "since": at}],
            "void": [void(4), void(5)],
        }))
        .unwrap();
        let keys = ["0002", "0005", "0007", "0012", "00008", "draft"];
        let keys = keys.map(|number| format!("bols/2025/PRT-2025-{number}.pdf"));
        let check = Check::new(&series, &state, keys.into());
        let numbers =
            |counts: &[u32]| -> Vec<_> { counts.iter().map(|count| state.number(&series, *count)).collect() };
        assert_eq!(
            check,
            Check {
                stored: 3,
                missing: numbers(&[6, 8]),
                void_and_stored: numbers(&[5]),
                beyond: numbers(&[12]),
                unknown: ["00008", "draft"]
                    .map(|number| format!("bols/2025/PRT-2025-{number}.pdf"))
                    .into(),
            }
        );
        assert!(!check.holds());
    }
}
