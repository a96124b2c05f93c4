//! Parquet: what the footer says. It is read by range requests, whatever the size of the file.
//!
//! Source: apache/parquet-format, *File format* and `parquet.thrift`.

mod footer;
mod schema;
mod thrift;

use std::ops::Range;

use bytes::Bytes;
use casefile::bucket::Bucket;
use casefile::store_error::StoreError;

use super::findings::{Findings, Trouble};
use super::{Flag, Kind, memory};

/// What is read at the end at first: most footers fit.
const TAIL: u64 = 64 * 1024;
/// A footer's length and the magic number.
const END: u64 = 8;
/// The magic number at the beginning.
const BEGINNING: u64 = 4;
/// The footer of a table with 1,000 columns and 100 row groups is half as large.
const MAX_FOOTER: u64 = 16 * 1024 * 1024;

/// Looks at the footer of a file that begins as Parquet does.
///
/// # Errors
/// As for [`super::check`].
pub(super) async fn look(
    bucket: &Bucket,
    key: &str,
    version_id: Option<&str>,
    size: u64,
) -> Result<Findings, StoreError> {
    let start = size.saturating_sub(TAIL);
    let tail = bucket.range(key, version_id, start..size).await?;
    let metadata = match metadata(size, &tail) {
        Ok(metadata) => metadata,
        Err(refusal) => return Ok(refusal),
    };
    if let Some(bytes) = cut(&tail, start, &metadata) {
        return Ok(judge(&bytes));
    }
    let _room = memory::room(metadata.end - metadata.start).await;
    Ok(judge(&bucket.range(key, version_id, metadata).await?))
}

/// Where the metadata lies, by the file's last bytes.
fn metadata(size: u64, tail: &[u8]) -> Result<Range<u64>, Findings> {
    let rejected = |reason: &str| Findings::rejected(Kind::Parquet, reason);
    let cut_off = || rejected("it is cut off: its footer is missing");
    let (rest, magic) = tail.split_last_chunk::<4>().ok_or_else(cut_off)?;
    let (_, length) = rest.split_last_chunk::<4>().ok_or_else(cut_off)?;
    match magic {
        b"PAR1" => {}
        b"PARE" => {
            return Err(
                Findings::unsupported(Kind::Parquet, "its footer is encrypted").flagged(Flag::Encrypted)
            );
        }
        _ => return Err(cut_off()),
    }
    let length = u64::from(u32::from_le_bytes(*length));
    if length + END + BEGINNING > size {
        Err(rejected("its footer claims to be larger than the file"))
    } else if length > MAX_FOOTER {
        Err(Findings::unsupported(
            Kind::Parquet,
            "its footer is larger than 16 MiB",
        ))
    } else {
        Ok(size - END - length..size - END)
    }
}

/// The range's bytes, if they are all among the tail's, which begin at `start`.
fn cut(tail: &Bytes, start: u64, range: &Range<u64>) -> Option<Bytes> {
    let from = usize::try_from(range.start.checked_sub(start)?).ok()?;
    let to = usize::try_from(range.end.checked_sub(start)?).ok()?;
    (to <= tail.len()).then(|| tail.slice(from..to))
}

fn judge(metadata: &[u8]) -> Findings {
    match footer::read(metadata) {
        Ok(footer) => {
            let mut findings = Findings::verified(Kind::Parquet);
            findings.facts.parquet = Some(footer.facts);
            if footer.is_encrypted {
                findings.flagged(Flag::Encrypted)
            } else {
                findings
            }
        }
        Err(trouble) => Findings::trouble(Kind::Parquet, trouble),
    }
}

const DAMAGED: Trouble = Trouble::Broken("its footer is damaged");

#[cfg(test)]
mod tests;
