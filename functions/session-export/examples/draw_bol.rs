//! Draws bills of lading, for `tests/judges/bol_pdf.py` to judge.
//!
//! `draw_bol <record.json> <number> <out.pdf>` draws one record and prints its warnings, a line of JSON each. Where the
//! first path is a folder, each .json in it is drawn, into the folder of the last.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use session_export::bols::record::BolRecord;
use session_export::bols::render::render;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(from), Some(number), Some(to), None) = (
        arguments.next(),
        arguments.next(),
        arguments.next(),
        arguments.next(),
    ) else {
        return Err("usage: draw_bol <record.json or folder> <number> <out.pdf or folder>".into());
    };
    let number = number.into_string().map_err(|_| "the number isn't UTF-8")?;
    let (from, to) = (PathBuf::from(from), PathBuf::from(to));
    if !from.is_dir() {
        return draw(&from, &number, &to);
    }
    fs::create_dir_all(&to)?;
    let mut records = Vec::new();
    for entry in fs::read_dir(from)? {
        records.push(entry?.path());
    }
    records.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    records.sort();
    for record in records {
        let name = record.file_stem().unwrap_or_default();
        draw(&record, &number, &to.join(name).with_extension("pdf"))?;
    }
    Ok(())
}

fn draw(record: &Path, number: &str, pdf: &Path) -> Result<(), Box<dyn Error>> {
    let failed = |what: String| format!("{}: {what}", record.display());
    let parsed = BolRecord::parse(&fs::read_to_string(record)?, &[]);
    let drawn = parsed.and_then(|parsed| render(&parsed, number));
    let drawn = drawn.map_err(|problem| failed(format!("{problem:?}")))?;
    fs::write(pdf, &drawn.pdf)?;
    for warning in &drawn.warnings {
        let line = json!({ "record": record, "pointer": warning.pointer, "detail": warning.detail });
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(())
}
