//! What a search of the log is limited to.

use casefile::http::query::{Query, pointer, written};
use casefile::id::TimeId;
use casefile::json::Errors;
use casefile::problem::Problem;
use casefile::time::rfc3339;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::cursor::Cursor;
use super::filter::{Ending, Filter};
use super::window::{DAY, Millis, time};

const MAX_LIMIT: u64 = 200;
const DEFAULT_LIMIT: u64 = 50;
const MAX_DAYS: Millis = 366;
/// In UTF-8; no stored user, collection or path is longer.
const MAX_TEXT_BYTES: usize = 1_024;
/// Nothing is recorded in the future, but the clock of another machine may be this far ahead.
const MAX_AHEAD: Millis = 60 * 1_000;
const PARAMETERS: [&str; 8] = [
    "from",
    "to",
    "user",
    "collection",
    "path",
    "outcome",
    "limit",
    "cursor",
];

/// What a search is limited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// The first millisecond.
    pub(super) from: Millis,
    /// The first millisecond that is too late.
    pub(super) until: Millis,
    /// The records that it shows.
    pub(super) filter: Filter,
    /// How many records a page has.
    pub(super) limit: usize,
    /// Where it goes on.
    cursor: Option<TimeId>,
}

impl Question {
    /// Reads a query. Without `to`, it is about the time up to `now`; without `from`, about the 24 hours before `to`.
    ///
    /// # Errors
    /// `invalid-request` with every wrong parameter.
    pub(super) fn read(raw: &str, now: Timestamp) -> Result<Self, Problem> {
        let mut errors = Errors::default();
        let mut query = Query::read(raw, &mut errors);
        let from = query.value("from", &mut errors, |text| {
            moment(text).map(|moment| moment.first)
        });
        let until = query.value("to", &mut errors, |text| moment(text).map(|moment| moment.next));
        let filter = Filter {
            user: query.value("user", &mut errors, text),
            collection: query.value("collection", &mut errors, text),
            path: query.value("path", &mut errors, text),
            outcome: query.value("outcome", &mut errors, ending),
        };
        let limit = query.number("limit", 1, MAX_LIMIT, &mut errors);
        let cursor = query.value("cursor", &mut errors, |text| {
            Cursor::decode(text).ok_or("must be the next_cursor of an earlier answer")
        });
        query.refuse_rest(&PARAMETERS, &mut errors);
        let until = until.unwrap_or(now.as_millisecond() + 1);
        let from = from
            .or(cursor.map(|cursor| cursor.from))
            .unwrap_or((until - DAY).max(0));
        if cursor.is_none() {
            check(from, until, &mut errors);
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors.into_vec()));
        }
        Ok(Self {
            from,
            until: until.min(now.as_millisecond() + MAX_AHEAD),
            filter,
            limit: usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX),
            cursor: cursor.map(|cursor| cursor.before),
        })
    }

    /// All records of the page have lesser ids.
    pub(super) fn before(&self) -> TimeId {
        let end = TimeId::floor(time(self.until));
        self.cursor.map_or(end, |cursor| cursor.min(end))
    }

    /// The question as records keep it.
    pub(super) fn written(&self) -> String {
        let cursor = self.cursor.map(|before| Cursor {
            before,
            from: self.from,
        });
        written(&[
            ("from", Some(rfc3339(time(self.from)))),
            ("to", Some(rfc3339(time(self.until - 1)))),
            ("user", self.filter.user.clone()),
            ("collection", self.filter.collection.clone()),
            ("path", self.filter.path.clone()),
            (
                "outcome",
                self.filter.outcome.map(|outcome| outcome.name().to_owned()),
            ),
            ("limit", Some(self.limit.to_string())),
            ("cursor", cursor.map(Cursor::encode)),
        ])
    }
}

fn check(from: Millis, until: Millis, errors: &mut Errors) {
    if from >= until {
        errors.add(pointer("from"), "must not be later than to");
    } else if until - from > MAX_DAYS * DAY {
        errors.add(
            pointer("from"),
            format!("must be at most {MAX_DAYS} days before to"),
        );
    }
}

/// A millisecond, or a day of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    first: Millis,
    next: Millis,
}

/// Reads a time (RFC 3339) or a date. Ids know no time before 1970.
fn moment(text: &str) -> Result<Moment, &'static str> {
    let refusal = "must be a time such as 2025-11-14T14:25:10Z or a date such as 2025-11-14, not before 1970";
    let (first, length) = match day(text) {
        Some(day) => (day, DAY),
        None => (
            text.parse::<Timestamp>().map_err(|_| refusal)?.as_millisecond(),
            1,
        ),
    };
    if first < 0 {
        return Err(refusal);
    }
    Ok(Moment {
        first,
        next: first + length,
    })
}

/// The first millisecond of a day, in UTC.
fn day(text: &str) -> Option<Millis> {
    let date: Date = text.parse().ok()?;
    let is_date = date.to_string() == text;
    let start = date.to_zoned(TimeZone::UTC).ok().filter(|_| is_date)?;
    Some(start.timestamp().as_millisecond())
}

fn text(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > MAX_TEXT_BYTES || text.chars().any(char::is_control) {
        return Err(format!(
            "must have 1 to {MAX_TEXT_BYTES} bytes in UTF-8 and no control characters"
        ));
    }
    Ok(text.to_owned())
}

fn ending(text: &str) -> Result<Ending, &'static str> {
    match text {
        "success" => Ok(Ending::Success),
        "failure" => Ok(Ending::Failure),
        _ => Err("must be success or failure"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2025-11-14T12:00:00.5Z".parse().unwrap()
    }

    fn span(raw: &str) -> (String, String) {
        let question = Question::read(raw, now()).unwrap();
        (rfc3339(time(question.from)), rfc3339(time(question.until - 1)))
    }

    fn pointers(raw: &str) -> Vec<String> {
        let problem = Question::read(raw, now()).unwrap_err();
        problem.errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_search_is_about_the_time_asked_for() {
        for (raw, from, to) in [
            ("", "2025-11-13T12:00:00.501Z", "2025-11-14T12:00:00.500Z"),
            (
                "to=2025-11-10",
                "2025-11-10T00:00:00.000Z",
                "2025-11-10T23:59:59.999Z",
            ),
            (
                "from=2025-11-01&to=2025-11-02",
                "2025-11-01T00:00:00.000Z",
                "2025-11-02T23:59:59.999Z",
            ),
            (
                "from=2025-11-14T10:00:00%2B01:00&to=2025-11-14T09:00:00Z",
                "2025-11-14T09:00:00.000Z",
                "2025-11-14T09:00:00.000Z",
            ),
            // The future holds no records.
            (
                "from=2025-11-14&to=2026-11-13",
                "2025-11-14T00:00:00.000Z",
                "2025-11-14T12:01:00.499Z",
            ),
            (
                "to=1970-01-01",
                "1970-01-01T00:00:00.000Z",
                "1970-01-01T23:59:59.999Z",
            ),
        ] {
            assert_eq!(span(raw), (from.to_owned(), to.to_owned()), "{raw}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        assert_eq!(
            pointers(
                "from=yesterday&to=20251114&user=&collection=%00&path=&outcome=ok&limit=0&cursor=x&page=2"
            ),
            [
                "?from",
                "?to",
                "?user",
                "?collection",
                "?path",
                "?outcome",
                "?limit",
                "?cursor",
                "?page"
            ]
        );
        for raw in [
            "from=2025-11-14&to=2025-11-13",
            "from=2024-11-13&to=2025-11-14",
            "from=2026-01-01",
        ] {
            assert_eq!(pointers(raw), ["?from"], "{raw}");
        }
        for raw in ["from=2024-11-14&to=2025-11-14", "from=2025-11-14&to=2025-11-14"] {
            assert!(Question::read(raw, now()).is_ok(), "{raw}");
        }
        assert_eq!(pointers("from=1969-12-31&to=1970-01-01"), ["?from"]);
    }

    #[test]
    fn a_later_page_is_about_the_same_time() {
        let cursor = Cursor {
            before: TimeId::floor(time(1_763_000_000_000)),
            from: 1_762_900_000_000,
        };
        let question = Question::read(&format!("cursor={}", cursor.encode()), now()).unwrap();
        assert_eq!((question.from, question.before()), (cursor.from, cursor.before));
        let late = Question::read(&format!("to=2025-11-12&cursor={}", cursor.encode()), now()).unwrap();
        assert_eq!(
            late.before(),
            TimeId::floor("2025-11-13T00:00:00Z".parse().unwrap())
        );
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(raw in "((from|to|cursor|limit)=([0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{8}Z)?|[0-9]{1,3})&?){0,4}") {
            if let Ok(question) = Question::read(&raw, now()) {
                prop_assert!(question.from >= 0);
                question.written();
            }
        }
    }
}
