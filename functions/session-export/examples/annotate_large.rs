//! Comments on a large document within time and memory: 200,000 paragraphs and 1,000 comments.
//!
//! Prints what it took, and fails above 5 seconds or 512 MB. Build it with `--release`.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::time::Instant;

use session_export::docx::{AnchoredBy, Comment, Section, annotate};
use zip::write::SimpleFileOptions;

const PARAGRAPHS: usize = 200_000;
const COMMENTS: usize = 1_000;
const SECONDS: f64 = 5.0;
const MEGABYTES: u64 = 512;

fn main() -> Result<(), Box<dyn Error>> {
    let document = document()?;
    let before = peak_megabytes()?;
    let quotes: Vec<String> = (0..COMMENTS).map(quote).collect();
    let comments: Vec<Comment<'_>> = quotes
        .iter()
        .enumerate()
        .map(|(n, quote)| comment(n, quote))
        .collect();
    let indices: Vec<usize> = (1_000..1_100).collect();
    let sections = [Section {
        name: "Some of it",
        paragraphs: &indices,
    }];

    let start = Instant::now();
    let annotated = annotate(&document, &comments, &sections)?;
    let seconds = start.elapsed().as_secs_f64();

    let peak = peak_megabytes()?;
    let found = annotated
        .anchors
        .iter()
        .filter(|anchor| anchor.anchored_by == AnchoredBy::Quote)
        .count();
    writeln!(
        std::io::stdout(),
        "{PARAGRAPHS} paragraphs, {COMMENTS} comments ({found} on their quotes): {seconds:.2} s, peak {peak} MB \
         ({before} MB before), {} MB in, {} MB out",
        document.len() >> 20,
        annotated.document.len() >> 20,
    )?;
    if seconds > SECONDS || peak > MEGABYTES {
        return Err(format!("more than {SECONDS} s or {MEGABYTES} MB").into());
    }
    Ok(())
}

/// Three of four quotes exist; every tenth comment names a section.
fn quote(n: usize) -> String {
    let paragraph = n * (PARAGRAPHS / COMMENTS);
    if n % 4 == 3 {
        format!("entry {paragraph} is nowhere")
    } else {
        format!("of entry {paragraph} was")
    }
}

fn comment(n: usize, quote: &str) -> Comment<'_> {
    Comment {
        author: "Load test",
        initials: "LT",
        date: "2025-11-14T14:25:10Z",
        paragraphs: vec![format!("Comment {n}")],
        quote: Some(quote),
        section: (n % 10 == 9).then_some("Some of it"),
    }
}

fn document() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut xml = String::from(
        "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>",
    );
    for n in 0..PARAGRAPHS {
        write!(
            xml,
            "<w:p><w:pPr><w:spacing w:after=\"120\"/></w:pPr><w:r><w:t xml:space=\"preserve\">The state of </w:t>\
             </w:r><w:r><w:rPr><w:b/></w:rPr><w:t>entry {n}</w:t></w:r><w:r><w:t xml:space=\"preserve\"> was checked \
             on day {} &amp; found in order.</w:t></w:r></w:p>",
            n % 365
        )?;
    }
    xml.push_str("</w:body></w:document>");
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", RELS),
        ("word/document.xml", xml.as_str()),
    ] {
        writer.start_file(name, SimpleFileOptions::default())?;
        writer.write_all(content.as_bytes())?;
    }
    Ok(writer.finish()?.into_inner())
}

/// The most memory this process ever had resident (proc(5), `VmHWM`).
fn peak_megabytes() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes >> 10)
}

const TYPES: &str = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
    <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
    <Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.\
    wordprocessingml.document.main+xml\"/></Types>";
const RELS: &str = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
    <Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" \
    Target=\"word/document.xml\"/></Relationships>";
