//! Names that come from requests and reach keys, file names and headers. Each type holds only what is
//! safe there; past the edge nothing is checked twice.

use std::fmt;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::time;

/// The longest file or document name, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// The longest file or document name in UTF-8: with folder and prefix a key stays under S3's 1,024 bytes.
pub const MAX_NAME_BYTES: usize = 600;
/// The longest session id, in characters.
pub const MAX_ID_CHARS: usize = 128;
/// The longest tenant's id, in characters.
pub const MAX_TENANT_CHARS: usize = 64;
/// The longest owner, in bytes of UTF-8: three times as many, percent-encoded, still fit into a key.
pub const MAX_OWNER_BYTES: usize = 128;
const MAX_SLUG_BYTES: usize = 200;

/// Why a text is not a name. The message is fit for the caller and doesn't repeat the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NameError(String);

fn refuse<T>(why: impl Into<String>) -> Result<T, NameError> {
    Err(NameError(why.into()))
}

macro_rules! text_name {
    ($name:ident) => {
        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

/// A session's id: 1 to 128 ASCII letters, digits, `-`, `_` or `.`, the first one a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(String);

impl SessionId {
    /// Reads an id as it comes in a request.
    ///
    /// # Errors
    /// When it is empty, too long, or has other characters.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.len() > MAX_ID_CHARS {
            return refuse(format!("must have 1 to {MAX_ID_CHARS} characters"));
        }
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return refuse("must start with a letter or digit (A-Z, a-z, 0-9)");
        }
        if !text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        {
            return refuse("may hold only letters and digits (A-Z, a-z, 0-9), '-', '_' and '.'");
        }
        Ok(Self(text.to_owned()))
    }
}

text_name!(SessionId);

/// A file's name without any folder: 1 to 200 characters (at most 600 bytes), no `/` or `\`, no control or
/// text-direction characters and no noncharacters, not `.` or `..`, no blank at either end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

impl FileName {
    /// Reads a file name as it comes in a request.
    ///
    /// # Errors
    /// When it breaks one of the type's rules.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let chars = text.chars().count();
        if text.trim().is_empty() {
            return refuse("must not be empty");
        }
        if chars > MAX_NAME_CHARS {
            return refuse(format!(
                "has {chars} characters; at most {MAX_NAME_CHARS} are allowed"
            ));
        }
        if text.len() > MAX_NAME_BYTES {
            return refuse(format!(
                "has {} bytes in UTF-8; at most {MAX_NAME_BYTES} are allowed",
                text.len()
            ));
        }
        if text.contains(['/', '\\']) || text == "." || text == ".." {
            return refuse("must be a name without folders: no '/', no '\\', not '.' or '..'");
        }
        if text.chars().any(is_unprintable) {
            return refuse("must not hold control or text-direction characters, nor what is no character");
        }
        if text.trim() != text {
            return refuse("must not begin or end with a blank");
        }
        Ok(Self(text.to_owned()))
    }

    /// The name without the ending `.docx` (of either case).
    pub fn without_docx(&self) -> &str {
        match self
            .0
            .len()
            .checked_sub(5)
            .and_then(|at| self.0.split_at_checked(at))
        {
            Some((stem, ending)) if ending.eq_ignore_ascii_case(".docx") && !stem.is_empty() => stem,
            _ => &self.0,
        }
    }

    /// Whether the name ends in `.docx` (of either case).
    pub fn is_docx(&self) -> bool {
        self.without_docx().len() != self.0.len()
    }
}

text_name!(FileName);

/// Whether a character has no place in a name: control characters, line and paragraph separators, those that reorder
/// text on screen (UAX #9), with which `exe.docx` can pass for `xcod.exe`, and those that are none (Unicode, section
/// 23.7), of which XML can't hold U+FFFE and U+FFFF (XML 1.0, production 2).
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || is_noncharacter(c)
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{feff}'
        )
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

/// The last two of each plane, and 32 in the Basic Multilingual Plane.
fn is_noncharacter(c: char) -> bool {
    u32::from(c) & 0xfffe == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&c)
}

/// A review session's folder, `20251114_142510_write-up_TR-20417`: the time of export in UTC, then the
/// document's name without `.docx`, of which letters, digits, `-` and `_` are kept and blanks become `_`; a
/// name that another session has taken in the same second ends in `_2`, `_3`, …
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FolderName(String);

impl FolderName {
    /// The name of a document's folder, exported at `time`; `attempt` counts from 1 and tells apart sessions
    /// of the same second.
    pub fn new(time: Timestamp, document: &FileName, attempt: u32) -> Self {
        let suffix = if attempt > 1 {
            format!("_{attempt}")
        } else {
            String::new()
        };
        Self(format!(
            "{}_{}{suffix}",
            time::compact(time),
            slug(document.without_docx())
        ))
    }

    /// Reads a folder's name back from a key.
    ///
    /// # Errors
    /// When it isn't of the form that [`FolderName::new`] gives.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let stamp = text.get(..15).unwrap_or_default();
        let digits = |part: Option<&str>| part.is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()));
        let is_stamp = digits(stamp.get(..8)) && digits(stamp.get(9..)) && stamp.get(8..9) == Some("_");
        let rest = text.get(15..).and_then(|rest| rest.strip_prefix('_'));
        match rest {
            Some(rest) if is_stamp && !rest.is_empty() && rest.chars().all(is_slug_char) => {
                Ok(Self(text.to_owned()))
            }
            _ => refuse("is not a folder name like 20251114_142510_document"),
        }
    }
}

text_name!(FolderName);

/// Whose data something is: a customer of the deployment that shares nothing with the others. 1 to 64 ASCII letters,
/// digits, `-`, `_` or `.`, the first one a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

impl TenantId {
    /// Reads a tenant's id as it comes in a token, or in an object's metadata.
    ///
    /// # Errors
    /// When it is empty, too long, or has other characters.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match SessionId::parse(text) {
            Ok(id) if text.len() <= MAX_TENANT_CHARS => Ok(Self(id.0)),
            Ok(_) => refuse(format!("must have 1 to {MAX_TENANT_CHARS} characters")),
            Err(error) => Err(error),
        }
    }
}

text_name!(TenantId);

/// Whose something is within its tenant: 1 to 128 bytes in UTF-8, no control or text-direction characters, no blank at
/// the ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Owner(String);

impl Owner {
    /// Reads an owner as it comes in a request or a token.
    ///
    /// # Errors
    /// When it breaks one of the type's rules.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_owner = (1..=MAX_OWNER_BYTES).contains(&text.len())
            && text.trim() == text
            && !text.chars().any(is_unprintable);
        if is_owner {
            Ok(Self(text.to_owned()))
        } else {
            refuse(format!(
                "must have 1 to {MAX_OWNER_BYTES} bytes in UTF-8, no control characters, no blank at the ends"
            ))
        }
    }

    /// The owner in ASCII, for keys and metadata: everything but letters, digits, `-`, `_` and `.` percent-encoded.
    pub fn encoded(&self) -> String {
        utf8_percent_encode(&self.0, ENCODED).to_string()
    }

    /// The way back from [`Owner::encoded`].
    ///
    /// # Errors
    /// When it isn't an encoded owner.
    pub fn decode(text: &str) -> Result<Self, NameError> {
        let decoded = percent_decode_str(text).decode_utf8();
        Self::parse(&decoded.map_err(|_| NameError("is not UTF-8".to_owned()))?)
    }
}

text_name!(Owner);

/// Encoded: everything but letters, digits, `-`, `_` and `.`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

fn is_slug_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_')
}

fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in text.chars() {
        let c = if c.is_whitespace() { '_' } else { c };
        if is_slug_char(c) && slug.len() + c.len_utf8() <= MAX_SLUG_BYTES {
            slug.push(c);
        }
    }
    if slug.is_empty() {
        "document".to_owned()
    } else {
        slug
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folder(name: &str, attempt: u32) -> String {
        let time = "2025-11-14T14:25:10.999Z".parse().unwrap();
        FolderName::new(time, &FileName::parse(name).unwrap(), attempt).to_string()
    }

    #[test]
    fn a_folder_is_named_after_time_and_document() {
        assert_eq!(
            folder("write-up TR-20417.docx", 1),
            "20251114_142510_write-up_TR-20417"
        );
        assert_eq!(
            folder("write-up TR-20417.DOCX", 2),
            "20251114_142510_write-up_TR-20417_2"
        );
        assert_eq!(
            folder("Prüfbericht (3) v1.2.docx", 1),
            "20251114_142510_Prüfbericht_3_v12"
        );
        assert_eq!(folder("???.docx", 1), "20251114_142510_document");
        assert_eq!(folder(".docx", 1), "20251114_142510_docx");
    }

    #[test]
    fn unsafe_file_names_are_refused_with_the_reason() {
        for name in [
            "",
            " ",
            "a/b",
            "..\\b",
            ".",
            "..",
            "a\nb",
            "a\u{202e}xcod.exe",
            " a",
            "a\u{0}",
            "a\u{2028}",
            "a\u{fffe}",
            "a\u{ffff}",
            "a\u{fdd0}",
            "a\u{fdef}",
            "a\u{1fffe}",
            "a\u{10ffff}",
        ] {
            assert!(FileName::parse(name).is_err(), "{name:?}");
        }
        assert!(FileName::parse("a\u{fffd}\u{fdcf}\u{fdf0}\u{1f4c4}").is_ok());
        assert!(Owner::parse("dana\u{ffff}").is_err());
        assert!(FileName::parse(&"x".repeat(200)).is_ok());
        assert_eq!(
            FileName::parse(&"x".repeat(201)).unwrap_err().to_string(),
            "has 201 characters; at most 200 are allowed"
        );
    }

    #[test]
    fn session_ids_can_not_leave_their_place_in_a_key() {
        assert!(SessionId::parse("5f0c2b1e-8a4d-4d0e-9c57-0a6f3b7f2d11").is_ok());
        for id in [
            "",
            "../x",
            ".hidden",
            "a/b",
            "a b",
            "ü",
            "a\u{0}",
            &"a".repeat(129),
        ] {
            assert!(SessionId::parse(id).is_err(), "{id:?}");
        }
    }

    proptest! {
        #[test]
        fn every_owner_reads_back_from_ascii(text in any::<String>()) {
            if let Ok(owner) = Owner::parse(&text) {
                let encoded = owner.encoded();
                prop_assert!(encoded.is_ascii() && !encoded.contains(['/', ' ']));
                prop_assert_eq!(Owner::decode(&encoded), Ok(owner));
            }
        }

        #[test]
        fn every_file_name_gives_a_folder_that_reads_back(name in any::<String>(), attempt in 1..20u32) {
            if let Ok(file) = FileName::parse(&name) {
                let folder = FolderName::new(Timestamp::UNIX_EPOCH, &file, attempt);
                prop_assert_eq!(FolderName::parse(folder.as_str()), Ok(folder.clone()));
                prop_assert!(folder.as_str().len() < 240);
            }
        }

        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = (SessionId::parse(&text), FileName::parse(&text), FolderName::parse(&text));
        }
    }
}
