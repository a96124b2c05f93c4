//! The ladder from the quote to the document's first paragraph.

use super::builder::{Docx, heading, p, table};
use super::{about, between, on, one, part};
use crate::docx::{AnchoredBy, Comment, Section, Story, annotate};

fn sections() -> Docx {
    let body = [
        p(&["Cover"]),
        heading(1, "Background"),
        p(&["The bank was told. Twice."]),
        heading(2, "Details"),
        p(&["The bank knew."]),
        table(&["bank A", "bank B"]),
        heading(1, "Timeline"),
        p(&["The bank again."]),
        table(&["last cell"]),
    ];
    Docx::new(&body.concat())
}

fn comment<'a>(section: &'a str, quote: &'a str) -> Comment<'a> {
    Comment {
        section: Some(section),
        ..on(quote)
    }
}

#[test]
fn a_quote_is_found_as_it_is() {
    let (anchor, marked) = one(&sections(), on("bank was told"), &[]);
    assert_eq!(
        (anchor.anchored_by, anchor.widened, anchor.quote_in),
        (AnchoredBy::Quote, false, None)
    );
    assert_eq!(between(&marked), "bank was told");
}

#[test]
fn a_quote_is_found_despite_other_quotation_marks_dashes_and_blanks() {
    let document = Docx::new(&p(&[
        "He said \u{201c}no\u{201d} \u{2014} it\u{2019}s",
        "\u{a0}over",
    ]));
    let (anchor, marked) = one(&document, on("said \"no\" - it's  over"), &[]);
    assert_eq!(anchor.anchored_by, AnchoredBy::QuoteFolded);
    assert_eq!(
        between(&marked),
        "said \u{201c}no\u{201d} \u{2014} it\u{2019}s\u{a0}over"
    );
}

#[test]
fn a_quote_is_found_despite_case_and_then_despite_punctuation() {
    let (anchor, marked) = one(&sections(), on("THE BANK WAS"), &[]);
    assert_eq!(
        (anchor.anchored_by, between(&marked)),
        (AnchoredBy::QuoteCaseFolded, "The bank was".to_owned())
    );
    let (anchor, marked) = one(&sections(), on("bank was told; twice"), &[]);
    assert_eq!(
        (anchor.anchored_by, between(&marked)),
        (AnchoredBy::QuoteFuzzy, "bank was told. Twice".to_owned())
    );
}

#[test]
fn a_short_quote_is_not_searched_by_its_letters_alone() {
    let (anchor, _) = one(&sections(), on("to-ld"), &[]);
    assert_eq!(anchor.anchored_by, AnchoredBy::FirstParagraph);
}

#[test]
fn a_quote_is_searched_only_in_the_paragraphs_of_its_section() {
    let sections_of = [Section {
        name: "T",
        paragraphs: &[6, 5],
    }];
    let (anchor, marked) = one(&sections(), comment("T", "The bank"), &sections_of);
    assert_eq!(anchor.anchored_by, AnchoredBy::Quote);
    assert!(
        marked.contains("[<w:r><w:t xml:space=\"preserve\">The bank</w:t></w:r>]"),
        "{marked}"
    );
    assert!(marked.find('[').unwrap() > marked.find("Timeline").unwrap());
}

#[test]
fn tables_between_and_after_a_sections_paragraphs_belong_to_it() {
    let middle = [Section {
        name: "D",
        paragraphs: &[3, 4],
    }];
    assert_eq!(
        one(&sections(), comment("D", "bank B"), &middle).0.anchored_by,
        AnchoredBy::Quote
    );
    let last = [Section {
        name: "T",
        paragraphs: &[6],
    }];
    let document = Docx::new(&[p(&["a"]), p(&["b"]), table(&["cell"]), p(&["cell"])].concat());
    let (_, marked) = one(
        &document,
        comment("T", "cell"),
        &[Section {
            name: "T",
            paragraphs: &[1],
        }],
    );
    assert!(marked.find('[').unwrap() < marked.find("</w:tbl>").unwrap());
    assert_eq!(
        one(&sections(), comment("T", "last cell"), &last).0.anchored_by,
        AnchoredBy::Quote
    );
}

#[test]
fn a_quote_missing_from_its_section_goes_to_the_sections_first_paragraph_and_into_the_text() {
    let sections_of = [Section {
        name: "D",
        paragraphs: &[4, 3, 900],
    }];
    let document = sections().build();
    let annotated = annotate(&document, &[comment("D", "was <told>")], &sections_of).unwrap();
    assert_eq!(annotated.anchors[0].anchored_by, AnchoredBy::SectionParagraph);
    assert_eq!(
        between(&super::marked(&super::main_part(&annotated), 0)),
        "Details"
    );
    let comments = part(&annotated.document, "word/comments.xml");
    assert!(
        comments.contains("\u{201c}was &lt;told&gt;\u{201d}"),
        "{comments}"
    );
}

#[test]
fn indices_count_the_paragraphs_of_the_body_and_not_those_in_tables() {
    let (anchor, marked) = one(
        &sections(),
        about("T"),
        &[Section {
            name: "T",
            paragraphs: &[5],
        }],
    );
    assert_eq!(
        (anchor.anchored_by, between(&marked)),
        (AnchoredBy::SectionParagraph, "Timeline".to_owned())
    );
    let (_, marked) = one(
        &sections(),
        about("T"),
        &[Section {
            name: "T",
            paragraphs: &[6],
        }],
    );
    assert_eq!(between(&marked), "The bank again.");
}

#[test]
fn without_usable_indices_the_section_reaches_from_its_heading_to_the_next_of_its_level() {
    let unusable = [Section {
        name: "background",
        paragraphs: &[77],
    }];
    let (anchor, marked) = one(&sections(), about("background"), &unusable);
    assert_eq!(
        (anchor.anchored_by, between(&marked)),
        (AnchoredBy::Heading, "Background".to_owned())
    );
    assert_eq!(
        one(&sections(), comment("Background", "bank B"), &[])
            .0
            .anchored_by,
        AnchoredBy::Quote
    );
    assert_eq!(
        one(&sections(), comment("Details", "was told"), &[])
            .0
            .anchored_by,
        AnchoredBy::Heading
    );
    assert_eq!(
        one(&sections(), comment("Background", "again"), &[])
            .0
            .anchored_by,
        AnchoredBy::Heading
    );
}

#[test]
fn without_a_heading_the_quote_is_searched_everywhere() {
    assert_eq!(
        one(&sections(), comment("Nowhere", "last cell"), &[])
            .0
            .anchored_by,
        AnchoredBy::Quote
    );
    let (anchor, marked) = one(&sections(), comment("Nowhere", "not there"), &[]);
    assert_eq!(
        (anchor.anchored_by, between(&marked)),
        (AnchoredBy::FirstParagraph, "Cover".to_owned())
    );
}

#[test]
fn headings_are_known_by_their_styles_built_in_names() {
    let body = "<w:p><w:pPr><w:pStyle w:val=\"mein\"/></w:pPr><w:r><w:t>Lage</w:t></w:r></w:p>";
    let styles = format!(
        "<w:styles xmlns:w=\"{}\"><w:style w:styleId=\"b1\"><w:name w:val=\"heading 1\"/></w:style>\
         <w:style w:styleId=\"mein\"><w:name w:val=\"Mein Titel\"/><w:basedOn w:val=\"b1\"/></w:style></w:styles>",
        super::builder::W
    );
    let document = Docx::new(&[&p(&["Cover"]), body].concat()).related(&[("styles", &styles)]);
    assert_eq!(
        one(&document, about("Lage"), &[]).0.anchored_by,
        AnchoredBy::Heading
    );
}

#[test]
fn a_quote_from_a_text_box_puts_the_comment_on_the_drawing() {
    let shape = "<w:p><w:r><w:t>before</w:t></w:r><w:r><w:pict><w:txbxContent><w:p><w:r><w:t>in the </w:t></w:r>\
        <w:r><w:t>box</w:t></w:r></w:p></w:txbxContent></w:pict></w:r></w:p>";
    let (anchor, marked) = one(&Docx::new(&(p(&["first"]) + shape)), on("the box"), &[]);
    assert_eq!(
        (anchor.anchored_by, anchor.quote_in),
        (AnchoredBy::QuoteHost, Some(Story::TextBox))
    );
    assert!(
        marked.contains("[<w:r><w:pict>") && marked.contains("</w:pict></w:r>]"),
        "{marked}"
    );
}

#[test]
fn a_quote_from_a_note_puts_the_comment_on_its_mark() {
    let body = "<w:p><w:r><w:t>text</w:t></w:r><w:r><w:footnoteReference w:id=\"2\"/></w:r></w:p>";
    let notes = format!(
        "<w:footnotes xmlns:w=\"{}\"><w:footnote w:id=\"1\"><w:p/></w:footnote><w:footnote w:id=\"2\">{}\
         </w:footnote></w:footnotes>",
        super::builder::W,
        p(&["see there"])
    );
    let document = Docx::new(&(p(&["first"]) + body)).related(&[("footnotes", &notes)]);
    let (anchor, marked) = one(&document, on("see there"), &[]);
    assert_eq!(
        (anchor.anchored_by, anchor.quote_in),
        (AnchoredBy::QuoteHost, Some(Story::Footnote))
    );
    assert!(
        marked.contains("[<w:r><w:footnoteReference w:id=\"2\"/></w:r>]"),
        "{marked}"
    );
}

#[test]
fn a_quote_from_a_header_moves_to_the_body_and_the_text_says_so() {
    let header = format!(
        "<w:hdr xmlns:w=\"{}\">{}</w:hdr>",
        super::builder::W,
        p(&["Confidential draft"])
    );
    let document = sections().related(&[("header", &header)]).build();
    let annotated = annotate(&document, &[comment("Timeline", "Confidential")], &[]).unwrap();
    assert_eq!(annotated.anchors[0].anchored_by, AnchoredBy::Heading);
    assert_eq!(annotated.anchors[0].quote_in, Some(Story::Header));
    assert!(
        part(&annotated.document, "word/comments.xml")
            .contains("in the header: \u{201c}Confidential\u{201d}")
    );
}

#[test]
fn the_review_sample_gets_its_comments() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/review/before.docx"
    );
    let document = std::fs::read(path).unwrap();
    let sections = [Section {
        name: "Background",
        paragraphs: &[4, 5, 6],
    }];
    let comments = [
        comment("Background", "approved automatically"),
        about("Background"),
        about("Recommendations"),
    ];
    let annotated = annotate(&document, &comments, &sections).unwrap();
    let rungs: Vec<_> = annotated
        .anchors
        .iter()
        .map(|anchor| (anchor.comment_id, anchor.anchored_by))
        .collect();
    let expected = [
        (1, AnchoredBy::Quote),
        (2, AnchoredBy::SectionParagraph),
        (3, AnchoredBy::Heading),
    ];
    assert_eq!(rungs, expected);
}
