//! The bytes of a PDF, and what may be spent on them.

use std::cell::Cell;

use super::super::findings::Trouble;
use super::lexer::{Fuel, Lexer};
use super::stream::{MAX_UNPACKED, unpack};
use super::value::{Dictionary, Value};

/// How often the file's size may be read in all.
const READINGS: u64 = 16;
/// A small file's objects may be far apart.
const LEAST_FUEL: u64 = 1024 * 1024;

/// A PDF from its header on.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) fuel: Fuel,
    /// What may still be unpacked.
    unpackable: Cell<u64>,
}

const MISPLACED: Trouble = Trouble::Broken("its cross-reference table leads to the wrong places");

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            fuel: Fuel::new(LEAST_FUEL + READINGS * bytes.len() as u64),
            unpackable: Cell::new(MAX_UNPACKED),
        }
    }

    pub(super) fn lexer(&self, at: usize) -> Lexer<'_> {
        Lexer::new(self.bytes, at, &self.fuel)
    }

    /// The object of this number, which must begin at a place.
    pub(super) fn object(&self, number: u32, at: usize) -> Result<Value, Trouble> {
        let mut lexer = self.numbered(number, at)?;
        lexer.value()
    }

    /// The stream of this number, which must begin at a place, unpacked.
    pub(super) fn stream(&self, number: u32, at: usize) -> Result<(Dictionary, Vec<u8>), Trouble> {
        let mut lexer = self.numbered(number, at)?;
        let dictionary = lexer.dictionary()?;
        if !lexer.word_begins("stream") {
            return Err(MISPLACED);
        }
        let rest = lexer.rest();
        let data = [b"\r\n".as_slice(), b"\n", b"\r"];
        let data = data
            .iter()
            .find_map(|end| rest.strip_prefix(*end))
            .ok_or(MISPLACED)?;
        let data = self.cut(&dictionary, data)?;
        let unpacked = unpack(&dictionary, data, self.unpackable.get())?;
        let left = self.unpackable.get().saturating_sub(unpacked.len() as u64);
        self.unpackable.set(left);
        Ok((dictionary, unpacked))
    }

    fn numbered(&self, number: u32, at: usize) -> Result<Lexer<'_>, Trouble> {
        // So that the search for nothing at all comes to an end, too.
        self.fuel.burn(16)?;
        let mut lexer = self.lexer(at);
        if lexer.object_number() == Some(number) {
            Ok(lexer)
        } else {
            Err(MISPLACED)
        }
    }

    /// A stream's data: as long as it says, if its end is there, else up to where its end is.
    fn cut<'b>(&self, dictionary: &Dictionary, data: &'b [u8]) -> Result<&'b [u8], Trouble> {
        let length = dictionary
            .integer("Length")
            .and_then(|length| usize::try_from(length).ok());
        if let Some((stream, rest)) = length.and_then(|length| data.split_at_checked(length))
            && rest.trim_ascii_start().starts_with(END)
        {
            return Ok(stream);
        }
        let end = data.windows(END.len()).position(|window| window == END);
        self.fuel.burn(end.unwrap_or(data.len()))?;
        end.and_then(|end| data.get(..end)).ok_or(MISPLACED)
    }
}

const END: &[u8] = b"endstream";
