//! JSON from outside: read without losing a byte, every error collected with its pointer (RFC 6901).
//!
//! A [`Node`] is a place in a text. What a reader doesn't know stays in the text as it came, so that it can be
//! written on; what it knows it asks for by type, and a wrong answer is noted in [`Errors`] instead of ending
//! the reading.

mod errors;
mod pointer;
mod write;

use std::collections::HashSet;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

pub use errors::{Errors, FieldError, MAX_ERRORS};
pub use pointer::Pointer;
pub use write::{Ordered, compact, pretty};

/// The deepest nesting that is read.
pub const MAX_DEPTH: usize = 64;

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
    pointer: Pointer,
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
            pointer: Pointer::default(),
        })
    }

    /// The JSON text of this place, as it came.
    pub fn text(&self) -> &'a str {
        self.raw.get()
    }

    /// Where this place is: a JSON pointer.
    pub fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    /// Whether `null` stands here.
    pub fn is_null(&self) -> bool {
        self.text() == "null"
    }

    /// Notes that something is wrong here.
    pub fn refuse(&self, errors: &mut Errors, detail: impl Into<String>) {
        errors.add(self.pointer.to_string(), detail);
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
            let node = Self {
                raw,
                pointer: self.pointer.member(&name),
            };
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

    /// The array's items here, at most `limit`; `None` is noted as an error.
    pub fn array(&self, limit: usize, errors: &mut Errors) -> Option<Vec<Self>> {
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(self.text()) else {
            self.refuse(errors, "must be an array");
            return None;
        };
        if items.len() > limit {
            self.refuse(
                errors,
                format!("holds {} entries; at most {limit} are allowed", items.len()),
            );
            return None;
        }
        let place = |(index, raw)| Self {
            raw,
            pointer: self.pointer.item(index),
        };
        Some(items.into_iter().enumerate().map(place).collect())
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
    pointer: Pointer,
    members: Vec<(String, Node<'a>)>,
}

impl<'a> Object<'a> {
    /// Where the object is: a JSON pointer.
    pub fn pointer(&self) -> &Pointer {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        for item in items.array(9, &mut errors).unwrap() {
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

    proptest! {
        #[test]
        fn reading_never_panics(text in any::<String>()) {
            let mut errors = Errors::default();
            if let Ok(node) = Node::parse(&text) {
                let _ = (node.object(&mut errors), node.array(9, &mut errors), node.string(&mut errors), node.display());
            }
        }
    }
}
