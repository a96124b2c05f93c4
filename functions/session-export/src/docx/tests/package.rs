//! The parts around the text: comments, relationships, content types, and everything that stays.

use std::io::Cursor;

use super::builder::{Docx, W, W_STRICT, p};
use super::{Comment, on, part};
use crate::docx::{Annotated, DocxError, annotate};

fn annotated(document: &Docx, comment: Comment<'_>) -> Annotated {
    annotate(&document.build(), &[comment], &[]).unwrap()
}

fn comments(document: &Docx, comment: Comment<'_>) -> String {
    part(&annotated(document, comment).document, "word/comments.xml")
}

fn with_comments(xml: &str) -> Docx {
    Docx::new(&p(&["one"])).related(&[("comments", xml)])
}

#[test]
fn a_new_comments_part_is_declared_and_referred_to() {
    let result = annotated(&Docx::new(&p(&["one"])), on("one"));
    let types = part(&result.document, "[Content_Types].xml");
    assert!(types.contains("<Override PartName=\"/word/comments.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.comments+xml\"/></Types>"));
    let rels = part(&result.document, "word/_rels/document.xml.rels");
    assert!(
        rels.contains("/relationships/comments\" Target=\"comments.xml\"/></Relationships>"),
        "{rels}"
    );
}

#[test]
fn a_comment_has_author_date_initials_and_one_paragraph_a_line() {
    let lines = vec!["a < b & \"c\"".to_owned(), String::new(), "x\ny".to_owned()];
    let xml = comments(
        &Docx::new(&p(&["one"])),
        Comment {
            paragraphs: lines,
            ..on("one")
        },
    );
    assert!(xml.contains(
        "<w:comment w:id=\"0\" w:author=\"Dana Whitfield\" w:date=\"2025-11-14T14:25:10Z\" w:initials=\"DW\">"
    ));
    assert!(
        xml.contains(">a &lt; b &amp; &quot;c&quot;</w:t></w:r></w:p><w:p></w:p><w:p><w:r>"),
        "{xml}"
    );
    assert_eq!(xml.matches("<w:p>").count(), 4);
}

#[test]
fn what_xml_cannot_hold_is_left_out_and_what_is_too_long_is_cut() {
    let long = "é".repeat(300);
    let comment = Comment {
        author: &long,
        initials: "ABCDEFGHIJKL",
        date: "yesterday",
        paragraphs: vec!["a\u{0}\u{b}\u{1f}b\u{fffe}c".to_owned()],
        ..on("one")
    };
    let xml = comments(&Docx::new(&p(&["one"])), comment);
    assert!(xml.contains(">abc</w:t>") && !xml.contains("w:date"), "{xml}");
    assert!(
        xml.contains(&format!("w:author=\"{}\"", "é".repeat(255)))
            && xml.contains("w:initials=\"ABCDEFGHI\"")
    );
}

#[test]
fn existing_comments_stay_with_their_ids() {
    let old = "<w:comment w:id=\"7\" w:author=\"B\"><w:p/></w:comment>";
    let document = with_comments(&format!("<w:comments xmlns:w=\"{W}\">{old}</w:comments>"));
    let result = annotated(&document, on("one"));
    assert_eq!(result.anchors[0].comment_id, 8);
    let xml = part(&result.document, "word/comments.xml");
    assert!(xml.contains(&format!("{old}<w:comment w:id=\"8\"")), "{xml}");
    assert_eq!(
        part(&result.document, "word/_rels/document.xml.rels")
            .matches("/comments\"")
            .count(),
        1
    );
}

#[test]
fn ids_of_markers_without_a_comment_are_not_taken() {
    let document = Docx::new("<w:p><w:commentRangeStart w:id=\"41\"/><w:r><w:t>one</w:t></w:r></w:p>");
    assert_eq!(annotated(&document, on("one")).anchors[0].comment_id, 42);
}

#[test]
fn near_the_limit_the_lowest_free_id_is_taken() {
    let old = "<w:comment w:id=\"0\" w:author=\"B\"/><w:comment w:id=\"2147483647\" w:author=\"B\"/>";
    let document = with_comments(&format!("<w:comments xmlns:w=\"{W}\">{old}</w:comments>"));
    assert_eq!(annotated(&document, on("one")).anchors[0].comment_id, 1);
}

#[test]
fn an_empty_comments_part_with_another_prefix_is_opened() {
    let xml = comments(
        &with_comments(&format!("<k:comments xmlns:k=\"{W}\"/>")),
        on("one"),
    );
    assert!(
        xml.starts_with(&format!(
            "<k:comments xmlns:k=\"{W}\"><w:comment xmlns:w=\"{W}\" w:id=\"0\""
        )),
        "{xml}"
    );
    assert!(xml.ends_with("</w:comment></k:comments>"), "{xml}");
}

#[test]
fn a_relationship_whose_part_is_missing_is_used_again() {
    let mut document = with_comments("");
    document.parts.retain(|(name, _)| name != "word/comments.xml");
    let result = annotated(&document, on("one"));
    assert!(part(&result.document, "word/comments.xml").contains("<w:comment "));
    assert_eq!(
        part(&result.document, "word/_rels/document.xml.rels")
            .matches("/comments\"")
            .count(),
        1
    );
}

#[test]
fn a_part_that_happens_to_be_called_comments_is_not_touched() {
    let document = Docx::new(&p(&["one"])).part("word/Comments.xml", "<other/>");
    let result = annotated(&document, on("one"));
    assert_eq!(part(&result.document, "word/Comments.xml"), "<other/>");
    assert!(part(&result.document, "word/comments2.xml").contains("<w:comment "));
}

#[test]
fn a_strict_document_stays_strict() {
    let result = annotated(&Docx::strict(&p(&["one"])), on("one"));
    assert!(part(&result.document, "word/comments.xml").contains(W_STRICT));
    let rels = part(&result.document, "word/_rels/document.xml.rels");
    assert!(
        rels.contains("Type=\"http://purl.oclc.org/ooxml/officeDocument/relationships/comments\""),
        "{rels}"
    );
    assert!(!part(&result.document, "word/document.xml").contains(W));
}

#[test]
fn the_documents_own_style_ids_are_used() {
    let styles = format!(
        "<w:styles xmlns:w=\"{W}\"><w:style w:styleId=\"a7\"><w:name w:val=\"annotation reference\"/></w:style>\
         <w:style w:styleId=\"a8\"><w:name w:val=\"annotation text\"/></w:style></w:styles>"
    );
    let document = Docx::new(&p(&["one"])).related(&[("styles", &styles)]);
    let result = annotated(&document, on("one"));
    assert!(
        part(&result.document, "word/document.xml")
            .contains("<w:rStyle w:val=\"a7\"/></w:rPr><w:commentReference")
    );
    let xml = part(&result.document, "word/comments.xml");
    assert!(
        xml.contains("<w:pStyle w:val=\"a8\"/>")
            && xml.contains("<w:rStyle w:val=\"a7\"/></w:rPr><w:annotationRef/>")
    );
    assert_eq!(part(&result.document, "word/styles.xml"), styles);
}

#[test]
fn the_main_part_may_have_another_name_and_names_compare_without_case() {
    let mut document = Docx::new(&p(&["one"]));
    for (name, content) in &mut document.parts {
        *content = String::from_utf8(content.clone())
            .unwrap()
            .replace("word/document", "/Main/doc")
            .into_bytes();
        *name = name.replace("word/document", "main/Doc");
    }
    let result = annotated(&document, on("one"));
    assert!(part(&result.document, "Main/comments.xml").contains("<w:comment "));
}

#[test]
fn without_comments_the_input_comes_back() {
    let document = Docx::new(&p(&["one"])).build();
    assert_eq!(annotate(&document, &[], &[]).unwrap().document, document);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let document = Docx::new(&p(&["one", "two"])).build();
    let twice = [(); 2].map(|()| {
        annotate(&document, &[on("two"), on("net")], &[])
            .unwrap()
            .document
    });
    assert_eq!(twice[0], twice[1]);
}

#[test]
fn other_parts_keep_their_compressed_bytes_and_odd_names_are_only_copied() {
    let odd = [
        "../../etc/passwd",
        "/absolute",
        "word\\media\\x.png",
        "C:evil.bin",
        "word/media/",
    ];
    let document = odd.iter().fold(Docx::new(&p(&["one"])), |document, name| {
        document.part(name, "payload".repeat(50))
    });
    let before = document.build();
    let after = annotate(&before, &[on("one")], &[]).unwrap().document;
    let raw = |bytes: &[u8], name: &str| {
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes.to_vec())).unwrap();
        let index = archive
            .file_names_raw()
            .position(|n| n == name.as_bytes())
            .unwrap();
        let mut entry = archive.by_index_raw(index).unwrap();
        let mut raw = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut raw).unwrap();
        (raw, entry.crc32(), entry.size(), entry.compression())
    };
    for name in odd {
        assert_eq!(raw(&before, name), raw(&after, name), "{name}");
    }
}

#[test]
fn a_signed_document_is_reported_and_keeps_its_signature() {
    let document = Docx::new(&p(&["one"])).part("_xmlsignatures/sig1.xml", "<Signature/>");
    let result = annotated(&document, on("one"));
    assert!(result.signature_broken);
    assert_eq!(part(&result.document, "_xmlsignatures/sig1.xml"), "<Signature/>");
}

#[test]
fn more_comments_than_word_opens_are_refused() {
    let ids = 0..32_767;
    let many: String = ids
        .map(|id: u32| ["<w:comment w:id=\"", &id.to_string(), "\" w:author=\"\"/>"].concat())
        .collect();
    let document = with_comments(&format!("<w:comments xmlns:w=\"{W}\">{many}</w:comments>"));
    assert_eq!(
        annotate(&document.build(), &[on("one")], &[]).unwrap_err(),
        DocxError::TooManyComments
    );
}
