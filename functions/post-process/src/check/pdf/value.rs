//! The objects of a PDF (ISO 32000-1, clause 7.3), as far as they tell the way through the file.

/// An object. What only pages are drawn with isn't kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Name(Vec<u8>),
    Array(Vec<Value>),
    Dictionary(Dictionary),
    /// The number of another object.
    Reference(u32),
    /// A string, a real number, true or false.
    Other,
}

/// Names and what they stand for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Dictionary(pub(super) Vec<(Vec<u8>, Value)>);

impl Dictionary {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let mut entries = self.0.iter();
        entries
            .find(|(other, _)| other == name.as_bytes())
            .map(|(_, value)| value)
    }

    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_integer()
    }

    /// Whether an entry is a certain name.
    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        matches!(self.get(name), Some(Value::Name(other)) if other == value.as_bytes())
    }
}

impl Value {
    pub(super) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }
}
