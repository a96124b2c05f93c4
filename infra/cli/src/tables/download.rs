//! One version of a table, from S3 into a file: small ones in one answer, large ones in ranges, several at once.
//!
//! All of it is read from the version that was looked at, and hashed as it is written.

use std::io;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use casefile::bucket::{Bucket, Head};
use casefile::digest::{Hasher, Sha256};
use casefile::store_error::StoreError;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::shelf::Part;

/// A range is asked for this often: what breaks off in the middle, no client of S3 repeats.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// How it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// The most bytes that come in one answer.
    pub(super) whole: u64,
    /// Bytes of a range.
    pub(super) range: u64,
    /// Ranges that are under way or held in memory at once.
    pub(super) at_once: usize,
}

impl Limits {
    /// 64 MiB of memory in all, whatever the sizes, when so many downloads are under way at once.
    pub(super) fn shared_by(downloads: usize) -> Self {
        Self {
            whole: 32 * 1024 * 1024,
            range: 8 * 1024 * 1024,
            at_once: (8 / downloads.max(1)).max(1),
        }
    }
}

/// Why nothing was downloaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the file can't be written: {0}")]
    Disk(#[from] io::Error),
    #[error("what came isn't what S3 has: its SHA-256 is {found}, and should be {expected}")]
    Other { expected: Sha256, found: Sha256 },
}

/// Writes the version that `head` describes to `part`, and tells `arrived` of every piece. The digest, which is the one
/// that S3 has; where S3 has none, entity tag and size are those of `head`.
pub(super) async fn download(
    bucket: &Bucket,
    key: &str,
    head: &Head,
    limits: Limits,
    part: &mut Part,
    arrived: impl Fn(u64),
) -> Result<Sha256, Trouble> {
    let mut hasher = Hasher::default();
    let take = |piece: Bytes| {
        hasher.update(&piece);
        arrived(piece.len() as u64);
        part.write(&piece)
    };
    if head.size <= limits.whole {
        read_whole(bucket, key, head, take).await?;
    } else {
        read_ranges(bucket, key, head, limits, take).await?;
    }
    let found = hasher.finish();
    match head.sha256() {
        Some(expected) if expected != found => Err(Trouble::Other { expected, found }),
        _ => Ok(found),
    }
}

async fn read_whole(
    bucket: &Bucket,
    key: &str,
    head: &Head,
    mut take: impl FnMut(Bytes) -> io::Result<()>,
) -> Result<(), Trouble> {
    let mut object = bucket.stream(key, head.version_id.as_deref()).await?;
    // A bucket that keeps no versions may have another one by now.
    if object.head.etag != head.etag || object.head.size != head.size {
        return Err(StoreError::Damaged("it was replaced while it was downloaded").into());
    }
    while let Some(piece) = object.next().await? {
        take(piece)?;
    }
    Ok(())
}

/// In order, so that the next ones arrive while one is written and hashed.
async fn read_ranges(
    bucket: &Bucket,
    key: &str,
    head: &Head,
    limits: Limits,
    mut take: impl FnMut(Bytes) -> io::Result<()>,
) -> Result<(), Trouble> {
    let ranges = ranges(head.size, limits.range).map(|range| read_range(bucket, key, head, range));
    let mut ranges = stream::iter(ranges).buffered(limits.at_once);
    while let Some(bytes) = ranges.try_next().await? {
        take(bytes)?;
    }
    Ok(())
}

async fn read_range(bucket: &Bucket, key: &str, head: &Head, range: Range<u64>) -> Result<Bytes, StoreError> {
    for _ in 1..ATTEMPTS {
        match bucket.range_of(key, head, range.clone()).await {
            Err(StoreError::Unavailable(_)) => tokio::time::sleep(PAUSE).await,
            read => return read,
        }
    }
    bucket.range_of(key, head, range).await
}

fn ranges(size: u64, length: u64) -> impl Iterator<Item = Range<u64>> {
    let count = size.div_ceil(length);
    (0..count).map(move |number| number * length..((number + 1) * length).min(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_every_byte_once() {
        let all = |size, length| ranges(size, length).collect::<Vec<_>>();
        assert_eq!(all(10, 4), [0..4, 4..8, 8..10]);
        assert_eq!(all(8, 4), [0..4, 4..8]);
        assert_eq!(all(5, 4), [0..4, 4..5]);
        assert!(all(0, 4).is_empty());
    }

    #[test]
    fn memory_is_bounded_however_many_download_at_once() {
        for downloads in [0, 1, 2, 4, 8] {
            let limits = Limits::shared_by(downloads);
            let held = limits.range * limits.at_once as u64 * downloads as u64;
            assert!(held <= 64 * 1024 * 1024 && limits.at_once > 0, "{downloads}");
        }
    }
}
