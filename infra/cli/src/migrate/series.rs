//! The series of the numbers of bills of lading: how each is spelled, how far it goes, and which of its numbers can't be
//! moved in.

use std::collections::HashMap;

use casefile::bol::{BolNumber, Numbers, Series, SetError, State};
use casefile::store_error::StoreError;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::entry::Action;

const AT_ONCE: usize = 8;

/// The numbers of one series, as far as they matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) highest: BolNumber,
    /// That with the fewest digits.
    narrow: BolNumber,
    /// Of those with zeros before them, that with the most digits.
    padded: Option<BolNumber>,
}

/// Why a series can't be begun: two numbers that are spelled for different widths.
type Odd = (BolNumber, BolNumber);

impl Span {
    fn of(number: &BolNumber) -> Self {
        Self {
            highest: number.clone(),
            narrow: number.clone(),
            padded: number.is_padded().then(|| number.clone()),
        }
    }

    fn add(&mut self, number: &BolNumber) {
        if number.count() > self.highest.count() {
            self.highest.clone_from(number);
        }
        if number.digits() < self.narrow.digits() {
            self.narrow.clone_from(number);
        }
        let widest = self.padded.as_ref().map_or(0, BolNumber::digits);
        if number.is_padded() && number.digits() > widest {
            self.padded = Some(number.clone());
        }
    }

    /// How many digits its numbers have at least, as they are spelled.
    ///
    /// # Errors
    /// Two numbers that can't both be right.
    pub(super) fn width(&self) -> Result<u8, Odd> {
        match &self.padded {
            Some(padded) if padded.digits() != self.narrow.digits() => {
                Err((self.narrow.clone(), padded.clone()))
            }
            _ => Ok(self.narrow.digits()),
        }
    }
}

/// The spans of all series. A number after which there is none is left out: its series could never go on.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Spans(HashMap<Series, Span>);

impl Spans {
    pub(super) fn add(&mut self, number: &BolNumber) {
        if number.is_last() {
            return;
        }
        match self.0.get_mut(number.series()) {
            Some(span) => span.add(number),
            None => drop(self.0.insert(number.series().clone(), Span::of(number))),
        }
    }

    /// In the order of their highest numbers' names.
    pub(super) fn all(&self) -> Vec<&Span> {
        let mut all: Vec<_> = self.0.values().collect();
        all.sort_by_key(|span| span.highest.to_string());
        all
    }
}

impl<'a> FromIterator<&'a BolNumber> for Spans {
    fn from_iter<I: IntoIterator<Item = &'a BolNumber>>(numbers: I) -> Self {
        let mut spans = Self::default();
        for number in numbers {
            spans.add(number);
        }
        spans
    }
}

/// A series as it stands, or as it would be begun.
#[derive(Debug)]
struct Standing {
    state: Option<State>,
    width: Result<u8, Odd>,
}

/// Series as they stand.
#[derive(Debug, Default)]
pub(super) struct AllSeries(HashMap<Series, Standing>);

impl AllSeries {
    /// Reads those of these numbers: a request a series.
    ///
    /// # Errors
    /// When storage fails.
    pub(super) async fn read(numbers: &Numbers<'_>, spans: &Spans) -> Result<Self, StoreError> {
        let standings = stream::iter(spans.all())
            .map(|span| async {
                let series = span.highest.series();
                let state = numbers.state(series).await?;
                let width = width(numbers, span);
                Ok::<_, StoreError>((series.clone(), Standing { state, width }))
            })
            .buffer_unordered(AT_ONCE);
        Ok(Self(standings.try_collect().await?))
    }

    /// Whether its numbers can be taken out of it: it stands, or it is clear how it is spelled.
    pub(super) fn is_clear(&self, series: &Series) -> bool {
        let standing = self.0.get(series);
        standing.is_some_and(|standing| standing.state.is_some() || standing.width.is_ok())
    }

    /// Why a number can't be moved in, as the API would see it, and whether somebody has to decide or nothing can be done.
    pub(super) fn refuse(&self, number: &BolNumber) -> Option<(Action, String)> {
        let (series, count) = (number.series(), number.count());
        if number.is_last() {
            return Some((Action::Rejected, format!("{number}: {}", SetError::Last)));
        }
        let Standing { state, width } = self.0.get(series)?;
        let spelled = match (state, width) {
            (Some(state), _) => state.number(series, count),
            (None, Ok(width)) => series.number(count, *width),
            (None, Err((narrow, padded))) => {
                let why = format!(
                    "{series} is spelled in two ways, as in {narrow} and in {padded}, and can only have one: correct the \
                     numbers in --records"
                );
                return Some((Action::Conflict, why));
            }
        };
        if spelled != *number {
            let why = format!("{number} is spelled {spelled} in its series");
            return Some((Action::Rejected, why));
        }
        let state = state.as_ref()?;
        let taken = if state.is_void(count) {
            format!("{number} was declared void")
        } else if state.is_open(count) {
            format!("{number} has just been given out, and its document isn't known yet")
        } else {
            return None;
        };
        Some((Action::Conflict, taken))
    }
}

/// The deployment's own series are spelled as it says, others as they come.
pub(super) fn width(numbers: &Numbers<'_>, span: &Span) -> Result<u8, Odd> {
    let series = span.highest.series();
    let own = numbers.format.series(span.highest.year());
    if own.as_ref() == Some(series) {
        Ok(numbers.format.width())
    } else {
        span.width()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(numbers: &[&str]) -> Spans {
        let numbers: Vec<BolNumber> = numbers.iter().map(|number| number.parse().unwrap()).collect();
        numbers.iter().collect()
    }

    #[test]
    fn each_series_has_its_highest_number_that_leaves_one_after_it() {
        let spans = spans(&[
            "PRT-2024-0017",
            "PRT-2025-0002",
            "PRT-2024-10000",
            "PRT-2024-0018",
            "PRT-2024-999999999",
        ]);
        let highest: Vec<_> = spans.all().iter().map(|span| span.highest.to_string()).collect();
        assert_eq!(highest, ["PRT-2024-10000", "PRT-2025-0002"]);
    }

    #[test]
    fn how_a_series_is_spelled_follows_from_its_numbers_unless_they_disagree() {
        for (numbers, width) in [
            (&["OLD-2019-007", "OLD-2019-042"][..], Some(3)),
            (&["OLD-2019-1042", "OLD-2019-007"], Some(3)),
            (&["OLD-2019-17", "OLD-2019-105"], Some(2)),
            (&["OLD-2019-007", "OLD-2019-0042"], None),
            (&["OLD-2019-007", "OLD-2019-42"], None),
            (&["OLD-2019-0007", "OLD-2019-007", "OLD-2019-12345"], None),
        ] {
            let spans = spans(numbers);
            assert_eq!(spans.all()[0].width().ok(), width, "{numbers:?}");
        }
    }
}
