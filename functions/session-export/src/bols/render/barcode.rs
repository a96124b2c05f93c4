//! Code 128 (ISO/IEC 15417): a barcode's bars.

use barcoders::sym::code128::Code128;

/// The width of one module, in points: 0.339 mm, which is 4 dots of a printer with 300 dots an inch and 8 of one with 600,
/// so that no bar is wider than its neighbour by rounding.
pub(super) const MODULE: f32 = 0.96;
/// The widest barcode, in modules: 18 characters. With more of them, and the 10 modules that have to be blank on either
/// side, it would reach the title.
const MAX_WIDTH: u16 = (18 + 2) * 11 + 13;
/// Chooses code set B in `barcoders`: letters, digits and signs of ASCII.
const CODE_SET_B: char = '\u{181}';

/// A barcode. Lengths are in modules.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Barcode {
    /// Where each bar begins, and its width.
    pub(super) bars: Vec<(u16, u16)>,
    /// From the first bar's left edge to the last one's right edge.
    pub(super) width: u16,
}

impl Barcode {
    /// The barcode of a text; `None` where it has other characters than printable ASCII ones, none, or more than 18.
    pub(super) fn new(text: &str) -> Option<Self> {
        if text.is_empty() || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return None;
        }
        let modules = Code128::new(format!("{CODE_SET_B}{text}")).ok()?.encode();
        let mut bars = Vec::new();
        let mut at = 0_u16;
        for group in modules.chunk_by(|one, next| one == next) {
            let width = u16::try_from(group.len()).ok()?;
            if group.first() == Some(&1) {
                bars.push((at, width));
            }
            at = at.checked_add(width)?;
        }
        (at <= MAX_WIDTH).then_some(Self { bars, width: at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The widths of bars and spaces in turn, as the standard's tables give them.
    fn widths(text: &str) -> String {
        let barcode = Barcode::new(text).unwrap();
        let mut widths = String::new();
        let mut end = 0;
        for (start, width) in barcode.bars {
            if start > 0 {
                widths += &(start - end).to_string();
            }
            widths += &width.to_string();
            end = start + width;
        }
        widths
    }

    #[test]
    fn a_text_becomes_start_characters_checksum_and_stop() {
        // The example of many references, there in code set A with the check character 54; in B it is 55.
        let expected = [
            "211214", "313121", "112133", "112133", "123221", "223211", "221132", "131321", "311321",
            "2331112",
        ];
        assert_eq!(widths("PJJ123C"), expected.concat());
    }

    #[test]
    fn a_character_has_11_modules_and_the_stop_13() {
        assert_eq!(Barcode::new("PRT-2025-0001").unwrap().width, (13 + 2) * 11 + 13);
    }

    #[test]
    fn what_code_set_b_lacks_has_no_barcode() {
        for text in ["", "PRT\n", "PRT-Ω", "\u{106}12", &"1".repeat(19)] {
            assert_eq!(Barcode::new(text), None, "{text:?}");
        }
    }
}
