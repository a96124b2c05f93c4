//! What is read at most. Each number is far above what Word itself writes.

/// Entries in the archive.
pub const ENTRIES: usize = 5_000;
/// Unpacked bytes of all entries together, as the archive declares them.
pub const TOTAL: u64 = 512 << 20;
/// Unpacked bytes of one XML part, counted while it is unpacked.
pub const XML_PART: u64 = 64 << 20;
/// How many times larger than packed an XML part may be, and all of them together, above [`DENSE`]. Deflate
/// reaches 1,032; in 122 real documents no part is above 33.
pub const RATIO: u64 = 200;
/// Unpacked bytes up to which XML may be packed as densely as it likes.
pub const DENSE: u64 = 4 << 20;
/// Nested elements in an XML part.
pub const DEPTH: usize = 256;
/// Namespaces that are declared at one place of a part. Each element is compared with all of them; Word declares
/// about 35.
pub const NAMESPACES: usize = 256;
/// Paragraphs, pieces of text, notes and text boxes in the main part together. 64 MB could hold eleven million
/// empty paragraphs.
pub const ELEMENTS: usize = 3_000_000;
/// Comments in a document; Word opens no more ([MS-OI29500] 2.1.315).
pub const COMMENTS: usize = 32_767;
/// Bytes that the comments and their marks add to the document before it is compressed. A mark in a run repeats
/// the run's start tag and properties, up to 16 KB of them.
pub const INSERTED: usize = 32 << 20;
/// Paragraphs of a comment. The lines after them are joined to the last one.
pub const PARAGRAPHS: usize = 500;
/// Bytes of a quote that are searched for. A longer quote counts as not found.
pub const QUOTE: usize = 4_096;
/// Bytes of all quotes together that are searched for, in the order of the comments, each counted up to
/// [`QUOTE`]. The quotes after them count as not found: the search needs about 30 bytes of memory for each.
pub const QUOTES: usize = 1 << 20;
/// Unpacked bytes of the notes, headers and footers together that are searched. A part that would be too much
/// counts as empty.
pub const STORIES: u64 = 32 << 20;
/// Bytes before a part's root element that are looked at for a document type.
pub(super) const PROLOG: u64 = 64 << 10;
/// The bytes of a part that are unpacked first: nearly every part's root element begins here.
pub(super) const SHORT_PROLOG: u64 = 1 << 10;
