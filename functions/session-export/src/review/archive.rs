//! An export as one ZIP.

use std::io::{Cursor, Write as _};

use casefile::key::SessionFile;
use zip::result::{ZipError, ZipResult};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::folder::{Folder, NewFile};

/// Packs a folder: the same bytes under the same paths, the manifest last. The same folder gives the same ZIP.
///
/// # Errors
/// Never for files in memory, which all of it must be.
pub fn zip(folder: &Folder) -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for file in folder.all() {
        zip.start_file(file.file.path(), options(file))?;
        let bytes = file.bytes().ok_or(ZipError::FileNotFound)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// Documents are ZIPs themselves and don't get smaller. A fixed time keeps the bytes the same.
fn options(file: &NewFile) -> SimpleFileOptions {
    let method = match file.file {
        SessionFile::Document(..) => CompressionMethod::Stored,
        _ => CompressionMethod::Deflated,
    };
    SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(DateTime::DEFAULT)
}
