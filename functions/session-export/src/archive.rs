//! Files as one ZIP.

use std::io::{Cursor, Write as _};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Packs files, each by its path, content and media type, in their order. The same files give the same ZIP.
///
/// # Errors
/// Never for files in memory whose paths differ.
pub fn zip<'a>(files: impl Iterator<Item = (&'a str, &'a [u8], &'a str)>) -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes, content_type) in files {
        zip.start_file(path, options(content_type))?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// Texts get smaller; documents, PDFs and tables are packed already. A fixed time keeps the bytes the same.
fn options(content_type: &str) -> SimpleFileOptions {
    let is_text = content_type.starts_with("text/") || content_type == "application/json";
    let method = if is_text {
        CompressionMethod::Deflated
    } else {
        CompressionMethod::Stored
    };
    SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(DateTime::DEFAULT)
}
