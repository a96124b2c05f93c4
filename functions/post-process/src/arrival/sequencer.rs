//! The order of one key's events.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Malformed;

/// Several times what S3 sends, which is 16 to 20 digits.
const MAX_DIGITS: usize = 128;

/// S3's `sequencer`: of two events of the same key, the one with the greater sequencer is the later. Says nothing
/// about different keys.
///
/// Ordered as S3 documents it: hexadecimal text, the shorter right-padded with zeros, compared from the left; the
/// case of the digits doesn't count. Two that differ only in zeros at their end are equal. An event without one, the
/// default, comes before all others.
///
/// Source: Amazon S3 user guide, *Event message structure*.
#[derive(Debug, Clone, Default)]
pub struct Sequencer(String);

impl Sequencer {
    /// Reads one.
    ///
    /// # Errors
    /// When it isn't hexadecimal, or has more than 128 digits.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() > MAX_DIGITS || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            let reason = format!("the sequencer isn't hexadecimal, or has more than {MAX_DIGITS} digits");
            return Err(Malformed::new(reason));
        }
        Ok(Self(text.to_owned()))
    }

    /// As it was sent; empty when there was none.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is compared: the zeros at the end are padding, so they may as well be absent.
    fn digits(&self) -> impl Iterator<Item = u8> {
        let digits = self.0.trim_end_matches('0').bytes();
        digits.map(|digit| digit.to_ascii_uppercase())
    }
}

impl Ord for Sequencer {
    fn cmp(&self, other: &Self) -> Ordering {
        // Without padding the shorter of two equal beginnings is the lesser, as it is with it: what follows in the
        // longer ends in a digit above zero.
        self.digits().cmp(other.digits())
    }
}

impl PartialOrd for Sequencer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sequencer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Sequencer {}

impl Hash for Sequencer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for digit in self.digits() {
            digit.hash(state);
        }
    }
}

impl Serialize for Sequencer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Sequencer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sequencer(text: &str) -> Sequencer {
        Sequencer::parse(text).unwrap()
    }

    /// The documented comparison, word for word.
    fn documented(one: &str, other: &str) -> Ordering {
        let width = one.len().max(other.len());
        let padded = |text: &str| format!("{text:0<width$}").to_ascii_uppercase();
        padded(one).cmp(&padded(other))
    }

    #[test]
    fn a_later_event_has_the_greater_sequencer_whatever_their_lengths() {
        for (earlier, later) in [
            ("0055AED6DCD90281E5", "0055AED6DCD90281E6"),
            ("617f08299329d189", "617F08299329D18A"),
            // As a number the first is the greater.
            ("00A1FF", "00A2"),
            ("00A", "00A1"),
            ("", "01"),
        ] {
            assert!(sequencer(earlier) < sequencer(later), "{earlier} {later}");
        }
        assert_eq!(sequencer("00aB"), sequencer("00Ab00"));
        assert_eq!(Sequencer::default(), sequencer("000"));
    }

    #[test]
    fn what_is_not_hexadecimal_is_refused_without_being_quoted() {
        for text in ["g", "0x1", "-1", "00 ", "é", &"0".repeat(MAX_DIGITS + 1)] {
            let error = Sequencer::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("the sequencer isn't hexadecimal"), "{error}");
        }
    }

    #[test]
    fn it_is_stored_as_it_was_sent() {
        let json = serde_json::to_string(&sequencer("00aB0")).unwrap();
        assert_eq!(json, "\"00aB0\"");
        assert_eq!(
            serde_json::from_str::<Sequencer>(&json).unwrap().as_str(),
            "00aB0"
        );
        assert!(serde_json::from_str::<Sequencer>("\"later\"").is_err());
    }

    proptest! {
        #[test]
        fn the_order_is_the_documented_one(one in "[0-9a-fA-F]{0,20}", other in "[0-9a-fA-F]{0,20}") {
            prop_assert_eq!(sequencer(&one).cmp(&sequencer(&other)), documented(&one, &other));
        }

        /// Few digits, so that beginnings and ends in zeros are often the same.
        #[test]
        fn the_order_is_total_and_agrees_with_equality_and_hash(
            texts in proptest::collection::vec("[01aA]{0,5}", 3)
        ) {
            let [a, b, c] = [&texts[0], &texts[1], &texts[2]].map(|text| sequencer(text));
            prop_assert_eq!(a.cmp(&b), documented(&texts[0], &texts[1]));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
            let hashed = |of: &Sequencer| {
                let mut hasher = std::hash::DefaultHasher::new();
                of.hash(&mut hasher);
                hasher.finish()
            };
            if a == b {
                prop_assert_eq!(hashed(&a), hashed(&b));
            }
        }
    }
}
