//! How long to wait before something is tried again that others were faster at.

use std::time::Duration;

use crate::id::Entropy;

/// A pause that doubles with each try, up to a longest one.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The longest pause before the second try.
    pub first: Duration,
    /// The longest pause of all.
    pub last: Duration,
}

impl Backoff {
    /// A random part of the pause after so many tries, so that those who met once don't meet again.
    pub fn pause(self, tried: u32, entropy: Entropy) -> Duration {
        let longest = self.first.saturating_mul(1 << tried.min(16)).min(self.last);
        let mut random = [0; 2];
        if entropy(&mut random).is_err() {
            return longest / 2;
        }
        longest.mul_f64(f64::from(u16::from_le_bytes(random)) / f64::from(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::EntropyError;

    #[test]
    fn pauses_grow_to_a_bound() {
        let most: Entropy = |bytes| {
            bytes.fill(0xff);
            Ok(())
        };
        let backoff = Backoff {
            first: Duration::from_millis(25),
            last: Duration::from_millis(800),
        };
        let millis = |tried| backoff.pause(tried, most).as_millis();
        assert_eq!([0, 1, 4, 5, 6, 100].map(millis), [25, 50, 400, 800, 800, 800]);
        assert_eq!(
            backoff.pause(0, |_| Err(EntropyError)),
            Duration::from_micros(12_500)
        );
    }
}
