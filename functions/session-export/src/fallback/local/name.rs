//! What an entry is called: `{collection}_{subject}_{request}_{size}`.

use std::fmt;

use casefile::collection::Collection;
use casefile::digest::Sha256;

/// Hexadecimal digits of a digest in a name.
const DIGITS: usize = 16;

/// An entry's name. Two of the same request differ in nothing, or in their size alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryName {
    collection: String,
    subject: String,
    request: String,
    size: u64,
}

impl EntryName {
    /// The name of a request about something, which takes so many bytes.
    pub(crate) fn new(collection: Collection, subject: Sha256, request: Sha256, size: u64) -> Self {
        let short = |digest: Sha256| digest.to_string().chars().take(DIGITS).collect();
        Self {
            collection: collection.name().to_owned(),
            subject: short(subject),
            request: short(request),
            size,
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(4, '_');
        let (size, request, subject, collection) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_short = |digest: &str| digest.len() == DIGITS && digest.bytes().all(|b| b.is_ascii_hexdigit());
        let is_name = is_short(subject) && is_short(request) && !collection.is_empty();
        is_name.then_some(Self {
            collection: collection.to_owned(),
            subject: subject.to_owned(),
            request: request.to_owned(),
            size: size.parse().ok()?,
        })
    }

    /// What the entry takes on the disk, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its collection's name.
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// What it is about: of entries with the same, an earlier one goes first.
    pub(crate) fn subject(&self) -> String {
        format!("{}_{}", self.collection, self.subject)
    }

    pub(super) fn is_twin(&self, other: &Self) -> bool {
        self.is_about_the_same(other) && self.request == other.request
    }

    pub(super) fn is_about_the_same(&self, other: &Self) -> bool {
        self.collection == other.collection && self.subject == other.subject
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            collection,
            subject,
            request,
            size,
        } = self;
        write!(f, "{collection}_{subject}_{request}_{size}")
    }
}
