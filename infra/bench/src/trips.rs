use crate::s3::Exchange;

/// The requests of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Trips {
    pub(crate) requests: usize,
    /// How many of them waited for one another: requests at the same time count once.
    pub(crate) round_trips: usize,
}

impl Trips {
    /// Counts the requests of a call to an S3 that takes its time, so that those sent at the same time overlap.
    pub(crate) fn of(exchanges: &[Exchange]) -> Self {
        let mut sorted: Vec<_> = exchanges.iter().collect();
        sorted.sort_by_key(|exchange| exchange.started);
        // The end of each request, and how many come one after the other up to it.
        let mut chains = Vec::new();
        for exchange in &sorted {
            let before = chains.iter().filter(|(ended, _)| *ended <= exchange.started);
            let longest = before.map(|(_, length)| *length).max().unwrap_or(0_usize);
            chains.push((exchange.ended, longest + 1));
        }
        Self {
            requests: exchanges.len(),
            round_trips: chains.iter().map(|(_, length)| *length).max().unwrap_or(0),
        }
    }

    /// The most of either.
    pub(crate) fn most(self, other: Self) -> Self {
        Self {
            requests: self.requests.max(other.requests),
            round_trips: self.round_trips.max(other.round_trips),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn requests_at_the_same_time_are_one_round_trip() {
        let start = Instant::now();
        let exchange = |from, to| Exchange {
            method: "HEAD".to_owned(),
            key: String::new(),
            started: start + Duration::from_millis(from),
            ended: start + Duration::from_millis(to),
        };
        let trips = |requests, round_trips| Trips {
            requests,
            round_trips,
        };
        assert_eq!(Trips::of(&[]), trips(0, 0));
        assert_eq!(
            Trips::of(&[exchange(0, 20), exchange(1, 21), exchange(22, 42)]),
            trips(3, 2)
        );
        assert_eq!(
            Trips::of(&[exchange(41, 60), exchange(20, 40), exchange(0, 20)]),
            trips(3, 3)
        );
        assert_eq!(trips(3, 2).most(trips(2, 3)), trips(3, 3));
    }
}
