//! Texts as S3 object metadata, whose values travel as HTTP headers: what isn't ASCII is encoded as S3 itself does
//! (RFC 2047, section 2; S3 user guide, *Working with object metadata*), and comes back whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// All names and values of an object's own metadata, in bytes (S3 user guide, *Working with object metadata*).
pub const MAX_BYTES: usize = 2_048;
const BEGIN: &str = "=?UTF-8?B?";
const END: &str = "?=";
/// Of an encoded word, which may have 75 characters: 45 bytes are 60 in base64.
const WORD_BYTES: usize = 45;

/// A text as a value of metadata. Printable ASCII stays as it is, unless it begins or ends with a blank, which HTTP drops,
/// or looks like an encoded word.
pub fn encode(text: &str) -> String {
    let is_plain =
        text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && text.trim() == text && !text.contains("=?");
    if is_plain {
        return text.to_owned();
    }
    let words: Vec<_> = chunks(text)
        .map(|chunk| format!("{BEGIN}{}{END}", BASE64.encode(chunk)))
        .collect();
    words.join(" ")
}

/// The text that a value of metadata stands for: encoded words are read, as S3 or whatever else writes them in UTF-8.
/// Anything else is as it is.
pub fn decode(value: &str) -> String {
    let decoded: Option<Vec<Vec<u8>>> = value.split(' ').map(decode_word).collect();
    // A character may be divided between two words.
    let text = decoded.and_then(|words| String::from_utf8(words.concat()).ok());
    text.unwrap_or_else(|| value.to_owned())
}

fn decode_word(word: &str) -> Option<Vec<u8>> {
    let (charset, rest) = word.strip_prefix("=?")?.strip_suffix(END)?.split_once('?')?;
    let (encoding, text) = rest.split_once('?')?;
    let is_utf8 = charset.eq_ignore_ascii_case("UTF-8");
    match encoding {
        "B" | "b" if is_utf8 => BASE64.decode(text).ok(),
        "Q" | "q" if is_utf8 => decode_q(text),
        _ => None,
    }
}

/// RFC 2047, section 4.2.
fn decode_q(text: &str) -> Option<Vec<u8>> {
    let mut pieces = text.split('=');
    let blanks = |piece: &str| piece.replace('_', " ").into_bytes();
    let mut bytes = blanks(pieces.next()?);
    for piece in pieces {
        let (hex, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        bytes.extend(blanks(rest));
    }
    Some(bytes)
}

/// The text in pieces that fit into encoded words: no character is divided.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.floor_char_boundary(WORD_BYTES.min(rest.len()));
        let (chunk, after) = rest.split_at_checked(end)?;
        rest = after;
        (!chunk.is_empty()).then_some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_encoded_as_s3_would() {
        assert_eq!(encode("José Álvarez"), "=?UTF-8?B?Sm9zw6kgw4FsdmFyZXo=?=");
        assert_eq!(encode("Jane Doe"), "Jane Doe");
        assert_eq!(decode("=?utf-8?b?Sm9zw6kgw4FsdmFyZXo=?="), "José Álvarez");
        assert_eq!(decode("=?UTF-8?Q?Jos=C3=A9_=C3=81lvarez?="), "José Álvarez");
        assert_eq!(decode("=?UTF-8?Q?Jos=C3?= =?UTF-8?B?qQ==?="), "José");
        for plain in [
            "",
            "Jane  Doe",
            "a=?b",
            "=?UTF-8?B?!?=",
            "=?UTF-8?Q?=C?=",
            "=?UTF-8?Q?=XX?=",
            "=?UTF-8?B?/w==?=",
            "=?latin1?Q?x?=",
        ] {
            assert_eq!(decode(plain), plain);
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back_from_printable_ascii(text in any::<String>()) {
            let value = encode(&text);
            prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert!(value.split(' ').all(|word| !word.starts_with(BEGIN) || word.len() <= 75));
            prop_assert_eq!(decode(&value), text);
        }

        #[test]
        fn no_value_is_too_odd(value in any::<String>()) {
            let _ = decode(&value);
        }
    }
}
