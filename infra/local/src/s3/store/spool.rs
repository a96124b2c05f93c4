//! Receives a body: bytes go to a temporary file and through the hashes as they come, a megabyte at a time.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};

use bytes::Bytes;
use futures::StreamExt as _;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, s3_error};

use super::blocking;
use super::checksum::{Algorithm, Hasher};
use super::disk::TempFile;

/// How much of a body is in memory at once.
const SLICE: usize = 1024 * 1024;

/// A body that lies in `tmp/`, read-only, and what was computed on the way.
#[derive(Debug)]
pub(crate) struct Spooled {
    pub temp: TempFile,
    pub size: u64,
    pub md5: [u8; 16],
    /// Base64, of the algorithm that was asked for.
    pub checksum: String,
}

struct Writer {
    temp: TempFile,
    file: File,
    md5: Md5,
    hasher: Hasher,
    size: u64,
}

impl Writer {
    fn create(temp: TempFile, algorithm: Algorithm) -> io::Result<Self> {
        let file = File::create_new(temp.path())?;
        Ok(Self {
            temp,
            file,
            md5: Md5::new(),
            hasher: Hasher::new(algorithm),
            size: 0,
        })
    }

    fn absorb(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.md5.update(bytes);
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn finish(self, sync: bool) -> io::Result<Spooled> {
        let mut permissions = self.file.metadata()?.permissions();
        permissions.set_readonly(true);
        self.file.set_permissions(permissions)?;
        if sync {
            self.file.sync_all()?;
        }
        let (temp, size) = (self.temp, self.size);
        Ok(Spooled {
            temp,
            size,
            md5: self.md5.finalize(),
            checksum: self.hasher.finish(),
        })
    }
}

/// Writes a request's body to `temp`.
///
/// # Errors
/// What S3 answers when a body breaks off, or isn't what its signature or hash says.
pub(crate) async fn receive(
    body: Option<StreamingBlob>,
    temp: TempFile,
    algorithm: Algorithm,
    sync: bool,
) -> S3Result<Spooled> {
    let mut slice = Vec::<Bytes>::new();
    let mut held = 0;
    let mut writer = None;
    let mut temp = Some(temp);
    let mut body = body;
    while let Some(bytes) = next(body.as_mut()).await? {
        held += bytes.len();
        slice.push(bytes);
        if held >= SLICE {
            let (ready, made, name) = (std::mem::take(&mut slice), writer.take(), temp.take());
            writer = Some(blocking(move || write(made, name, algorithm, &ready)).await?);
            held = 0;
        }
    }
    blocking(move || write(writer, temp, algorithm, &slice)?.finish(sync)).await
}

async fn next(body: Option<&mut StreamingBlob>) -> S3Result<Option<Bytes>> {
    let Some(body) = body else { return Ok(None) };
    body.next().await.transpose().map_err(broken_body)
}

/// Goes on with `writer`, or starts one at `temp`.
fn write(
    writer: Option<Writer>,
    temp: Option<TempFile>,
    algorithm: Algorithm,
    slice: &[Bytes],
) -> io::Result<Writer> {
    let mut writer = match (writer, temp) {
        (Some(writer), _) => writer,
        (None, Some(temp)) => Writer::create(temp, algorithm)?,
        (None, None) => return Err(io::Error::other("a body was written to no file")),
    };
    for bytes in slice {
        writer.absorb(bytes)?;
    }
    Ok(writer)
}

/// Reads stored bytes into `temp` one after the other, hashing them as if they had been sent.
pub(crate) fn reread(
    sources: impl IntoIterator<Item = io::Result<impl Read>>,
    temp: TempFile,
    algorithm: Algorithm,
    sync: bool,
) -> io::Result<Spooled> {
    let mut writer = Writer::create(temp, algorithm)?;
    let mut slice = vec![0; SLICE];
    for source in sources {
        let mut source = source?;
        loop {
            let read = source.read(&mut slice)?;
            if read == 0 {
                break;
            }
            writer.absorb(slice.get(..read).unwrap_or_default())?;
        }
    }
    writer.finish(sync)
}

/// Moves a finished body to its place.
pub(crate) fn place(temp: &TempFile, path: &std::path::Path) -> io::Result<()> {
    fs::rename(temp.path(), path)
}

/// The verifying streams of `s3s` keep their error types to themselves; their messages are what tells them apart.
fn broken_body(error: StdError) -> S3Error {
    let message = error.to_string();
    let mut broken = if message.contains("Sha256Mismatch") {
        let mut mismatch = S3Error::with_message(
            S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
        mismatch.set_status_code(hyper::StatusCode::BAD_REQUEST);
        mismatch
    } else if message.contains("SignatureMismatch") {
        s3_error!(SignatureDoesNotMatch, "A chunk's signature does not match.")
    } else {
        s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header."
        )
    };
    broken.set_source(error);
    broken
}
