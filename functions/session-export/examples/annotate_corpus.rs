//! Gives real documents comments, for `tests/judges/word_comments.py` to judge.
//!
//! `annotate_corpus <in-dir> <out-dir>`: each .docx below the first folder gets a comment on a word, on a phrase
//! across runs, on a table cell and on a quote that it doesn't hold, as far as it has them. The result goes to
//! the second folder, with a JSON file beside it that says what is expected, or why the document was refused.
//! The text is chosen with a reader of its own, so that a mistake of the engine cannot hide here.

use std::error::Error;
use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};
use session_export::docx::{Comment, annotate};

const MISSING: &str = "The quick brown zebra signs no affidavit \u{2014} ever";

fn main() -> Result<(), Box<dyn Error>> {
    let mut folders = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(from), Some(to)) = (folders.next(), folders.next()) else {
        return Err("usage: annotate_corpus <in-dir> <out-dir>".into());
    };
    let mut documents = Vec::new();
    collect(&from, &mut documents)?;
    documents.sort();
    let mut accepted = 0;
    for document in &documents {
        let target = to.join(document.strip_prefix(&from)?);
        accepted += usize::from(annotate_file(document, &target)?);
    }
    writeln!(
        std::io::stdout(),
        "{accepted} of {} documents annotated",
        documents.len()
    )?;
    Ok(())
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "docx") {
            found.push(path);
        }
    }
    Ok(())
}

fn annotate_file(document: &Path, target: &Path) -> Result<bool, Box<dyn Error>> {
    let bytes = fs::read(document)?;
    // The reader here has no limits: what the engine refuses, it must not see.
    let accepted = annotate(&bytes, &[], &[]).is_ok();
    let quotes = if accepted { quotes(&bytes)? } else { Vec::new() };
    let comments: Vec<Comment<'_>> = quotes.iter().map(|(kind, quote)| comment(kind, quote)).collect();
    fs::create_dir_all(target.parent().unwrap_or(target))?;
    let report = match annotate(&bytes, &comments, &[]) {
        Ok(annotated) => {
            fs::write(target, &annotated.document)?;
            let both = comments.iter().zip(&quotes).zip(&annotated.anchors);
            let expected: Vec<Value> = both
                .map(|((comment, (kind, quote)), anchor)| {
                    json!({ "kind": kind, "quote": quote, "author": comment.author, "initials": comment.initials,
                        "date": comment.date, "text": comment.paragraphs, "anchor": anchor })
                })
                .collect();
            json!({ "refused": null, "comments": expected })
        }
        Err(error) => json!({ "refused": error.to_string(), "comments": [] }),
    };
    fs::write(target.with_extension("json"), serde_json::to_vec_pretty(&report)?)?;
    Ok(report.get("refused").is_some_and(Value::is_null))
}

fn comment<'a>(kind: &str, quote: &'a str) -> Comment<'a> {
    Comment {
        author: "Dana \"D\" Whitfield & Söhne",
        initials: "DW",
        date: "2025-11-14T14:25:10Z",
        paragraphs: vec![
            format!("About a {kind} <1 & 2>:"),
            String::new(),
            "  second line\u{1}".to_owned(),
        ],
        quote: Some(quote),
        section: None,
    }
}

/// A paragraph's text by runs; `None` stands for something between two runs that is no text.
struct Paragraph {
    runs: Vec<Option<String>>,
    in_table: bool,
}

/// The quotes to comment on: kind and text.
fn quotes(document: &[u8]) -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    let paragraphs = paragraphs(&main_part(document)?)?;
    let word = paragraphs
        .iter()
        .flat_map(|p| p.runs.iter().flatten())
        .find_map(|run| longest_word(run));
    let phrase = paragraphs.iter().find_map(phrase_across_runs);
    let cell = paragraphs.iter().filter(|p| p.in_table).find_map(|p| {
        let text: Option<Vec<&str>> = p.runs.iter().map(Option::as_deref).collect();
        text.map(|runs| runs.concat().trim().to_owned())
            .filter(|text| !text.is_empty() && text.len() < 1_000)
    });
    let all = [
        ("word", word),
        ("phrase", phrase),
        ("cell", cell),
        ("missing", Some(MISSING.to_owned())),
    ];
    Ok(all
        .into_iter()
        .filter_map(|(kind, quote)| Some((kind, quote?)))
        .collect())
}

fn longest_word(run: &str) -> Option<String> {
    let word = run.split_whitespace().max_by_key(|word| word.chars().count())?;
    Some(word.to_owned())
}

/// The last letters of one run and the first ones of the next.
fn phrase_across_runs(paragraph: &Paragraph) -> Option<String> {
    paragraph.runs.windows(2).find_map(|pair| {
        let [Some(first), Some(second)] = pair else {
            return None;
        };
        let count = first.chars().count();
        let end: String = first.chars().skip(count.saturating_sub(9)).collect();
        let start: String = second.chars().take(9).collect();
        let wanted = !end.trim().is_empty() && !start.trim().is_empty();
        wanted.then(|| format!("{end}{start}").trim().to_owned())
    })
}

fn main_part(document: &[u8]) -> Result<String, Box<dyn Error>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(document))?;
    let mut text = String::new();
    archive.by_name("word/document.xml")?.read_to_string(&mut text)?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

fn paragraphs(xml: &str) -> Result<Vec<Paragraph>, Box<dyn Error>> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    let mut open: Vec<String> = Vec::new();
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok(found),
            Event::Start(tag) => {
                open.push(tag.local_name().into_inner().to_owned());
                enter(&open, &mut found);
            }
            Event::Empty(tag) => {
                open.push(tag.local_name().into_inner().to_owned());
                enter(&open, &mut found);
                open.pop();
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(text) => add(&open, &mut found, &text),
            Event::GeneralRef(name) => add(
                &open,
                &mut found,
                &quick_xml::escape::unescape(&format!("&{};", &*name))?,
            ),
            _ => {}
        }
    }
}

/// Whether the place is shown, and not in a text box, where no comment can stand.
fn is_shown(open: &[String]) -> bool {
    const HIDDEN: [&str; 8] = [
        "del",
        "moveFrom",
        "AlternateContent",
        "txbxContent",
        "pict",
        "rPr",
        "pPr",
        "ruby",
    ];
    !open.iter().any(|name| HIDDEN.contains(&name.as_str()))
}

fn enter(open: &[String], found: &mut Vec<Paragraph>) {
    let Some(name) = open.last().filter(|_| is_shown(open)) else {
        return;
    };
    let in_run = open.iter().any(|name| name == "r");
    match (name.as_str(), found.last_mut()) {
        ("p", _) => found.push(Paragraph {
            runs: Vec::new(),
            in_table: open.iter().any(|name| name == "tc"),
        }),
        ("r", Some(paragraph)) => paragraph.runs.push(Some(String::new())),
        ("t", _) => {}
        (_, Some(paragraph)) if in_run => paragraph.runs.push(None),
        _ => {}
    }
}

fn add(open: &[String], found: &mut [Paragraph], text: &str) {
    if open.last().is_none_or(|name| name != "t") || !is_shown(open) {
        return;
    }
    if let Some(Some(run)) = found.last_mut().and_then(|paragraph| paragraph.runs.last_mut()) {
        run.push_str(text);
    }
}
