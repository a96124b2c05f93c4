//! The ZIP archive around a document: opened with limits, read part by part, copied without unpacking.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::{CompressionMethod, ZipArchive};

use super::error::PartLabel;
use super::{DocxError, directory, limits, xml};

const OLE: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
const ZIP: &[u8] = b"PK\x03\x04";
const BROKEN: DocxError = DocxError::Archive("is damaged");
/// Parts above this size are unpacked once to be counted before any memory is set aside for them.
const COUNT_FIRST: u64 = 4 << 20;

pub(super) type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// A document's archive whose names, sizes and prologs have been checked.
pub(super) struct Package<'a> {
    pub(super) archive: Archive<'a>,
    /// Part names without leading slash in lower case, as OPC compares them (ECMA-376-2 6.2.2.3).
    index: HashMap<String, usize>,
}

impl<'a> Package<'a> {
    /// Opens the archive and checks what can be checked without unpacking whole parts.
    ///
    /// # Errors
    /// It is no ZIP archive or an OLE file; names are ambiguous; it is encrypted; it is over a limit; entries
    /// overlap; an XML part starts with a DOCTYPE or is in UTF-16.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, DocxError> {
        if bytes.starts_with(OLE) {
            return Err(DocxError::Ole);
        }
        if !bytes.starts_with(ZIP) {
            return Err(DocxError::NotZip);
        }
        directory::check_count(bytes)?;
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| BROKEN)?;
        let start = usize::try_from(archive.central_directory_start()).map_err(|_| BROKEN)?;
        directory::check(bytes, start)?;
        if archive.has_duplicate_names() || archive.len() > limits::ENTRIES {
            return Err(DocxError::TooManyParts);
        }
        if archive.has_overlapping_entries().map_err(|_| BROKEN)? {
            return Err(DocxError::Archive("has entries that overlap"));
        }
        let mut package = Self {
            index: HashMap::new(),
            archive,
        };
        package.check_entries()?;
        Ok(package)
    }

    fn check_entries(&mut self) -> Result<(), DocxError> {
        let mut total = 0_u64;
        for i in 0..self.archive.len() {
            let entry = self.archive.by_index_raw(i).map_err(|_| BROKEN)?;
            if entry.encrypted() {
                return Err(DocxError::Ole);
            }
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            total = total.saturating_add(entry.size());
            if is_xml(&name) && entry.size() > limits::XML_PART {
                return Err(too_large(&name, limits::XML_PART));
            }
            drop(entry);
            if is_xml(&name) {
                xml::check_prolog(&name, &self.head(i, &name)?)?;
            }
            self.index.insert(canonical(&name), i);
        }
        if total > limits::TOTAL {
            Err(too_large("the document", limits::TOTAL))
        } else {
            Ok(())
        }
    }

    fn head(&mut self, index: usize, name: &str) -> Result<Vec<u8>, DocxError> {
        let mut head = Vec::new();
        let entry = self.archive.by_index(index).map_err(|_| unreadable(name))?;
        entry
            .take(limits::PROLOG)
            .read_to_end(&mut head)
            .map_err(|_| unreadable(name))?;
        Ok(head)
    }

    /// Where the part is in the archive. Names compare without ASCII case and leading slash.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.index.get(&canonical(name)).copied()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    /// A part's bytes, if it exists.
    ///
    /// # Errors
    /// See [`Package::read_at`].
    pub(super) fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, DocxError> {
        self.find(name).map(|index| self.read_at(index, name)).transpose()
    }

    /// A part's bytes. At most [`limits::XML_PART`] are unpacked, whatever size the archive declares.
    ///
    /// # Errors
    /// The part is too large, damaged, or its size or checksum is not the declared one.
    pub(super) fn read_at(&mut self, index: usize, name: &str) -> Result<Vec<u8>, DocxError> {
        let entry = self.archive.by_index(index).map_err(|_| unreadable(name))?;
        let declared = entry.size();
        if declared > limits::XML_PART {
            return Err(too_large(name, limits::XML_PART));
        }
        if declared > COUNT_FIRST {
            let counted = std::io::copy(&mut entry.take(declared + 1), &mut std::io::sink());
            require(counted.ok() == Some(declared), name)?;
        } else {
            drop(entry);
        }
        let entry = self.archive.by_index(index).map_err(|_| unreadable(name))?;
        let mut bytes = Vec::with_capacity(usize::try_from(declared).unwrap_or(0));
        let read = entry.take(declared + 1).read_to_end(&mut bytes);
        require(read.ok().map(|n| n as u64) == Some(declared), name)?;
        Ok(bytes)
    }

    /// Refuses a part that will be rewritten but is stored in a way other than OPC allows.
    pub(super) fn check_method(&mut self, index: usize) -> Result<(), DocxError> {
        let entry = self.archive.by_index_raw(index).map_err(|_| BROKEN)?;
        match entry.compression() {
            CompressionMethod::Stored | CompressionMethod::Deflated => Ok(()),
            _ => Err(DocxError::Archive("uses a compression that Word does not know")),
        }
    }
}

fn require(right: bool, name: &str) -> Result<(), DocxError> {
    if right { Ok(()) } else { Err(unreadable(name)) }
}

fn unreadable(name: &str) -> DocxError {
    DocxError::Malformed(name.into(), 0)
}

fn too_large(name: &str, limit: u64) -> DocxError {
    DocxError::TooLarge(PartLabel::new(name), limit >> 20)
}

/// A part's name as it is compared: no leading slash, ASCII lower case.
pub(super) fn canonical(name: &str) -> String {
    name.strip_prefix('/').unwrap_or(name).to_ascii_lowercase()
}

fn is_xml(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".xml", ".rels", ".vml"]
        .iter()
        .any(|suffix| name.ends_with(suffix))
}
