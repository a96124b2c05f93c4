//! The path that shows a key under `objects/`.
//!
//! A key is split at `/`, and each part names a folder, the last one a file. Most keys look on disk as they
//! read. The others are escaped, so that every key has a path of its own and can be read back from it:
//!
//! | in the key | on disk |
//! |---|---|
//! | `%`, a control character | `%` and two hex digits: `%25` |
//! | the parts `.` and `..`, also at the end of a part that was cut | `%2E`, `%2E%2E` |
//! | an empty part (`a//b`, `dir/`, `/a`) | `%` |
//! | a part over 240 bytes | several folders, each but the last ending in `%~` |
//! | `a` where there is also `a/b` | the folder keeps the name, the file is `a%file` |
//!
//! A key's path depends on the key alone, but for the last row. On a file system that doesn't tell `A` from
//! `a` the view shows one of two such objects; both are stored.

use std::fmt::Write as _;

/// Ends a folder whose name goes on in the next one.
const GOES_ON: &str = "%~";
/// Ends the name of a file where a folder has the plain name.
pub(super) const BESIDE_FOLDER: &str = "%file";
/// File systems take 255 bytes; the longest suffix needs six.
const MAX_NAME: usize = 240;

/// The folders and the file name for `key`, at least one.
pub(super) fn components(key: &str) -> Vec<String> {
    key.split('/').flat_map(|part| cut(&escape(part))).collect()
}

fn escape(part: &str) -> String {
    match part {
        "" => "%".to_owned(),
        _ => part
            .chars()
            .fold(String::with_capacity(part.len()), |mut name, c| {
                if c == '%' || c.is_ascii_control() {
                    // Writing to a string can't fail.
                    let _ = write!(name, "%{:02X}", u32::from(c));
                } else {
                    name.push(c);
                }
                name
            }),
    }
}

/// Cuts between characters; an escape sequence may be cut, since the pieces are joined before it is read.
fn cut(name: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for c in name.chars() {
        if piece.len() + c.len_utf8() > MAX_NAME {
            piece.push_str(GOES_ON);
            pieces.push(std::mem::take(&mut piece));
        }
        piece.push(c);
    }
    // Only here: what is cut off a longer part may be dots alone, too.
    pieces.push(match piece.as_str() {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => piece,
    });
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The way back, which shows that nothing is lost.
    fn key_of(components: &[String]) -> String {
        let mut parts = vec![String::new()];
        for name in components {
            let name = name.strip_suffix(BESIDE_FOLDER).unwrap_or(name);
            if let Some(piece) = name.strip_suffix(GOES_ON) {
                parts.last_mut().unwrap().push_str(piece);
            } else {
                parts.last_mut().unwrap().push_str(name);
                parts.push(String::new());
            }
        }
        parts.pop();
        parts
            .iter()
            .map(|part| unescape(part))
            .collect::<Vec<_>>()
            .join("/")
    }

    fn unescape(part: &str) -> String {
        if part == "%" {
            return String::new();
        }
        let mut bytes = Vec::new();
        let mut rest = part.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            if first == b'%' {
                let hex = std::str::from_utf8(&tail[..2]).unwrap();
                bytes.push(u8::from_str_radix(hex, 16).unwrap());
                rest = &tail[2..];
            } else {
                bytes.push(first);
                rest = tail;
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    fn odd_keys() -> Vec<String> {
        let mut keys: Vec<String> = [
            "plain.txt",
            "a/b/c",
            "a",
            "/",
            "//",
            "a//b",
            "a/",
            "/a",
            "./..",
            "a/../b",
            "%",
            "%25",
            "%2E",
            "100%~",
            "%~",
            "a%file",
            "%file",
            "tab\there",
            "line\nbreak",
            "\u{0}",
            "\u{7f}",
            "ü/日本語/🙂",
            " leading and trailing ",
            "+",
            "a\\b",
            "...",
            ".hidden",
            "con",
            "%/%",
            "a%",
        ]
        .into_iter()
        .map(str::to_owned)
        .collect();
        keys.push("x".repeat(1024));
        keys.push("%".repeat(1024));
        keys.push("🙂".repeat(256));
        keys.push(format!("{}/{}", "d".repeat(241), "f".repeat(240)));
        keys.push(format!("{}%~/{}", "d".repeat(238), "f"));
        for end in [".", "..", "...", "./", "/.", "%2E"] {
            keys.push(format!("{}{end}", "e".repeat(240)));
        }
        keys
    }

    /// Parts around the length at which they are cut, ending in what means something to a file system or here.
    fn long_keys() -> impl Strategy<Value = String> {
        let length = prop_oneof![Just(0), Just(MAX_NAME), 236_usize..=244];
        let dots = (0_usize..4).prop_map(|dots| ".".repeat(dots));
        let end = prop_oneof![dots, "[.%~25Efilex\u{fc}]{0,5}"];
        let part = (length, end).prop_map(|(length, end)| format!("{}{end}", "x".repeat(length)));
        prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
    }

    proptest! {
        #[test]
        fn a_long_key_has_a_path_that_is_its_own_alone(key in long_keys()) {
            let names = components(&key);
            prop_assert_eq!(key_of(&names), key);
            for name in names {
                prop_assert!(!matches!(name.as_str(), "" | "." | ".."), "{name:?}");
                prop_assert!(name.len() + BESIDE_FOLDER.len() <= 255, "{name:?}");
            }
        }
    }

    #[test]
    fn every_key_can_be_read_back_from_its_path() {
        for key in odd_keys() {
            assert_eq!(key_of(&components(&key)), key, "{key:?}");
        }
    }

    #[test]
    fn no_two_keys_share_a_path() {
        let keys = odd_keys();
        let paths: std::collections::BTreeSet<_> = keys.iter().map(|key| components(key)).collect();
        assert_eq!(paths.len(), keys.len());
    }

    #[test]
    fn every_name_is_one_a_file_system_takes() {
        for name in odd_keys().iter().flat_map(|key| components(key)) {
            assert!(
                !name.is_empty() && name.len() + BESIDE_FOLDER.len() <= 255,
                "{name:?}"
            );
            assert!(
                name != "." && name != ".." && !name.contains('/') && !name.contains('\0'),
                "{name:?}"
            );
        }
    }

    #[test]
    fn ordinary_keys_look_on_disk_as_they_read() {
        let key = "tara/20251114_142510_write-up_TR-20417/documents/before_write-up TR-20417.docx";
        assert_eq!(components(key).join("/"), key);
    }
}
