//! The series of the numbers of bills of lading: how each is spelled, how far it goes, and which of its numbers can't be
//! moved in.

use std::collections::HashMap;

use casefile::bol::{BolNumber, Numbers, Series, SetError, State};
use casefile::store_error::StoreError;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::entry::Action;

const AT_ONCE: usize = 8;

/// How the numbers of a series are spelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spelling {
    /// With at least so many digits.
    Width(u8),
    /// Nobody can tell: none of them has a zero before it, so each has the same spelling at many widths.
    Unproven,
    /// Two numbers that can't both be right.
    Odd(BolNumber, BolNumber),
}

/// The numbers of one series, as far as they matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) highest: BolNumber,
    /// That with the fewest digits.
    narrow: BolNumber,
    /// Of those with zeros before them, that with the most digits.
    padded: Option<BolNumber>,
}

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

    /// What its numbers tell.
    fn spelling(&self) -> Spelling {
        match &self.padded {
            None => Spelling::Unproven,
            Some(padded) if padded.digits() == self.narrow.digits() => Spelling::Width(padded.digits()),
            Some(padded) => Spelling::Odd(self.narrow.clone(), padded.clone()),
        }
    }

    /// What its numbers and those tell that are stored already.
    fn spelling_with(&self, keys: &[String]) -> Spelling {
        let mut all = self.clone();
        for key in keys {
            let name = key.rsplit('/').next().unwrap_or_default();
            let number = name.rsplit_once('.').and_then(|(stem, _)| BolNumber::parse(stem));
            if let Some(number) = number.filter(|number| number.series() == self.highest.series()) {
                all.add(&number);
            }
        }
        all.spelling()
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

    pub(super) fn has(&self, series: &Series) -> bool {
        self.0.contains_key(series)
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
pub(super) struct Standing {
    pub(super) state: Option<State>,
    pub(super) spelling: Spelling,
}

impl Standing {
    /// The deployment's own series are spelled as it says; those of others as their numbers are, which takes a list of what
    /// is stored of such a series already, until it is begun.
    ///
    /// # Errors
    /// When storage fails.
    pub(super) async fn read(numbers: &Numbers<'_>, span: &Span) -> Result<Self, StoreError> {
        let series = span.highest.series();
        let state = numbers.state(series).await?;
        let spelling = if numbers.format.series(span.highest.year()).as_ref() == Some(series) {
            Spelling::Width(numbers.format.width())
        } else if state.is_some() {
            span.spelling()
        } else {
            let keys = numbers.bucket.keys(&series.documents()).await?;
            span.spelling_with(&keys)
        };
        Ok(Self { state, spelling })
    }

    /// The same without the list, for numbers whose spelling has been looked at.
    ///
    /// # Errors
    /// When storage fails.
    async fn again(numbers: &Numbers<'_>, span: &Span) -> Result<Self, StoreError> {
        let state = numbers.state(span.highest.series()).await?;
        let spelling = Spelling::Unproven;
        Ok(Self { state, spelling })
    }
}

/// Series as they stand.
#[derive(Debug, Default)]
pub(super) struct AllSeries(HashMap<Series, Standing>);

impl AllSeries {
    /// Reads those of these numbers: a request a series, and a list of each that another system has begun.
    ///
    /// # Errors
    /// When storage fails.
    pub(super) async fn read(numbers: &Numbers<'_>, spans: &Spans) -> Result<Self, StoreError> {
        Self::of(spans, |span| Standing::read(numbers, span)).await
    }

    /// The same for numbers whose spelling has been looked at: a request a series.
    ///
    /// # Errors
    /// When storage fails.
    pub(super) async fn again(numbers: &Numbers<'_>, spans: &Spans) -> Result<Self, StoreError> {
        Self::of(spans, |span| Standing::again(numbers, span)).await
    }

    async fn of<'a, F>(spans: &'a Spans, read: impl Fn(&'a Span) -> F) -> Result<Self, StoreError>
    where
        F: Future<Output = Result<Standing, StoreError>>,
    {
        let standings = spans.all().into_iter().map(|span| {
            let (series, standing) = (span.highest.series().clone(), read(span));
            async move { Ok::<_, StoreError>((series, standing.await?)) }
        });
        let standings = stream::iter(standings).buffer_unordered(AT_ONCE);
        Ok(Self(standings.try_collect().await?))
    }

    /// Whether its numbers can be taken out of it: it stands, or it is clear how it is spelled.
    pub(super) fn is_clear(&self, series: &Series) -> bool {
        let is_clear =
            |standing: &Standing| standing.state.is_some() || matches!(standing.spelling, Spelling::Width(_));
        self.0.get(series).is_some_and(is_clear)
    }

    /// Why a number can't be moved in, as the API would see it, and whether somebody has to decide or nothing can be done.
    pub(super) fn refuse(&self, number: &BolNumber) -> Option<(Action, String)> {
        let (series, count) = (number.series(), number.count());
        if number.is_last() {
            return Some((Action::Rejected, format!("{number}: {}", SetError::Last)));
        }
        let Standing { state, spelling } = self.0.get(series)?;
        let spelled = match (state, spelling) {
            (Some(state), _) => state.number(series, count),
            (None, Spelling::Width(width)) => series.number(count, *width),
            (None, Spelling::Unproven) => number.clone(),
            (None, Spelling::Odd(narrow, padded)) => {
                return Some((Action::Conflict, odd(series, narrow, padded)));
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

/// Why numbers of a series can't be moved in.
pub(super) fn odd(series: &Series, narrow: &BolNumber, padded: &BolNumber) -> String {
    format!(
        "{series} is spelled in two ways, as in {narrow} and in {padded}, of which one may be stored already, and can only \
         have one: correct the numbers in --records"
    )
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
    fn how_a_series_is_spelled_follows_from_its_numbers_if_zeros_prove_it_and_unless_they_disagree() {
        for (numbers, width) in [
            (&["OLD-2019-007", "OLD-2019-042"][..], Some(3)),
            (&["OLD-2019-1042", "OLD-2019-007"], Some(3)),
            (&["OLD-2019-17", "OLD-2019-105"], None),
            (&["OLD-2019-1042"], None),
        ] {
            let spelling = width.map_or(Spelling::Unproven, Spelling::Width);
            assert_eq!(spans(numbers).all()[0].spelling(), spelling, "{numbers:?}");
        }
        for numbers in [
            &["OLD-2019-007", "OLD-2019-0042"][..],
            &["OLD-2019-007", "OLD-2019-42"],
            &["OLD-2019-0007", "OLD-2019-007", "OLD-2019-12345"],
        ] {
            let spelling = spans(numbers).all()[0].spelling();
            assert!(matches!(spelling, Spelling::Odd(..)), "{numbers:?}");
        }
    }

    #[test]
    fn what_is_stored_of_a_series_tells_how_it_is_spelled_as_well() {
        let spans = spans(&["OLD-2019-1042"]);
        let told = |name: &str| spans.all()[0].spelling_with(&[format!("bols/2019/{name}")]);
        assert_eq!(told("OLD-2019-007.pdf"), Spelling::Width(3));
        assert!(matches!(told("OLD-2019-00007.pdf"), Spelling::Odd(..)));
        for other in ["OLD-2019-17.pdf", "OLD-2019-x.pdf", "OLD-2019-007-2020-007.pdf"] {
            assert_eq!(told(other), Spelling::Unproven, "{other}");
        }
    }
}
