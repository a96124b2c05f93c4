//! Keys as events spell them.

use percent_encoding::percent_decode_str;

use super::Malformed;

/// S3's limit for a key in UTF-8 (Amazon S3 user guide, *Naming Amazon S3 objects*).
const MAX_BYTES: usize = 1024;

/// Decodes a key as S3's own notifications spell it: form encoding, where a blank is `+` and every other byte outside
/// `A-Z a-z 0-9 - . _ * /` is `%XX`.
///
/// # Errors
/// When it isn't form-encoded UTF-8. A `%` without two digits is refused, not guessed at: a guess may be the key of
/// another object.
pub(super) fn form_decoded(text: &str) -> Result<String, Malformed> {
    if !is_encoded(text) {
        return Err(Malformed::new(
            "the key isn't form-encoded: a '%' lacks its two digits",
        ));
    }
    let blanks = text.replace('+', " ");
    let decoded = percent_decode_str(&blanks).decode_utf8();
    let key = decoded.map_err(|_| Malformed::new("the key isn't UTF-8 when it is decoded"))?;
    as_it_is(&key)
}

/// Takes a key that is spelled as it is, which is how `EventBridge` has it.
///
/// # Errors
/// When no object can have it.
pub(super) fn as_it_is(key: &str) -> Result<String, Malformed> {
    match key.len() {
        0 => Err(Malformed::new("the key is empty")),
        1..=MAX_BYTES => Ok(key.to_owned()),
        _ => Err(Malformed::new(format!("the key has more than {MAX_BYTES} bytes"))),
    }
}

fn is_encoded(text: &str) -> bool {
    let is_digit = |digit: Option<u8>| digit.is_some_and(|digit| digit.is_ascii_hexdigit());
    text.split('%').skip(1).all(|after| {
        let mut digits = after.bytes();
        is_digit(digits.next()) && is_digit(digits.next())
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    /// As S3 encodes, the other way round.
    fn form_encoded(key: &str) -> String {
        key.bytes().fold(String::new(), |mut text, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' | b'/' => {
                    text.push(char::from(byte));
                }
                b' ' => text.push('+'),
                _ => write!(text, "%{byte:02X}").unwrap(),
            }
            text
        })
    }

    #[test]
    fn odd_keys_are_decoded() {
        for (text, key) in [
            ("a+b", "a b"),
            ("a%2Bb", "a+b"),
            ("100%25", "100%"),
            ("a%26b%3Dc%23d%3F", "a&b=c#d?"),
            ("B%C3%BCro/%F0%9F%A9%BA", "Büro/🩺"),
            ("//a//", "//a//"),
            // Digits of either case; what S3 encodes though it needn't.
            ("%c3%bc%7E", "ü~"),
            // Unencoded, as some S3-compatible stores send it.
            ("ü (1)", "ü (1)"),
            // Decoded once, not twice.
            ("a%252Bb", "a%2Bb"),
        ] {
            assert_eq!(form_decoded(text).as_deref(), Ok(key), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_encoded_key_is_refused_without_being_quoted() {
        for (text, reason) in [
            ("", "the key is empty"),
            ("a%", "two digits"),
            ("a%2", "two digits"),
            ("a%zz", "two digits"),
            ("a%%20", "two digits"),
            ("%+1", "two digits"),
            ("a%é1", "two digits"),
            ("a%FF", "isn't UTF-8"),
            ("a%ED%A0%80", "isn't UTF-8"),
            (&"%41".repeat(1025), "more than 1024 bytes"),
        ] {
            let error = form_decoded(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert_eq!(form_decoded(&"%41".repeat(1024)).unwrap().len(), 1024);
    }

    #[test]
    fn a_key_that_is_spelled_as_it_is_stays_so() {
        assert_eq!(as_it_is("a+b%20c").as_deref(), Ok("a+b%20c"));
        assert!(as_it_is("").is_err());
    }

    proptest! {
        #[test]
        fn every_key_survives_its_encoding(key in "\\PC{1,200}") {
            prop_assert_eq!(form_decoded(&form_encoded(&key)), Ok(key));
        }

        #[test]
        fn every_key_of_any_bytes_survives_its_encoding(key in any::<String>()) {
            prop_assume!((1..=MAX_BYTES).contains(&key.len()));
            prop_assert_eq!(form_decoded(&form_encoded(&key)), Ok(key));
        }

        #[test]
        fn whatever_is_sent_is_either_refused_or_a_key(text in "[%+a-f0-9é/]{0,40}") {
            if let Ok(key) = form_decoded(&text) {
                prop_assert!((1..=MAX_BYTES).contains(&key.len()));
                // Nothing else is spelled like it.
                prop_assert_eq!(form_decoded(&form_encoded(&key)), Ok(key));
            }
        }
    }
}
