//! Where a PDF's objects are, as its cross-reference sections say (ISO 32000-1, clauses 7.5.4 and 7.5.8).

use std::collections::{HashMap, HashSet};

use super::super::findings::Trouble;
use super::lexer::Lexer;
use super::source::Source;
use super::value::{Dictionary, Value};

/// Objects in one file. 32 MiB could hold more only of the smallest.
pub(super) const MAX_OBJECTS: usize = 500_000;
/// Each time a file is changed and saved adds one or two sections.
const MAX_SECTIONS: usize = 2_000;

/// Where an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the file.
    At(usize),
    /// Among those that are packed in the stream of this number.
    In(u32),
}

/// Where the objects are, and what the trailer says.
#[derive(Debug, Default)]
pub(super) struct Map {
    pub(super) places: HashMap<u32, Place>,
    pub(super) trailer: Dictionary,
    pub(super) is_encrypted: bool,
}

const DAMAGED: Trouble = Trouble::Broken("its cross-reference table is damaged");

impl Map {
    /// Notes where an object is, unless a newer section has said so.
    pub(super) fn add(&mut self, number: u32, place: Place) -> Result<(), Trouble> {
        self.places.entry(number).or_insert(place);
        self.check_count()
    }

    pub(super) fn check_count(&self) -> Result<(), Trouble> {
        if self.places.len() > MAX_OBJECTS {
            return Err(Trouble::TooMuch("it has more than 500,000 objects"));
        }
        Ok(())
    }
}

/// Reads all sections, from the newest to the oldest.
pub(super) fn read(source: &Source<'_>, start: usize) -> Result<Map, Trouble> {
    let (mut map, mut seen, mut ahead) = (Map::default(), HashSet::new(), vec![start]);
    while let Some(at) = ahead.pop() {
        if !seen.insert(at) {
            continue;
        }
        if seen.len() > MAX_SECTIONS {
            return Err(Trouble::TooMuch("it has more than 2,000 cross-reference tables"));
        }
        let trailer = section(source, at, &mut map)?;
        let offset = |name| trailer.integer(name).and_then(|at| usize::try_from(at).ok());
        // The hidden section belongs to the table that names it, so it comes before older ones.
        ahead.extend(offset("Prev"));
        ahead.extend(offset("XRefStm"));
        map.is_encrypted |= trailer.get("Encrypt").is_some();
        if seen.len() == 1 {
            map.trailer = trailer;
        }
    }
    Ok(map)
}

/// Reads one section, and gives its trailer.
fn section(source: &Source<'_>, at: usize, map: &mut Map) -> Result<Dictionary, Trouble> {
    source.fuel.burn(16)?;
    let mut lexer = source.lexer(at);
    if lexer.word("xref") {
        return table(&mut lexer, map);
    }
    let number = lexer.object_number().ok_or(DAMAGED)?;
    let (dictionary, rows) = source.stream(number, at)?;
    packed(&dictionary, &rows, map)?;
    Ok(dictionary)
}

fn table(lexer: &mut Lexer<'_>, map: &mut Map) -> Result<Dictionary, Trouble> {
    while let Some(first) = lexer.natural::<u32>() {
        let count = lexer.natural::<u32>().ok_or(DAMAGED)?;
        for number in first..first.checked_add(count).ok_or(DAMAGED)? {
            let at = lexer.natural().ok_or(DAMAGED)?;
            lexer.natural::<u32>().ok_or(DAMAGED)?;
            // Deleted objects, and those that a hidden section knows, are free.
            if lexer.word("n") {
                map.add(number, Place::At(at))?;
            } else if !lexer.word("f") {
                return Err(DAMAGED);
            }
        }
    }
    if !lexer.word_begins("trailer") {
        return Err(DAMAGED);
    }
    lexer.dictionary()
}

/// Reads the rows of a cross-reference stream, whose columns have widths of their own.
fn packed(dictionary: &Dictionary, rows: &[u8], map: &mut Map) -> Result<(), Trouble> {
    let widths = naturals(dictionary.get("W"))?;
    let &[first, second, third] = widths.as_slice() else {
        return Err(DAMAGED);
    };
    let width = first.saturating_add(second).saturating_add(third);
    if width == 0 || width > 24 {
        return Err(DAMAGED);
    }
    let all = || {
        vec![
            0,
            dictionary
                .integer("Size")
                .and_then(|size| usize::try_from(size).ok())
                .unwrap_or(0),
        ]
    };
    let index = match dictionary.get("Index") {
        None => all(),
        index => naturals(index)?,
    };
    let mut rows = rows.chunks_exact(width);
    for range in index.chunks_exact(2) {
        let &[start, count] = range else { continue };
        for (number, row) in (start..).zip(rows.by_ref().take(count)) {
            let (kind, rest) = row.split_at_checked(first).ok_or(DAMAGED)?;
            let (place, _) = rest.split_at_checked(second).ok_or(DAMAGED)?;
            let number = u32::try_from(number).map_err(|_| DAMAGED)?;
            match if first == 0 { 1 } else { big_endian(kind) } {
                1 => map.add(
                    number,
                    Place::At(usize::try_from(big_endian(place)).map_err(|_| DAMAGED)?),
                )?,
                2 => map.add(
                    number,
                    Place::In(u32::try_from(big_endian(place)).map_err(|_| DAMAGED)?),
                )?,
                _ => {}
            }
        }
    }
    Ok(())
}

fn naturals(value: Option<&Value>) -> Result<Vec<usize>, Trouble> {
    let Some(Value::Array(items)) = value else {
        return Err(DAMAGED);
    };
    let natural = |item: &Value| {
        item.as_integer()
            .and_then(|item| usize::try_from(item).ok())
            .ok_or(DAMAGED)
    };
    items.iter().map(natural).collect()
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
