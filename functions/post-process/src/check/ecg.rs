//! The measurements of an ECG, as the devices write them: `metrics_*.json`, and reports, which may hold them.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{fields, string};

/// What may be measured of a living person. Wide on purpose: a rare finding is no broken file.
const HEART_RATE_PER_MINUTE: RangeInclusive<f64> = 10.0..=350.0;
const PR_MS: RangeInclusive<f64> = 50.0..=600.0;
const QRS_MS: RangeInclusive<f64> = 30.0..=350.0;
const QTC_MS: RangeInclusive<f64> = 200.0..=800.0;
const AXIS_DEGREES: RangeInclusive<f64> = -180.0..=180.0;
const ST_MM: RangeInclusive<f64> = -20.0..=20.0;
const AGE_YEARS: RangeInclusive<f64> = 0.0..=130.0;

/// The fields that are looked at. A rhythm may lack an interval, so only the heart rate must be there.
#[derive(Deserialize)]
struct Metrics<'a> {
    #[serde(borrow)]
    heart_rate: Option<&'a RawValue>,
    #[serde(borrow)]
    pr_interval: Option<&'a RawValue>,
    #[serde(borrow)]
    qrs_duration: Option<&'a RawValue>,
    #[serde(borrow)]
    qtc_interval: Option<&'a RawValue>,
    #[serde(borrow)]
    st_segment: Option<&'a RawValue>,
    #[serde(borrow)]
    qrs_axis: Option<&'a RawValue>,
    #[serde(borrow)]
    patient_age: Option<&'a RawValue>,
    #[serde(borrow)]
    report_date: Option<&'a RawValue>,
    #[serde(borrow)]
    recorded_at: Option<&'a RawValue>,
}

/// What is wrong with a JSON text as the measurements of an ECG. Fields are named; what they hold isn't, for it is a
/// patient's.
///
/// A report by its name may be any JSON, unless it has measurements at its top level: those are held to their ranges.
pub(super) fn wrong(text: &str, file_name: &str) -> Vec<String> {
    let is_report = is_report(file_name);
    if is_report && !text.starts_with('{') {
        return Vec::new();
    }
    let metrics: Metrics<'_> = match fields("the file", text) {
        Ok(metrics) => metrics,
        Err(wrong) => return vec![wrong],
    };
    let measurements = metrics.measurements();
    if is_report && measurements.iter().all(|(_, value, _)| value.is_none()) {
        return Vec::new();
    }
    let age = ("patient_age", metrics.patient_age, AGE_YEARS);
    let mut wrong: Vec<_> = measurements
        .into_iter()
        .chain([age])
        .filter_map(|(name, value, range)| implausible(name, value?, &range))
        .collect();
    if !is_report && metrics.heart_rate.is_none() {
        wrong.push("heart_rate is missing".to_owned());
    }
    wrong.extend(no_time("report_date", metrics.report_date, is_day, "a date"));
    wrong.extend(no_time(
        "recorded_at",
        metrics.recorded_at,
        is_time,
        "a date with a time",
    ));
    wrong
}

/// A file whose name says both holds metrics.
fn is_report(file_name: &str) -> bool {
    let lower = file_name.to_lowercase();
    lower.contains("report") && !lower.contains("metric")
}

type Measurement<'a> = (&'static str, Option<&'a RawValue>, RangeInclusive<f64>);

impl<'a> Metrics<'a> {
    fn measurements(&self) -> [Measurement<'a>; 6] {
        [
            ("heart_rate", self.heart_rate, HEART_RATE_PER_MINUTE),
            ("pr_interval", self.pr_interval, PR_MS),
            ("qrs_duration", self.qrs_duration, QRS_MS),
            ("qtc_interval", self.qtc_interval, QTC_MS),
            ("st_segment", self.st_segment, ST_MM),
            ("qrs_axis", self.qrs_axis, AXIS_DEGREES),
        ]
    }
}

fn implausible(name: &str, value: &RawValue, range: &RangeInclusive<f64>) -> Option<String> {
    match serde_json::from_str::<f64>(value.get()) {
        Ok(value) if range.contains(&value) => None,
        Ok(_) => Some(format!(
            "{name} lies outside of what can be: {} to {}",
            range.start(),
            range.end()
        )),
        Err(_) => Some(format!("{name} must be a number")),
    }
}

fn no_time(name: &str, value: Option<&RawValue>, is_one: fn(&str) -> bool, what: &str) -> Option<String> {
    let text = string(name, Some(value?)).ok();
    let is_one = text.is_some_and(|text| is_one(&text));
    (!is_one).then(|| format!("{name} must be {what}"))
}

/// By the device's own clock, or with `Z` or an offset.
fn is_time(text: &str) -> bool {
    text.parse::<DateTime>().is_ok() || text.parse::<Timestamp>().is_ok()
}

fn is_day(text: &str) -> bool {
    text.parse::<Date>().is_ok() || is_time(text)
}

#[cfg(test)]
mod tests {
    fn wrong(text: &str) -> Vec<String> {
        super::wrong(text, "metrics_20251028_143022.json")
    }

    const SAMPLE: &str = include_str!("../../../../tests/fixtures/ecg/metrics_20251028_143022.json");

    #[test]
    fn the_sample_is_plausible() {
        assert_eq!(wrong(SAMPLE), Vec::<String>::new());
        let device = include_str!("../../../../tests/fixtures/ecg/metadata.json");
        assert_eq!(wrong(device), Vec::<String>::new());
    }

    #[test]
    fn ranges_hold_at_their_ends() {
        for (name, lowest, highest) in [
            ("heart_rate", "10", "350"),
            ("pr_interval", "50", "600"),
            ("qrs_duration", "30", "350"),
            ("qtc_interval", "200", "800"),
            ("st_segment", "-20", "20.0"),
            ("qrs_axis", "-180", "180"),
        ] {
            let with = |value: &str| {
                let mut sample: serde_json::Value = serde_json::from_str(SAMPLE).unwrap();
                sample[name] = serde_json::from_str(value).unwrap();
                wrong(&sample.to_string())
            };
            assert!(with(lowest).is_empty() && with(highest).is_empty(), "{name}");
            for beyond in [
                format!("{highest}1"),
                format!("-{}1", highest.trim_end_matches(".0")),
            ] {
                let wrong = with(&beyond);
                assert_eq!(wrong.len(), 1, "{name}");
                assert!(
                    wrong[0].starts_with(name) && !wrong[0].contains(&beyond),
                    "{wrong:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_named() {
        assert_eq!(wrong("{}"), ["heart_rate is missing"]);
        assert_eq!(wrong("[72]"), ["the file must be an object"]);
        let odd = r#"{"heart_rate": "72", "pr_interval": null, "qrs_axis": 1e999, "report_date": "28.10.2025",
            "recorded_at": 7}"#;
        assert_eq!(
            wrong(odd),
            [
                "heart_rate must be a number",
                "qrs_axis must be a number",
                "report_date must be a date",
                "recorded_at must be a date with a time"
            ]
        );
        let twice = r#"{"heart_rate": 72, "heart_rate": 7000}"#;
        assert_eq!(wrong(twice), ["the file gives a field twice"]);
    }

    #[test]
    fn times_have_a_zone_or_none() {
        for time in [
            "2025-10-28T14:30:22",
            "2025-10-28 14:30:22",
            "2025-10-28T14:30:22Z",
            "2025-10-28T14:30:22.5+01:00",
        ] {
            let text = format!(r#"{{"heart_rate": 72, "report_date": "{time}", "recorded_at": "{time}"}}"#);
            assert_eq!(wrong(&text), Vec::<String>::new(), "{time}");
        }
        let text =
            r#"{"heart_rate": 72, "report_date": "2025-10-28", "recorded_at": "2025-13-28T14:30:22Z"}"#;
        assert_eq!(wrong(text), ["recorded_at must be a date with a time"]);
    }

    #[test]
    fn a_report_needs_no_measurements_but_those_that_it_has_are_held_to() {
        let report = |text: &str| super::wrong(text, "ECG_Report_1.JSON");
        for text in [
            "{}",
            "[72]",
            "17",
            r#"{"patient": {"heart_rate": 7000}, "report_date": "28.10.2025", "patient_age": "45 years"}"#,
            r#"{"pr_interval": 160, "heart_rate": null}"#,
        ] {
            assert_eq!(report(text), Vec::<String>::new(), "{text}");
        }
        let implausible = r#"{"qrs_axis": 270, "report_date": "28.10.2025"}"#;
        assert_eq!(
            report(implausible),
            [
                "qrs_axis lies outside of what can be: -180 to 180",
                "report_date must be a date"
            ]
        );
        assert_eq!(
            super::wrong("{}", "Report_metrics.json"),
            ["heart_rate is missing"]
        );
        assert_eq!(super::wrong("{}", "crash_logs.json"), ["heart_rate is missing"]);
    }
}
