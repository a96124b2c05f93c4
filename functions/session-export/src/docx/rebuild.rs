//! Writes the archive anew: changed parts compressed again, every other entry copied as it is.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::DocxError;
use super::edit::Insertions;
use super::package::Package;

/// A part that is changed by insertions.
pub(super) struct Changed {
    pub(super) original: Vec<u8>,
    pub(super) insertions: Insertions,
}

/// Everything that becomes different.
#[derive(Default)]
pub(super) struct Changes {
    /// By index in the archive.
    pub(super) changed: BTreeMap<usize, Changed>,
    /// New parts, in the order in which they are appended.
    pub(super) added: Vec<(String, String)>,
}

const FAILED: DocxError = DocxError::Archive("cannot be written again");

/// The archive with the changes. The same input gives the same bytes: a changed entry keeps its time, a new one
/// gets 1980-01-01.
///
/// # Errors
/// The archive is damaged, or too large for the format.
pub(super) fn rebuild(package: &mut Package<'_>, changes: &Changes) -> Result<Vec<u8>, DocxError> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..package.archive.len() {
        let entry = package.archive.by_index_raw(index).map_err(|_| FAILED)?;
        match changes.changed.get(&index) {
            None => writer.raw_copy_file(entry).map_err(|_| FAILED)?,
            Some(part) => {
                let options = entry.options().compression_method(CompressionMethod::Deflated);
                let name = entry.name().map_err(|_| FAILED)?.into_owned();
                write(
                    &mut writer,
                    &name,
                    options,
                    &part.insertions.apply(&part.original),
                )?;
            }
        }
    }
    for (name, content) in &changes.added {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default());
        write(&mut writer, name, options, content.as_bytes())?;
    }
    writer
        .set_raw_comment(package.archive.comment().into())
        .map_err(|_| FAILED)?;
    Ok(writer.finish().map_err(|_| FAILED)?.into_inner())
}

fn write(
    writer: &mut ZipWriter<Cursor<Vec<u8>>>,
    name: &str,
    options: SimpleFileOptions,
    content: &[u8],
) -> Result<(), DocxError> {
    writer.start_file(name, options).map_err(|_| FAILED)?;
    writer.write_all(content).map_err(|_| FAILED)
}
