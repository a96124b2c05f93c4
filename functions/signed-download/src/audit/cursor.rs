//! Where a search of the log goes on.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casefile::id::TimeId;

use super::window::Millis;

/// Where a search goes on, and how far: without the latter, a search of the last 24 hours would end a little earlier on
/// each page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// All records that are to come have lesser ids.
    pub(super) before: TimeId,
    /// The first millisecond of the search.
    pub(super) from: Millis,
}

impl Cursor {
    /// The cursor as its caller gets it.
    pub(super) fn encode(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}_{}", self.from, self.before))
    }

    /// Reads a cursor back.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (from, before) = text.split_once('_')?;
        let from: Millis = from.parse().ok().filter(|from| *from >= 0)?;
        jiff::Timestamp::from_millisecond(from).ok()?;
        Some(Self {
            before: TimeId::parse(before)?,
            from,
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_cursor_is_a_cursor() {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let id = TimeId::floor(Timestamp::UNIX_EPOCH);
        for text in [
            String::new(),
            "ü".to_owned(),
            encode(&format!("-1_{id}")),
            encode(&format!("9223372036854775807_{id}")),
            encode(&format!("x_{id}")),
            encode("0_x"),
            encode(&id.to_string()),
            format!("{}==", encode(&format!("0_{id}"))),
        ] {
            assert_eq!(Cursor::decode(&text), None, "{text}");
        }
        assert!(Cursor::decode(&encode(&format!("0_{id}"))).is_some());
    }

    proptest! {
        #[test]
        fn every_cursor_reads_back(from in 0..4_102_444_800_000_i64, before in 0..4_102_444_800_000_i64) {
            let cursor = Cursor {
                before: TimeId::floor(Timestamp::from_millisecond(before).unwrap()),
                from,
            };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }
    }
}
