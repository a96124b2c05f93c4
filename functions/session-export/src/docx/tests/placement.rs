//! Where markers stand, and where they must not.

use super::builder::{Docx, W, p};
use super::{about, between, main_part, on, one};
use crate::docx::{AnchoredBy, Section, annotate};

/// A run with properties, to see that they are repeated.
fn bold(text: &str) -> String {
    format!("<w:r w:rsidR=\"00A1\"><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
}

fn paragraph(content: &str) -> Docx {
    Docx::new(&format!(
        "<w:p><w:pPr><w:jc w:val=\"left\"/></w:pPr>{content}</w:p>"
    ))
}

fn marked(document: &Docx, quote: &str) -> String {
    one(document, on(quote), &[]).1
}

#[test]
fn a_run_is_split_with_its_attributes_and_properties() {
    let plain = bold("one two three").replace(" xml:space=\"preserve\"", "");
    let split = marked(&paragraph(&plain), "two");
    let run = "<w:r w:rsidR=\"00A1\"><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\">";
    let expected = format!(
        "<w:p><w:pPr><w:jc w:val=\"left\"/></w:pPr>{run}one </w:t></w:r>[{run}two</w:t></w:r>]{run} three</w:t></w:r></w:p>"
    );
    assert_eq!(split, expected);
}

#[test]
fn a_whole_run_is_not_split() {
    let run = bold("two");
    assert_eq!(
        marked(&Docx::new(&format!("<w:p>{run}</w:p>")), "two"),
        format!("<w:p>[{run}]</w:p>")
    );
}

#[test]
fn a_run_of_several_children_is_split_between_them() {
    let run = "<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r>";
    let split = marked(&paragraph(run), "b");
    assert!(
        split.contains("<w:tab/></w:r>[<w:r><w:t>b</w:t></w:r>]<w:r><w:br/>"),
        "{split}"
    );
    let (anchor, all) = one(&paragraph(run), on("a\tb\nc"), &[]);
    assert_eq!(anchor.anchored_by, AnchoredBy::Quote);
    assert!(all.contains(&format!("[{run}]")), "{all}");
}

#[test]
fn a_quote_may_span_runs_links_insertions_and_paragraphs() {
    let content = format!(
        "{}<w:hyperlink w:anchor=\"x\">{}</w:hyperlink><w:ins w:id=\"9\" w:author=\"A\">{}</w:ins>",
        bold("see the "),
        bold("linked"),
        bold(" page")
    );
    assert_eq!(
        between(&marked(&paragraph(&content), "the linked pa")),
        "the linked pa"
    );
    let two = Docx::new(&(p(&["end of one"]) + "<w:p/>" + &p(&["start of two"])));
    let (anchor, both) = one(&two, on("of one start"), &[]);
    assert_eq!(
        (anchor.anchored_by, between(&both)),
        (AnchoredBy::QuoteFolded, "of onestart".to_owned())
    );
    let (anchor, _) = one(&two, on("of one\n\nstart"), &[]);
    assert_eq!(anchor.anchored_by, AnchoredBy::Quote);
}

#[test]
fn deleted_text_and_field_codes_are_not_searched() {
    let content = "<w:r><w:t>keep</w:t></w:r><w:del w:id=\"1\" w:author=\"A\"><w:r><w:delText>gone</w:delText></w:r>\
        </w:del><w:moveFrom w:id=\"2\" w:author=\"A\"><w:r><w:t>moved</w:t></w:r></w:moveFrom>\
        <w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:instrText>CODE</w:instrText><w:t>odd</w:t></w:r>\
        <w:r><w:fldChar w:fldCharType=\"end\"/></w:r>";
    for hidden in ["gone", "moved", "CODE", "odd"] {
        let (anchor, _) = one(&paragraph(content), on(hidden), &[]);
        assert_eq!(anchor.anchored_by, AnchoredBy::FirstParagraph, "{hidden}");
    }
}

#[test]
fn text_around_a_deletion_is_one() {
    let content = "<w:r><w:t>ab</w:t></w:r><w:del w:id=\"1\" w:author=\"A\"><w:r><w:delText>X</w:delText></w:r></w:del>\
        <w:r><w:t>cd</w:t></w:r>";
    let marked = marked(&paragraph(content), "bc");
    assert!(
        marked.contains("</w:r>[<w:r><w:t xml:space=\"preserve\">b</w:t></w:r><w:del"),
        "{marked}"
    );
}

#[test]
fn characters_of_several_bytes_and_references_are_not_torn() {
    let document = paragraph(&bold("Müller &amp; Söhne &#x20AC;5 &lt;ok&gt;"));
    for (quote, raw) in [("& S", "&amp; S"), ("üll", "üll"), ("€5 <", "&#x20AC;5 &lt;")] {
        assert_eq!(between(&marked(&document, quote)), raw);
    }
}

#[test]
fn markers_go_around_an_inline_content_control() {
    let control = format!(
        "<w:sdt><w:sdtPr><w:text/></w:sdtPr><w:sdtContent>{}</w:sdtContent></w:sdt>",
        bold("name here")
    );
    let (anchor, marked) = one(
        &paragraph(&(bold("a ") + &control + &bold(" z"))),
        on("here z"),
        &[],
    );
    assert!(
        anchor.widened && marked.contains(&format!("[{control}<w:r")),
        "{marked}"
    );
    assert_eq!(between(&marked), "name here z");
}

#[test]
fn markers_go_around_a_field_but_into_a_link() {
    let field = |code: &str| {
        format!(
            "<w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:instrText> {code} </w:instrText></w:r>\
             <w:r><w:fldChar w:fldCharType=\"separate\"/></w:r>{}<w:r><w:fldChar w:fldCharType=\"end\"/></w:r>",
            bold("Ann Author")
        )
    };
    let author = field("AUTHOR");
    let (anchor, marked) = one(&paragraph(&author), on("Ann"), &[]);
    assert!(
        anchor.widened && marked.contains(&format!("[{author}]")),
        "{marked}"
    );
    let (anchor, marked) = one(&paragraph(&field("HYPERLINK \"x\"")), on("Ann"), &[]);
    assert_eq!((anchor.widened, between(&marked)), (false, "Ann".to_owned()));
    let simple = format!(
        "<w:fldSimple w:instr=\"AUTHOR\">{}</w:fldSimple>",
        bold("Ann Author")
    );
    assert!(super::placement::marked(&paragraph(&simple), "Ann").contains(&format!("[{simple}]")));
}

fn block_control(properties: &str, content: &str) -> String {
    format!("<w:sdt><w:sdtPr>{properties}</w:sdtPr><w:sdtContent>{content}</w:sdtContent></w:sdt>")
}

#[test]
fn markers_stay_out_of_the_first_paragraph_of_a_block_content_control() {
    let control = block_control("", &(p(&["first in it"]) + &p(&["second in it"])));
    let document = Docx::new(&(p(&["before"]) + &control + &p(&["after"])));
    let (anchor, marked) = one(&document, on("first"), &[]);
    assert!(
        anchor.widened
            && marked.contains("[<w:sdt>")
            && marked.contains("<w:p>]<w:r><w:t xml:space=\"preserve\">second"),
        "{marked}"
    );
    let (anchor, _) = one(&document, on("second"), &[]);
    assert!(!anchor.widened);
}

#[test]
fn at_the_documents_end_the_comment_goes_to_the_paragraph_before_the_control() {
    let document = Docx::new(&(p(&["before"]) + &block_control("", &p(&["only"]))));
    assert!(marked(&document, "only").contains("before</w:t></w:r>[]</w:p>"));
}

#[test]
fn a_building_block_such_as_a_table_of_contents_is_no_obstacle() {
    let document = Docx::new(&block_control("<w:docPartObj/>", &p(&["Contents"])));
    assert!(!one(&document, on("Contents"), &[]).0.widened);
}

#[test]
fn a_run_with_a_tracked_change_or_a_cdata_section_or_outer_blanks_stays_whole() {
    for run in [
        "<w:r><w:rPr><w:rPrChange w:id=\"1\" w:author=\"A\"><w:rPr/></w:rPrChange></w:rPr><w:t>one two</w:t></w:r>",
        "<w:r><w:t><![CDATA[one two]]></w:t></w:r>",
        "<w:r><w:t>one <!-- x -->two</w:t></w:r>",
        "<w:r><w:t> one two</w:t></w:r>",
        "<w:r><w:t xml:space=\"default\">one two</w:t></w:r>",
    ] {
        let (anchor, marked) = one(&paragraph(run), on("two"), &[]);
        assert!(anchor.widened && marked.contains(&format!("[{run}]")), "{marked}");
    }
}

#[test]
fn an_empty_paragraph_is_opened_by_insertions_alone() {
    let document = Docx::new("<w:p w:rsidR=\"1\" /><w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl>");
    let annotated = annotate(&document.build(), &[about("x"), about("y")], &[]).unwrap();
    let xml = main_part(&annotated);
    assert!(
        xml.contains("<w:body><w:p w:rsidR=\"1\" ><w:commentRangeStart w:id=\"0\"/>"),
        "{xml}"
    );
    assert!(xml.contains("w:id=\"1\"/></w:r></w:p><w:tbl>"), "{xml}");
}

#[test]
fn neighbouring_comments_do_not_overlap() {
    let document = paragraph(&bold("onetwo"));
    let annotated = annotate(&document.build(), &[on("one"), on("two"), on("etw")], &[]).unwrap();
    let xml = main_part(&annotated);
    let end = xml.find("<w:commentRangeEnd w:id=\"0\"/>").unwrap();
    assert!(end < xml.find("<w:commentRangeStart w:id=\"1\"/>").unwrap());
    assert!(xml.find("<w:commentRangeStart w:id=\"2\"/>").unwrap() < end);
}

#[test]
fn many_comments_on_one_text_split_it_again_and_again() {
    let document = paragraph(&bold("a b c d e f"));
    let comments: Vec<_> = ["a", "b", "c", "d", "e", "f", "b c", "a b c d e f"]
        .into_iter()
        .map(on)
        .collect();
    let annotated = annotate(&document.build(), &comments, &[]).unwrap();
    let xml = main_part(&annotated);
    for (anchor, comment) in annotated.anchors.iter().zip(&comments) {
        let marked = super::marked(&xml, anchor.comment_id);
        assert_eq!(between(&marked), comment.quote.unwrap());
    }
}

#[test]
fn a_foreign_prefix_gets_a_declaration_on_each_inserted_element() {
    let xml = format!(
        "<x:document xmlns:x=\"{W}\"><x:body><x:p><x:r><x:t>one two</x:t></x:r></x:p></x:body></x:document>"
    );
    let annotated = annotate(&Docx::with_main(&xml, false).build(), &[on("two")], &[]).unwrap();
    let xml = main_part(&annotated);
    assert!(
        xml.contains(&format!(
            "</x:t></x:r><w:commentRangeStart xmlns:w=\"{W}\" w:id=\"0\"/><x:r><x:t "
        )),
        "{xml}"
    );
    assert!(xml.contains(&format!("<w:r xmlns:w=\"{W}\"><w:rPr>")), "{xml}");
}

#[test]
fn a_prefix_that_means_something_else_inside_is_declared_anew() {
    let xml = format!(
        "<w:document xmlns:w=\"{W}\"><w:body><x:p xmlns:x=\"{W}\" xmlns:w=\"urn:else\"><x:r><x:t>one</x:t></x:r></x:p>\
         </w:body></w:document>"
    );
    let annotated = annotate(&Docx::with_main(&xml, false).build(), &[on("one")], &[]).unwrap();
    assert!(main_part(&annotated).contains(&format!("<w:commentRangeStart xmlns:w=\"{W}\"")));
}

#[test]
fn a_byte_order_mark_does_not_shift_anything() {
    let xml = format!(
        "\u{feff}<?xml version=\"1.0\"?><w:document xmlns:w=\"{W}\"><w:body>{}</w:body></w:document>",
        p(&["one two"])
    );
    assert_eq!(between(&marked(&Docx::with_main(&xml, false), "two")), "two");
}

#[test]
fn text_in_a_drawings_two_versions_is_left_alone() {
    let content = "<w:r><mc:AlternateContent xmlns:mc=\"http://schemas.openxmlformats.org/markup-compatibility/2006\">\
        <mc:Choice Requires=\"wps\"><w:drawing><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent>\
        </w:drawing></mc:Choice><mc:Fallback><w:pict><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p>\
        </w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r>";
    let (anchor, marked) = one(&paragraph(content), on("boxed"), &[]);
    assert_eq!(anchor.anchored_by, AnchoredBy::QuoteHost);
    assert!(marked.contains(&format!("[{content}]")), "{marked}");
}

#[test]
fn a_heading_in_a_content_control_is_commented_on_around_it() {
    let control = block_control("", &super::builder::heading(1, "Inside"));
    let (anchor, marked) = one(&Docx::new(&(control + &p(&["after"]))), about("Inside"), &[]);
    assert_eq!((anchor.anchored_by, anchor.widened), (AnchoredBy::Heading, true));
    assert!(marked.starts_with("[<w:sdt>"), "{marked}");
}

#[test]
fn a_section_of_one_paragraph_is_marked_from_end_to_end() {
    let document = Docx::new(&(p(&["zero"]) + &p(&["one", "two"])));
    let (_, marked) = one(
        &document,
        about("S"),
        &[Section {
            name: "S",
            paragraphs: &[1],
        }],
    );
    assert!(
        marked.contains("<w:p>[<w:r>") && marked.ends_with("]</w:p>"),
        "{marked}"
    );
}
