//! Sends stored bytes: what is small at once, the rest a slice at a time.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use bytes::Bytes;
use s3s::dto::StreamingBlob;
use s3s::{Body, S3Result};

use super::super::store::blocking;

/// How much of an object is in memory at once.
const SLICE: usize = 1024 * 1024;

/// The bytes of `range`.
///
/// # Errors
/// `InternalError` when the disk fails. Later failures end the body early, which clients notice by its length.
pub(super) async fn send(file: File, range: Range<u64>) -> S3Result<StreamingBlob> {
    let length = range.end.saturating_sub(range.start);
    let (file, first) = blocking(move || start(file, range.start, length)).await?;
    let rest = length.saturating_sub(first.len() as u64);
    if rest == 0 {
        return Ok(StreamingBlob::from(Body::from(first)));
    }
    let slices = futures::stream::try_unfold((file, Some(first), rest), next);
    Ok(StreamingBlob::wrap(slices))
}

fn start(mut file: File, offset: u64, length: u64) -> io::Result<(File, Bytes)> {
    file.seek(SeekFrom::Start(offset))?;
    let first = read_slice(&mut file, length)?;
    Ok((file, first))
}

type Place = (File, Option<Bytes>, u64);

async fn next((file, read, rest): Place) -> io::Result<Option<(Bytes, Place)>> {
    if let Some(read) = read {
        return Ok(Some((read, (file, None, rest))));
    }
    if rest == 0 {
        return Ok(None);
    }
    let (file, slice) = tokio::task::spawn_blocking(move || {
        let mut file = file;
        read_slice(&mut file, rest).map(|slice| (file, slice))
    })
    .await??;
    let rest = rest.saturating_sub(slice.len() as u64);
    Ok(Some((slice, (file, None, rest))))
}

fn read_slice(file: &mut File, rest: u64) -> io::Result<Bytes> {
    let length = usize::try_from(rest).unwrap_or(SLICE).min(SLICE);
    let mut slice = vec![0; length];
    file.read_exact(&mut slice)?;
    Ok(Bytes::from(slice))
}
