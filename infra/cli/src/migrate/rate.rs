//! How much is sent a second, by all transfers together.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What all transfers together can send in a second on the slowest line.
const SLOWEST: u32 = 64_000;

/// Bytes a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate(u32);

impl Rate {
    /// Reads `500K`, `10M`, `1G` or a number of bytes: thousands, not 1,024s.
    ///
    /// # Errors
    /// When it is none, less than 1K or more than 4G.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let wrong = "must be bytes a second from 1K to 4G, such as 500K, 10M or 1G";
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let factor = match text.get(digits.len()..).unwrap_or_default() {
            "" => 1,
            "K" | "k" => 1_000,
            "M" | "m" => 1_000_000,
            "G" | "g" => 1_000_000_000,
            _ => return Err(wrong),
        };
        let rate = digits.parse::<u32>().ok().and_then(|n| n.checked_mul(factor));
        rate.filter(|rate| *rate >= 1_000).map(Self).ok_or(wrong)
    }
}

/// Lets bytes pass as fast as they may.
#[derive(Debug)]
pub(super) struct Limiter {
    rate: Option<Rate>,
    /// When all that has passed is paid for.
    paid: Mutex<Instant>,
}

impl Limiter {
    pub(super) fn new(rate: Option<Rate>) -> Self {
        let paid = Mutex::new(Instant::now());
        Self { rate, paid }
    }

    /// Waits until these may be sent.
    pub(super) async fn pass(&self, bytes: u64) {
        let Some(Rate(rate)) = self.rate else {
            return;
        };
        let turn = {
            let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
            *paid = (*paid).max(Instant::now()) + cost(bytes, rate);
            *paid
        };
        tokio::time::sleep_until(turn).await;
    }

    /// The longest that one try may take to send so much: one of `transfers` that share 64 KB/s, or the rate where that is
    /// less. It bounds what hangs; a line that is dead TCP gives up before, after a quarter of an hour.
    pub(super) fn longest(&self, bytes: u64, transfers: u16) -> Duration {
        let slowest = self.rate.map_or(SLOWEST, |Rate(rate)| rate.min(SLOWEST));
        Duration::from_mins(1) + cost(bytes, slowest / u32::from(transfers.max(1)))
    }
}

fn cost(bytes: u64, rate: u32) -> Duration {
    let micros = u128::from(bytes) * 1_000_000 / u128::from(rate.max(1));
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_bytes_a_second() {
        for (text, rate) in [
            ("1000", 1_000),
            ("500K", 500_000),
            ("10m", 10_000_000),
            ("4G", 4_000_000_000),
        ] {
            assert_eq!(Rate::parse(text), Ok(Rate(rate)), "{text}");
        }
        for text in ["", "K", "999", "5G", "10MB", "-1M", "1.5M"] {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn all_together_send_no_more_than_the_rate() {
        let limiter = Limiter::new(Rate::parse("100K").ok());
        let start = Instant::now();
        futures::future::join_all((0..4).map(|_| limiter.pass(5_000))).await;
        assert!(start.elapsed() >= Duration::from_millis(195));
        let free = Limiter::new(None);
        free.pass(u64::MAX).await;
    }

    #[test]
    fn a_slow_line_is_no_failure_however_many_share_it() {
        let (free, slow) = (Limiter::new(None), Limiter::new(Rate::parse("10K").ok()));
        for (limiter, transfers, seconds) in [
            (&free, 1, 60 + 10),
            (&free, 64, 60 + 640),
            (&slow, 64, 60 + 4_102),
        ] {
            let longest = limiter.longest(640_000, transfers).as_secs();
            assert_eq!(longest, seconds, "{transfers}");
        }
    }
}
