//! What a number looks like: prefix, year and count.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::collection::Collection;
use crate::key::BasePath;

/// The longest prefix, in characters.
const MAX_PREFIX: usize = 20;
/// The greatest width; a number grows past it, up to [`MAX_COUNT`].
const MAX_WIDTH: u8 = 9;
/// More than anybody numbers in a year.
pub(super) const MAX_COUNT: u32 = 999_999_999;

/// How a deployment writes its numbers: `PRT-{YYYY}-{NNNN}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberFormat {
    prefix: String,
    width: u8,
}

/// A text that is no format of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be like PRT-{{YYYY}}-{{NNNN}}: a prefix of 1 to 20 capital letters, digits and inner '-', the year, and 1 to 9 N"
)]
pub struct NumberFormatError;

impl NumberFormat {
    /// Reads a format: prefix, year, and as many `N` as a number has digits at least.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, NumberFormatError> {
        let (prefix, rest) = text.split_once("-{YYYY}-{").ok_or(NumberFormatError)?;
        let width = rest.strip_suffix('}').ok_or(NumberFormatError)?;
        let is_width = !width.is_empty() && width.bytes().all(|byte| byte == b'N');
        let digits = u8::try_from(width.len()).map_err(|_| NumberFormatError)?;
        if !is_prefix(prefix) || !is_width || digits > MAX_WIDTH {
            return Err(NumberFormatError);
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            width: digits,
        })
    }

    /// The collection's own. `None` when that has none.
    pub fn shipped() -> Option<Self> {
        Self::parse(Collection::bols().number_format()?).ok()
    }

    /// The series of a year, 1 to 9999.
    pub fn series(&self, year: i16) -> Option<Series> {
        let year = u16::try_from(year).ok().filter(|year| is_year(*year))?;
        Some(Series {
            prefix: self.prefix.clone(),
            year,
        })
    }

    /// Reads one of this format's numbers, in just the spelling that it has.
    pub fn number(&self, text: &str) -> Option<BolNumber> {
        let number = BolNumber::parse(text)?;
        let is_ours = number.series.prefix == self.prefix
            && number == BolNumber::new(number.series.clone(), number.count, self.width);
        is_ours.then_some(number)
    }

    /// Digits that a number has at least.
    pub fn width(&self) -> u8 {
        self.width
    }
}

impl fmt::Display for NumberFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = "N".repeat(usize::from(self.width));
        write!(f, "{}-{{YYYY}}-{{{digits}}}", self.prefix)
    }
}

/// The numbers of a prefix and a year: `PRT-2025`. Each counts from 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Series {
    prefix: String,
    year: u16,
}

impl Series {
    /// Reads `PRT-2025`.
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, year) = text.rsplit_once('-')?;
        let is_written = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        let year = year.parse().ok().filter(|year| is_year(*year))?;
        (is_written && is_prefix(prefix)).then(|| Self {
            prefix: prefix.to_owned(),
            year,
        })
    }

    /// The number of a count, which is padded to `width` digits.
    pub fn number(&self, count: u32, width: u8) -> BolNumber {
        BolNumber::new(self.clone(), count, width)
    }

    /// How a series writes its numbers that has this width; `None` of a width that no number has.
    pub fn format(&self, width: u8) -> Option<NumberFormat> {
        let is_width = (1..=MAX_WIDTH).contains(&width);
        is_width.then(|| NumberFormat {
            prefix: self.prefix.clone(),
            width,
        })
    }

    /// What the keys of its documents begin with.
    pub fn documents(&self) -> String {
        // As `Collection::key` has it, which a test compares.
        format!("bols/{:04}/{self}-", self.year)
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04}", self.prefix, self.year)
    }
}

/// A number: `PRT-2025-0042`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BolNumber {
    series: Series,
    count: u32,
    /// As many as are written.
    digits: u8,
}

impl BolNumber {
    fn new(series: Series, count: u32, width: u8) -> Self {
        let needed = count.checked_ilog10().unwrap_or(0) + 1;
        let digits = width.max(u8::try_from(needed).unwrap_or(u8::MAX));
        Self {
            series,
            count,
            digits,
        }
    }

    /// Reads a number of whatever prefix and width: 1 to 9 digits, not all of them zeros.
    pub fn parse(text: &str) -> Option<Self> {
        let (series, digits) = text.rsplit_once('-')?;
        let width = u8::try_from(digits.len())
            .ok()
            .filter(|width| *width <= MAX_WIDTH)?;
        let is_written = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let count = digits
            .parse()
            .ok()
            .filter(|count| (1..=MAX_COUNT).contains(count))?;
        let series = Series::parse(series)?;
        is_written.then(|| Self::new(series, count, width))
    }

    /// The year that it is one of.
    pub fn year(&self) -> i16 {
        i16::try_from(self.series.year).unwrap_or(i16::MAX)
    }

    /// The numbers that it is one of.
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// Which of them it is, from 1.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How many digits its count is written with.
    pub fn digits(&self) -> u8 {
        self.digits
    }

    /// Whether its count has zeros before it, which only a series of that width writes.
    pub fn is_padded(&self) -> bool {
        *self != Self::new(self.series.clone(), self.count, 1)
    }

    /// Whether no number comes after it.
    pub fn is_last(&self) -> bool {
        self.count >= MAX_COUNT
    }

    /// Where its document lies below the collection: `2025/PRT-2025-0042.pdf`.
    pub fn path(&self) -> String {
        format!("{:04}/{self}.pdf", self.series.year)
    }

    /// Where its document lies in the bucket: `bols/2025/PRT-2025-0042.pdf`.
    pub fn key(&self, base: &BasePath) -> Option<String> {
        Collection::bols().key(base, &self.path())
    }
}

impl fmt::Display for BolNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = usize::from(self.digits);
        write!(f, "{}-{:0digits$}", self.series, self.count)
    }
}

/// A text that is no number, or no series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be like {0}")]
pub struct NumberError(&'static str);

impl FromStr for Series {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        Self::parse(text).ok_or(NumberError("PRT-2025"))
    }
}

impl FromStr for BolNumber {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        Self::parse(text).ok_or(NumberError("PRT-2025-0042"))
    }
}

impl TryFrom<String> for Series {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Self, NumberError> {
        text.parse()
    }
}

impl From<Series> for String {
    fn from(series: Series) -> Self {
        series.to_string()
    }
}

impl TryFrom<String> for BolNumber {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Self, NumberError> {
        text.parse()
    }
}

impl From<BolNumber> for String {
    fn from(number: BolNumber) -> Self {
        number.to_string()
    }
}

fn is_prefix(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    (1..=MAX_PREFIX).contains(&text.len())
        && text.chars().all(|c| is_plain(c) || c == '-')
        && text.starts_with(is_plain)
        && text.ends_with(is_plain)
}

fn is_year(year: u16) -> bool {
    (1..=9_999).contains(&year)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_format_says_prefix_and_width() {
        let format = NumberFormat::parse("PRT-{YYYY}-{NNNN}").unwrap();
        let series = format.series(2025).unwrap();
        assert_eq!(series.to_string(), "PRT-2025");
        for (count, text) in [
            (1, "PRT-2025-0001"),
            (9_999, "PRT-2025-9999"),
            (10_000, "PRT-2025-10000"),
        ] {
            let number = series.number(count, format.width());
            assert_eq!(number.to_string(), text);
            assert_eq!(format.number(text), Some(number));
        }
        assert_eq!(format.to_string(), "PRT-{YYYY}-{NNNN}");
        assert_eq!(format.series(0), None);
        assert_eq!(format.series(-5), None);
    }

    #[test]
    fn what_is_no_format_is_refused() {
        for text in [
            "",
            "PRT",
            "PRT-{YYYY}",
            "PRT-{YYYY}-{}",
            "PRT-{YYYY}-{NNNNNNNNNN}",
            "PRT-{YYYY}-{NNxN}",
            "PRT-{YYYY}-{NNNN}x",
            "PRT{YYYY}-{NNNN}",
            "-{YYYY}-{NNNN}",
            "prt-{YYYY}-{NNNN}",
            "P/T-{YYYY}-{NNNN}",
            "PRT--{YYYY}-{NNNN}",
            "ABCDEFGHIJKLMNOPQRSTU-{YYYY}-{NNNN}",
        ] {
            assert_eq!(NumberFormat::parse(text), Err(NumberFormatError), "{text}");
        }
    }

    #[test]
    fn a_number_has_one_spelling() {
        let format = NumberFormat::parse("A-7-{YYYY}-{NNNN}").unwrap();
        assert!(format.number("A-7-2025-0042").is_some());
        for text in [
            "A-7-2025-42",
            "A-7-2025-00042",
            "A-7-2025-0000",
            "A-7-2025-+042",
            "A-7-25-0042",
            "A-7-0000-0042",
            "A-2025-0042",
            "A-7-2025-0042.pdf",
            "A-7-2025-1000000000",
            "a-7-2025-0042",
        ] {
            assert_eq!(format.number(text), None, "{text}");
        }
    }

    #[test]
    fn a_document_lies_below_its_year() {
        let number = BolNumber::parse("PRT-2025-0042").unwrap();
        let base = BasePath::default();
        assert_eq!(number.key(&base).as_deref(), Some("bols/2025/PRT-2025-0042.pdf"));
        // The number alone leads there, too.
        assert_eq!(
            Collection::bols().key(&base, &number.to_string()),
            number.key(&base)
        );
        assert_eq!(number.series().documents(), "bols/2025/PRT-2025-");
    }

    proptest! {
        #[test]
        fn numbers_read_back(
            prefix in "[A-Z0-9]([A-Z0-9-]{0,18}[A-Z0-9])?", year in 1..=9_999_i16,
            count in 1..=MAX_COUNT, width in 1..=9_usize,
        ) {
            let format = format!("{prefix}-{{YYYY}}-{{{}}}", "N".repeat(width));
            let format = NumberFormat::parse(&format).unwrap();
            let series = format.series(year).unwrap();
            prop_assert_eq!(Series::parse(&series.to_string()), Some(series.clone()));
            let number = series.number(count, format.width());
            prop_assert_eq!(format.number(&number.to_string()), Some(number.clone()));
            prop_assert_eq!(BolNumber::parse(&number.to_string()), Some(number.clone()));
            let written = number.to_string().len() - series.to_string().len() - 1;
            prop_assert_eq!(usize::from(number.digits()), written);
            prop_assert_eq!(number.is_padded(), written > count.to_string().len());
            prop_assert_eq!(series.format(format.width()), Some(format));
            prop_assert_eq!(series.format(0).or(series.format(10)), None);
            let key = number.key(&BasePath::default()).unwrap();
            prop_assert!(key.starts_with(&series.documents()));
            prop_assert_eq!(Collection::bols().key(&BasePath::default(), &number.to_string()), Some(key));
        }

        #[test]
        fn whatever_is_read_as_a_number_is_written_the_same(text in "[A-Z0-9]{1,3}-[0-9]{3,5}-[0-9]{0,10}") {
            if let Some(number) = BolNumber::parse(&text) {
                prop_assert_eq!(number.to_string(), text);
            }
        }
    }
}
