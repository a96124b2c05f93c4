//! Finding a PDF's objects without its cross-reference table, by where they begin. One pass finds them all, and a second
//! reads each of them.

use super::super::findings::Trouble;
use super::document::places;
use super::lexer::is_regular;
use super::source::Source;
use super::value::{Dictionary, Value};
use super::xref::{Map, Place};

/// Searches the file; where several objects have one number, the last is the newest.
pub(super) fn search(source: &Source<'_>) -> Result<Map, Trouble> {
    let mut map = Map::default();
    for at in positions(source.bytes, b"obj") {
        if let Some((number, at)) = beginning(source.bytes, at) {
            map.places.insert(number, Place::At(at));
            map.check_count()?;
        }
    }
    for at in positions(source.bytes, b"trailer") {
        if let Some(trailer) = harmless(source.lexer(at + b"trailer".len()).dictionary())? {
            take_trailer(&mut map, trailer);
        }
    }
    read_objects(source, &mut map)?;
    Ok(map)
}

fn positions<'a>(bytes: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let windows = bytes.windows(word.len()).enumerate();
    windows
        .filter(move |(_, window)| *window == word)
        .map(|(at, _)| at)
}

/// The number of the object whose `obj` stands at a place, and where it begins: at its number.
fn beginning(bytes: &[u8], obj: usize) -> Option<(u32, usize)> {
    let before = bytes.get(obj.saturating_sub(32)..obj)?;
    let (before, _generation) = last_number(before)?;
    let (before, number) = last_number(before)?;
    let begins = before.last().is_none_or(|byte| !is_regular(*byte));
    let at = obj.saturating_sub(32) + before.len();
    begins.then_some((number, at))
}

/// The number at the end, which a blank must follow, and what stands before it.
fn last_number(bytes: &[u8]) -> Option<(&[u8], u32)> {
    let trimmed = bytes.trim_ascii_end();
    let digits = trimmed
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (before, digits) = trimmed.split_at_checked(trimmed.len() - digits)?;
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (trimmed.len() < bytes.len()).then_some((before, number))
}

/// Looks among the objects for those that others are packed in, and for the catalog.
fn read_objects(source: &Source<'_>, map: &mut Map) -> Result<(), Trouble> {
    let mut found: Vec<_> = map
        .places
        .iter()
        .map(|(number, place)| (*number, *place))
        .collect();
    found.sort_unstable_by_key(|(number, _)| *number);
    for (number, place) in found {
        let Place::At(at) = place else { continue };
        let Some(Value::Dictionary(dictionary)) = harmless(source.object(number, at))? else {
            continue;
        };
        if dictionary.is("Type", "ObjStm") {
            if let Some((dictionary, bytes)) = harmless(source.stream(number, at))? {
                let packed = harmless(places(source, &dictionary, &bytes))?;
                for (packed, _) in packed.into_iter().flatten() {
                    map.add(packed, Place::In(number))?;
                }
            }
        } else if dictionary.is("Type", "XRef") {
            take_trailer(map, dictionary);
        } else if dictionary.is("Type", "Catalog") && map.trailer.get("Root").is_none() {
            map.trailer.0.push((b"Root".to_vec(), Value::Reference(number)));
        }
    }
    Ok(())
}

fn take_trailer(map: &mut Map, trailer: Dictionary) {
    if trailer.get("Root").is_some() {
        map.is_encrypted |= trailer.get("Encrypt").is_some();
        map.trailer = trailer;
    }
}

/// What is broken is passed over; what is too much ends the search.
fn harmless<T>(read: Result<T, Trouble>) -> Result<Option<T>, Trouble> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(Trouble::Broken(_)) => Ok(None),
        Err(trouble @ Trouble::TooMuch(_)) => Err(trouble),
    }
}
