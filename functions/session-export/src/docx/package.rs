//! The ZIP archive around a document: opened with limits, read part by part, copied without unpacking.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::read::ZipFile;
use zip::{CompressionMethod, ZipArchive};

use super::error::PartLabel;
use super::{DocxError, directory, limits, xml};

const OLE: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
const ZIP: &[u8] = b"PK\x03\x04";
const BROKEN: DocxError = DocxError::Archive("is damaged");

pub(super) type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// A document's archive whose names, sizes and prologs have been checked.
pub(super) struct Package<'a> {
    pub(super) archive: Archive<'a>,
    /// Part names without leading slash in lower case, as OPC compares them (ECMA-376-2 6.2.2.3).
    index: HashMap<String, usize>,
    /// The archive was written here.
    own: bool,
}

/// How large something is, and what it takes in the archive.
#[derive(Debug, Clone, Copy, Default)]
struct Packing {
    size: u64,
    packed: u64,
}

impl Packing {
    fn of<R: Read>(entry: &ZipFile<'_, R>) -> Self {
        Self {
            size: entry.size(),
            packed: entry.compressed_size(),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            size: self.size.saturating_add(other.size),
            packed: self.packed.saturating_add(other.packed),
        }
    }

    fn is_bomb(self) -> bool {
        self.size > limits::DENSE && self.size / limits::RATIO > self.packed
    }
}

impl<'a> Package<'a> {
    /// Opens the archive and checks what can be checked without unpacking whole parts.
    ///
    /// # Errors
    /// It is no ZIP archive or an OLE file; names are ambiguous; it is encrypted; it is over a limit or a bomb;
    /// entries overlap; an XML part starts with a DOCTYPE or is in UTF-16.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, DocxError> {
        Self::with(bytes, false)
    }

    /// Opens an archive that was written here. Long comments may be packed as densely as a bomb.
    ///
    /// # Errors
    /// As for [`Package::open`].
    pub(super) fn reopen(bytes: &'a [u8]) -> Result<Self, DocxError> {
        Self::with(bytes, true)
    }

    fn with(bytes: &'a [u8], own: bool) -> Result<Self, DocxError> {
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
            own,
        };
        package.check_entries()?;
        package.check_prologs()?;
        Ok(package)
    }

    /// Checks what the directory declares, and keeps the names.
    fn check_entries(&mut self) -> Result<(), DocxError> {
        let (mut total, mut xml) = (0_u64, Packing::default());
        for i in 0..self.archive.len() {
            let entry = self.archive.by_index_raw(i).map_err(|_| BROKEN)?;
            if entry.encrypted() {
                return Err(DocxError::Ole);
            }
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let part = Packing::of(&entry);
            drop(entry);
            total = total.saturating_add(part.size);
            if is_xml(&name) {
                if part.size > limits::XML_PART {
                    return Err(too_large(&name, limits::XML_PART));
                }
                self.refuse_bomb(part, &name)?;
                xml = xml.and(part);
            }
            self.index.insert(canonical(&name), i);
        }
        self.refuse_bomb(xml, "the document")?;
        if total > limits::TOTAL {
            Err(too_large("the document", limits::TOTAL))
        } else {
            Ok(())
        }
    }

    /// Refuses what is large and packed as only a bomb is, before any of it is unpacked.
    fn refuse_bomb(&self, packing: Packing, name: &str) -> Result<(), DocxError> {
        if packing.is_bomb() && !self.own {
            Err(DocxError::Bomb(name.into()))
        } else {
            Ok(())
        }
    }

    fn check_prologs(&mut self) -> Result<(), DocxError> {
        for i in 0..self.archive.len() {
            let entry = self.archive.by_index_raw(i).map_err(|_| BROKEN)?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            drop(entry);
            if is_xml(&name) {
                let mut head = self.head(i, &name, limits::SHORT_PROLOG)?;
                if !xml::shows_root(&head) {
                    head = self.head(i, &name, limits::PROLOG)?;
                }
                xml::check_prolog(&name, &head)?;
            }
        }
        Ok(())
    }

    fn head(&mut self, index: usize, name: &str, limit: u64) -> Result<Vec<u8>, DocxError> {
        let mut head = Vec::new();
        let entry = self.archive.by_index(index).map_err(|_| unreadable(name))?;
        entry
            .take(limit)
            .read_to_end(&mut head)
            .map_err(|_| unreadable(name))?;
        Ok(head)
    }

    /// Where the part is in the archive. Names compare without ASCII case and leading slash.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.index.get(&canonical(name)).copied()
    }

    /// The unpacked bytes that the archive declares for a part.
    pub(super) fn size_of(&mut self, index: usize) -> u64 {
        self.archive.by_index_raw(index).map_or(0, |entry| entry.size())
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

    /// A part's bytes. It is not unpacked further than the archive declares, and at most [`limits::XML_PART`].
    ///
    /// # Errors
    /// The part is too large, a bomb, damaged, or its size or checksum is not the declared one.
    pub(super) fn read_at(&mut self, index: usize, name: &str) -> Result<Vec<u8>, DocxError> {
        let entry = self.archive.by_index(index).map_err(|_| unreadable(name))?;
        let packing = Packing::of(&entry);
        drop(entry);
        let declared = packing.size;
        if declared > limits::XML_PART {
            return Err(too_large(name, limits::XML_PART));
        }
        self.refuse_bomb(packing, name)?;
        let entry = self.archive.by_index(index).map_err(|_| unreadable(name))?;
        // What is set aside here takes no memory until it is filled.
        let mut bytes = Vec::with_capacity(usize::try_from(declared + 1).unwrap_or(0));
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
