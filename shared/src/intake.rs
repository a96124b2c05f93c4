//! What a collection takes from a device that may only put files into `inbox/{collection}/`: which files, where they
//! go, and what is kept of their metadata.

use std::collections::HashMap;
use std::hash::BuildHasher;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::collection::{Collection, FileKind};
use crate::name::FileName;

/// S3 user guide, *Working with object metadata*: 2 KB in all. What is kept beside these names is short.
pub const MAX_METADATA_BYTES: usize = 1_536;
/// A file's name in its place in the layout.
const MAX_NAME_BYTES: usize = 200;

/// Whether a collection takes a file, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// It does.
    Accepted {
        /// The media type that goes with the name.
        content_type: &'static str,
    },
    /// It doesn't, which isn't an error: why.
    Skipped(String),
}

const NO_NAME: &str = "its name is empty, longer than 200 bytes, begins or ends with a blank, or has characters that no \
                       file's name may have: '\\', control or text-direction characters, or what is no character";

/// Whether a collection takes a file of this name, from a device or through the API.
pub fn accept(collection: Collection, name: &str) -> Acceptance {
    if name.len() > MAX_NAME_BYTES || FileName::parse(name).is_err() {
        return Acceptance::Skipped(NO_NAME.to_owned());
    }
    match collection.kind_of(name) {
        Some(kind) => Acceptance::Accepted {
            content_type: kind.content_type(),
        },
        None => Acceptance::Skipped(format!(
            "it is none of what the collection takes: {}",
            collection.takes()
        )),
    }
}

/// The same of a device's delivery, which not every collection takes.
pub fn accept_delivery(collection: Collection, name: &str) -> Acceptance {
    if collection.has_inbox() {
        accept(collection, name)
    } else {
        Acceptance::Skipped("its collection is written to through the API only".to_owned())
    }
}

/// Where a file of this name goes, below its collection: `2025/10/28/{name}` of an ECG report, whose day is what its
/// metadata or else its name says, and else when it was stored. A day that lies more than one after that is not believed:
/// one, since a device may be ahead of UTC. The day is found only where the path has one; whether the file says it itself
/// is the second part of the answer.
pub fn path<S: BuildHasher>(
    collection: Collection,
    name: &str,
    metadata: &HashMap<String, String, S>,
    stored: Timestamp,
) -> (String, Dated) {
    let stored = utc(stored).date();
    let last = stored.saturating_add(1.day());
    let told = collection.date_from().and_then(|field| {
        let value = metadata
            .get(field)
            .or_else(|| metadata.get(&field.replace('_', "-")))?;
        day_of(value).filter(|day| *day <= last)
    });
    let (day, dated) = match told.or_else(|| day_in_name(name, last)) {
        Some(day) => (day, Dated::ByItself),
        None => (stored, Dated::ByArrival),
    };
    let folder = collection.kind_of(name).map_or("", FileKind::folder);
    let dated = if collection.dated_chars() == 0 {
        Dated::Never
    } else {
        dated
    };
    (collection.new_path(folder, day, name), dated)
}

/// What the date in a path comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dated {
    /// The file's metadata or its name.
    ByItself,
    /// The time of its arrival: the same file has another path on another day.
    ByArrival,
    /// The path has none.
    Never,
}

/// The metadata that a collection keeps, by its own names; a device may write `-` for `_`. Values that aren't ASCII are
/// left as they came, encoded.
pub fn kept_metadata<S: BuildHasher>(
    collection: Collection,
    metadata: &HashMap<String, String, S>,
) -> Vec<(&'static str, String)> {
    let mut room = MAX_METADATA_BYTES;
    let found = collection.metadata().iter().filter_map(|field| {
        let value = metadata
            .get(field.name)
            .or_else(|| metadata.get(&field.name.replace('_', "-")))?;
        Some((field.name, value.clone()))
    });
    let is_sendable = |value: &str| value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    found
        .filter(|(_, value)| is_sendable(value))
        .filter(|(name, value)| {
            let fits = name.len() + value.len() <= room;
            room -= if fits { name.len() + value.len() } else { 0 };
            fits
        })
        .collect()
}

/// The day that the path of a document says, as far as it says one; the first of its month or year, and of the year 2000
/// where it says nothing.
pub fn day_of_path(collection: Collection, path: &str) -> Date {
    collection
        .day_of_path(path)
        .unwrap_or(jiff::civil::date(2000, 1, 1))
}

/// When a list says that a document was stored at `stored`: then, if that lies within the time that its path says, and
/// else at that time of the path's day, so that those whose paths begin alike stand together.
pub fn listed_time(collection: Collection, path: &str, stored: Timestamp) -> Timestamp {
    let Some(day) = collection.day_of_path(path) else {
        return stored;
    };
    let stored_path = collection.new_path("", utc(stored).date(), "");
    let dated = collection.dated_chars();
    if path.get(..dated).is_some() && path.get(..dated) == stored_path.get(..dated) {
        return stored;
    }
    let listed = day.to_datetime(utc(stored).time()).to_zoned(TimeZone::UTC);
    listed.map_or(stored, |listed| listed.timestamp())
}

fn believable(year: Option<i16>, month: Option<i8>, day: Option<i8>) -> Option<Date> {
    Date::new(year?, month?, day?)
        .ok()
        .filter(|date| date.year() >= 1900)
}

fn utc(time: Timestamp) -> DateTime {
    time.to_zoned(TimeZone::UTC).datetime()
}

/// `2025-10-28`, `20251028`, or either with a time behind it.
fn day_of(text: &str) -> Option<Date> {
    let digits: String = text.chars().filter(char::is_ascii_digit).take(8).collect();
    day_of_digits(&digits)
}

/// The first eight digits in a row that are a day, up to `last`.
fn day_in_name(name: &str, last: Date) -> Option<Date> {
    let mut runs = name.split(|c: char| !c.is_ascii_digit());
    runs.find_map(|run| day_of_digits(run.get(..8)?).filter(|day| *day <= last))
}

fn day_of_digits(digits: &str) -> Option<Date> {
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    let small = |from, to| part(from, to).and_then(|number| i8::try_from(number).ok());
    let is_whole = digits.len() == 8;
    believable(part(0, 4), small(4, 6), small(6, 8)).filter(|_| is_whole)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn metadata(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn stored() -> Timestamp {
        "2025-11-14T23:59:59Z".parse().unwrap()
    }

    #[test]
    fn an_ecg_report_is_told_by_its_name_in_any_case() {
        for (name, content_type) in [
            ("ECG_Report_20251028_143022.pdf", "application/pdf"),
            ("REPORT.PDF", "application/pdf"),
            ("metrics_20251028_143022.json", "application/json"),
            ("my-report.json", "application/json"),
        ] {
            let accepted = Acceptance::Accepted { content_type };
            assert_eq!(accept(Collection::ecg_reports(), name), accepted, "{name}");
        }
        for name in [
            "crash_logs.json",
            "session_20251028.log",
            "scan.pdf",
            "report.docx",
            "",
            "report.json.pdf ",
            "reports\\report.pdf",
            "report\u{202e}fdp.pdf",
            "report\u{ffff}.pdf",
            "report\u{7f}.pdf",
        ] {
            let acceptance = accept(Collection::ecg_reports(), name);
            assert!(matches!(acceptance, Acceptance::Skipped(_)), "{name}");
        }
        assert!(matches!(
            accept_delivery(Collection::bols(), "PRT-2025-0042.pdf"),
            Acceptance::Skipped(_)
        ));
    }

    #[test]
    fn an_ecg_report_s_day_is_told_by_its_metadata_then_its_name_then_its_arrival() {
        let told = metadata(&[("report_date", "2025-10-28")]);
        for (name, metadata, expected) in [
            ("report_20251027_1.pdf", &told, "2025/10/28/report_20251027_1.pdf"),
            (
                "report_20251027_1.pdf",
                &HashMap::new(),
                "2025/10/27/report_20251027_1.pdf",
            ),
            (
                "report_20259999.pdf",
                &HashMap::new(),
                "2025/11/14/report_20259999.pdf",
            ),
            ("report.pdf", &metadata_of_nonsense(), "2025/11/14/report.pdf"),
            (
                "report.pdf",
                &metadata(&[("report-date", "2025-10-28")]),
                "2025/10/28/report.pdf",
            ),
        ] {
            assert_eq!(
                path(Collection::ecg_reports(), name, metadata, stored()).0,
                expected
            );
        }
    }

    #[test]
    fn a_day_that_has_yet_to_come_is_not_believed() {
        let filed = |name: &str, date: &str| {
            let metadata = metadata(&[("report_date", date)]);
            let (path, _) = path(Collection::ecg_reports(), name, &metadata, stored());
            path.strip_suffix(name).unwrap().to_owned()
        };
        // Stored on 14 November in UTC, which may be the day after elsewhere.
        assert_eq!(filed("report.pdf", "2025-11-15"), "2025/11/15/");
        assert_eq!(filed("report.pdf", "2025-11-16"), "2025/11/14/");
        assert_eq!(filed("report_20251001.pdf", "9999-12-31"), "2025/10/01/");
        assert_eq!(filed("report_99991231_20251001.pdf", "-"), "2025/10/01/");
        assert_eq!(filed("report_20260101.pdf", "2125-11-14"), "2025/11/14/");
        let late: Timestamp = Timestamp::MAX;
        path(Collection::ecg_reports(), "report.pdf", &metadata(&[]), late);
    }

    fn metadata_of_nonsense() -> HashMap<String, String> {
        metadata(&[("report_date", "yesterday")])
    }

    #[test]
    fn only_a_collection_s_own_metadata_is_kept() {
        let given = metadata(&[
            ("patient_name", "Jane Doe"),
            ("heart-rate", "72"),
            ("operator_login", "nurse7"),
            ("tenant", "another"),
            ("qrs_axis", "3\n8"),
        ]);
        let kept = kept_metadata(Collection::ecg_reports(), &given);
        let expected = [("patient_name", "Jane Doe"), ("heart_rate", "72")];
        assert_eq!(kept, expected.map(|(name, value)| (name, value.to_owned())));
        assert!(kept_metadata(Collection::clinical(), &given).is_empty());
        let long = metadata(&[("patient_name", &"x".repeat(1_600)), ("heart_rate", "72")]);
        assert_eq!(kept_metadata(Collection::ecg_reports(), &long).len(), 1);
    }

    #[test]
    fn a_document_s_day_is_what_its_path_says() {
        for (collection, path, day) in [
            (Collection::reviews(), "20251114_142510_a", "2025-11-14"),
            (Collection::ecg_reports(), "2025/10/28/x.pdf", "2025-10-28"),
            (Collection::ecg_reports(), "2025/13/28/x.pdf", "2000-01-01"),
            (Collection::training_logs(), "2024/03/x.log", "2024-03-01"),
            (Collection::bols(), "2025/PRT-2025-0042.pdf", "2025-01-01"),
            (Collection::clinical(), "parquet/20251114.parquet", "2000-01-01"),
        ] {
            assert_eq!(day_of_path(collection, path).to_string(), day, "{path}");
        }
    }

    #[test]
    fn a_document_is_listed_when_it_was_stored_or_on_the_day_of_its_path() {
        let listed = |collection, path: &str| listed_time(collection, path, stored()).to_string();
        for (collection, path, expected) in [
            (
                Collection::ecg_reports(),
                "2025/11/14/x.pdf",
                "2025-11-14T23:59:59Z",
            ),
            (
                Collection::ecg_reports(),
                "2025/10/28/x.pdf",
                "2025-10-28T23:59:59Z",
            ),
            (
                Collection::bols(),
                "2025/PRT-2025-0042.pdf",
                "2025-11-14T23:59:59Z",
            ),
            (
                Collection::bols(),
                "2024/PRT-2024-0042.pdf",
                "2024-01-01T23:59:59Z",
            ),
            (
                Collection::training_logs(),
                "2024/03/x.log",
                "2024-03-01T23:59:59Z",
            ),
            (
                Collection::clinical(),
                "parquet/20240101.parquet",
                "2025-11-14T23:59:59Z",
            ),
        ] {
            assert_eq!(listed(collection, path), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_name_and_no_metadata_is_too_odd(name in any::<String>(), date in any::<String>()) {
            for collection in Collection::all() {
                let metadata = metadata(&[("report_date", &date)]);
                let _ = accept(collection, &name);
                let (path, _) = path(collection, &name, &metadata, stored());
                prop_assert!(path.contains(&name) || !collection.takes_files());
                let _ = day_of_path(collection, &path);
            }
        }
    }
}
