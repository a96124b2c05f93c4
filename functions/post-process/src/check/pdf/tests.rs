use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use super::super::Status;
use super::*;

const SAMPLE: &[u8] = include_bytes!("../../../../../tests/fixtures/ecg/ECG_Report_20251028_143022.pdf");

const CATALOG: &str = "<</Type/Catalog/Pages 2 0 R>>";
const PAGES: &str = "<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>";
const PAGE: &str = "<</Type/Page/Parent 2 0 R>>";

/// A file of these objects, numbered from 1, with a table; `trailer` are more entries of its trailer.
fn pdf(objects: &[&str], trailer: &str) -> Vec<u8> {
    let mut file = String::from("%PDF-1.4\n%comment\n");
    let mut table = String::new();
    for (number, object) in (1..).zip(objects) {
        writeln!(table, "{:010} 00000 n ", file.len()).unwrap();
        write!(file, "{number} 0 obj\n{object}\nendobj\n").unwrap();
    }
    let (at, size) = (file.len(), objects.len() + 1);
    write!(
        file,
        "xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<</Size {size}/Root 1 0 R{trailer}>>\nstartxref\n{at}\n%%EOF\n"
    )
    .unwrap();
    file.into_bytes()
}

fn simple() -> Vec<u8> {
    pdf(&[CATALOG, PAGES, PAGE, PAGE], "")
}

/// A file that keeps its catalog and pages in a packed stream, and says so in another one.
fn packed(objects: &str, first: usize, numbers: &str, filter: &str) -> Vec<u8> {
    let mut file = b"%PDF-1.5\n".to_vec();
    let object_stream = file.len();
    let data = deflated(format!("{numbers}{objects}").as_bytes());
    let count = numbers.split_whitespace().count() / 2;
    file.extend(
        format!(
            "5 0 obj<</Type/ObjStm/N {count}/First {first}/Filter{filter}/Length {}>>stream\r\n",
            data.len()
        )
        .bytes(),
    );
    file.extend(&data);
    file.extend(b"\nendstream\nendobj\n");
    let at = file.len();
    let mut rows = Vec::new();
    for (kind, place) in [
        (0, 0),
        (2, 5),
        (2, 5),
        (2, 5),
        (2, 5),
        (1, object_stream),
        (1, at),
    ] {
        // Each row is the difference to the one above, as producers write it.
        rows.push([
            kind,
            u8::try_from(place >> 8).unwrap(),
            u8::try_from(place & 0xff).unwrap(),
            0,
        ]);
    }
    let mut above = [0; 4];
    let mut predicted = Vec::new();
    for row in rows {
        predicted.push(2);
        predicted.extend(
            row.iter()
                .zip(above)
                .map(|(byte, above)| byte.wrapping_sub(above)),
        );
        above = row;
    }
    let data = deflated(&predicted);
    file.extend(
        format!(
            "6 0 obj<</Type/XRef/Size 7/W[1 2 1]/Root 1 0 R/Filter/FlateDecode\
             /DecodeParms<</Predictor 12/Columns 4>>/Length {}>>stream\n",
            data.len()
        )
        .bytes(),
    );
    file.extend(&data);
    file.extend(format!("\nendstream\nendobj\nstartxref\n{at}\n%%EOF").bytes());
    file
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn usual_packed() -> Vec<u8> {
    let objects = [CATALOG, PAGES, PAGE, PAGE].join(" ");
    let offsets = [0, 30, 72, 100];
    let numbers: Vec<_> = (1..)
        .zip(offsets)
        .map(|(number, at)| format!("{number} {at} "))
        .collect();
    let numbers = numbers.concat();
    packed(&objects, numbers.len(), &numbers, "/FlateDecode")
}

fn pages(content: &[u8]) -> u64 {
    let findings = look(content);
    assert_eq!(findings.status, Status::Verified, "{findings:?}");
    findings.facts.pages.unwrap()
}

fn reason(content: &[u8]) -> String {
    let findings = look(content);
    assert_eq!(findings.status, Status::Rejected);
    findings.reason.unwrap()
}

fn replaced(content: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = content
        .windows(from.len())
        .position(|window| window == from.as_bytes())
        .unwrap();
    [&content[..at], to.as_bytes(), &content[at + from.len()..]].concat()
}

#[test]
fn pages_are_counted() {
    assert_eq!(pages(SAMPLE), 1);
    assert_eq!(pages(&simple()), 2);
    assert_eq!(pages(&usual_packed()), 2);
}

#[test]
fn what_stands_before_and_behind_the_file_does_no_harm() {
    let mut file = b"junk of a mail gateway\r\n".to_vec();
    file.extend(simple());
    file.extend([0; 5_000]);
    assert_eq!(pages(&file), 2);
}

#[test]
fn a_file_that_was_changed_and_saved_has_the_newer_pages() {
    let mut file = simple();
    let old = usize_after(&file, b"startxref\n");
    let at = file.len();
    file.extend(b"2 0 obj\n<</Type/Pages/Kids[3 0 R 4 0 R 5 0 R]>>\nendobj\n");
    let page = file.len();
    file.extend(b"5 0 obj\n<</Type/Page>>\nendobj\n");
    let xref = file.len();
    let update = format!(
        "xref\n2 1\n{at:010} 00000 n\r\n5 1\n{page:010} 00000 n\r\ntrailer<</Root 1 0 R/Prev {old}>>\nstartxref\n{xref}\n%%EOF"
    );
    file.extend(update.bytes());
    assert_eq!(pages(&file), 3);
    // A chain of tables that leads back to itself ends.
    let circle = replaced(&file, &format!("/Prev {old}"), &format!("/Prev {xref}"));
    assert_eq!(pages(&circle), 3);
}

fn usize_after(file: &[u8], word: &[u8]) -> usize {
    let at = file
        .windows(word.len())
        .rposition(|window| window == word)
        .unwrap()
        + word.len();
    let digits = file[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&file[at..at + digits])
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn a_table_that_leads_nowhere_is_done_without() {
    for file in [simple(), usual_packed()] {
        let at = usize_after(&file, b"startxref\n");
        for wrong in [0, at - 1, at + 2, 999_999_999] {
            let file = replaced(&file, &format!("startxref\n{at}"), &format!("startxref\n{wrong}"));
            assert_eq!(pages(&file), 2, "{wrong}");
        }
    }
    let shifted = replaced(&simple(), "%comment", "%another comment");
    assert_eq!(pages(&shifted), 2);
}

#[test]
fn encryption_is_flagged() {
    let findings = look(&pdf(&[CATALOG, PAGES, PAGE, PAGE], "/Encrypt 9 0 R"));
    assert_eq!(findings, Findings::verified(Kind::Pdf).flagged(Flag::Encrypted));
    let escaped = look(&pdf(
        &[CATALOG, PAGES, PAGE, PAGE],
        "/#45ncrypt<</Filter/Standard>>",
    ));
    assert_eq!(escaped.flags, [Flag::Encrypted]);
}

#[test]
fn a_file_that_is_cut_off_is_rejected() {
    for length in [20, SAMPLE.len() / 2, SAMPLE.len() - 20, SAMPLE.len() - 7] {
        assert_eq!(
            reason(&SAMPLE[..length]),
            "it is cut off: the marker of its end is missing"
        );
    }
}

#[test]
fn what_does_not_open_is_rejected() {
    assert_eq!(reason(b"%PDF-x.y\n%%EOF"), "it has no header with a PDF version");
    assert_eq!(
        reason(b"%PDF-1.4\n%%EOF"),
        "it doesn't say where its cross-reference table is"
    );
    assert_eq!(
        reason(b"%PDF-1.4\nnothing\nstartxref\n9\n%%EOF"),
        "its cross-reference table is damaged"
    );
    assert_eq!(
        reason(&pdf(&[CATALOG, PAGES, PAGE], "")),
        "one of its objects is missing"
    );
    assert_eq!(
        reason(&pdf(&[CATALOG, "<</Type/Pages/Kids[]>>"], "")),
        "it has no pages"
    );
    assert_eq!(
        reason(&pdf(&[CATALOG, "<</Type/Pages/Kids[2 0 R]>>"], "")),
        "its tree of pages runs in a circle"
    );
    assert_eq!(
        reason(&pdf(&["<</Type/Catalog>>"], "")),
        "its catalog names no pages"
    );
    assert_eq!(
        reason(&pdf(&["<</Pages 2 0 R>>", "2 0 R"], "")),
        "one of its objects is missing"
    );
}

#[test]
fn a_bomb_is_not_unpacked() {
    let bomb = " ".repeat(40 << 20);
    let findings = look(&packed(&bomb, 4, "1 0 ", "/FlateDecode"));
    assert_eq!(findings.status, Status::Unsupported);
    assert_eq!(
        findings.reason.unwrap(),
        "its structure unpacks to more than 32 MiB"
    );
    let twice = packed(CATALOG, 4, "1 0 ", "[/FlateDecode/FlateDecode]");
    assert_eq!(look(&twice).status, Status::Unsupported);
}

#[test]
fn a_file_that_sends_its_reader_in_circles_is_given_up() {
    // Each of the objects is a string that ends nowhere, so that each look at one reads the whole file.
    let mut file = b"%PDF-1.4\n".to_vec();
    for number in 1..60_000 {
        file.extend(format!("{number} 0 obj(\n").bytes());
    }
    file.extend(b"startxref\n1\n%%EOF");
    let findings = look(&file);
    assert_eq!(findings.status, Status::Unsupported);
    assert_eq!(findings.reason.unwrap(), "it takes too long to find its pages");
}

#[test]
fn a_table_of_the_same_place_over_and_over_is_given_up() {
    let mut file = format!("%PDF-1.4\n{}\n", "x".repeat(1_000_000));
    let at = file.len();
    let kids: Vec<_> = (2..20_000).map(|number| format!("{number} 0 R ")).collect();
    let kids = kids.concat();
    let table = "0000000009 00000 n \n".repeat(20_000);
    write!(
        file,
        "xref\n1 20000\n{table}trailer<</Root<</Pages<</Kids[{kids}]>>>>>>startxref\n{at}\n%%EOF"
    )
    .unwrap();
    assert_ne!(look(file.as_bytes()).status, Status::Verified);
}

proptest! {
    #[test]
    fn any_bytes_get_a_verdict(bytes in any::<Vec<u8>>(), end in "(startxref [0-9]{1,3} )?%%EOF") {
        look(&[b"%PDF-1.4\n", &bytes[..], end.as_bytes()].concat());
    }

    #[test]
    fn a_changed_file_gets_a_verdict(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for mut file in [simple(), usual_packed(), SAMPLE.to_vec()] {
            let at = at.index(file.len());
            file[at] = byte;
            look(&file);
        }
    }
}
