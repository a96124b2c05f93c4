//! One reading of an object: its digest, and what is kept of it to be opened.

use bytes::Bytes;
use casefile::bucket::Bucket;
use casefile::digest::{Hasher, Sha256};
use casefile::store_error::StoreError;

use super::memory::{self, Kept as Room};
use super::{Kind, MAX_OPENED, sniff};

/// What one reading leaves.
#[derive(Debug)]
pub(super) struct ReadBack {
    /// In bytes.
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    /// The digest that S3 checked on arrival, if the object came in one piece.
    pub(super) checksum: Option<Sha256>,
    /// The version that was read.
    pub(super) version_id: Option<String>,
    /// The first bytes.
    pub(super) start: Bytes,
    /// All bytes, if the file is small enough and of a kind that is opened whole, and the room that they take.
    content: Option<(Bytes, Room)>,
}

impl ReadBack {
    /// All bytes, if they are kept.
    pub(super) fn content(&self) -> Option<&[u8]> {
        self.content.as_ref().map(|(bytes, _)| bytes.as_ref())
    }
}

/// Reads an object once, from its first byte to its last; one that may be kept, when there is room for it.
///
/// # Errors
/// As for [`super::check`].
pub(super) async fn read(
    bucket: &Bucket,
    key: &str,
    version_id: Option<&str>,
) -> Result<ReadBack, StoreError> {
    let mut streamed = bucket.stream(key, version_id).await?;
    let mut room = match streamed.head.size {
        size @ ..=MAX_OPENED => Some(memory::room(size).await),
        _ => None,
    };
    let (mut hasher, mut kept) = (Hasher::default(), Kept::of(streamed.head.size));
    while let Some(piece) = streamed.next().await? {
        hasher.update(&piece);
        kept.take(&piece);
        room = room.filter(|_| kept.whole);
    }
    Ok(ReadBack {
        size: streamed.head.size,
        sha256: hasher.finish(),
        checksum: streamed.head.checksum,
        version_id: streamed.head.version_id,
        start: Bytes::copy_from_slice(kept.bytes.get(..sniff::START).unwrap_or(&kept.bytes)),
        content: room.map(|room| (kept.bytes.into(), room)),
    })
}

/// The bytes that are kept while the object passes by.
#[derive(Debug)]
struct Kept {
    bytes: Vec<u8>,
    /// Whether everything is kept, not only the start.
    whole: bool,
    /// Whether the start has been looked at.
    is_known: bool,
}

impl Kept {
    /// Of an object of this size: memory is taken once, and filled as the object comes.
    fn of(size: u64) -> Self {
        let whole = size <= MAX_OPENED;
        let capacity = if whole {
            usize::try_from(size).unwrap_or(0)
        } else {
            0
        };
        Self {
            bytes: Vec::with_capacity(capacity.max(sniff::START)),
            whole,
            is_known: false,
        }
    }

    fn take(&mut self, piece: &[u8]) {
        let room = if self.whole {
            piece.len()
        } else {
            sniff::START.saturating_sub(self.bytes.len())
        };
        self.bytes.extend_from_slice(piece.get(..room).unwrap_or(piece));
        if !self.is_known && self.bytes.len() >= sniff::START {
            self.is_known = true;
            self.forget_what_is_not_opened();
        }
    }

    /// A Parquet file is looked at by its footer alone, however small it is.
    fn forget_what_is_not_opened(&mut self) {
        if self.whole && sniff::kind(&self.bytes) == Kind::Parquet {
            self.whole = false;
            self.bytes.truncate(sniff::START);
            self.bytes.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(size: u64, pieces: &[&[u8]]) -> Kept {
        let mut kept = Kept::of(size);
        for piece in pieces {
            kept.take(piece);
        }
        kept
    }

    #[test]
    fn a_small_file_is_kept_whole_and_of_a_large_one_the_start() {
        let piece = [b'x'; 10_000];
        let small = kept(20_000, &[&piece, &piece]);
        assert!(small.whole && small.bytes.len() == 20_000);
        let large = kept(MAX_OPENED + 1, &[b"ab", &piece, &piece]);
        assert!(!large.whole && large.bytes.len() == sniff::START && large.bytes.capacity() == sniff::START);
    }

    #[test]
    fn of_a_table_only_the_start_is_kept() {
        let table = kept(20_000, &[b"PAR1", &[0; 10_000], &[0; 9_996]]);
        assert!(!table.whole && table.bytes.len() == sniff::START);
    }
}
