//! What the commands show: for a person, or in JSON.

use std::fmt::Write as _;

use casefile::bol::{BolNumber, Series, State};
use casefile::time::rfc3339;
use serde_json::{Value, json};

use super::check::Check;
use crate::tree::printable;

/// Hexadecimal digits shown of a request: enough to tell it from others.
const REQUEST_DIGITS: usize = 16;

/// A series as it stands.
pub(super) struct View<'a> {
    pub(super) series: &'a Series,
    pub(super) state: &'a State,
    /// Which of the open numbers have a document.
    pub(super) used: &'a [u32],
    pub(super) check: Option<&'a Check>,
}

impl View<'_> {
    pub(super) fn json(&self) -> String {
        let Self { series, state, .. } = self;
        let number = |count| state.number(series, count);
        let open = state.open().iter().map(|open| {
            json!({
                "number": number(open.number), "request": open.request, "since": open.since,
                "is_stored": self.used.contains(&open.number),
            })
        });
        let void = state.void().iter().map(
            |void| json!({"number": number(void.number), "reason": void.reason, "by": void.by, "at": void.at}),
        );
        let former = state.former().iter().map(|former| {
            json!({"from": number(former.from), "to": number(former.to), "by": former.by, "at": former.at})
        });
        pretty(&json!({
            "series": series,
            "next": number(state.next()),
            "open": open.collect::<Vec<_>>(),
            "void": void.collect::<Vec<_>>(),
            "former": former.collect::<Vec<_>>(),
            "check": self.check,
        }))
    }

    pub(super) fn text(&self) -> String {
        let Self { series, state, .. } = self;
        let number = |count| state.number(series, count);
        let mut out = format!("the next number is {}\n", number(state.next()));
        for former in state.former() {
            let (from, to) = (number(former.from), number(former.to));
            let (by, at) = (printable(&former.by), rfc3339(former.at));
            let _ = writeln!(out, "another system's: {from} to {to}, says {by}, {at}");
        }
        let _ = writeln!(out, "open: {}", state.open().len());
        for open in state.open() {
            let request: String = open.request.to_string().chars().take(REQUEST_DIGITS).collect();
            let stored = if self.used.contains(&open.number) {
                "stored"
            } else {
                "not stored"
            };
            let since = rfc3339(open.since);
            let _ = writeln!(
                out,
                "    {}  since {since}  request {request}  {stored}",
                number(open.number)
            );
        }
        let _ = writeln!(out, "void: {}", state.void().len());
        for void in state.void() {
            let (by, reason) = (printable(&void.by), printable(&void.reason));
            let _ = writeln!(
                out,
                "    {}  {}  {by}: {reason}",
                number(void.number),
                rfc3339(void.at)
            );
        }
        if let Some(check) = self.check {
            out.push_str(&checked(check));
        }
        out
    }
}

fn checked(check: &Check) -> String {
    let mut out = format!("stored: {}\n", check.stored);
    let mut list = |what: &str, numbers: &[BolNumber]| {
        if !numbers.is_empty() {
            let _ = writeln!(out, "{what}: {}", ranges(numbers));
        }
    };
    list("beyond the next number, stored by their numbers", &check.beyond);
    list("VOID, AND STORED", &check.void_and_stored);
    list("MISSING", &check.missing);
    for key in &check.unknown {
        let _ = writeln!(out, "NO NUMBER OF THE SERIES: {}", printable(key));
    }
    if check.holds() {
        out.push_str("no number is missing\n");
    }
    out
}

/// `PRT-2025-0003, PRT-2025-0007 to PRT-2025-0012`.
fn ranges(numbers: &[BolNumber]) -> String {
    let runs = numbers.chunk_by(|a, b| a.count().checked_add(1) == Some(b.count()));
    let runs = runs.map(|run| match run {
        [first, .., last] => format!("{first} to {last}"),
        run => run.iter().map(BolNumber::to_string).collect(),
    });
    runs.collect::<Vec<_>>().join(", ")
}

pub(super) fn set(next: &BolNumber, is_json: bool) -> String {
    if is_json {
        return pretty(&json!({ "next": next }));
    }
    format!("the next number is {next}\n")
}

pub(super) fn void(number: &BolNumber, is_json: bool) -> String {
    if is_json {
        return pretty(&json!({ "void": number }));
    }
    format!("void: {number}\n")
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use casefile::digest::Sha256;

    use super::*;

    #[test]
    fn a_series_is_shown_with_what_is_to_be_looked_into() {
        let series = Series::parse("PRT-2025").unwrap();
        let at = "2025-11-14T14:25:10Z";
        let state: State = serde_json::from_value(json!({
            "width": 4, "next": 9, "changes": 1,
            "former": [{"from": 1, "to": 2, "by": "olga", "at": at}],
            "open": [
                {"number": 3, "request": Sha256::of(b"x"), "since": at},
                {"number": 4, "request": Sha256::of(b"y"), "since": at},
            ],
            "void": [{"number": 5, "reason": "withdrawn\u{1b}[2J", "by": "olga", "at": at}],
        }))
        .unwrap();
        let check = Check::new(&series, &state, vec!["bols/2025/PRT-2025-0012.pdf".to_owned()]);
        let view = View {
            series: &series,
            state: &state,
            used: &[4],
            check: Some(&check),
        };
        assert_eq!(
            view.text(),
            "the next number is PRT-2025-0009\n\
             another system's: PRT-2025-0001 to PRT-2025-0002, says olga, 2025-11-14T14:25:10.000Z\n\
             open: 2\n    \
                 PRT-2025-0003  since 2025-11-14T14:25:10.000Z  request 2d711642b726b044  not stored\n    \
                 PRT-2025-0004  since 2025-11-14T14:25:10.000Z  request a1fce4363854ff88  stored\n\
             void: 1\n    \
                 PRT-2025-0005  2025-11-14T14:25:10.000Z  olga: withdrawn\u{fffd}[2J\n\
             stored: 0\n\
             beyond the next number, stored by their numbers: PRT-2025-0012\n\
             MISSING: PRT-2025-0006 to PRT-2025-0008\n"
        );
        let json: Value = serde_json::from_str(&view.json()).unwrap();
        assert_eq!(json["next"], "PRT-2025-0009");
        assert_eq!(json["open"][1]["is_stored"], true);
        assert_eq!(
            json["check"]["missing"],
            json!(["PRT-2025-0006", "PRT-2025-0007", "PRT-2025-0008"])
        );
    }
}
