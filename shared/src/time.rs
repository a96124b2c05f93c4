//! Times: where they come from, and how they are written.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Where the time comes from: the system's clock in production, a fixed time in tests.
pub type Clock = fn() -> Timestamp;

/// RFC 3339 in UTC with milliseconds, as every file and answer spells a time: `2025-11-14T14:25:10.000Z`.
pub fn rfc3339(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// `20251114_142510`, as folder names begin. UTC.
pub fn compact(time: Timestamp) -> String {
    time.strftime("%Y%m%d_%H%M%S").to_string()
}

/// `2025-11-14`. UTC.
pub fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// Reads a time as clients write it: RFC 3339, or the same without a zone, which then counts as UTC.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse::<Timestamp>().ok().or_else(|| {
        text.parse::<DateTime>()
            .ok()?
            .to_zoned(TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_a_zone() {
        for text in [
            "2025-11-14T14:25:10Z",
            "2025-11-14T14:25:10",
            "2025-11-14 15:25:10+01:00",
            " 2025-11-14T14:25:10.000 ",
        ] {
            let time = parse(text).unwrap();
            assert_eq!(rfc3339(time), "2025-11-14T14:25:10.000Z", "{text}");
            assert_eq!(compact(time), "20251114_142510");
        }
        assert_eq!(parse("yesterday"), None);
        assert_eq!(parse(""), None);
    }
}
