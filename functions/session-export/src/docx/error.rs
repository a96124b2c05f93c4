use std::fmt;

/// Why a document was left as it is.
///
/// The messages are fit for the person who sent the document: what is wrong, in which part, and what would
/// help. They never hold text from the document; part names are shortened to harmless characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocxError {
    /// The bytes are no ZIP archive.
    #[error("the file is not a Word document (.docx): it is no ZIP archive")]
    NotZip,
    /// An OLE container: a document with a password, or the binary format of Word 97 to 2003.
    #[error(
        "the file is encrypted or in the old .doc format: remove the password or save it as .docx, then send it again"
    )]
    Ole,
    /// The archive's structure is broken or ambiguous.
    #[error("the document's ZIP archive {0}: open it in Word, save it again, then send it again")]
    Archive(&'static str),
    /// Two entries have the same name, so readers would disagree about the content.
    #[error("the document holds the part {0} twice")]
    DuplicatePart(PartLabel),
    /// An entry has a second name in a Unicode-path extra field, and it differs from the first.
    #[error("the part {0} has two different names")]
    AmbiguousName(PartLabel),
    /// More entries than [`limits::ENTRIES`](super::limits::ENTRIES).
    #[error("the document has more than {limit} parts", limit = super::limits::ENTRIES)]
    TooManyParts,
    /// A part or the whole is larger than is read.
    #[error("{0} is larger than {1} MB when unpacked")]
    TooLarge(PartLabel, u64),
    /// A large XML part, or all of them together, is packed more densely than [`limits::RATIO`](super::limits::RATIO).
    #[error("{0} is more than {limit} times larger when unpacked, as only a ZIP bomb is", limit = super::limits::RATIO)]
    Bomb(PartLabel),
    /// A part declares a document type, which no Word document needs and which can expand without bound.
    #[error("the part {0} contains a DOCTYPE, which is not allowed in a Word document")]
    Doctype(PartLabel),
    /// A part uses an entity that only a document type could define.
    #[error("the part {0} uses an undefined entity")]
    Entity(PartLabel),
    /// A part is not encoded in UTF-8.
    #[error("the part {0} is not encoded in UTF-8: open the document in Word and save it again")]
    Encoding(PartLabel),
    /// A part is no well-formed XML.
    #[error(
        "the part {0} is damaged near byte {1}: open the document in Word, let it repair it, and save it"
    )]
    Malformed(PartLabel, u64),
    /// Elements are nested deeper than [`limits::DEPTH`](super::limits::DEPTH).
    #[error("the part {0} is nested more than {limit} levels deep", limit = super::limits::DEPTH)]
    TooDeep(PartLabel),
    /// The main part holds more than [`limits::ELEMENTS`](super::limits::ELEMENTS).
    #[error("the document has more than {limit} paragraphs and pieces of text", limit = super::limits::ELEMENTS)]
    TooManyElements,
    /// A part that every Word document has is missing.
    #[error("the file is not a Word document: {0} is missing")]
    MissingPart(PartLabel),
    /// The package holds something else, such as a spreadsheet.
    #[error("the file is not a Word document: its main part is something else")]
    NotWord,
    /// The comments part cannot take a comment without changing what is there.
    #[error("the document's comments cannot be extended: {0}")]
    Comments(&'static str),
    /// There is no paragraph that could carry a comment.
    #[error("the document has no paragraph that could carry a comment")]
    NoParagraph,
    /// Word would not open a document with so many comments ([MS-OI29500] 2.1.315).
    #[error("the document would have more than {limit} comments, which Word does not open", limit = super::limits::COMMENTS)]
    TooManyComments,
    /// The comments and their marks together are longer than [`limits::INSERTED`](super::limits::INSERTED).
    #[error("the comments would make the document more than {limit} MB larger", limit = super::limits::INSERTED >> 20)]
    TooMuchInserted,
    /// The result could not be shown to be the original plus comments, and was thrown away.
    #[error("the comments could not be added without changing {0}; the document was left as it is")]
    Proof(PartLabel),
}

/// A part's name, made safe to show: at most 80 characters, unusual ones replaced by `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartLabel(String);

impl PartLabel {
    pub(super) fn new(name: &str) -> Self {
        Self(name.chars().take(80).map(harmless).collect())
    }
}

fn harmless(c: char) -> char {
    if c.is_ascii_alphanumeric() || "._-/[]() ".contains(c) {
        c
    } else {
        '?'
    }
}

impl fmt::Display for PartLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for PartLabel {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}
