//! What is read at most. Each number is far above what Word itself writes.

/// Entries in the archive.
pub const ENTRIES: usize = 5_000;
/// Unpacked bytes of all entries together, as the archive declares them.
pub const TOTAL: u64 = 512 << 20;
/// Unpacked bytes of one XML part, counted while it is unpacked.
pub const XML_PART: u64 = 64 << 20;
/// Nested elements in an XML part.
pub const DEPTH: usize = 256;
/// Paragraphs, pieces of text, notes and text boxes in the main part together. 64 MB could hold eleven million
/// empty paragraphs, packed into 64 KB.
pub const ELEMENTS: usize = 3_000_000;
/// Comments in a document; Word opens no more ([MS-OI29500] 2.1.315).
pub const COMMENTS: usize = 32_767;
/// Bytes of a quote that are searched for. A longer quote counts as not found.
pub const QUOTE: usize = 4_096;
/// Bytes before a part's root element that are looked at for a document type.
pub(super) const PROLOG: u64 = 64 << 10;
