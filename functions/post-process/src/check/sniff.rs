//! What a file is by its first bytes, and what it claims to be by its name.

use super::Kind;

/// As many bytes of a file as are looked at when it isn't kept.
pub(super) const START: usize = 4_096;

/// A PDF's header may stand anywhere in the first 1,024 bytes (ISO 32000-1, annex H, note 13).
const PDF_HEADER_WITHIN: usize = 1_024;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The kind of a file by its content: all of it, or its first [`START`] bytes. A Word document is a ZIP archive here.
pub(super) fn kind(content: &[u8]) -> Kind {
    let begins = |with: &[u8]| content.starts_with(with);
    if begins(b"PK\x03\x04") || begins(b"PK\x05\x06") {
        Kind::Zip
    } else if begins(b"PAR1") || begins(b"PARE") {
        Kind::Parquet
    } else if begins(b"%PDF-") {
        Kind::Pdf
    } else if begins(b"\xff\xfe") || begins(b"\xfe\xff") {
        // UTF-16, in which each second byte of most texts is 0.
        Kind::Text
    } else {
        of_text(content)
    }
}

fn of_text(content: &[u8]) -> Kind {
    let text = content.strip_prefix(BOM).unwrap_or(content).trim_ascii_start();
    let is_text = !content.iter().copied().any(is_binary);
    if matches!(text.first(), Some(b'{' | b'[')) && is_text {
        Kind::Json
    } else if has_pdf_header(content) && (!is_text || text.starts_with(b"%PDF-")) {
        Kind::Pdf
    } else if is_text {
        Kind::Text
    } else {
        Kind::Other
    }
}

fn has_pdf_header(content: &[u8]) -> bool {
    let start = content.get(..PDF_HEADER_WITHIN).unwrap_or(content);
    start.windows(5).any(|window| window == b"%PDF-")
}

/// Whether a byte stands in no text, be it in UTF-8 or one of the ISO 8859 family. DEL may: JSON doesn't escape it (RFC
/// 8259, clause 7).
fn is_binary(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)
}

/// The kind that a file's name says it is, if it says one that can be told.
pub(super) fn claim(name: &str) -> Option<Kind> {
    let (_, extension) = name.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "pdf" => Some(Kind::Pdf),
        "docx" | "docm" => Some(Kind::Docx),
        "json" => Some(Kind::Json),
        "parquet" => Some(Kind::Parquet),
        "txt" | "log" | "csv" => Some(Kind::Text),
        "zip" => Some(Kind::Zip),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_content_says() {
        for (content, expected) in [
            (b"%PDF-1.7\n\xe2\xe3".as_slice(), Kind::Pdf),
            (b"\0\x01junk of a mail gateway\n%PDF-1.4\n", Kind::Pdf),
            (b"About the header %PDF-1.4, in words", Kind::Text),
            (b"PK\x03\x04", Kind::Zip),
            (b"PAR1", Kind::Parquet),
            (b"\xef\xbb\xbf \n{\"a\": 1}", Kind::Json),
            (b"[", Kind::Json),
            (b"M\xfcller, in ISO 8859-1", Kind::Text),
            (b"\xff\xfeU\0T\0F\0", Kind::Text),
            (b"", Kind::Text),
            (b"\x89PNG\r\n\x1a\n", Kind::Other),
            (b"{\0", Kind::Other),
            (b"{\"a\": \"\x7f\"}", Kind::Json),
            (b"a\x7fb", Kind::Text),
        ] {
            assert_eq!(kind(content), expected, "{content:?}");
        }
    }

    #[test]
    fn a_name_claims_a_kind_by_its_last_extension() {
        assert_eq!(claim("Report.PDF"), Some(Kind::Pdf));
        assert_eq!(claim("report.pdf.json"), Some(Kind::Json));
        assert_eq!(
            (claim("report"), claim("report.exe"), claim("")),
            (None, None, None)
        );
    }
}
