use std::time::Duration;

use crate::s3::Exchange;

/// An export whose requests each took long: the writing of its objects beside the longest of their PUTs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Parallel {
    pub(crate) objects: usize,
    /// From the start of the first PUT to the end of the last.
    pub(crate) all: Duration,
    pub(crate) longest: Duration,
    /// From the end of the reservation to the end of the last PUT: with building and signing.
    pub(crate) since_reservation: Duration,
}

impl Parallel {
    /// How many times the longest PUT it took.
    pub(crate) fn ratio(self) -> f64 {
        if self.objects < 2 {
            // Nothing was written at once.
            return f64::INFINITY;
        }
        self.all.as_secs_f64() / self.longest.as_secs_f64().max(f64::EPSILON)
    }

    /// The one whose ratio is in the middle.
    pub(crate) fn median_of(mut exports: Vec<Self>) -> Self {
        exports.sort_by(|a, b| a.ratio().total_cmp(&b.ratio()));
        let middle = exports.len().saturating_sub(1) / 2;
        exports.get(middle).copied().unwrap_or_default()
    }
}

/// The PUTs of a session's files, and of its entries in lists. Reservations come before them, the manifest and the
/// audit record after, by necessity.
pub(crate) fn compare(exchanges: &[Exchange]) -> Option<Parallel> {
    let puts = || exchanges.iter().filter(|exchange| exchange.method == "PUT");
    let files = || puts().filter(|put| is_written_at_once(&put.key));
    let first = files().map(|put| put.started).min()?;
    let last = files().map(|put| put.ended).max()?;
    let reserved = puts()
        .filter(|put| is_reservation(&put.key))
        .map(|put| put.ended)
        .max()?;
    let longest = files().map(|put| put.ended - put.started).max()?;
    Some(Parallel {
        objects: files().count(),
        all: last - first,
        longest,
        since_reservation: last.saturating_duration_since(reserved),
    })
}

fn is_written_at_once(key: &str) -> bool {
    (key.starts_with("tara/") && !key.ends_with("/manifest.json")) || key.starts_with("_casefile/by-")
}

fn is_reservation(key: &str) -> bool {
    key.starts_with("_casefile/sessions/") || key.starts_with("_casefile/folders/")
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn files_are_compared_without_what_comes_before_and_after() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let put = |key: &str, from, to| Exchange {
            method: "PUT".to_owned(),
            key: key.to_owned(),
            started: at(from),
            ended: at(to),
        };
        let puts = [
            put("_casefile/sessions/bench/s.json", 0, 20),
            put("tara/f/logs/a.json", 30, 50),
            put("tara/f/logs/b.json", 33, 55),
            put("_casefile/by-time/bench/reviews/1_s", 34, 54),
            put("tara/f/manifest.json", 60, 80),
            put("audit/dt=2025-11-14/x.json", 81, 99),
        ];
        let expected = Parallel {
            objects: 3,
            all: Duration::from_millis(25),
            longest: Duration::from_millis(22),
            since_reservation: Duration::from_millis(35),
        };
        assert_eq!(compare(&puts), Some(expected));
        assert_eq!(compare(&puts[..1]), None);
    }
}
