//! Ids and secrets, from randomness that is passed in.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Sha256;

/// Where randomness comes from: the operating system in production, fixed bytes in tests.
pub type Entropy = fn(&mut [u8]) -> Result<(), EntropyError>;

/// The system gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness")]
pub struct EntropyError;

/// The operating system's randomness.
///
/// # Errors
/// When it gives none.
pub fn system_entropy(bytes: &mut [u8]) -> Result<(), EntropyError> {
    getrandom::fill(bytes).map_err(|_| EntropyError)
}

/// An id that sorts by its time: UUID version 7 (RFC 9562, section 5.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeId(Uuid);

impl TimeId {
    /// A new id of this time.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new(time: Timestamp, entropy: Entropy) -> Result<Self, EntropyError> {
        let mut random = [0; 10];
        entropy(&mut random)?;
        Ok(Self::of(time, random))
    }

    /// The least id of this time: every id of an earlier millisecond is smaller.
    pub fn floor(time: Timestamp) -> Self {
        Self::of(time, [0; 10])
    }

    fn of(time: Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(time.as_millisecond()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// Reads an id in its usual spelling: 36 characters, lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Uuid::try_parse(text).ok()?;
        (id.get_version_num() == 7 && id.to_string() == text).then_some(Self(id))
    }

    /// The time that the id was made at, to the millisecond.
    pub fn time(&self) -> Timestamp {
        let millis = self.0.as_u128() >> 80;
        i64::try_from(millis)
            .ok()
            .and_then(|millis| Timestamp::from_millisecond(millis).ok())
            .unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for TimeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl TryFrom<String> for TimeId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("is not a UUID of version 7")
    }
}

impl From<TimeId> for String {
    fn from(id: TimeId) -> Self {
        id.to_string()
    }
}

/// A share link's secret: 128 random bits. `Debug` hides it; the bucket holds only its digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 16]);

impl Token {
    /// A new secret.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new(entropy: Entropy) -> Result<Self, EntropyError> {
        let mut bytes = [0; 16];
        entropy(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Reads a token as it stands in a link: 22 characters of base64url (RFC 4648, section 5).
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The token as it stands in a link, for the answer to its caller and nothing else.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is stored of it. No salt is needed: nobody can try 2^128 tokens.
    pub fn digest(&self) -> Sha256 {
        Sha256::of(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(
        clippy::unnecessary_wraps,
        reason = "it stands for the system's, which may fail"
    )]
    fn sevens(bytes: &mut [u8]) -> Result<(), EntropyError> {
        bytes.fill(7);
        Ok(())
    }

    #[test]
    fn a_token_is_shown_only_on_demand() {
        let token = Token::new(sevens).unwrap();
        assert_eq!(token.expose(), "BwcHBwcHBwcHBwcHBwcHBw");
        assert_eq!(format!("{token:?}"), "Token(hidden)");
        assert_eq!(Token::parse(&token.expose()), Some(token));
        for text in ["", "BwcHBwcHBwcHBwcHBwcHB", "BwcHBwcHBwcHBwcHBwcHBw==", "ü"] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_usual_spelling_is_an_id() {
        let id = TimeId::new("2025-11-14T14:25:10.123Z".parse().unwrap(), sevens).unwrap();
        let text = id.to_string();
        assert_eq!(TimeId::parse(&text), Some(id));
        assert_eq!(id.time().to_string(), "2025-11-14T14:25:10.123Z");
        for other in [
            text.to_uppercase(),
            text.replace('-', ""),
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6".to_owned(),
        ] {
            assert_eq!(TimeId::parse(&other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn ids_sort_by_their_time(a in 0..4_102_444_800_000_i64, b in 0..4_102_444_800_000_i64) {
            let at = |millis| Timestamp::from_millisecond(millis).unwrap();
            let id = |millis| TimeId::new(at(millis), sevens).unwrap().to_string();
            prop_assert_eq!(a.cmp(&b), id(a).cmp(&id(b)));
            prop_assert!(TimeId::floor(at(a)).to_string() < id(a));
        }
    }
}
