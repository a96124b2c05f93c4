//! Reading a PDF's objects from its bytes (ISO 32000-1, clauses 7.2 and 7.3).

use std::cell::Cell;

use super::super::findings::Trouble;
use super::value::{Dictionary, Value};

/// Arrays and dictionaries within each other.
const MAX_DEPTH: usize = 64;
/// Values in one object, each of which takes some 40 bytes of memory.
const MAX_VALUES: usize = 500_000;

/// Bytes that may still be read, of however many places: what bounds the work for a file that sends its reader in
/// circles.
#[derive(Debug)]
pub(super) struct Fuel(Cell<u64>);

impl Fuel {
    pub(super) fn new(bytes: u64) -> Self {
        Self(Cell::new(bytes))
    }

    /// Counts what was read on the way to the next [`Fuel::burn`].
    fn spend(&self, bytes: usize) {
        self.0.set(self.0.get().saturating_sub(bytes as u64));
    }

    /// Counts what was read, and ends the reading when it was too much.
    pub(super) fn burn(&self, bytes: usize) -> Result<(), Trouble> {
        let left = self.0.get().checked_sub(bytes as u64);
        self.0.set(left.unwrap_or(0));
        left.map(drop)
            .ok_or(Trouble::TooMuch("it takes too long to find its pages"))
    }
}

/// A place in the file.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    fuel: &'a Fuel,
    values: usize,
}

const MALFORMED: Trouble = Trouble::Broken("it holds something that is no PDF object");

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize, fuel: &'a Fuel) -> Self {
        Self {
            bytes,
            at,
            fuel,
            values: 0,
        }
    }

    /// An object, whatever it is.
    pub(super) fn value(&mut self) -> Result<Value, Trouble> {
        let start = self.at;
        let value = self.nested(MAX_DEPTH);
        self.fuel.burn(self.at - start)?;
        value
    }

    /// A dictionary.
    pub(super) fn dictionary(&mut self) -> Result<Dictionary, Trouble> {
        match self.value()? {
            Value::Dictionary(dictionary) => Ok(dictionary),
            _ => Err(MALFORMED),
        }
    }

    /// A number without sign or point; where none is, it stays where it is.
    pub(super) fn natural<T: TryFrom<u64>>(&mut self) -> Option<T> {
        let start = self.at;
        self.skip_blanks();
        let digits = std::str::from_utf8(self.regular()).ok();
        let number = digits.and_then(|digits| digits.parse::<u64>().ok());
        let number = number.and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            self.at = start;
        }
        number
    }

    /// Whether this word comes next; it is passed then.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let start = self.at;
        self.skip_blanks();
        let is_next = self.regular() == word.as_bytes();
        if !is_next {
            self.at = start;
        }
        is_next
    }

    /// What begins an object that others refer to, `12 0 obj`: its number.
    pub(super) fn object_number(&mut self) -> Option<u32> {
        let start = self.at;
        let number = self.natural();
        let is_object = self.natural::<u32>().is_some() && self.word_begins("obj");
        if !is_object {
            self.at = start;
        }
        number.filter(|_| is_object)
    }

    /// Whether this word comes next, even if another one follows without a blank.
    pub(super) fn word_begins(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let is_next = self.rest().starts_with(word.as_bytes());
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    /// Passes white space and comments.
    pub(super) fn skip_blanks(&mut self) {
        let start = self.at;
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let comment = self.rest().iter().position(|byte| matches!(byte, b'\r' | b'\n'));
                self.at = comment.map_or(self.bytes.len(), |length| self.at + length);
            } else if is_blank(byte) {
                self.at += 1;
            } else {
                break;
            }
        }
        self.fuel.spend(self.at - start);
    }

    /// What lies ahead.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn nested(&mut self, depth: usize) -> Result<Value, Trouble> {
        let depth = depth.checked_sub(1).ok_or(MALFORMED)?;
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(Trouble::TooMuch(
                "one of its objects has more than 500,000 values",
            ));
        }
        self.skip_blanks();
        match self.peek().ok_or(MALFORMED)? {
            b'/' => Ok(Value::Name(self.name())),
            b'(' => self.skip_string(),
            b'<' if self.rest().starts_with(b"<<") => self.entries(depth),
            b'<' => self.skip_hexadecimal(),
            b'[' => self.items(depth),
            b'0'..=b'9' | b'+' | b'-' | b'.' => Ok(self.number()),
            _ => self.keyword(),
        }
    }

    fn items(&mut self, depth: usize) -> Result<Value, Trouble> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_blanks();
            if self.peek().ok_or(MALFORMED)? == b']' {
                self.at += 1;
                return Ok(Value::Array(items));
            }
            items.push(self.nested(depth)?);
        }
    }

    fn entries(&mut self, depth: usize) -> Result<Value, Trouble> {
        self.at += 2;
        let mut entries = Vec::new();
        loop {
            self.skip_blanks();
            if self.rest().starts_with(b">>") {
                self.at += 2;
                return Ok(Value::Dictionary(Dictionary(entries)));
            }
            if self.peek() != Some(b'/') {
                return Err(MALFORMED);
            }
            let name = self.name();
            entries.push((name, self.nested(depth)?));
        }
    }

    /// A name, its `#20`s resolved.
    fn name(&mut self) -> Vec<u8> {
        self.at += 1;
        let mut rest = self.regular();
        let mut name = Vec::new();
        while let Some((first, next)) = rest.split_first() {
            let escaped = next.get(..2).filter(|_| *first == b'#').and_then(hexadecimal);
            name.push(escaped.unwrap_or(*first));
            rest = if escaped.is_some() {
                next.get(2..).unwrap_or_default()
            } else {
                next
            };
        }
        name
    }

    /// Parentheses within a string are in pairs, or escaped.
    fn skip_string(&mut self) -> Result<Value, Trouble> {
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'(' => open += 1,
                b')' => open -= 1,
                _ => {}
            }
            if open == 0 {
                return Ok(Value::Other);
            }
        }
        self.at = self.bytes.len();
        Err(MALFORMED)
    }

    fn skip_hexadecimal(&mut self) -> Result<Value, Trouble> {
        let length = self.rest().iter().position(|byte| *byte == b'>').ok_or(MALFORMED);
        self.at = length
            .as_ref()
            .map_or(self.bytes.len(), |length| self.at + length + 1);
        length.map(|_| Value::Other)
    }

    /// A number, or a reference: `12 0 R`.
    fn number(&mut self) -> Value {
        let text = std::str::from_utf8(self.regular()).unwrap_or_default();
        let Ok(number) = text.parse::<i64>() else {
            return Value::Other;
        };
        let after = self.at;
        let is_reference = self.natural::<u32>().is_some() && self.word("R");
        match u32::try_from(number) {
            Ok(number) if is_reference => Value::Reference(number),
            _ => {
                self.at = after;
                Value::Integer(number)
            }
        }
    }

    fn keyword(&mut self) -> Result<Value, Trouble> {
        match self.regular() {
            b"null" => Ok(Value::Null),
            b"true" | b"false" => Ok(Value::Other),
            _ => Err(MALFORMED),
        }
    }

    /// Passes regular characters, those that are neither blanks nor delimiters.
    fn regular(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let end = rest
            .iter()
            .position(|byte| !is_regular(*byte))
            .unwrap_or(rest.len());
        self.at += end;
        self.fuel.spend(end);
        rest.get(..end).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

pub(super) fn is_regular(byte: u8) -> bool {
    !is_blank(byte) && !b"()<>[]{}/%".contains(&byte)
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(text: &[u8]) -> Result<Value, Trouble> {
        Lexer::new(text, 0, &Fuel::new(1 << 30)).value()
    }

    fn name(name: &str) -> Value {
        Value::Name(name.as_bytes().to_vec())
    }

    #[test]
    fn objects_are_read() {
        let entry = |key: &str, value| (key.as_bytes().to_vec(), value);
        let items = vec![
            Value::Integer(1),
            Value::Integer(-2),
            Value::Other,
            Value::Reference(3),
            Value::Null,
            Value::Other,
        ];
        let dictionary = Dictionary(vec![
            entry("A", name("B c")),
            entry("D", Value::Array(items)),
            entry("E", Value::Other),
            entry("F", Value::Dictionary(Dictionary::default())),
        ]);
        let text = b"% x\n<</A/B#20c/D[1 -2 .5 3 0 R null(a(\\)b)c)]/E<0a>/F<<>>>>";
        assert_eq!(value(text), Ok(Value::Dictionary(dictionary)));
        assert_eq!(value(b"[1 2 3 R]"), value(b"[1 2 3 R ]"));
        assert_eq!(
            value(b"[10 20]"),
            Ok(Value::Array(vec![Value::Integer(10), Value::Integer(20)]))
        );
    }

    #[test]
    fn what_has_no_end_is_no_object() {
        let deep = b"[".repeat(1_000_000);
        let closed = [&deep[..], &b"]".repeat(1_000_000)].concat();
        for text in [
            &b"(a"[..],
            b"(\\)",
            b"<0",
            b"[1",
            b"<</A 1",
            b"<</A",
            b"<<1 2>>",
            b"endobj",
            b"",
            b"%",
            b")",
            b"<<>",
            &deep,
            &closed,
        ] {
            assert_eq!(value(text), Err(MALFORMED));
        }
    }

    #[test]
    fn many_values_and_long_ways_are_too_much() {
        let many = [b"[".as_slice(), &b"0 ".repeat(MAX_VALUES), b"]"].concat();
        assert!(matches!(value(&many), Err(Trouble::TooMuch(_))));
        let fuel = Fuel::new(1_000);
        let text = [b"(".as_slice(), &[b'x'; 600]].concat();
        assert_eq!(Lexer::new(&text, 0, &fuel).value(), Err(MALFORMED));
        assert!(matches!(
            Lexer::new(&text, 0, &fuel).value(),
            Err(Trouble::TooMuch(_))
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>(), text in "[-+.0-9R<>\\[\\]()/#%a ]*") {
            let _ = (value(&bytes), value(text.as_bytes()));
        }
    }
}
