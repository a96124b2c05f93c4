//! A change to a part as a list of insertions, and nothing else.

use std::collections::BTreeMap;

/// Strings to insert into a part, by the offset in the original before which they go.
#[derive(Debug, Default, Clone)]
pub(super) struct Insertions {
    texts: BTreeMap<usize, String>,
    size: usize,
}

impl Insertions {
    /// Adds text; several at one offset follow each other in the order they were added.
    pub(super) fn add(&mut self, offset: usize, text: &str) {
        self.texts.entry(offset).or_default().push_str(text);
        self.size += text.len();
    }

    /// Bytes of all insertions.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Whether something is already inserted at the offset.
    pub(super) fn has(&self, offset: usize) -> bool {
        self.texts.contains_key(&offset)
    }

    /// The part with the insertions. Those past its end are left out, which the proof then notices.
    pub(super) fn apply(&self, original: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(original.len() + self.size);
        let mut at = 0;
        for (offset, text) in &self.texts {
            out.extend_from_slice(original.get(at..*offset).unwrap_or(&[]));
            out.extend_from_slice(text.as_bytes());
            at = *offset;
        }
        out.extend_from_slice(original.get(at..).unwrap_or(&[]));
        out
    }

    /// Whether `changed` is the original with these insertions: each is cut out where it stands, and what is
    /// left must be the original, byte for byte.
    pub(super) fn leave(&self, changed: &[u8], original: &[u8]) -> bool {
        let (mut changed, mut original, mut at) = (changed, original, 0);
        for (offset, text) in &self.texts {
            let Some(kept) = offset.checked_sub(at) else {
                return false;
            };
            let (Some((old, old_rest)), Some((new, new_rest))) =
                (original.split_at_checked(kept), changed.split_at_checked(kept))
            else {
                return false;
            };
            let Some(new_rest) = new_rest.strip_prefix(text.as_bytes()) else {
                return false;
            };
            if old != new {
                return false;
            }
            (original, changed, at) = (old_rest, new_rest, *offset);
        }
        original == changed
    }
}

#[cfg(test)]
mod tests {
    use super::Insertions;

    fn two() -> Insertions {
        let mut insertions = Insertions::default();
        insertions.add(3, "X");
        insertions.add(0, "<");
        insertions.add(3, "Y");
        insertions
    }

    #[test]
    fn insertions_go_before_their_offset_in_the_order_they_came() {
        assert_eq!(two().apply(b"abcd"), b"<abcXYd");
    }

    #[test]
    fn a_change_that_is_more_than_the_insertions_is_noticed() {
        assert!(two().leave(b"<abcXYd", b"abcd"));
        for other in ["<abcXYe", "<abcXY", "<abcXYdd", "<abXYcd", "abcXYd", ""] {
            assert!(!two().leave(other.as_bytes(), b"abcd"), "{other}");
        }
    }
}
