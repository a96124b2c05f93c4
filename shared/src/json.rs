//! JSON from outside: read without losing a byte, every error collected with its pointer (RFC 6901).
//!
//! A [`Node`] is a place in a text. What a reader doesn't know stays in the text as it came, so that it can be
//! written on; what it knows it asks for by type, and a wrong answer is noted in [`Errors`] instead of ending
//! the reading.

use std::collections::HashSet;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The deepest nesting that is read.
pub const MAX_DEPTH: usize = 64;
/// The most errors that one answer names; it says how many more there are.
pub const MAX_ERRORS: usize = 1_000;

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901) into the request.
    pub pointer: String,
    /// What is wrong there, and what would be right.
    pub detail: String,
}

/// The errors of a request, as they are found.
#[derive(Debug, Default)]
pub struct Errors {
    found: Vec<FieldError>,
    omitted: usize,
}

impl Errors {
    /// Notes an error.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        if self.found.len() < MAX_ERRORS {
            self.found.push(FieldError {
                pointer: pointer.into(),
                detail: detail.into(),
            });
        } else {
            self.omitted += 1;
        }
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All errors in the order found; past [`MAX_ERRORS`] the last entry counts the rest.
    pub fn into_vec(mut self) -> Vec<FieldError> {
        if self.omitted > 0 {
            let detail = format!("{} more errors are not listed", self.omitted);
            self.found.push(FieldError {
                pointer: String::new(),
                detail,
            });
        }
        self.found
    }
}

/// Why a text is not JSON that can be read at all. Says where, never what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON (RFC 8259).
    #[error("the body is not JSON: line {line}, column {column}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("the JSON is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// A place in a JSON text.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    raw: &'a RawValue,
    pointer: String,
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl<'a> Node<'a> {
    /// Takes a whole text.
    ///
    /// # Errors
    /// When it is not JSON, or nested deeper than [`MAX_DEPTH`].
    pub fn parse(text: &'a str) -> Result<Self, JsonError> {
        if depth_exceeds(text, MAX_DEPTH) {
            return Err(JsonError::TooDeep);
        }
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| JsonError::Syntax {
            line: error.line(),
            column: error.column(),
        })?;
        Ok(Self {
            raw,
            pointer: String::new(),
        })
    }

    /// The JSON text of this place, as it came.
    pub fn text(&self) -> &'a str {
        self.raw.get()
    }

    /// Where this place is: a JSON pointer.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Whether `null` stands here.
    pub fn is_null(&self) -> bool {
        self.text() == "null"
    }

    /// Notes that something is wrong here.
    pub fn refuse(&self, errors: &mut Errors, detail: impl Into<String>) {
        errors.add(self.pointer.clone(), detail);
    }

    fn child(&self, raw: &'a RawValue, name: &str) -> Self {
        let name = name.replace('~', "~0").replace('/', "~1");
        Self {
            raw,
            pointer: format!("{}/{name}", self.pointer),
        }
    }

    /// The object here; `None` is noted as an error, and so is each name that comes twice (the first counts).
    pub fn object(&self, errors: &mut Errors) -> Option<Object<'a>> {
        let Ok(Entries(entries)) = serde_json::from_str(self.text()) else {
            self.refuse(errors, "must be an object");
            return None;
        };
        let mut seen = HashSet::with_capacity(entries.len());
        let mut members = Vec::with_capacity(entries.len());
        for (name, raw) in entries {
            let node = self.child(raw, &name);
            if seen.insert(name.clone()) {
                members.push((name, node));
            } else {
                node.refuse(errors, "is given twice");
            }
        }
        Some(Object {
            pointer: self.pointer.clone(),
            members,
        })
    }

    /// The array's items here; `None` is noted as an error.
    pub fn array(&self, errors: &mut Errors) -> Option<Vec<Self>> {
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(self.text()) else {
            self.refuse(errors, "must be an array");
            return None;
        };
        Some(
            items
                .into_iter()
                .enumerate()
                .map(|(index, raw)| self.child(raw, &index.to_string()))
                .collect(),
        )
    }

    /// The string here; `None` is noted as an error.
    pub fn string(&self, errors: &mut Errors) -> Option<String> {
        let string = serde_json::from_str(self.text()).ok();
        if string.is_none() {
            self.refuse(
                errors,
                if self.text().starts_with('"') {
                    "must be valid Unicode"
                } else {
                    "must be a string"
                },
            );
        }
        string
    }

    /// The number here; `None` is noted as an error.
    pub fn number(&self, errors: &mut Errors) -> Option<f64> {
        let number = serde_json::from_str(self.text()).ok();
        if number.is_none() {
            self.refuse(errors, "must be a number");
        }
        number
    }

    /// The whole number from 0 here; `None` is noted as an error.
    pub fn index(&self, errors: &mut Errors) -> Option<usize> {
        let number = serde_json::from_str(self.text()).ok();
        if number.is_none() {
            self.refuse(errors, "must be a whole number, 0 or more");
        }
        number
    }

    /// `true` or `false` here; `None` is noted as an error.
    pub fn boolean(&self, errors: &mut Errors) -> Option<bool> {
        let boolean = serde_json::from_str(self.text()).ok();
        if boolean.is_none() {
            self.refuse(errors, "must be true or false");
        }
        boolean
    }

    /// What a person would write for the value here: a string without quotes, anything else as it came.
    pub fn display(&self) -> String {
        serde_json::from_str::<String>(self.text()).unwrap_or_else(|_| self.text().to_owned())
    }
}

/// An object's members in the order they came.
#[derive(Debug)]
pub struct Object<'a> {
    pointer: String,
    members: Vec<(String, Node<'a>)>,
}

impl<'a> Object<'a> {
    /// Where the object is: a JSON pointer.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// All members that haven't been taken.
    pub fn members(&self) -> &[(String, Node<'a>)] {
        &self.members
    }

    /// All members that haven't been taken.
    pub fn into_members(self) -> Vec<(String, Node<'a>)> {
        self.members
    }

    /// The member called `name`, if it is there and not `null`.
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.members
            .iter()
            .find(|(n, node)| n == name && !node.is_null())
            .map(|(_, node)| node)
    }

    /// The member called `name`; `None` is noted as an error.
    pub fn require(&self, name: &str, errors: &mut Errors) -> Option<&Node<'a>> {
        let member = self.get(name);
        if member.is_none() {
            errors.add(format!("{}/{name}", self.pointer), "is required");
        }
        member
    }

    /// Removes the member called `name`, `null` counting as absent.
    pub fn take(&mut self, name: &str) -> Option<Node<'a>> {
        let at = self.members.iter().position(|(n, _)| n == name)?;
        Some(self.members.remove(at).1).filter(|node| !node.is_null())
    }

    /// Removes the member called `name`; `None` is noted as an error.
    pub fn take_required(&mut self, name: &str, errors: &mut Errors) -> Option<Node<'a>> {
        let member = self.take(name);
        if member.is_none() {
            errors.add(format!("{}/{name}", self.pointer), "is required");
        }
        member
    }

    /// Notes every member that hasn't been taken as an unknown field; `known` names what would be right.
    pub fn refuse_rest(&self, known: &[&str], errors: &mut Errors) {
        for (_, node) in &self.members {
            node.refuse(errors, format!("is unknown; known here: {}", known.join(", ")));
        }
    }
}

/// An object's members in order, doubles included, values as text.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

fn depth_exceeds(text: &str, limit: usize) -> bool {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_string => {
                bytes.next();
            }
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}

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
    fn every_error_is_found_with_its_pointer() {
        let node = Node::parse(r#"{"a/b": {"~c": [1, "x", null]}, "d": 1, "d": 2}"#).unwrap();
        let mut errors = Errors::default();
        let object = node.object(&mut errors).unwrap();
        let items = object
            .get("a/b")
            .unwrap()
            .object(&mut errors)
            .unwrap()
            .get("~c")
            .unwrap()
            .clone();
        for item in items.array(&mut errors).unwrap() {
            item.string(&mut errors);
        }
        object.require("e", &mut errors);
        let found: Vec<_> = errors
            .into_vec()
            .into_iter()
            .map(|e| (e.pointer, e.detail))
            .collect();
        let expected = [
            ("/d", "is given twice"),
            ("/a~1b/~0c/0", "must be a string"),
            ("/a~1b/~0c/2", "must be a string"),
            ("/e", "is required"),
        ];
        assert_eq!(
            found,
            expected.map(|(pointer, detail)| (pointer.to_owned(), detail.to_owned()))
        );
    }

    #[test]
    fn what_is_not_json_is_refused_by_place_alone() {
        let error = Node::parse("{\n  \"secret\": oops }").unwrap_err();
        assert_eq!(error, JsonError::Syntax { line: 2, column: 13 });
        assert_eq!(Node::parse(&"[".repeat(65)).unwrap_err(), JsonError::TooDeep);
        assert!(Node::parse(&format!("{}{}", "[".repeat(64), "]".repeat(64))).is_ok());
        assert!(Node::parse(&format!("\"{}\"", "[".repeat(100))).is_ok());
    }

    #[test]
    fn past_the_limit_errors_are_counted() {
        let mut errors = Errors::default();
        for index in 0..MAX_ERRORS + 5 {
            errors.add(format!("/{index}"), "is wrong");
        }
        let errors = errors.into_vec();
        assert_eq!(errors.len(), MAX_ERRORS + 1);
        assert_eq!(errors.last().unwrap().detail, "5 more errors are not listed");
    }

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

        #[test]
        fn reading_never_panics(text in any::<String>()) {
            let mut errors = Errors::default();
            if let Ok(node) = Node::parse(&text) {
                let _ = (node.object(&mut errors), node.array(&mut errors), node.string(&mut errors), node.display());
            }
        }
    }
}
