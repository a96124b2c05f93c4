//! What a collection takes from a device that may only put files into `inbox/{collection}/`: which files, where they
//! go, and what is kept of their metadata.

use std::collections::HashMap;
use std::hash::BuildHasher;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::collection::Collection;
use crate::name::FileName;

/// S3 user guide, *Working with object metadata*: 2 KB in all. What is kept beside these names is short.
const MAX_METADATA_BYTES: usize = 1_536;
/// A file's name in its place in the layout.
const MAX_NAME_BYTES: usize = 200;

/// What is kept of an ECG report's metadata.
const ECG_METADATA: [&str; 10] = [
    "patient_name",
    "patient_age",
    "report_date",
    "machine_serial",
    "heart_rate",
    "pr_interval",
    "qrs_duration",
    "qtc_interval",
    "st_segment",
    "qrs_axis",
];

/// Whether a collection takes a file, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// It does.
    Accepted {
        /// The media type that goes with the name.
        content_type: &'static str,
    },
    /// It doesn't, which isn't an error: why.
    Skipped(&'static str),
}

const NO_NAME: &str = "its name is empty, longer than 200 bytes, begins or ends with a blank, or has characters that no \
                       file's name may have: '\\', control or text-direction characters, or what is no character";

/// Whether a collection takes a file of this name from a device.
pub fn accept(collection: Collection, name: &str) -> Acceptance {
    let lower = name.to_lowercase();
    let ends = |extension: &str| lower.ends_with(extension);
    let accepted = |content_type| Acceptance::Accepted { content_type };
    if name.len() > MAX_NAME_BYTES || FileName::parse(name).is_err() {
        return Acceptance::Skipped(NO_NAME);
    }
    match collection {
        Collection::EcgReports if ends(".pdf") && lower.contains("report") => accepted("application/pdf"),
        Collection::EcgReports if ends(".json") && (lower.contains("metric") || lower.contains("report")) => {
            accepted("application/json")
        }
        Collection::EcgReports => {
            Acceptance::Skipped("its name is neither that of a report (.pdf, .json) nor of metrics (.json)")
        }
        Collection::Clinical if ends(".json") => accepted("application/json"),
        Collection::Clinical if ends(".parquet") => accepted("application/vnd.apache.parquet"),
        Collection::Clinical => {
            Acceptance::Skipped("it is neither a table (.parquet) nor a snapshot (.json)")
        }
        Collection::Reviews | Collection::Bols | Collection::TrainingLogs => {
            Acceptance::Skipped("its collection is written to through the API only")
        }
    }
}

/// Where a file of this name goes, below its collection: `2025/10/28/{name}` of an ECG report, whose day is what its
/// metadata or else its name says, and else when it was stored. A day that lies more than one after that is not believed:
/// one, since a device may be ahead of UTC.
pub fn path<S: BuildHasher>(
    collection: Collection,
    name: &str,
    metadata: &HashMap<String, String, S>,
    stored: Timestamp,
) -> String {
    match collection {
        Collection::EcgReports => {
            let stored = utc(stored).date();
            let last = stored.saturating_add(1.day());
            let told = ["report_date", "report-date"].into_iter().find_map(|name| {
                let day = day_of(metadata.get(name)?);
                day.filter(|day| *day <= last)
            });
            let day = told.or_else(|| day_in_name(name, last)).unwrap_or(stored);
            format!("{}/{name}", day.strftime("%Y/%m/%d"))
        }
        Collection::Clinical if name.to_lowercase().ends_with(".parquet") => format!("parquet/{name}"),
        Collection::Clinical => format!("snapshots/{name}"),
        Collection::Reviews | Collection::Bols | Collection::TrainingLogs => name.to_owned(),
    }
}

/// The metadata that a collection keeps, by its own names; a device may write `-` for `_`. Values that aren't ASCII are
/// left as they came, encoded.
pub fn kept_metadata<S: BuildHasher>(
    collection: Collection,
    metadata: &HashMap<String, String, S>,
) -> Vec<(&'static str, String)> {
    let names: &[&'static str] = match collection {
        Collection::EcgReports => &ECG_METADATA,
        Collection::Reviews | Collection::Bols | Collection::TrainingLogs | Collection::Clinical => &[],
    };
    let mut room = MAX_METADATA_BYTES;
    let found = names.iter().filter_map(|name| {
        let value = metadata
            .get(*name)
            .or_else(|| metadata.get(&name.replace('_', "-")))?;
        Some((*name, value.clone()))
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
    let digits = |from: usize, to: usize| path.get(from..to).and_then(|text| text.parse::<i16>().ok());
    let small = |from, to| digits(from, to).and_then(|number| i8::try_from(number).ok());
    let day = match collection {
        Collection::Reviews => new(digits(0, 4), small(4, 6), small(6, 8)),
        Collection::EcgReports => new(digits(0, 4), small(5, 7), small(8, 10)),
        Collection::TrainingLogs => new(digits(0, 4), small(5, 7), Some(1)),
        Collection::Bols => new(digits(0, 4), Some(1), Some(1)),
        Collection::Clinical => None,
    };
    day.unwrap_or(jiff::civil::date(2000, 1, 1))
}

fn new(year: Option<i16>, month: Option<i8>, day: Option<i8>) -> Option<Date> {
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
    new(part(0, 4), small(4, 6), small(6, 8)).filter(|_| is_whole)
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
            assert_eq!(accept(Collection::EcgReports, name), accepted, "{name}");
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
            let acceptance = accept(Collection::EcgReports, name);
            assert!(matches!(acceptance, Acceptance::Skipped(_)), "{name}");
        }
        assert!(matches!(
            accept(Collection::Bols, "PRT-2025-0042.pdf"),
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
            assert_eq!(path(Collection::EcgReports, name, metadata, stored()), expected);
        }
    }

    #[test]
    fn a_day_that_has_yet_to_come_is_not_believed() {
        let filed = |name: &str, date: &str| {
            let metadata = metadata(&[("report_date", date)]);
            let path = path(Collection::EcgReports, name, &metadata, stored());
            path.strip_suffix(name).unwrap().to_owned()
        };
        // Stored on 14 November in UTC, which may be the day after elsewhere.
        assert_eq!(filed("report.pdf", "2025-11-15"), "2025/11/15/");
        assert_eq!(filed("report.pdf", "2025-11-16"), "2025/11/14/");
        assert_eq!(filed("report_20251001.pdf", "9999-12-31"), "2025/10/01/");
        assert_eq!(filed("report_99991231_20251001.pdf", "-"), "2025/10/01/");
        assert_eq!(filed("report_20260101.pdf", "2125-11-14"), "2025/11/14/");
        let late: Timestamp = Timestamp::MAX;
        path(Collection::EcgReports, "report.pdf", &metadata(&[]), late);
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
        let kept = kept_metadata(Collection::EcgReports, &given);
        let expected = [("patient_name", "Jane Doe"), ("heart_rate", "72")];
        assert_eq!(kept, expected.map(|(name, value)| (name, value.to_owned())));
        assert!(kept_metadata(Collection::Clinical, &given).is_empty());
        let long = metadata(&[("patient_name", &"x".repeat(1_600)), ("heart_rate", "72")]);
        assert_eq!(kept_metadata(Collection::EcgReports, &long).len(), 1);
    }

    #[test]
    fn a_document_s_day_is_what_its_path_says() {
        for (collection, path, day) in [
            (Collection::Reviews, "20251114_142510_a", "2025-11-14"),
            (Collection::EcgReports, "2025/10/28/x.pdf", "2025-10-28"),
            (Collection::EcgReports, "2025/13/28/x.pdf", "2000-01-01"),
            (Collection::TrainingLogs, "2024/03/x.log", "2024-03-01"),
            (Collection::Bols, "2025/PRT-2025-0042.pdf", "2025-01-01"),
            (Collection::Clinical, "parquet/20251114.parquet", "2000-01-01"),
        ] {
            assert_eq!(day_of_path(collection, path).to_string(), day, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_name_and_no_metadata_is_too_odd(name in any::<String>(), date in any::<String>()) {
            for collection in Collection::ALL {
                let metadata = metadata(&[("report_date", &date)]);
                let _ = accept(collection, &name);
                let path = path(collection, &name, &metadata, stored());
                prop_assert!(path.ends_with(&name));
                let _ = day_of_path(collection, &path);
            }
        }
    }
}
