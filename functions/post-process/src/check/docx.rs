//! Word documents (ECMA-376): whether the package opens, its main part is there, and whether it brings macros along.

use std::borrow::Cow;
use std::io::{Cursor, Read as _};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;
use zip::ZipArchive;
use zip::read::ZipFile;

use super::findings::{Findings, Trouble};
use super::{Flag, Kind};

/// Entries in the archive, far above what Word writes.
const MAX_ENTRIES: usize = 5_000;
/// Headers of entries in the whole file, also those that only look like some in an embedded file: the `zip` crate keeps
/// some hundred bytes for each that it finds.
const MAX_HEADERS: usize = 50_000;
/// Unpacked bytes of the parts that are kept to be read; real ones have a few thousand.
const MAX_INDEX_PART: u64 = 1024 * 1024;
/// Unpacked bytes of the main part, of which nothing is kept. The longest novel has a tenth of it.
const MAX_MAIN_PART: u64 = 128 * 1024 * 1024;
/// The bytes of the main part that must hold its root element.
const PROLOG: usize = 64 * 1024;

const CONTENT_TYPES: &str = "[Content_Types].xml";
const RELATIONSHIPS: &str = "_rels/.rels";
/// The two dialects of the relationship that names the main part (ECMA-376-1, clause 11.3.10).
const MAIN_PART: [&str; 2] = [
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument",
    "http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument",
];
/// The namespaces of a Word document's main part.
const WORD: [&str; 2] = [
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
];

const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// The stream of an encrypted Office file, as its directory spells it ([MS-OFFCRYPTO] 2.3.4.4).
const ENCRYPTED_PACKAGE: &str = "EncryptedPackage";

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Looks into a ZIP archive; one that doesn't claim to be a Word document may be any archive.
pub(super) fn look(content: &[u8], is_claimed: bool) -> Findings {
    match open(content) {
        Ok(has_macros) => {
            let findings = Findings::verified(Kind::Docx);
            if has_macros {
                findings.flagged(Flag::Macros)
            } else {
                findings
            }
        }
        Err(trouble) if is_claimed => Findings::trouble(Kind::Zip, trouble),
        Err(_) => Findings::unsupported(Kind::Zip, "archives are not looked into"),
    }
}

/// Looks at a file of no kind that is opened here.
pub(super) fn look_at_other(content: &[u8]) -> Findings {
    let name: Vec<u8> = ENCRYPTED_PACKAGE
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    if content.starts_with(OLE) && content.windows(name.len()).any(|window| window == name) {
        Findings::unsupported(Kind::Other, "it is an encrypted Office file").flagged(Flag::Encrypted)
    } else {
        Findings::unsupported(Kind::Other, "its kind is not looked into")
    }
}

/// Whether the document has macros.
fn open(content: &[u8]) -> Result<bool, Trouble> {
    check_size_of_directory(content)?;
    let mut archive = ZipArchive::new(Cursor::new(content)).map_err(|_| BROKEN)?;
    if archive.len() > MAX_ENTRIES {
        return Err(TOO_MANY);
    }
    let types = read(&mut archive, CONTENT_TYPES)?;
    let relationships = read(&mut archive, RELATIONSHIPS)?;
    let main = main_part(&relationships).ok_or(Trouble::Broken("it doesn't say which is its main part"))?;
    check_main_part(&mut archive, &main)?;
    let has_program = archive
        .file_names()
        .flatten()
        .any(|name| name.to_ascii_lowercase().ends_with("vbaproject.bin"));
    let types = types.to_ascii_lowercase();
    let declares = |what: &[u8]| types.windows(what.len()).any(|window| window == what);
    Ok(has_program || declares(b"vbaproject") || declares(b"macroenabled"))
}

const BROKEN: Trouble = Trouble::Broken("it is a damaged archive");
const TOO_MANY: Trouble = Trouble::Broken("it has more parts than any Word document");

/// Before the `zip` crate keeps something for each entry.
fn check_size_of_directory(content: &[u8]) -> Result<(), Trouble> {
    let headers = content.windows(4).filter(|window| window == b"PK\x01\x02");
    if headers.take(MAX_HEADERS + 1).count() > MAX_HEADERS {
        return Err(TOO_MANY);
    }
    Ok(())
}

/// A part that is kept to be read.
fn read(archive: &mut Archive<'_>, name: &'static str) -> Result<Vec<u8>, Trouble> {
    let part = find(archive, name).ok_or(Trouble::Broken("it is no Office package"))?;
    let mut bytes = Vec::new();
    let read = part.take(MAX_INDEX_PART + 1).read_to_end(&mut bytes);
    if read.map_err(|_| BROKEN)? as u64 > MAX_INDEX_PART {
        return Err(Trouble::Broken("its list of parts unpacks to more than 1 MiB"));
    }
    Ok(bytes)
}

/// A part; names compare without ASCII case (ECMA-376-2, clause 6.2.2.3).
fn find<'a, 'b>(archive: &'a mut Archive<'b>, name: &str) -> Option<ZipFile<'a, Cursor<&'b [u8]>>> {
    let is_it = |other: Result<Cow<'_, str>, _>| other.is_ok_and(|other| other.eq_ignore_ascii_case(name));
    let index = archive.file_names().position(is_it)?;
    archive.by_index(index).ok()
}

/// The main part's name in the archive.
fn main_part(relationships: &[u8]) -> Option<String> {
    let mut reader = Reader::from_reader(relationships);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "Relationship" => {
                let kind = attribute(&tag, "Type").unwrap_or_default();
                if MAIN_PART.contains(&kind.as_str()) {
                    return Some(attribute(&tag, "Target")?.trim_start_matches('/').to_owned());
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = tag.attributes();
    let mut attributes = attributes.with_checks(false).filter_map(Result::ok);
    let attribute = attributes.find(|attribute| attribute.key.as_ref() == name)?;
    Some(attribute.value.into_owned())
}

/// Unpacks the main part to its end, which proves its checksum, and keeps only its beginning.
fn check_main_part(archive: &mut Archive<'_>, name: &str) -> Result<(), Trouble> {
    let mut part = find(archive, name).ok_or(Trouble::Broken("its main part is missing"))?;
    let (mut start, mut buffer, mut size) = (Vec::new(), [0; 16 * 1024], 0_u64);
    loop {
        let count = part
            .read(&mut buffer)
            .map_err(|_| Trouble::Broken("its main part is damaged"))?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        size += count as u64;
        if size > MAX_MAIN_PART {
            return Err(Trouble::Broken("its main part unpacks to more than 128 MiB"));
        }
        let room = PROLOG.saturating_sub(start.len());
        start.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
    if is_word(&start) {
        Ok(())
    } else {
        Err(Trouble::Broken("its main part is no Word document"))
    }
}

/// Whether a part's root element is a Word document's.
fn is_word(start: &[u8]) -> bool {
    let mut reader = NsReader::from_reader(start);
    loop {
        match reader.read_resolved_event() {
            Ok((ResolveResult::Bound(namespace), Event::Start(tag) | Event::Empty(tag))) => {
                return tag.local_name().as_ref() == "document" && WORD.contains(&namespace.as_ref());
            }
            Ok((_, Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Text(_))) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::super::Status;
    use super::*;

    const SAMPLE: &[u8] = include_bytes!("../../../../tests/fixtures/review/before.docx");
    const RELS: &[u8] =
        br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
        <Relationship Id="a" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument"
        Target="/word/document.xml"/></Relationships>"#;
    const MAIN: &[u8] = br#"<?xml version="1.0"?><!-- x --><w:document
        xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main"><w:body/></w:document>"#;

    fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in parts {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn document(main: &[u8], more: &[(&str, &[u8])]) -> Vec<u8> {
        let parts: [(&str, &[u8]); 3] = [
            (CONTENT_TYPES, b"<Types/>"),
            (RELATIONSHIPS, RELS),
            ("word/document.xml", main),
        ];
        archive(&[&parts, more].concat())
    }

    fn reason(content: &[u8]) -> String {
        let findings = look(content, true);
        assert_eq!((findings.status, findings.kind), (Status::Rejected, Kind::Zip));
        findings.reason.unwrap()
    }

    #[test]
    fn documents_open() {
        assert_eq!(look(SAMPLE, true), Findings::verified(Kind::Docx));
        assert_eq!(look(&document(MAIN, &[]), false), Findings::verified(Kind::Docx));
    }

    #[test]
    fn macros_are_flagged() {
        let with = look(&document(MAIN, &[("word/vbaProject.bin", b"x")]), true);
        assert_eq!(with, Findings::verified(Kind::Docx).flagged(Flag::Macros));
        let types: &[u8] = br#"<Types><Override ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/></Types>"#;
        let parts: [(&str, &[u8]); 3] = [
            (CONTENT_TYPES, types),
            (RELATIONSHIPS, RELS),
            ("word/document.xml", MAIN),
        ];
        assert_eq!(look(&archive(&parts), true).flags, [Flag::Macros]);
    }

    #[test]
    fn what_is_no_document_is_rejected_where_it_claims_to_be_one() {
        let sheet = br#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>"#;
        assert_eq!(reason(&document(sheet, &[])), "its main part is no Word document");
        assert_eq!(
            reason(&document(b"\0\0", &[])),
            "its main part is no Word document"
        );
        assert_eq!(reason(&archive(&[("a.txt", b"x")])), "it is no Office package");
        let parts: [(&str, &[u8]); 2] = [(CONTENT_TYPES, b"<Types/>"), (RELATIONSHIPS, RELS)];
        assert_eq!(reason(&archive(&parts)), "its main part is missing");
        let parts: [(&str, &[u8]); 2] = [(CONTENT_TYPES, b"<Types/>"), (RELATIONSHIPS, b"<<<")];
        assert_eq!(reason(&archive(&parts)), "it doesn't say which is its main part");
        let other = look(&archive(&[("a.txt", b"x")]), false);
        assert_eq!((other.status, other.kind), (Status::Unsupported, Kind::Zip));
    }

    #[test]
    fn a_damaged_archive_is_rejected() {
        for length in [4, 22, 1_000, SAMPLE.len() / 2, SAMPLE.len() - 1] {
            assert_eq!(reason(&SAMPLE[..length]), "it is a damaged archive");
        }
        let mut damaged = document(MAIN, &[]);
        let at = damaged
            .windows(17)
            .position(|w| w == b"word/document.xml")
            .unwrap()
            + 20;
        damaged[at] ^= 0x55;
        assert_eq!(reason(&damaged), "its main part is damaged");
    }

    #[test]
    fn an_archive_of_too_many_entries_is_not_opened() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for index in 0..100_000 {
            writer
                .start_file(index.to_string(), SimpleFileOptions::default())
                .unwrap();
        }
        let many = writer.finish().unwrap().into_inner();
        assert_eq!(reason(&many), "it has more parts than any Word document");
        let parts: Vec<_> = (0..6_000).map(|index| index.to_string()).collect();
        let parts: Vec<_> = parts.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
        assert_eq!(
            reason(&document(MAIN, &parts)),
            "it has more parts than any Word document"
        );
    }

    #[test]
    fn a_bomb_is_not_unpacked_to_its_end() {
        let zeros = vec![b' '; usize::try_from(MAX_MAIN_PART).unwrap() + 1];
        assert_eq!(
            reason(&document(&zeros, &[])),
            "its main part unpacks to more than 128 MiB"
        );
        let parts: [(&str, &[u8]); 2] = [(CONTENT_TYPES, &zeros[..2 << 20]), (RELATIONSHIPS, RELS)];
        assert_eq!(
            reason(&archive(&parts)),
            "its list of parts unpacks to more than 1 MiB"
        );
    }

    #[test]
    fn an_encrypted_office_file_is_told_from_an_old_one() {
        let old = [OLE, &[0; 600]].concat();
        assert!(look_at_other(&old).flags.is_empty());
        let name: Vec<u8> = ENCRYPTED_PACKAGE
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(
            look_at_other(&[&old[..], &name].concat()).flags,
            [Flag::Encrypted]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_changed_document_gets_a_verdict(at in 0..SAMPLE.len(), byte in any::<u8>(), cut in 0..SAMPLE.len()) {
            let mut changed = SAMPLE.to_vec();
            changed[at] = byte;
            look(&changed, true);
            look(&changed[cut..], true);
        }
    }
}
