//! What files are called, and where their names say year and number: `BOL_{YYYY}_{NNNN}*.pdf`. A number is all digits that
//! stand together, and a name that can be read in two ways says none: a wrong one would take a series far ahead.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

const MAX_CHARS: usize = 200;
/// As a number of a bill of lading.
const MAX_DIGITS: usize = 9;

/// A pattern of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// Four digits.
    Year,
    /// One to nine digits, all that stand together.
    Number,
    /// Anything, also nothing.
    Any,
}

/// What a name says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Said {
    pub(super) year: Option<i16>,
    pub(super) number: Option<u32>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.chars().count() > MAX_CHARS || text.contains('/') {
            return Err(format!(
                "must be a name of 1 to {MAX_CHARS} characters, without folders"
            ));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '*']) {
            let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
            if !plain.is_empty() {
                parts.push(Part::Literal(plain.to_owned()));
            }
            let (part, after) = special_part(special)?;
            parts.push(part);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        let many = |wanted: &Part| parts.iter().filter(|part| *part == wanted).count() > 1;
        if many(&Part::Year) || many(&Part::Number) {
            return Err("has {YYYY} or {NNNN} more than once".to_owned());
        }
        let text = text.to_owned();
        Ok(Self { text, parts })
    }

    /// Whether names say both year and number.
    pub(super) fn says_number(&self) -> bool {
        [Part::Year, Part::Number]
            .iter()
            .all(|part| self.parts.contains(part))
    }

    /// Whether names say a year or a number at all.
    pub(super) fn says_anything(&self) -> bool {
        [Part::Year, Part::Number]
            .iter()
            .any(|part| self.parts.contains(part))
    }

    /// Whether a name is such a one.
    pub(super) fn matches(&self, name: &str) -> bool {
        !self.readings(name).is_empty()
    }

    /// What a name says; `None` when it isn't such a name.
    ///
    /// # Errors
    /// When it says one thing or another.
    pub(super) fn read(&self, name: &str) -> Result<Option<Said>, String> {
        match self.readings(name).as_slice() {
            [] => Ok(None),
            [said] => Ok(Some(*said)),
            _ => Err(format!(
                "its name can be read as {self} in more than one way: name a stricter --name-pattern, or say its number in \
                 --records"
            )),
        }
    }

    fn readings(&self, name: &str) -> Vec<Said> {
        let (parts, known) = (self.parts.as_slice(), BTreeMap::new());
        Reader { parts, name, known }.read(0, 0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn special_part(text: &str) -> Result<(Part, &str), String> {
    if let Some(rest) = text.strip_prefix('*') {
        return Ok((Part::Any, rest));
    }
    let unknown = || "knows {YYYY}, {NNNN} and *, and no other '{'".to_owned();
    let (name, rest) = text
        .strip_prefix('{')
        .and_then(|text| text.split_once('}'))
        .ok_or_else(unknown)?;
    match name {
        "YYYY" => Ok((Part::Year, rest)),
        name if !name.is_empty() && name.bytes().all(|byte| byte == b'N') => Ok((Part::Number, rest)),
        _ => Err(unknown()),
    }
}

/// Reads one name by the parts of a pattern. Each place in both is read once, so that no pattern takes long.
struct Reader<'a> {
    parts: &'a [Part],
    name: &'a str,
    /// By part and place: what the rest can be read as. Two of them are enough to know that there isn't one.
    known: BTreeMap<(usize, usize), Vec<Said>>,
}

impl Reader<'_> {
    fn read(&mut self, part: usize, at: usize) -> Vec<Said> {
        if let Some(known) = self.known.get(&(part, at)) {
            return known.clone();
        }
        let mut all = self.readings(part, at);
        all.sort_unstable();
        all.dedup();
        all.truncate(2);
        self.known.insert((part, at), all.clone());
        all
    }

    fn readings(&mut self, part: usize, at: usize) -> Vec<Said> {
        let rest = self.name.get(at..).unwrap_or_default();
        match self.parts.get(part) {
            None if rest.is_empty() => vec![Said::default()],
            Some(Part::Literal(text)) if rest.starts_with(text.as_str()) => {
                self.read(part + 1, at + text.len())
            }
            None | Some(Part::Literal(_)) => Vec::new(),
            Some(Part::Any) => {
                let mut all = self.read(part + 1, at);
                if let Some(next) = rest.chars().next() {
                    all.extend(self.read(part, at + next.len_utf8()));
                }
                all
            }
            Some(Part::Year) => self.digits(part, at, 4..=4, |said, digits| {
                said.year = digits.parse().ok();
            }),
            Some(Part::Number) => self.digits(part, at, 1..=MAX_DIGITS, |said, digits| {
                said.number = digits.parse().ok();
            }),
        }
    }

    /// A whole run of digits: what stands beside it in the name is no digit, unless the pattern has one there.
    fn digits(
        &mut self,
        part: usize,
        at: usize,
        counts: RangeInclusive<usize>,
        note: impl Fn(&mut Said, &str),
    ) -> Vec<Said> {
        let bytes = self.name.as_bytes();
        let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        let before = part.checked_sub(1).and_then(|before| self.parts.get(before));
        if at.checked_sub(1).is_some_and(is_digit) && !before.is_some_and(Part::ends_in_digit) {
            return Vec::new();
        }
        let is_open = self.parts.get(part + 1).is_some_and(Part::begins_with_digit);
        let run = (at..bytes.len()).take_while(|at| is_digit(*at)).count();
        let fit = counts.filter(|count| *count <= run && (is_open || *count == run));
        let mut all = Vec::new();
        for count in fit {
            let digits = self.name.get(at..at + count).unwrap_or_default();
            for mut said in self.read(part + 1, at + count) {
                note(&mut said, digits);
                all.push(said);
            }
        }
        all
    }
}

impl Part {
    fn begins_with_digit(&self) -> bool {
        match self {
            Self::Literal(text) => text.starts_with(|c: char| c.is_ascii_digit()),
            Self::Year | Self::Number => true,
            Self::Any => false,
        }
    }

    fn ends_in_digit(&self) -> bool {
        match self {
            Self::Literal(text) => text.ends_with(|c: char| c.is_ascii_digit()),
            Self::Year | Self::Number => true,
            Self::Any => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(pattern: &str, name: &str) -> Option<(Option<i16>, Option<u32>)> {
        let said = Pattern::parse(pattern).unwrap().read(name).unwrap()?;
        Some((said.year, said.number))
    }

    #[test]
    fn a_name_says_year_and_number_wherever_the_pattern_has_them() {
        for (pattern, name, expected) in [
            (
                "PRT-{YYYY}-{NNNN}.pdf",
                "PRT-2025-0042.pdf",
                (Some(2025), Some(42)),
            ),
            ("{NNNN}_{YYYY}*.pdf", "17_2024 signed.pdf", (Some(2024), Some(17))),
            ("*{YYYY}{NNNN}.pdf", "BOL20240017.pdf", (Some(2024), Some(17))),
            ("*ü*.pdf", "für.pdf", (None, None)),
            ("*{NNNN}.pdf", "scan 1234.pdf", (None, Some(1_234))),
            ("*-{NNNN}*", "BOL-17 v2.pdf", (None, Some(17))),
            ("{NNNN}0.pdf", "1700.pdf", (None, Some(170))),
            ("2{NNNN}.pdf", "217.pdf", (None, Some(17))),
        ] {
            assert_eq!(said(pattern, name), Some(expected), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("PRT-{YYYY}-{NNNN}.pdf", "PRT-2025-.pdf"),
            ("PRT-{YYYY}-{NNNN}.pdf", "PRT-25-0042.pdf"),
            ("PRT-{YYYY}-{NNNN}.pdf", "PRT-2025-0042.pdf.bak"),
            ("{YYYY}.pdf", "+202.pdf"),
            // Parts of a run of digits.
            ("*{NNNN}.pdf", "scan 1234567890.pdf"),
            ("{YYYY}*.pdf", "20240017.pdf"),
            ("{YYYY}*{NNNN}.pdf", "20240017.pdf"),
        ] {
            assert_eq!(said(pattern, name), None, "{pattern} {name}");
        }
    }

    #[test]
    fn a_name_that_can_be_read_in_two_ways_is_refused() {
        for (pattern, name) in [
            ("*{NNNN}*.pdf", "BOL 17 of 18.pdf"),
            ("*{YYYY}*{NNNN}*", "2024-2025-17.pdf"),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            assert!(pattern.matches(name), "{pattern} {name}");
            let why = pattern.read(name).unwrap_err();
            assert!(why.contains("in more than one way"), "{why}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern = Pattern::parse(&"*a".repeat(100)).unwrap();
        assert_eq!(pattern.read(&"a".repeat(255)), Ok(Some(Said::default())));
        assert_eq!(pattern.read(&format!("{}b", "a".repeat(254))), Ok(None));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "a/b", "{YYYY", "{MM}", "{}", "{YYYY}{YYYY}", "{N}{NN}"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        assert!(Pattern::parse("{YYYY}-{N}").unwrap().says_number());
        assert!(!Pattern::parse("*.pdf").unwrap().says_anything());
    }

    proptest! {
        #[test]
        fn no_name_is_too_odd(name in any::<String>(), pattern in "[a{}YN*ü]{1,12}") {
            if let Ok(pattern) = Pattern::parse(&pattern) {
                let _ = pattern.read(&name);
            }
        }
    }
}
