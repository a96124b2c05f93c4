//! Deliveries as they are on a bad day: some twice, most late, in another order than that of the writes, and S3's test
//! event before all.
//!
//! All of it is allowed: S3 and SQS deliver at least once, and in no order (Amazon S3 User Guide, "Amazon S3 Event
//! Notifications"; Amazon SQS Developer Guide, "Amazon SQS at-least-once delivery").

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// How deliveries are disturbed.
///
/// What happens to the nth event of a key follows from the seed, the key and n alone, whatever happens to others: the
/// same writes are disturbed in the same way each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chaos {
    /// Another seed, another disorder.
    pub seed: u64,
    /// The longest delay.
    pub longest: Duration,
}

impl Chaos {
    /// Delays of up to half a second.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            longest: Duration::from_millis(500),
        }
    }

    /// After how long each copy of a key's nth event is delivered: one copy for most, up to three.
    fn copies(self, bucket: &str, key: &str, nth: u64) -> Vec<Duration> {
        let text = format!("{}\n{bucket}\n{key}\n{nth}", self.seed);
        let [dice, rest @ ..]: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let copies = match dice {
            0..32 => 3,
            32..96 => 2,
            _ => 1,
        };
        let delays = rest.as_chunks::<2>().0.iter();
        let delays = delays.map(|pair| self.longest * u32::from(u16::from_be_bytes(*pair)) / 0xffff);
        delays.take(copies).collect()
    }
}

/// What has been disturbed so far.
#[derive(Debug)]
pub(crate) struct Disturbance {
    chaos: Option<Chaos>,
    /// How many events each key has had.
    seen: Mutex<BTreeMap<(String, String), u64>>,
}

impl Disturbance {
    /// Without chaos, each event is delivered once and at once.
    pub(crate) fn new(chaos: Option<Chaos>) -> Self {
        Self {
            chaos,
            seen: Mutex::default(),
        }
    }

    /// After how long each copy of a key's next event is delivered.
    pub(crate) fn copies(&self, bucket: &str, key: &str) -> Vec<Duration> {
        let Some(chaos) = self.chaos else {
            return vec![Duration::ZERO];
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = seen.entry((bucket.to_owned(), key.to_owned())).or_default();
        *nth += 1;
        chaos.copies(bucket, key, *nth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(disturbance: &Disturbance, keys: &[&str]) -> BTreeMap<String, Vec<Vec<Duration>>> {
        let mut copies: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for key in keys {
            let delays = disturbance.copies("bucket", key);
            copies.entry((*key).to_owned()).or_default().push(delays);
        }
        copies
    }

    #[test]
    fn without_chaos_each_event_is_delivered_once_and_at_once() {
        let calm = Disturbance::new(None);
        assert_eq!(calm.copies("b", "k"), [Duration::ZERO]);
        assert_eq!(calm.copies("b", "k"), [Duration::ZERO]);
    }

    #[test]
    fn the_same_writes_are_disturbed_in_the_same_way_however_they_are_interleaved() {
        let one = all(&Disturbance::new(Some(Chaos::new(7))), &["a", "a", "b", "a"]);
        let other = all(&Disturbance::new(Some(Chaos::new(7))), &["b", "a", "a", "a"]);
        assert_eq!(one, other);
        let third = all(&Disturbance::new(Some(Chaos::new(8))), &["b", "a", "a", "a"]);
        assert_ne!(one, third);
    }

    #[test]
    fn some_come_twice_or_thrice_and_none_never_or_later_than_said() {
        let chaos = Chaos::new(1);
        let copies: Vec<_> = (0..1000).map(|nth| chaos.copies("b", "k", nth)).collect();
        for (count, at_least) in [(1, 500), (2, 150), (3, 60)] {
            let found = copies.iter().filter(|delays| delays.len() == count).count();
            assert!(found >= at_least, "{count}: {found}");
        }
        assert!(copies.iter().all(|delays| matches!(delays.len(), 1..=3)));
        assert!(copies.iter().flatten().all(|delay| *delay <= chaos.longest));
    }
}
