//! Small documents, built in code.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub(super) const W: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
pub(super) const W_STRICT: &str = "http://purl.oclc.org/ooxml/wordprocessingml/main";
const RELS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const RELS_STRICT: &str = "http://purl.oclc.org/ooxml/officeDocument/relationships";

/// A document under construction: parts by name, in order.
#[derive(Clone)]
pub(super) struct Docx {
    pub(super) parts: Vec<(String, Vec<u8>)>,
    strict: bool,
}

impl Docx {
    /// A document with this content in its body.
    pub(super) fn new(body: &str) -> Self {
        Self::with_main(
            &format!("<w:document xmlns:w=\"{W}\"><w:body>{body}</w:body></w:document>"),
            false,
        )
    }

    /// A Strict one.
    pub(super) fn strict(body: &str) -> Self {
        Self::with_main(
            &format!("<w:document xmlns:w=\"{W_STRICT}\"><w:body>{body}</w:body></w:document>"),
            true,
        )
    }

    /// A document whose main part is this.
    pub(super) fn with_main(xml: &str, strict: bool) -> Self {
        let kind = if strict { RELS_STRICT } else { RELS };
        let types = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
            <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
            <Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>";
        let rels = format!(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
             <Relationship Id=\"r1\" Type=\"{kind}/officeDocument\" Target=\"word/document.xml\"/></Relationships>"
        );
        let document = Self {
            parts: Vec::new(),
            strict,
        };
        document
            .part("[Content_Types].xml", types)
            .part("_rels/.rels", &rels)
            .part("word/document.xml", xml)
    }

    /// Adds or replaces a part.
    pub(super) fn part(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref().to_vec();
        match self.parts.iter_mut().find(|(known, _)| known == name) {
            Some(part) => part.1 = content,
            None => self.parts.push((name.to_owned(), content)),
        }
        self
    }

    /// Adds parts that the main part refers to: kind and content. They are named after their kind.
    pub(super) fn related(self, parts: &[(&str, &str)]) -> Self {
        let base = if self.strict { RELS_STRICT } else { RELS };
        let mut rels = String::from(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">",
        );
        for (n, (kind, _)) in parts.iter().enumerate() {
            let _ = write!(
                rels,
                "<Relationship Id=\"rId{n}\" Type=\"{base}/{kind}\" Target=\"{kind}.xml\"/>"
            );
        }
        let document = self.part("word/_rels/document.xml.rels", rels + "</Relationships>");
        parts.iter().fold(document, |document, (kind, content)| {
            document.part(&format!("word/{kind}.xml"), content)
        })
    }

    /// The file.
    pub(super) fn build(&self) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (index, (name, content)) in self.parts.iter().enumerate() {
            let method = if index == 2 {
                CompressionMethod::Stored
            } else {
                CompressionMethod::Deflated
            };
            writer
                .start_file(name, SimpleFileOptions::default().compression_method(method))
                .unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }
}

/// A paragraph with one run a text.
pub(super) fn p(runs: &[&str]) -> String {
    let runs = runs
        .iter()
        .map(|run| ["<w:r><w:t xml:space=\"preserve\">", run, "</w:t></w:r>"].concat());
    ["<w:p>", &runs.collect::<String>(), "</w:p>"].concat()
}

/// A heading.
pub(super) fn heading(level: u8, text: &str) -> String {
    let level = level - 1;
    format!("<w:p><w:pPr><w:outlineLvl w:val=\"{level}\"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

/// A table of one row.
pub(super) fn table(cells: &[&str]) -> String {
    let cells = cells
        .iter()
        .map(|cell| ["<w:tc>", &p(&[cell]), "</w:tc>"].concat());
    ["<w:tbl><w:tr>", &cells.collect::<String>(), "</w:tr></w:tbl>"].concat()
}
