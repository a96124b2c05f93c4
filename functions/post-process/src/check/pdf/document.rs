//! A PDF whose objects can be found.

use std::collections::HashMap;

use super::super::findings::Trouble;
use super::lexer::Lexer;
use super::source::Source;
use super::value::{Dictionary, Value};
use super::xref::{Map, Place};
use super::{Opened, pages};

/// References that lead to references.
const MAX_STEPS: usize = 8;

/// A PDF and where its objects are.
#[derive(Debug)]
pub(super) struct Document<'a> {
    source: &'a Source<'a>,
    map: Map,
    /// Streams of packed objects, once they are unpacked.
    packed: HashMap<u32, Packed>,
}

/// The objects of one stream (ISO 32000-1, clause 7.5.7).
#[derive(Debug)]
struct Packed {
    bytes: Vec<u8>,
    /// Where each object begins, by its number.
    places: HashMap<u32, usize>,
}

const MISSING: Trouble = Trouble::Broken("one of its objects is missing");

impl<'a> Document<'a> {
    pub(super) fn new(source: &'a Source<'a>, map: Map) -> Self {
        Self {
            source,
            map,
            packed: HashMap::new(),
        }
    }

    /// Finds the catalog, and in it the pages.
    pub(super) fn open(mut self) -> Result<Opened, Trouble> {
        let root = self.map.trailer.get("Root").cloned();
        let root = root.ok_or(Trouble::Broken("its trailer names no catalog"))?;
        if self.map.is_encrypted {
            return Ok(Opened::Encrypted);
        }
        let catalog = self.dictionary(root)?;
        let pages = catalog.get("Pages").cloned();
        let pages = pages.ok_or(Trouble::Broken("its catalog names no pages"))?;
        pages::count(&mut self, pages).map(Opened::Pages)
    }

    /// The dictionary that a value is, or refers to.
    pub(super) fn dictionary(&mut self, value: Value) -> Result<Dictionary, Trouble> {
        match self.follow(value)? {
            Value::Dictionary(dictionary) => Ok(dictionary),
            _ => Err(MISSING),
        }
    }

    /// The value that a reference leads to; any other value itself.
    pub(super) fn follow(&mut self, value: Value) -> Result<Value, Trouble> {
        let mut value = value;
        for _ in 0..MAX_STEPS {
            match value {
                Value::Reference(number) => value = self.object(number)?,
                value => return Ok(value),
            }
        }
        Err(MISSING)
    }

    fn object(&mut self, number: u32) -> Result<Value, Trouble> {
        match self.map.places.get(&number) {
            None => Err(MISSING),
            Some(Place::At(at)) => self.source.object(number, *at),
            Some(Place::In(stream)) => {
                let source = self.source;
                let packed = self.packed(*stream)?;
                let at = *packed.places.get(&number).ok_or(MISSING)?;
                Lexer::new(&packed.bytes, at, &source.fuel).value()
            }
        }
    }

    fn packed(&mut self, number: u32) -> Result<&Packed, Trouble> {
        if !self.packed.contains_key(&number) {
            // A stream is never packed itself.
            let Some(Place::At(at)) = self.map.places.get(&number) else {
                return Err(MISSING);
            };
            let (dictionary, bytes) = self.source.stream(number, *at)?;
            let places = places(self.source, &dictionary, &bytes)?.collect();
            self.packed.insert(number, Packed { bytes, places });
        }
        self.packed.get(&number).ok_or(MISSING)
    }
}

/// The numbers of the objects in a stream, and where each begins in its bytes.
pub(super) fn places(
    source: &Source<'_>,
    dictionary: &Dictionary,
    bytes: &[u8],
) -> Result<impl Iterator<Item = (u32, usize)> + use<>, Trouble> {
    let natural = |name| {
        dictionary
            .integer(name)
            .and_then(|value| usize::try_from(value).ok())
    };
    let (count, first) = (natural("N").ok_or(MISSING)?, natural("First").ok_or(MISSING)?);
    let mut lexer = Lexer::new(bytes, 0, &source.fuel);
    let mut places = Vec::new();
    for _ in 0..count {
        let (Some(number), Some(offset)) = (lexer.natural::<u32>(), lexer.natural::<usize>()) else {
            return Err(MISSING);
        };
        places.push((number, first.saturating_add(offset)));
    }
    Ok(places.into_iter())
}
