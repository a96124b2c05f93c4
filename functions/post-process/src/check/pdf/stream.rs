//! The streams that a PDF's structure is kept in: unpacked up to a limit.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use super::super::findings::Trouble;
use super::value::{Dictionary, Value};

/// Unpacked bytes of all streams of one file that hold its structure.
pub(super) const MAX_UNPACKED: u64 = 32 * 1024 * 1024;

const DAMAGED: Trouble = Trouble::Broken("a stream that holds its structure is damaged");
const UNUSUAL: Trouble = Trouble::TooMuch("its structure is packed in a way that is not opened here");

/// Unpacks a stream that may have `limit` bytes.
pub(super) fn unpack(dictionary: &Dictionary, data: &[u8], limit: u64) -> Result<Vec<u8>, Trouble> {
    match only(dictionary.get("Filter"))? {
        None if data.len() as u64 > limit => Err(TOO_LARGE),
        None => Ok(data.to_vec()),
        Some(Value::Name(filter)) if filter == b"FlateDecode" => {
            let rows = inflate(data, limit)?;
            match only(dictionary.get("DecodeParms"))? {
                None | Some(Value::Null) => Ok(rows),
                Some(Value::Dictionary(parameters)) => unpredict(rows, parameters),
                Some(_) => Err(UNUSUAL),
            }
        }
        Some(_) => Err(UNUSUAL),
    }
}

const TOO_LARGE: Trouble = Trouble::TooMuch("its structure unpacks to more than 32 MiB");

/// What stands for itself, or alone in an array.
fn only(value: Option<&Value>) -> Result<Option<&Value>, Trouble> {
    match value {
        Some(Value::Array(items)) => match items.as_slice() {
            [] => Ok(None),
            [item] => Ok(Some(item)),
            _ => Err(UNUSUAL),
        },
        value => Ok(value),
    }
}

fn inflate(data: &[u8], limit: u64) -> Result<Vec<u8>, Trouble> {
    let mut unpacked = Vec::new();
    let read = ZlibDecoder::new(data).take(limit + 1).read_to_end(&mut unpacked);
    match read {
        Ok(_) if unpacked.len() as u64 > limit => Err(TOO_LARGE),
        Ok(_) => Ok(unpacked),
        Err(_) => Err(DAMAGED),
    }
}

/// Undoes the predictor of a stream (ISO 32000-1, clause 7.4.4.4), of which producers use those of PNG.
fn unpredict(rows: Vec<u8>, parameters: &Dictionary) -> Result<Vec<u8>, Trouble> {
    let number = |name, default| parameters.integer(name).unwrap_or(default);
    match number("Predictor", 1) {
        1 => return Ok(rows),
        10..=15 => {}
        _ => return Err(UNUSUAL),
    }
    if number("Colors", 1) != 1 || number("BitsPerComponent", 8) != 8 {
        return Err(UNUSUAL);
    }
    let width = usize::try_from(number("Columns", 1)).map_err(|_| DAMAGED)?;
    if width == 0 || width > rows.len() {
        return if rows.is_empty() { Ok(rows) } else { Err(DAMAGED) };
    }
    let mut unpacked = Vec::with_capacity(rows.len());
    let mut above = vec![0; width];
    for row in rows.chunks(width + 1) {
        let (filter, bytes) = row.split_first().ok_or(DAMAGED)?;
        let start = unpacked.len();
        unfilter(*filter, bytes, &above, &mut unpacked)?;
        let row = unpacked.get(start..).unwrap_or_default();
        above.clear();
        above.extend_from_slice(row);
        above.resize(width, 0);
    }
    Ok(unpacked)
}

/// Undoes one row's filter (PNG specification, clause 9.2), of pixels of one byte.
fn unfilter(filter: u8, row: &[u8], above: &[u8], unpacked: &mut Vec<u8>) -> Result<(), Trouble> {
    let (mut left, mut above_left) = (0, 0);
    for (byte, above) in row.iter().zip(above) {
        let prediction = match filter {
            0 => 0,
            1 => left,
            2 => *above,
            3 => u8::midpoint(left, *above),
            4 => paeth(left, *above, above_left),
            _ => return Err(DAMAGED),
        };
        left = byte.wrapping_add(prediction);
        above_left = *above;
        unpacked.push(left);
    }
    Ok(())
}

fn paeth(left: u8, above: u8, above_left: u8) -> u8 {
    let [a, b, c] = [left, above, above_left].map(i16::from);
    let estimate = a + b - c;
    let distance = |value: i16| (estimate - value).abs();
    if distance(a) <= distance(b) && distance(a) <= distance(c) {
        left
    } else if distance(b) <= distance(c) {
        above
    } else {
        above_left
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::super::lexer::{Fuel, Lexer};
    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn dictionary(text: &str) -> Dictionary {
        Lexer::new(text.as_bytes(), 0, &Fuel::new(1 << 20))
            .dictionary()
            .unwrap()
    }

    #[test]
    fn each_filter_of_a_row_is_undone() {
        let rows = [
            [0, 10, 20, 30],
            [1, 1, 1, 1],
            [2, 1, 1, 1],
            [3, 1, 1, 1],
            [4, 1, 1, 1],
        ]
        .concat();
        let how = dictionary("<</Filter[/FlateDecode]/DecodeParms[<</Predictor 12/Columns 3>>]>>");
        let unpacked = unpack(&how, &packed(&rows), 1_000).unwrap();
        assert_eq!(unpacked, [10, 20, 30, 1, 2, 3, 2, 3, 4, 2, 3, 4, 3, 4, 5]);
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let bomb = packed(&vec![0; 40 << 20]);
        assert!(bomb.len() < 50_000);
        let how = dictionary("<</Filter/FlateDecode>>");
        assert_eq!(unpack(&how, &bomb, MAX_UNPACKED), Err(TOO_LARGE));
    }

    #[test]
    fn what_is_packed_twice_or_otherwise_is_not_opened() {
        for how in [
            "<</Filter[/FlateDecode/FlateDecode]>>",
            "<</Filter/LZWDecode>>",
            "<</Filter 5 0 R>>",
            "<</Filter/FlateDecode/DecodeParms<</Predictor 2>>>>",
        ] {
            assert_eq!(unpack(&dictionary(how), &packed(b"x"), 10), Err(UNUSUAL), "{how}");
        }
        let how =
            dictionary("<</Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 9223372036854775807>>>>");
        assert_eq!(unpack(&how, &packed(b"x"), 10), Err(DAMAGED));
        assert_eq!(unpack(&how, b"x", 10), Err(DAMAGED));
    }
}
