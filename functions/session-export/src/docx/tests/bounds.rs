//! What hostile sections, quotes, properties and texts may cost.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::builder::{Docx, W, p};
use super::{about, main_part, on, part};
use crate::docx::hosts::Hosts;
use crate::docx::opc::Relationship;
use crate::docx::package::Package;
use crate::docx::stories::Stories;
use crate::docx::styles::Styles;
use crate::docx::{AnchoredBy, Annotated, Comment, DocxError, Section, annotate, limits, reader};

fn words(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        let _ = write!(text, "w{n}x ");
        text
    })
}

/// A document of one run, with a comment on each of its words.
fn comment_on_words(run: &str, count: usize) -> Result<Annotated, DocxError> {
    let quotes: Vec<String> = (0..count).map(|n| format!("w{n}x")).collect();
    let comments: Vec<_> = quotes.iter().map(|quote| on(quote)).collect();
    annotate(&Docx::new(&format!("<w:p>{run}</w:p>")).build(), &comments, &[])
}

/// 300 sections, each from its paragraph to the end, are more than is searched one by one.
#[test]
fn among_overlapping_sections_a_quote_is_still_taken_only_from_its_own() {
    const COUNT: usize = 300;
    let body: String = (0..COUNT).map(|n| p(&[&format!("entry w{n}x")])).collect();
    let names: Vec<String> = (0..COUNT).map(|n| format!("s{n}")).collect();
    let spans: Vec<[usize; 2]> = (0..COUNT).map(|n| [n, COUNT - 1]).collect();
    let sections: Vec<_> = names
        .iter()
        .zip(&spans)
        .map(|(name, paragraphs)| Section { name, paragraphs })
        .collect();
    let quotes: Vec<String> = (0..COUNT).map(|n| format!("w{}x", n / 2 * 2)).collect();
    let comments = names.iter().zip(&quotes).map(|(name, quote)| Comment {
        section: Some(name),
        ..on(quote)
    });
    let comments: Vec<_> = comments.collect();
    let annotated = annotate(&Docx::new(&body).build(), &comments, &sections).unwrap();
    for (n, anchor) in annotated.anchors.iter().enumerate() {
        let expected = if n % 2 == 0 {
            AnchoredBy::Quote
        } else {
            AnchoredBy::SectionParagraph
        };
        assert_eq!(anchor.anchored_by, expected, "{n}");
    }
}

#[test]
fn quotes_after_the_first_megabyte_are_not_searched() {
    let texts: Vec<String> = (0..300)
        .map(|n| format!("{n:04}").repeat(limits::QUOTE / 4))
        .collect();
    let body: String = texts.iter().map(|text| p(&[text])).collect();
    let comments: Vec<_> = texts.iter().map(|text| on(text)).collect();
    let annotated = annotate(&Docx::new(&body).build(), &comments, &[]).unwrap();
    let found = annotated
        .anchors
        .iter()
        .take_while(|anchor| anchor.anchored_by == AnchoredBy::Quote);
    assert_eq!(found.count(), limits::QUOTES / limits::QUOTE);
    let rest = &annotated.anchors[limits::QUOTES / limits::QUOTE..];
    assert!(
        rest.iter()
            .all(|anchor| anchor.anchored_by == AnchoredBy::FirstParagraph)
    );
}

#[test]
fn marks_that_repeat_long_properties_too_often_are_refused() {
    let properties = format!("<w:rPr><w:b w:val=\"{}\"/></w:rPr>", "1".repeat(16_000));
    let run = |count| {
        format!(
            "<w:r>{properties}<w:t xml:space=\"preserve\">{}</w:t></w:r>",
            words(count)
        )
    };
    let size = main_part(&comment_on_words(&run(50), 50).unwrap()).len();
    assert!(size > 50 * 2 * 16_000 && size < limits::INSERTED, "{size}");
    assert_eq!(
        comment_on_words(&run(1_100), 1_100).unwrap_err(),
        DocxError::TooMuchInserted
    );
}

#[test]
fn a_long_start_tag_of_a_text_is_not_repeated() {
    let tag = format!("<w:t xml:space=\"preserve\" w:x=\"{}\">", "1".repeat(20_000));
    let annotated = comment_on_words(&format!("<w:r>{tag}{}</w:t></w:r>", words(9)), 9).unwrap();
    assert!(annotated.anchors.iter().all(|anchor| anchor.widened));
    assert!(main_part(&annotated).len() < 30_000);
}

#[test]
fn a_style_with_a_long_id_is_not_used() {
    let styles = |id: &str| {
        let style = |name: &str| {
            format!("<w:style w:styleId=\"{id}\"><w:name w:val=\"annotation {name}\"/></w:style>")
        };
        format!(
            "<w:styles xmlns:w=\"{W}\">{}{}</w:styles>",
            style("reference"),
            style("text")
        )
    };
    let uses = |id: &str| {
        let document = Docx::new(&p(&["one"])).related(&[("styles", &styles(id))]);
        let annotated = annotate(&document.build(), &[on("one")], &[]).unwrap();
        let both = main_part(&annotated) + &part(&annotated.document, "word/comments.xml");
        both.matches(&format!("\"{id}\"")).count()
    };
    assert_eq!(uses(&"\u{439}".repeat(253)), 3);
    assert_eq!(uses(&"\u{439}".repeat(254)), 0);
}

#[test]
fn a_comments_lines_after_the_five_hundredth_are_joined_to_it() {
    let lines: Vec<String> = (1..=100_000).map(|n| format!("line {n}\n")).collect();
    let comment = Comment {
        paragraphs: lines,
        quote: Some("missing"),
        ..about("")
    };
    let annotated = annotate(&Docx::new(&p(&["one"])).build(), &[comment], &[]).unwrap();
    let xml = part(&annotated.document, "word/comments.xml");
    assert_eq!(xml.matches("<w:p>").count(), limits::PARAGRAPHS);
    assert!(xml.contains(">line 250<"), "with an empty line after each");
    assert!(xml.contains(
        " line 99999 line 100000 Quoted text, not found as such in the document: \u{201c}missing\u{201d}<"
    ));
}

#[test]
fn comments_that_are_too_long_together_are_refused() {
    let comment = Comment {
        paragraphs: vec!["&".repeat(limits::INSERTED / "&amp;".len())],
        ..on("one")
    };
    assert_eq!(
        annotate(&Docx::new(&p(&["one"])).build(), &[comment], &[]).unwrap_err(),
        DocxError::TooMuchInserted
    );
}

fn relationship(kind: &str, target: &str) -> Relationship {
    Relationship {
        id: "r".to_owned(),
        kind: kind.to_owned(),
        target: Some(target.to_owned()),
    }
}

/// An archive of uncompressed parts.
fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in parts {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_note_is_searched_once_however_many_marks_lead_to_it() {
    let mark = "<w:p><w:r><w:footnoteReference w:id=\"2\"/></w:r></w:p>";
    let main = format!(
        "<w:document xmlns:w=\"{W}\"><w:body>{}</w:body></w:document>",
        mark.repeat(1_000)
    );
    let notes = format!(
        "<w:footnotes xmlns:w=\"{W}\"><w:footnote w:id=\"2\">{}</w:footnote></w:footnotes>",
        p(&["see there"])
    );
    let document = archive(&[("word/notes.xml", &notes)]);
    let model = reader::read("x", main.as_bytes(), &Styles::default()).unwrap();
    let stories = Stories::read(
        &mut Package::open(&document).unwrap(),
        &[relationship("footnotes", "word/notes.xml")],
    );
    let hosts = Hosts::new(&model, &stories);
    assert_eq!(model.hosts.len(), 1_000);
    assert_eq!(hosts.within(&(0..1_000)), [(0, "\nsee there")]);
    assert_eq!(hosts.within(&(1..1_000)), []);
    assert_eq!(hosts.size_of(&(0..1_000)), 11);
}

#[test]
fn a_header_is_read_once_and_no_more_stories_than_the_limit() {
    let header = |text: &str, blanks: usize| {
        let filler = " ".repeat(blanks);
        format!("<w:hdr xmlns:w=\"{W}\">{}<!--{filler}--></w:hdr>", p(&[text]))
    };
    let half = usize::try_from(limits::STORIES / 2).unwrap();
    let document = archive(&[
        ("word/a.xml", &header("one", half)),
        ("word/b.xml", &header("two", half)),
        ("word/c.xml", &header("three", 9)),
    ]);
    let names = [
        "word/a.xml",
        "word/A.xml",
        "/word/a.xml",
        "word/b.xml",
        "word/c.xml",
    ];
    let relationships = names.map(|name| relationship("header", name));
    let stories = Stories::read(&mut Package::open(&document).unwrap(), &relationships);
    let texts: Vec<&str> = stories.beside.iter().map(|(_, text)| text.trim()).collect();
    assert_eq!(texts, ["one", "three"]);
}

/// Sections that run from their heading to a later one are found in one pass over all headings.
#[test]
fn nested_headings_end_at_the_next_of_their_level_or_above() {
    let levels = [1, 2, 3, 3, 2, 1, 4];
    let body: String = levels
        .iter()
        .enumerate()
        .map(|(n, level)| super::builder::heading(*level, &format!("h{n}")) + &p(&[&format!("text {n}")]))
        .collect();
    let ends = [5, 4, 3, 4, 5, 7, 7];
    let names: Vec<String> = (0..7).map(|n| format!("h{n}")).collect();
    for (n, end) in ends.iter().enumerate() {
        for text in 0..7 {
            let quote = format!("text {text}");
            let comment = Comment {
                section: Some(&names[n]),
                ..on(&quote)
            };
            let annotated = annotate(&Docx::new(&body).build(), &[comment], &[]).unwrap();
            let found = annotated.anchors[0].anchored_by == AnchoredBy::Quote;
            assert_eq!(found, (n..*end).contains(&text), "{quote} in {}", names[n]);
        }
    }
}

#[test]
fn the_nearest_paragraphs_outside_of_content_controls_are_looked_up() {
    let control = "<w:sdt><w:sdtContent><w:p/></w:sdtContent></w:sdt>";
    let body: String = [9, 1, 0, 2]
        .map(|count| control.repeat(count) + "<w:p/>")
        .concat()
        + control;
    let xml = format!("<w:document xmlns:w=\"{W}\"><w:body>{body}</w:body></w:document>");
    let model = reader::read("x", xml.as_bytes(), &Styles::default()).unwrap();
    let free = [9, 11, 12, 15];
    assert_eq!(model.paragraphs.len(), 17);
    for index in 0..17 {
        let before = free.iter().copied().rfind(|free| *free < index);
        let after = free.iter().copied().find(|free| *free > index);
        assert_eq!(model.free_around(index), (before, after), "{index}");
    }
}
