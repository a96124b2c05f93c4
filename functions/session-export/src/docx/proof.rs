//! Shows that a result is the original plus comments, by reading the result anew.

use std::io::Read;

use sha2::{Digest as _, Sha256};
use zip::CompressionMethod;

use super::package::Package;
use super::rebuild::Changes;
use super::{DocxError, xml};

/// What an entry's header says, apart from where it is and how it was compressed.
type Header = (Vec<u8>, Option<(u16, u16)>, u32, String);

/// Proves that `result` differs from the original by the changes and by nothing else.
///
/// Each entry stands at the same index under the same name. An entry that was not changed has the same
/// compressed bytes, checksum, size, method, time, attributes and comment. A changed one, with its insertions
/// cut out, is the original, and is still well-formed. After them come the new parts, and no others.
///
/// # Errors
/// [`DocxError::Proof`] with the part where they differ.
pub(super) fn prove(original: &mut Package<'_>, result: &[u8], changes: &Changes) -> Result<(), DocxError> {
    let mut result = Package::reopen(result).map_err(|_| failed("the archive"))?;
    let count = original.archive.len();
    require(
        result.archive.len() == count + changes.added.len(),
        "the list of parts",
    )?;
    require(
        result.archive.comment() == original.archive.comment(),
        "the archive's comment",
    )?;
    for index in 0..count {
        let (old, name) = header(original, index)?;
        require(old == header(&mut result, index)?.0, &name)?;
        let same = match changes.changed.get(&index) {
            Some(part) => {
                let now = result.read_at(index, &name).map_err(|_| failed(&name))?;
                xml::is_balanced(&now) && part.insertions.leave(&now, &part.original)
            }
            None => raw(original, index) == raw(&mut result, index),
        };
        require(same, &name)?;
    }
    for (offset, (name, content)) in changes.added.iter().enumerate() {
        let now = result.read_at(count + offset, name).map_err(|_| failed(name))?;
        require(
            result.find(name) == Some(count + offset) && now == content.as_bytes(),
            name,
        )?;
    }
    Ok(())
}

fn require(holds: bool, part: &str) -> Result<(), DocxError> {
    if holds { Ok(()) } else { Err(failed(part)) }
}

fn failed(part: &str) -> DocxError {
    DocxError::Proof(part.into())
}

fn header(package: &mut Package<'_>, index: usize) -> Result<(Header, String), DocxError> {
    let entry = package
        .archive
        .by_index_raw(index)
        .map_err(|_| failed("the archive"))?;
    let time = entry
        .last_modified()
        .map(|time| (time.datepart(), time.timepart()));
    let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
    let header = (
        entry.name_raw().to_vec(),
        time,
        entry.external_attributes(),
        entry.comment().to_owned(),
    );
    Ok((header, name))
}

/// An entry's compressed bytes, as a digest, with what is needed to unpack them. `None` if unreadable.
fn raw(package: &mut Package<'_>, index: usize) -> Option<(Vec<u8>, u32, u64, CompressionMethod)> {
    let mut entry = package.archive.by_index_raw(index).ok()?;
    let mut digest = Sha256::new();
    let mut block = vec![0; 64 << 10];
    loop {
        match entry.read(&mut block).ok()? {
            0 => break,
            read => digest.update(block.get(..read)?),
        }
    }
    Some((
        digest.finalize().to_vec(),
        entry.crc32(),
        entry.size(),
        entry.compression(),
    ))
}
