//! `Content-Disposition` (RFC 6266) with an ASCII name and the real one (RFC 8187).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what RFC 8187 calls attr-char, of which the rarer ones are encoded, too.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Whether a browser saves a file or shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// It is saved.
    Attachment,
    /// It is shown.
    Inline,
}

impl Disposition {
    /// As requests and headers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attachment => "attachment",
            Self::Inline => "inline",
        }
    }

    /// The header's value for a file of this name. ASCII; nothing in a name can end the value or the header.
    pub fn header(self, file_name: &str) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
        let ascii: String = file_name
            .chars()
            .map(|c| if is_plain(c) { c } else { '_' })
            .collect();
        let encoded = utf8_percent_encode(file_name, ENCODED);
        format!(
            "{}; filename=\"{ascii}\"; filename*=UTF-8''{encoded}",
            self.name()
        )
    }
}

/// The value that saves a file under this name.
pub fn attachment(file_name: &str) -> String {
    Disposition::Attachment.header(file_name)
}

/// Types that browsers show and can't run: a page or a drawing with scripts would run as part of the bucket's site.
pub fn can_be_inline(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    matches!(
        media_type.to_ascii_lowercase().as_str(),
        "application/pdf"
            | "text/plain"
            | "application/json"
            | "image/png"
            | "image/jpeg"
            | "image/gif"
            | "image/webp"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_name_can_not_break_out_of_its_header() {
        assert_eq!(
            attachment("a\"b\r\nSet-Cookie: é.zip"),
            "attachment; filename=\"a_b__Set-Cookie_ _.zip\"; filename*=UTF-8''a%22b%0D%0ASet-Cookie%3A%20%C3%A9.zip"
        );
    }

    #[test]
    fn only_what_browsers_can_not_run_is_shown() {
        for shown in ["application/pdf", "text/plain; charset=utf-8", "IMAGE/PNG"] {
            assert!(can_be_inline(shown), "{shown}");
        }
        for saved in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/xml",
            "application/octet-stream",
            "",
            "text/plainx",
        ] {
            assert!(!can_be_inline(saved), "{saved}");
        }
    }

    proptest! {
        #[test]
        fn every_name_comes_back_whole(name in any::<String>()) {
            let header = Disposition::Inline.header(&name);
            prop_assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(header.matches('"').count(), 2);
            let (_, encoded) = header.rsplit_once("''").unwrap();
            let decoded = percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap();
            prop_assert_eq!(decoded, name);
        }
    }
}
