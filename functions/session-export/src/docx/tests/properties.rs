//! What holds for any input.

use proptest::prelude::*;

use super::builder::{Docx, p};
use super::{between, main_part, marked, on};
use crate::docx::{AnchoredBy, annotate};

/// Content of a paragraph: runs of every kind.
fn content() -> impl Strategy<Value = String> {
    let text = || "[ab &;é<\u{a0}-]{0,6}".prop_map(|text| super::super::markup::escape(&text));
    let run = text().prop_map(|t| format!("<w:r><w:rPr><w:i/></w:rPr><w:t>{t}</w:t></w:r>"));
    let kept = text()
        .prop_map(|t| format!("<w:r><w:t xml:space=\"preserve\">{t}</w:t><w:tab/><w:t>{t}</w:t></w:r>"));
    let link = text().prop_map(|t| format!("<w:hyperlink><w:r><w:t>{t}</w:t></w:r></w:hyperlink>"));
    let gone = text().prop_map(|t| format!("<w:del><w:r><w:delText>{t}</w:delText></w:r></w:del>"));
    let control =
        text().prop_map(|t| format!("<w:sdt><w:sdtContent><w:r><w:t>{t}</w:t></w:r></w:sdtContent></w:sdt>"));
    prop::collection::vec(
        prop_oneof![4 => run, 2 => kept, 1 => link, 1 => gone, 1 => control],
        0..6,
    )
    .prop_map(|runs| runs.concat())
}

fn body() -> impl Strategy<Value = String> {
    let paragraph = content().prop_map(|content| format!("<w:p>{content}</w:p>"));
    let empty = Just("<w:p/>".to_owned());
    let table = content().prop_map(|c| format!("<w:tbl><w:tr><w:tc><w:p>{c}</w:p></w:tc></w:tr></w:tbl>"));
    let control =
        content().prop_map(|c| format!("<w:sdt><w:sdtContent><w:p>{c}</w:p></w:sdtContent></w:sdt>"));
    prop::collection::vec(
        prop_oneof![4 => paragraph, 1 => empty, 1 => table, 1 => control],
        1..6,
    )
    .prop_map(|blocks| blocks.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = annotate(&bytes, &[on("x")], &[]);
        let _ = annotate(&[b"PK\x03\x04".as_slice(), &bytes].concat(), &[on("x")], &[]);
    }

    #[test]
    fn a_damaged_document_never_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = Docx::new(&(p(&["one", "two"]) + "<w:p/>")).build();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = annotate(&bytes, &[on("etw"), on("no")], &[]);
    }

    #[test]
    fn damaged_xml_never_panics(body in body(), changes in prop::collection::vec((any::<prop::sample::Index>(), "[<>/&;\"=a:w ]?"), 1..4)) {
        let mut body = body;
        for (index, text) in changes {
            let at = (0..=index.index(body.len())).rev().find(|at| body.is_char_boundary(*at)).unwrap_or(0);
            let end = (at + 1..body.len()).find(|end| body.is_char_boundary(*end)).unwrap_or(body.len());
            body.replace_range(at..end, &text);
        }
        let _ = annotate(&Docx::new(&body).build(), &[on("a b"), on("no")], &[]);
    }

    /// Whatever the runs and quotes, the result is proven, and a quote that was found is under the markers.
    #[test]
    fn quotes_are_under_their_markers(body in body(), quotes in prop::collection::vec("[ab &é-]{1,5}", 1..8)) {
        let comments: Vec<_> = quotes.iter().map(|quote| on(quote)).collect();
        let annotated = annotate(&Docx::new(&body).build(), &comments, &[]).unwrap();
        let xml = main_part(&annotated);
        for (anchor, quote) in annotated.anchors.iter().zip(&quotes) {
            let quote = super::super::markup::escape(quote.trim());
            if anchor.anchored_by == AnchoredBy::Quote && !anchor.widened {
                // The marked text also holds what was deleted in between, and no tabs.
                let text = between(&marked(&xml, anchor.comment_id));
                prop_assert!(text == quote || body.contains("<w:del>") || body.contains("<w:tab/>"), "{text} for {quote}");
            }
        }
    }
}
