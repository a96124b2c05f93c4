//! Numbers as they are written: a weight is money, and a float would change its last digit.

use casefile::json::{Errors, Node};

/// The most digits before the decimal point.
const MAX_WHOLE: usize = 6;
/// The most digits after it in a weight: a fifth of a pound.
const MAX_WEIGHT_FRACTION: usize = 4;
/// The most digits after it in a percentage: a hundredth of a millionth.
const MAX_PERCENT_FRACTION: usize = 6;

/// A decimal number from 0, exact, without zeros at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bols) struct Decimal {
    digits: u64,
    /// How many of the digits stand after the decimal point.
    scale: usize,
}

impl Decimal {
    /// The weight here: more than 0.
    pub(super) fn weight(node: &Node<'_>, errors: &mut Errors) -> Option<Self> {
        let is_weight = |number: &Self| number.digits > 0;
        Self::read(
            node,
            MAX_WEIGHT_FRACTION,
            is_weight,
            "must be more than 0",
            errors,
        )
    }

    /// The percentage here: 0 to 100.
    pub(super) fn percent(node: &Node<'_>, errors: &mut Errors) -> Option<Self> {
        let is_percent = |number: &Self| number.digits <= 100 * power_of_ten(number.scale);
        let right = "must be from 0 to 100, in percent";
        Self::read(node, MAX_PERCENT_FRACTION, is_percent, right, errors)
    }

    fn read(
        node: &Node<'_>,
        max_fraction: usize,
        is_right: impl Fn(&Self) -> bool,
        right: &str,
        errors: &mut Errors,
    ) -> Option<Self> {
        let text = node.text();
        let error = if text.starts_with('-') {
            right.to_owned()
        } else if !text.starts_with(|c: char| c.is_ascii_digit()) {
            "must be a number".to_owned()
        } else {
            match Self::parse(text, max_fraction) {
                Some(number) if is_right(&number) => return Some(number),
                Some(_) => right.to_owned(),
                None => format!(
                    "may have at most {MAX_WHOLE} digits before the decimal point and {max_fraction} after it"
                ),
            }
        };
        node.refuse(errors, error);
        None
    }

    /// Reads a JSON number (RFC 8259, section 6) without a sign; `None` when it has too many digits.
    fn parse(text: &str, max_fraction: usize) -> Option<Self> {
        let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        let trimmed = digits.trim_end_matches('0');
        if trimmed.is_empty() {
            return Some(Self { digits: 0, scale: 0 });
        }
        let count = |text: &str| i64::try_from(text.len()).ok();
        let exponent: i64 = exponent.parse::<i32>().ok()?.into();
        let zeros = count(digits)? - count(trimmed)?;
        let scale = count(fraction)? - exponent - zeros;
        let limit = |digits: usize| i64::try_from(digits).ok();
        if scale > limit(max_fraction)? || count(trimmed)? - scale > limit(MAX_WHOLE)? {
            return None;
        }
        let digits = trimmed.parse::<u64>().ok()?;
        let scale_up = usize::try_from(-scale).unwrap_or(0);
        Some(Self {
            digits: digits.checked_mul(power_of_ten(scale_up))?,
            scale: usize::try_from(scale).unwrap_or(0),
        })
    }

    /// The number multiplied.
    pub(in crate::bols) fn times(self, factor: u32) -> Self {
        let mut product = Self {
            digits: self.digits.saturating_mul(factor.into()),
            scale: self.scale,
        };
        while product.scale > 0 && product.digits.is_multiple_of(10) {
            product.digits /= 10;
            product.scale -= 1;
        }
        product
    }

    /// The number as Americans write it, `46,820.5`, with `min_fraction` digits after the point or more.
    pub(in crate::bols) fn grouped(self, min_fraction: usize) -> String {
        let unit = power_of_ten(self.scale);
        let mut text = grouped(self.digits / unit);
        let scale = self.scale;
        let mut fraction = match scale {
            0 => String::new(),
            _ => format!("{:0scale$}", self.digits % unit),
        };
        while fraction.len() < min_fraction {
            fraction.push('0');
        }
        if !fraction.is_empty() {
            text.push('.');
            text.push_str(&fraction);
        }
        text
    }
}

/// A whole number as Americans write it, `46,820`.
pub(in crate::bols) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Of what fits into a [`Decimal`].
fn power_of_ten(exponent: usize) -> u64 {
    (0..exponent).fold(1, |power: u64, _| power.saturating_mul(10))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<Decimal> {
        Decimal::parse(text, 6)
    }

    fn shown(text: &str) -> Option<String> {
        parse(text).map(|number| number.grouped(0))
    }

    #[test]
    fn a_number_stays_what_was_written() {
        for (text, expected) in [
            ("23.41", "23.41"),
            ("0.006", "0.006"),
            ("23.4100", "23.41"),
            ("100", "100"),
            ("0.0", "0"),
            ("0e999999", "0"),
            ("5e-05", "0.00005"),
            ("1.5E+3", "1,500"),
            ("999999.999999", "999,999.999999"),
            ("1000.0000000000", "1,000"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn too_many_digits_are_refused() {
        for text in [
            "1000000",
            "1e6",
            "0.0000001",
            "23.410000000000004",
            "1e99999999999",
            "1e-99999999999",
            "1e2147483647",
            "1e-2147483648",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn a_short_ton_has_2_000_pounds_to_the_last_digit() {
        for (tons, pounds) in [
            ("23.41", "46,820"),
            ("0.000001", "0.002"),
            ("0.0005", "1"),
            ("999999.999999", "1,999,999,999.998"),
        ] {
            assert_eq!(
                parse(tons).map(|tons| tons.times(2_000).grouped(0)).as_deref(),
                Some(pounds)
            );
        }
    }

    #[test]
    fn two_digits_after_the_point_can_be_had_of_any_number() {
        for (text, expected) in [("23", "23.00"), ("23.4", "23.40"), ("23.415", "23.415")] {
            assert_eq!(
                parse(text).map(|number| number.grouped(2)).as_deref(),
                Some(expected)
            );
        }
    }

    proptest! {
        #[test]
        fn every_number_within_the_limits_is_read_and_shown_alike(whole in 0_u32..1_000_000, fraction in "[0-9]{0,5}[1-9]") {
            let text = format!("{whole}.{fraction}");
            prop_assert_eq!(shown(&text).map(|shown| shown.replace(',', "")), Some(text));
        }
    }
}
