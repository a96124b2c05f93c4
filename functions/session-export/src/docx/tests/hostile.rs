//! Documents that must be refused, quickly and with a reason.

use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::{FullFileOptions, SimpleFileOptions};

use super::builder::{Docx, W, p};
use super::{on, part};
use crate::docx::{Comment, DocxError, annotate, limits};

fn refusal(document: &[u8]) -> DocxError {
    annotate(document, &[on("one")], &[]).unwrap_err()
}

fn good() -> Docx {
    Docx::new(&p(&["one"]))
}

/// Replaces bytes in a finished file, as often as they occur.
fn replace(document: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut out = document.to_vec();
    for at in 0..out.len().saturating_sub(old.len()) {
        if out[at..].starts_with(old) {
            out[at..at + old.len()].copy_from_slice(new);
        }
    }
    out
}

#[test]
fn an_encrypted_or_old_document_is_recognised() {
    let ole = [&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1][..], &[0; 600]].concat();
    assert_eq!(refusal(&ole), DocxError::Ole);
}

#[test]
fn what_is_no_archive_is_recognised() {
    for bytes in [&b""[..], b"PK", b"%PDF-1.7", b"{\\rtf1"] {
        assert_eq!(refusal(bytes), DocxError::NotZip);
    }
    let whole = good().build();
    assert!(matches!(
        refusal(&whole[..whole.len() / 2]),
        DocxError::Archive(_)
    ));
}

#[test]
fn a_doctype_in_any_part_is_refused_whether_it_is_read_or_not() {
    let doctype = "<?xml version=\"1.0\"?><!-- x --><!DOCTYPE x [<!ENTITY a \"b\">]><x/>";
    for name in [
        "word/document.xml",
        "word/theme/theme1.xml",
        "_rels/.rels",
        "customXml/item1.XML",
    ] {
        assert!(
            matches!(
                refusal(&good().part(name, doctype).build()),
                DocxError::Doctype(_)
            ),
            "{name}"
        );
    }
}

#[test]
fn a_doctype_behind_more_blanks_than_are_looked_at_is_refused() {
    let limit = usize::try_from(limits::PROLOG).unwrap();
    for blanks in [limit - 1, limit, limit + 1, 2 * limit] {
        let blanks = " ".repeat(blanks - "<?xml version=\"1.0\"?><!---->".len());
        for prolog in ["<?xml version=\"1.0\"?><!---->", "<!----><?xml version=\"1.0\"?>"] {
            let part = format!("{prolog}{blanks}<!DOCTYPE x [<!ENTITY a \"b\">]><x/>");
            let error = refusal(&good().part("word/theme/theme1.xml", part).build());
            assert!(matches!(error, DocxError::Malformed(..)), "{error}");
        }
    }
}

#[test]
fn a_doctype_around_the_end_of_the_first_look_is_refused() {
    let first = usize::try_from(limits::SHORT_PROLOG).unwrap();
    for filling in first - 40..first + 20 {
        for (open, close) in [("<!--", "-->"), ("<?x ", "?>"), ("", "")] {
            let part = format!(
                "{open}{}{close}<!DOCTYPE x [<!ENTITY a \"b\">]><x/>",
                " ".repeat(filling)
            );
            let error = refusal(&good().part("word/theme/theme1.xml", part).build());
            assert!(
                matches!(error, DocxError::Doctype(_)),
                "{filling} {open}: {error}"
            );
        }
    }
}

#[test]
fn an_entity_is_never_expanded() {
    let document = Docx::new(&p(&["one &lol; two"]));
    assert!(matches!(refusal(&document.build()), DocxError::Entity(_)));
}

#[test]
fn utf_16_is_refused() {
    let utf16: Vec<u8> = "\u{feff}<x/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(matches!(
        refusal(&good().part("word/document.xml", &utf16).build()),
        DocxError::Encoding(_)
    ));
    assert!(matches!(
        refusal(&good().part("word/settings.xml", &utf16).build()),
        DocxError::Encoding(_)
    ));
    let declared = format!("<?xml version=\"1.0\" encoding=\"utf-16\"?><w:document xmlns:w=\"{W}\"/>");
    assert!(matches!(
        refusal(&Docx::with_main(&declared, false).build()),
        DocxError::Encoding(_)
    ));
}

#[test]
fn equal_names_are_refused_even_when_only_their_case_differs() {
    let document = good()
        .part("word/styles.xml", "<a/>")
        .part("word/stylez.xml", "<b/>")
        .build();
    let exact = replace(&document, b"word/stylez.xml", b"word/styles.xml");
    assert!(matches!(refusal(&exact), DocxError::DuplicatePart(_)));
    let case = replace(&document, b"word/stylez.xml", b"WORD/styles.xml");
    assert!(matches!(refusal(&case), DocxError::DuplicatePart(_)));
}

#[test]
fn a_second_name_in_a_unicode_path_field_is_refused() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let mut options = FullFileOptions::default();
    // The checksum belongs to no name, so that the writer accepts the field.
    options
        .add_extra_field(
            0x7075,
            b"\x01\0\0\0\0word/document.xml".to_vec().as_slice(),
            false,
        )
        .unwrap();
    writer.start_file("innocent.xml", options).unwrap();
    writer.write_all(b"<x/>").unwrap();
    let document = writer.finish().unwrap().into_inner();
    assert!(matches!(refusal(&document), DocxError::AmbiguousName(_)));
}

#[test]
fn too_many_entries_are_refused() {
    let document = (0..limits::ENTRIES).fold(good(), |mut document, n| {
        document.parts.push((format!("x/{n}.bin"), Vec::new()));
        document
    });
    assert_eq!(refusal(&document.build()), DocxError::TooManyParts);
}

#[test]
fn too_deep_nesting_is_refused() {
    let deep = "<w:smartTag>".repeat(300) + &"</w:smartTag>".repeat(300);
    assert!(matches!(
        refusal(&Docx::new(&format!("<w:p>{deep}</w:p>")).build()),
        DocxError::TooDeep(_)
    ));
}

#[test]
fn too_many_namespaces_are_refused() {
    let element = |count: usize| {
        let declared: Vec<String> = (0..count).map(|n| format!(" xmlns:a{n}=\"urn:{n}\"")).collect();
        let declared = declared.concat();
        annotate(
            &Docx::new(&format!("<w:p{declared}/>")).build(),
            &[on("one")],
            &[],
        )
    };
    assert!(element(limits::NAMESPACES - 1).is_ok(), "and the root's");
    assert!(matches!(
        element(limits::NAMESPACES),
        Err(DocxError::Malformed(..))
    ));
}

/// A document with more parts that declare this size.
fn declaring(size: u32, names: &[String]) -> Vec<u8> {
    let content = vec![b' '; 12_345];
    let document = names
        .iter()
        .fold(good(), |document, name| document.part(name, &content));
    replace(&document.build(), &12_345_u32.to_le_bytes(), &size.to_le_bytes())
}

#[test]
fn a_bomb_is_refused_by_what_it_declares() {
    let part = declaring(65 << 20, &["word/x.xml".to_owned()]);
    assert!(matches!(refusal(&part), DocxError::TooLarge(_, 64)));
    let names: Vec<String> = (0..9).map(|n| format!("{n}.bin")).collect();
    assert!(matches!(
        refusal(&declaring(60 << 20, &names)),
        DocxError::TooLarge(_, 512)
    ));
}

#[test]
fn a_bomb_that_declares_too_little_is_refused_before_it_is_kept() {
    let size: u32 = 20 << 20;
    let content = format!("<w:document xmlns:w=\"{W}\">{}", " ".repeat(size as usize));
    let honest = u32::try_from(content.len()).unwrap();
    let document = Docx::with_main(&content, false).build();
    let entry = zip::ZipArchive::new(Cursor::new(document.as_slice()))
        .unwrap()
        .len();
    assert_eq!(entry, 3);
    // The builder stores the third entry; compress it, then lie about its size.
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in &Docx::with_main(&content, false).parts {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    let lying = replace(
        &writer.finish().unwrap().into_inner(),
        &honest.to_le_bytes(),
        &1_000_u32.to_le_bytes(),
    );
    let start = std::time::Instant::now();
    assert!(matches!(
        refusal(&lying),
        DocxError::Malformed(..) | DocxError::Archive(_)
    ));
    assert!(start.elapsed().as_secs() < 1);
}

#[test]
fn what_is_packed_as_only_a_bomb_is_refused_whether_it_is_read_or_not() {
    let blanks = " ".repeat(5 << 20);
    let bomb = |document: Docx| assert!(matches!(refusal(&document.build()), DocxError::Bomb(_)));
    bomb(good().part("word/theme/theme1.xml", &blanks));
    bomb((0..50).fold(good(), |document, n| {
        document.part(&format!("customXml/item{n}.xml"), &blanks[..100 << 10])
    }));
    let rels = part(&good().build(), "_rels/.rels").replace("document.xml", "document.bin");
    bomb(
        good()
            .part("_rels/.rels", rels)
            .part("word/document.bin", &blanks),
    );
    let small = good().part("word/theme/theme1.xml", format!("<x>{}</x>", &blanks[..3 << 20]));
    assert!(annotate(&small.build(), &[on("one")], &[]).is_ok());
}

#[test]
fn comments_that_pack_well_are_not_taken_for_a_bomb() {
    let comment = Comment {
        paragraphs: vec!["a".repeat(5 << 20)],
        ..on("one")
    };
    let annotated = annotate(&good().build(), &[comment], &[]).unwrap();
    let size = part(&annotated.document, "word/comments.xml").len() as u64;
    assert!(size > limits::DENSE && size / limits::RATIO > annotated.document.len() as u64);
}

#[test]
fn millions_of_empty_paragraphs_are_refused() {
    let body = "<w:p/>".repeat(limits::ELEMENTS + 1);
    assert_eq!(refusal(&Docx::new(&body).build()), DocxError::TooManyElements);
}

#[test]
fn damaged_parts_are_refused() {
    for xml in [
        "",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "text",
        "<w:document",
        "<a x=></a>",
        "<a>&#xD800;</a>",
    ] {
        let error = refusal(&Docx::with_main(xml, false).build());
        assert!(!matches!(error, DocxError::Proof(_)), "{xml}: {error}");
    }
    let document = replace(&good().build(), b"<w:body><w:p>", b"<w:body><w:q>");
    assert!(
        matches!(refusal(&document), DocxError::Malformed(..)),
        "the checksum is wrong"
    );
}

#[test]
fn other_packages_are_refused() {
    assert_eq!(
        refusal(&Docx::with_main("<workbook xmlns=\"urn:x\"/>", false).build()),
        DocxError::NotWord
    );
    let mut document = good();
    document.parts.retain(|(name, _)| name != "_rels/.rels");
    assert!(matches!(refusal(&document.build()), DocxError::MissingPart(_)));
    assert_eq!(refusal(&Docx::new("<w:sectPr/>").build()), DocxError::NoParagraph);
}

#[test]
fn comments_that_cannot_be_extended_are_refused() {
    let other = good().related(&[("comments", "<x/>")]);
    assert!(matches!(refusal(&other.build()), DocxError::Comments(_)));
    let rels = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship \
        Id=\"a\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/comments\" \
        TargetMode=\"External\" Target=\"http://example.com/\"/></Relationships>";
    let outside = good().part("word/_rels/document.xml.rels", rels);
    assert!(matches!(refusal(&outside.build()), DocxError::Comments(_)));
}

#[test]
fn messages_show_no_odd_characters_of_names() {
    let name = "word/\u{1b}[31m<script>&.xml";
    let message = refusal(&good().part(name, "<!DOCTYPE x><x/>").build()).to_string();
    assert!(message.contains("word/?[31m?script??.xml"), "{message}");
}

#[test]
fn endless_fields_and_repeated_properties_do_not_cost_more_than_they_are() {
    let fields = "<w:r><w:fldChar w:fldCharType=\"begin\"/></w:r>".repeat(20_000);
    assert!(
        annotate(
            &Docx::new(&format!("<w:p>{fields}</w:p>")).build(),
            &[on("x")],
            &[]
        )
        .is_ok()
    );
    let heavy = format!(
        "<w:r><w:rPr><w:b w:val=\"{}\"/></w:rPr><w:t>a b c</w:t></w:r>",
        "1".repeat(20_000)
    );
    let comments: Vec<_> = std::iter::repeat_n(on("b"), 500).collect();
    let annotated = annotate(&Docx::new(&format!("<w:p>{heavy}</w:p>")).build(), &comments, &[]).unwrap();
    assert!(annotated.anchors[0].widened);
}
