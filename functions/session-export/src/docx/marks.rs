//! Puts comment ranges into the main part, as insertions.

use std::collections::BTreeMap;

use super::edit::Insertions;
use super::markup::Dialect;
use super::model::{Model, Run, slice};
use super::place::{Cut, Place, Range};
use super::styles::Styles;
use super::xml::tag_name;
use super::{DocxError, limits};

/// What stands at one place. Ends go before starts, so that neighbouring ranges don't overlap.
#[derive(Debug, Default)]
struct Marks {
    ends: Vec<u32>,
    points: Vec<u32>,
    starts: Vec<u32>,
}

/// The insertions for some comments: each id with its range.
///
/// # Errors
/// They are too long.
pub(super) fn insertions(
    xml: &str,
    model: &Model,
    dialect: &Dialect,
    styles: &Styles,
    ranges: &[(u32, Range)],
) -> Result<Insertions, DocxError> {
    let mut places: BTreeMap<u32, (Cut, Marks)> = BTreeMap::new();
    let mut at = |place: Place, edit: &dyn Fn(&mut Marks)| {
        edit(
            &mut places
                .entry(place.offset)
                .or_insert_with(|| (place.cut, Marks::default()))
                .1,
        );
    };
    for (id, range) in ranges {
        if range.start.offset == range.end.offset {
            at(range.start, &|marks| marks.points.push(*id));
        } else {
            at(range.start, &|marks| marks.starts.push(*id));
            at(range.end, &|marks| marks.ends.push(*id));
        }
    }
    let mut insertions = Insertions::default();
    for (offset, (cut, marks)) in places {
        insert(
            &mut insertions,
            xml,
            model,
            Place { offset, cut },
            &marks.write(dialect, styles),
        );
        if insertions.size() > limits::INSERTED {
            return Err(DocxError::TooMuchInserted);
        }
    }
    Ok(insertions)
}

impl Marks {
    fn write(&self, dialect: &Dialect, styles: &Styles) -> String {
        let mut out = String::new();
        for id in &self.ends {
            out.push_str(&dialect.range_end(*id, styles));
        }
        for id in &self.points {
            out.push_str(&dialect.range_start(*id));
            out.push_str(&dialect.range_end(*id, styles));
        }
        for id in &self.starts {
            out.push_str(&dialect.range_start(*id));
        }
        out
    }
}

fn insert(out: &mut Insertions, xml: &str, model: &Model, place: Place, marks: &str) {
    let offset = place.offset as usize;
    match place.cut {
        Cut::Between => out.add(offset, marks),
        Cut::Paragraph(index) => {
            let start = model
                .paragraphs
                .get(index as usize)
                .map_or(0, |p| p.start as usize);
            open_empty(out, offset, tag_name(xml, start), marks);
        }
        Cut::Child(run) => {
            if let Some(run) = model.runs.get(run as usize) {
                let (close, open) = run_seam(xml, run);
                out.add(offset, &[&close, marks, &open].concat());
            }
        }
        Cut::Text(piece) => split_text(out, xml, model, piece as usize, offset, marks),
    }
}

/// Turns `<p …/>` into `<p …>content</p>` by insertions alone: its slash becomes the closing tag's.
pub(super) fn open_empty(out: &mut Insertions, slash: usize, name: &str, content: &str) {
    out.add(slash, &[">", content, "<"].concat());
    out.add(slash + 1, name);
}

/// What ends a run, and what begins another one like it.
fn run_seam(xml: &str, run: &Run) -> (String, String) {
    let close = format!("</{}>", tag_name(xml, run.start as usize));
    (
        close,
        [slice(xml, (run.start, run.tag_end)), slice(xml, run.properties)].concat(),
    )
}

fn split_text(out: &mut Insertions, xml: &str, model: &Model, piece: usize, offset: usize, marks: &str) {
    let Some(piece) = model.pieces.get(piece) else {
        return;
    };
    let Some(run) = model.runs.get(piece.run as usize) else {
        return;
    };
    let (close, open) = run_seam(xml, run);
    let element = piece.element.0 as usize;
    let name = tag_name(xml, element);
    let tag = slice(xml, (piece.element.0, piece.start));
    let after_name = element + 1 + name.len();
    let mut text_tag = tag.to_owned();
    if piece.add_space {
        // Both halves need it, and each half may be split again.
        const SPACE: &str = " xml:space=\"preserve\"";
        if !out.has(after_name) {
            out.add(after_name, SPACE);
        }
        text_tag.insert_str((1 + name.len()).min(tag.len()), SPACE);
    }
    out.add(offset, &format!("</{name}>{close}{marks}{open}{text_tag}"));
}
