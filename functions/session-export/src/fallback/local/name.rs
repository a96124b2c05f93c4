//! What an entry is called: `{collection}_{subject}_{request}`.

use std::fmt;

use casefile::collection::Collection;
use casefile::digest::Sha256;

/// Hexadecimal digits of a digest in a name.
const DIGITS: usize = 16;

/// An entry's name: the same for the same request, however often it comes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryName {
    collection: String,
    subject: String,
    request: String,
}

impl EntryName {
    /// The name of a request about something.
    pub(crate) fn new(collection: Collection, subject: Sha256, request: Sha256) -> Self {
        let short = |digest: Sha256| digest.to_string().chars().take(DIGITS).collect();
        Self {
            collection: collection.name().to_owned(),
            subject: short(subject),
            request: short(request),
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(3, '_');
        let (request, subject, collection) = (parts.next()?, parts.next()?, parts.next()?);
        let is_short = |digest: &str| digest.len() == DIGITS && digest.bytes().all(|b| b.is_ascii_hexdigit());
        let is_name = is_short(subject) && is_short(request) && !collection.is_empty();
        is_name.then(|| Self {
            collection: collection.to_owned(),
            subject: subject.to_owned(),
            request: request.to_owned(),
        })
    }

    /// Its collection's name.
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// What it is about: of entries with the same, an earlier one goes first.
    pub(crate) fn subject(&self) -> String {
        format!("{}_{}", self.collection, self.subject)
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}_{}", self.collection, self.subject, self.request)
    }
}
