//! Writing JSON that came as text: blanks between tokens change, nothing else.

use serde::{Serialize, Serializer};

/// Entries in their order, written as an object.
#[derive(Debug, Clone)]
pub struct Ordered<K, V>(pub Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for Ordered<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Writes a value as indented JSON. Strings and numbers that came as text stay byte for byte.
///
/// # Errors
/// When the value's own `Serialize` fails.
pub fn pretty(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = indent(&serde_json::to_string(value)?);
    out.push(b'\n');
    Ok(out)
}

/// Indents JSON by two blanks a level, and changes nothing but the blanks between tokens.
fn indent(json: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 3 / 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut opened = false;
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        if in_string {
            out.push(byte);
            match byte {
                b'\\' => out.extend(bytes.next()),
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        if byte.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(byte, b'}' | b']');
        if closes {
            depth = depth.saturating_sub(1);
        }
        if opened != closes {
            line(&mut out, depth);
        }
        opened = matches!(byte, b'{' | b'[');
        out.push(byte);
        match byte {
            b'{' | b'[' => depth += 1,
            b',' => line(&mut out, depth),
            b':' => out.push(b' '),
            b'"' => in_string = true,
            _ => {}
        }
    }
    out
}

/// The text without the blanks between its tokens: what stays the same when a client writes the same value again.
pub fn compact(json: &str) -> Vec<u8> {
    let mut in_string = false;
    let mut escaped = false;
    let keep = |byte: &u8| {
        let is_quote = *byte == b'"' && !escaped;
        escaped = in_string && *byte == b'\\' && !escaped;
        in_string ^= is_quote;
        in_string || !byte.is_ascii_whitespace()
    };
    json.bytes().filter(keep).collect()
}

fn line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.resize(out.len() + 2 * depth, b' ');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn indenting_keeps_numbers_and_strings_as_they_came() {
        let json = r#"{"a":[1.50,{}, [] ,123456789012345678901234567890],"b\"{":"\u00e9 [x] "}"#;
        let expected = "{\n  \"a\": [\n    1.50,\n    {},\n    [],\n    123456789012345678901234567890\n  ],\n  \
                        \"b\\\"{\": \"\\u00e9 [x] \"\n}";
        assert_eq!(String::from_utf8(indent(json)).unwrap(), expected);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect()))
            ]
        })
    }

    proptest! {
        #[test]
        fn indented_json_is_what_serde_json_prints(value in any_json()) {
            let expected = serde_json::to_vec_pretty(&value).unwrap();
            prop_assert_eq!(indent(&value.to_string()), &expected[..]);
            prop_assert_eq!(compact(std::str::from_utf8(&expected).unwrap()), value.to_string().into_bytes());
        }
    }
}
