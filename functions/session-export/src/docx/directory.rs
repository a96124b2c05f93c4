//! The archive's central directory, read by hand for what the zip crate does not tell: every name as it is
//! stored, and the second names in Unicode-path extra fields (APPNOTE 4.3.12, 4.6.9).

use std::collections::HashSet;

use super::{DocxError, limits};

const HEADER: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const HEADER_LEN: usize = 46;
const UNICODE_PATH: u16 = 0x7075;
const BROKEN: DocxError = DocxError::Archive("has a broken directory");

/// Refuses what would make readers disagree about the content, and too many entries.
///
/// `start` is where the zip crate found the directory; every entry from there on is looked at.
///
/// # Errors
/// Two names are equal when compared as part names are (without ASCII case, ECMA-376-2 6.2.2.3), a
/// Unicode-path field names something else, or the directory is broken.
pub(super) fn check(archive: &[u8], start: usize) -> Result<(), DocxError> {
    let mut rest = archive.get(start..).ok_or(BROKEN)?;
    let mut names = HashSet::new();
    while rest.starts_with(HEADER) {
        let (name, extra, next) = split(rest).ok_or(BROKEN)?;
        let shown = String::from_utf8_lossy(name);
        if !names.insert(name.to_ascii_lowercase()) {
            return Err(DocxError::DuplicatePart(shown.as_ref().into()));
        }
        if names.len() > limits::ENTRIES {
            return Err(DocxError::TooManyParts);
        }
        if renames(name, extra).ok_or(BROKEN)? {
            return Err(DocxError::AmbiguousName(shown.as_ref().into()));
        }
        rest = next;
    }
    Ok(())
}

/// Refuses an archive that says it has too many entries, before anything is kept for each of them.
pub(super) fn check_count(archive: &[u8]) -> Result<(), DocxError> {
    let tail = archive.len().saturating_sub(22 + usize::from(u16::MAX));
    let tail = archive.get(tail..).unwrap_or(&[]);
    let end = tail.windows(END.len()).rposition(|w| w == END);
    let count = end.and_then(|at| number(tail, at + 10)).unwrap_or(0);
    // 65,535 stands for "see the ZIP64 record"; the directory itself is counted later.
    if count > limits::ENTRIES && count != usize::from(u16::MAX) {
        return Err(DocxError::TooManyParts);
    }
    Ok(())
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let pair = bytes.get(at..at + 2)?;
    Some(usize::from(u16::from_le_bytes(pair.try_into().ok()?)))
}

/// The first header's name and extra fields, and what follows it.
fn split(header: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name_len, extra_len, comment_len) = (number(header, 28)?, number(header, 30)?, number(header, 32)?);
    let (name, rest) = header.get(HEADER_LEN..)?.split_at_checked(name_len)?;
    let (extra, rest) = rest.split_at_checked(extra_len)?;
    Some((name, extra, rest.get(comment_len..)?))
}

/// Whether a Unicode-path field holds a name other than `name`. `None` if the fields are broken.
fn renames(name: &[u8], mut extra: &[u8]) -> Option<bool> {
    while extra.len() >= 4 {
        let id = number(extra, 0)?;
        let (data, next) = extra.get(4..)?.split_at_checked(number(extra, 2)?)?;
        if id == usize::from(UNICODE_PATH) && data.get(5..) != Some(name) {
            return Some(true);
        }
        extra = next;
    }
    Some(false)
}
