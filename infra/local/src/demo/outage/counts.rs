//! The outcome: what was asked, answered, kept, sent on and found.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Kind;
use super::asked::Asked;
use super::found::{Found, Place};
use super::replay::Sent;
use crate::demo::table;

/// The answers that callers got, repeats and all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// 201, or 200 for a repeat: stored.
    pub stored: usize,
    /// 202: kept, to be sent on.
    pub kept: usize,
    /// 503, or 429: to be repeated.
    pub refused: usize,
    /// Another failure of the service.
    pub failed: usize,
    /// How long the longest took.
    pub slowest: Duration,
}

impl Answers {
    pub(super) fn add(&mut self, status: u16, after: Duration) {
        match status {
            200 | 201 => self.stored += 1,
            202 => self.kept += 1,
            429 | 503 => self.refused += 1,
            _ => self.failed += 1,
        }
        self.slowest = self.slowest.max(after);
    }

    pub(super) fn of_all<'a>(answers: impl Iterator<Item = &'a Self>) -> Self {
        answers.fold(Self::default(), |all, one| Self {
            stored: all.stored + one.stored,
            kept: all.kept + one.kept,
            refused: all.refused + one.refused,
            failed: all.failed + one.failed,
            slowest: all.slowest.max(one.slowest),
        })
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stored, kept, refused) = (self.stored, self.kept, self.refused);
        write!(f, "{stored} stored, {kept} kept, {refused} refused")
    }
}

/// What became of the exports of one kind, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// How many were asked for.
    pub asked: usize,
    /// What their callers were told.
    pub answers: Answers,
    /// How many of those that were kept were sent on.
    pub sent: usize,
    /// How many are complete in S3.
    pub complete: usize,
    /// How many are there more than once.
    pub twice: usize,
}

/// What became of all exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    rows: BTreeMap<Kind, Row>,
    missing: Vec<String>,
}

impl Counts {
    pub(super) fn new(
        asked: &[Asked],
        answers: &BTreeMap<Kind, Answers>,
        found: &Found,
        sent: &Sent,
    ) -> Self {
        let mut rows: BTreeMap<_, _> = Kind::ALL.map(|kind| (kind, Row::default())).into();
        let mut missing = Vec::new();
        for asked in asked {
            let row = rows.entry(asked.kind).or_default();
            let places = found.get(&asked.id).map_or(&[][..], Vec::as_slice);
            let complete = places.iter().any(|place| is_complete(asked, place));
            if !complete {
                missing.push(asked.id.clone());
            }
            row.asked += 1;
            row.complete += usize::from(complete);
            row.twice += usize::from(places.len() > 1);
        }
        for (kind, row) in &mut rows {
            row.answers = answers.get(kind).cloned().unwrap_or_default();
            row.sent = sent.get(kind.collection()).copied().unwrap_or_default();
        }
        Self { rows, missing }
    }

    /// What became of one kind.
    pub fn of(&self, kind: Kind) -> Row {
        self.rows.get(&kind).cloned().unwrap_or_default()
    }

    /// What became of all kinds.
    pub fn total(&self) -> Row {
        let sum = |part: fn(&Row) -> usize| self.rows.values().map(part).sum();
        Row {
            asked: sum(|row| row.asked),
            answers: Answers::of_all(self.rows.values().map(|row| &row.answers)),
            sent: sum(|row| row.sent),
            complete: sum(|row| row.complete),
            twice: sum(|row| row.twice),
        }
    }

    /// How many exports were asked for and aren't complete in S3.
    pub fn lost(&self) -> usize {
        self.missing.len()
    }

    /// The ids of those, in the order in which they were asked for.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// How many exports are in S3 more than once.
    pub fn twice(&self) -> usize {
        self.total().twice
    }

    /// How long the longest answer took.
    pub fn slowest(&self) -> Duration {
        self.total().answers.slowest
    }

    pub(super) fn render(&self) -> String {
        let rows = self.rows.iter().map(|(kind, row)| row.cells(kind.collection()));
        let rows: Vec<_> = rows.chain([self.total().cells("all")]).collect();
        table::render(HEAD, [13, 7, 10, 8, 12, 10, 8, 11, 5], &rows)
    }
}

const HEAD: [&str; 9] = [
    "exports",
    "asked",
    "stored 201",
    "kept 202",
    "refused 503",
    "longest",
    "sent on",
    "complete",
    "lost",
];

impl Row {
    /// How many were asked for and aren't complete in S3.
    pub fn lost(&self) -> usize {
        self.asked - self.complete
    }

    fn cells(&self, name: &str) -> [String; 9] {
        [
            name.to_owned(),
            self.asked.to_string(),
            self.answers.stored.to_string(),
            self.answers.kept.to_string(),
            self.answers.refused.to_string(),
            format!("{:.1} s", self.answers.slowest.as_secs_f64()),
            self.sent.to_string(),
            self.complete.to_string(),
            self.lost().to_string(),
        ]
    }
}

/// What lies there is what was sent, where that can be told.
fn is_complete(asked: &Asked, place: &Place) -> bool {
    asked.sha256.is_none() || asked.sha256 == place.sha256
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use casefile::digest::Sha256;

    use super::*;

    fn asked(kind: Kind, id: &str, content: Option<&[u8]>) -> Asked {
        Asked {
            kind,
            id: id.to_owned(),
            body: Bytes::new(),
            sha256: content.map(Sha256::of),
        }
    }

    fn at(id: &str, contents: &[&[u8]]) -> (String, Vec<Place>) {
        let places = contents.iter().map(|content| Place {
            key: id.to_owned(),
            sha256: Some(Sha256::of(content)),
        });
        (id.to_owned(), places.collect())
    }

    #[test]
    fn what_is_missing_or_other_than_sent_is_lost_and_what_is_there_twice_is_told() {
        let asked = [
            asked(Kind::Review, "a", None),
            asked(Kind::Review, "b", None),
            asked(Kind::Bol, "c", None),
            asked(Kind::EcgReport, "d", Some(b"d")),
            asked(Kind::EcgReport, "e", Some(b"e")),
        ];
        let found = [
            at("a", &[b"1"]),
            at("c", &[b"1", b"2"]),
            at("d", &[b"d"]),
            at("e", &[b"x"]),
        ];
        let mut answers = Answers::default();
        for (status, seconds) in [(503, 3), (202, 20), (201, 1)] {
            answers.add(status, Duration::from_secs(seconds));
        }
        let sent = [("reviews".to_owned(), 1)].into();
        let counts = Counts::new(&asked, &[(Kind::Review, answers)].into(), &found.into(), &sent);
        assert_eq!((counts.lost(), counts.twice()), (2, 1));
        assert_eq!(counts.missing(), ["b", "e"]);
        assert_eq!(counts.slowest(), Duration::from_secs(20));
        let expected = "\
exports        asked  stored 201  kept 202  refused 503  longest  sent on  complete  lost
─────────────  ─────  ──────────  ────────  ───────────  ───────  ───────  ────────  ────
reviews        2      1           1         1            20.0 s   1        1         1
bols           1      0           0         0            0.0 s    0        1         0
ecg-reports    2      0           0         0            0.0 s    0        1         1
training-logs  0      0           0         0            0.0 s    0        0         0
all            5      1           1         1            20.0 s   1        3         2
";
        assert_eq!(counts.render(), expected);
    }
}
