//! Where something stands in a JSON text.

use std::fmt;
use std::sync::Arc;

/// Longer names are cut in what callers get, so that an answer stays small whatever a request calls its fields.
const MAX_SHOWN_CHARS: usize = 200;

/// A JSON pointer (RFC 6901), written out only when it is shown: until then a place costs one name, not its path.
#[derive(Debug, Clone, Default)]
pub struct Pointer(Option<Arc<Step>>);

#[derive(Debug)]
struct Step {
    parent: Pointer,
    name: Name,
}

#[derive(Debug)]
enum Name {
    Member(Box<str>),
    Item(usize),
}

impl Pointer {
    /// The member of the object here.
    pub(super) fn member(&self, name: &str) -> Self {
        self.step(Name::Member(name.into()))
    }

    /// The item of the array here, counted from 0.
    pub(super) fn item(&self, index: usize) -> Self {
        self.step(Name::Item(index))
    }

    fn step(&self, name: Name) -> Self {
        Self(Some(Arc::new(Step {
            parent: self.clone(),
            name,
        })))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(step) = &self.0 else { return Ok(()) };
        fmt::Display::fmt(&step.parent, f)?;
        match &step.name {
            Name::Item(index) => write!(f, "/{index}"),
            Name::Member(name) => {
                let shown = match name.char_indices().nth(MAX_SHOWN_CHARS) {
                    Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
                    None => name.to_string(),
                };
                write!(f, "/{}", shown.replace('~', "~0").replace('/', "~1"))
            }
        }
    }
}
