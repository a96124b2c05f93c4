//! Looking into what arrived: is it the content that was announced, and is it what its name says?
//!
//! An object is read once, piece by piece, and hashed (`verify`); only what must be opened whole is kept, and only up
//! to [`MAX_OPENED`]. The readers here take nothing a file says about itself for granted: they set aside no memory for
//! what is merely claimed, unpack up to a limit, and read no byte more often than a fixed number of times. That is why
//! PDF and Parquet are read by hand: the crates for them unpack, reserve and recurse as far as the file asks for.

mod docx;
mod ecg;
mod findings;
mod json;
mod memory;
mod outcome;
mod parquet;
mod pdf;
mod sniff;
mod training;
mod verify;

use casefile::bucket::Bucket;
use casefile::digest::Sha256;
use casefile::store_error::StoreError;
use tokio::sync::Semaphore;

pub use casefile::status::Status;
use findings::Findings;
pub use outcome::{Checked, Column, Facts, Flag, Kind, ParquetFacts};
use verify::ReadBack;

/// Files up to this size are opened, if their kind must be opened whole. Several are checked at once, and wait for their
/// share of one memory.
pub const MAX_OPENED: u64 = 32 * 1024 * 1024;

/// One file is opened at a time: what a hostile one unpacks to is then in memory once, and the function has less than one
/// processor anyhow.
static OPENING: Semaphore = Semaphore::const_new(1);

/// What is known of an object before it is read.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The digest that somebody answers for: a manifest, or whoever stored the object.
    pub sha256: Option<Sha256>,
    /// The size that goes with it, in bytes.
    pub size: Option<u64>,
    /// What the content has to say.
    pub schema: Schema,
    /// The file's name, which tells what it claims to be.
    pub name: &'a str,
}

/// What a collection demands of a file's content, beyond its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// Nothing.
    None,
    /// The measurements of an ECG, in plausible ranges.
    EcgMetrics,
    /// The log of a training run, with its sections.
    TrainingLog,
}

/// Reads an object, or one version of it, once, and judges it. Memory doesn't grow with its size: at most
/// [`MAX_OPENED`] of it are kept, and as much again is unpacked. Nor does it grow with how many are checked at once: 96
/// MiB are kept of all together, and those that find no room wait.
///
/// What isn't as expected, what isn't what its name says, and what can't be opened is rejected; what isn't opened here,
/// for its kind or its size, is unsupported. The answer is the same whenever the same bytes are read.
///
/// # Errors
/// [`StoreError::NotFound`] when the object is gone, also in between; any other failure of storage.
pub async fn check(
    bucket: &Bucket,
    key: &str,
    version_id: Option<&str>,
    expected: &Expected<'_>,
) -> Result<Checked, StoreError> {
    let read = verify::read(bucket, key, version_id).await?;
    let (size, sha256) = (read.size, read.sha256);
    let findings = match mismatch(&read, expected) {
        Some(reason) => Findings::rejected(sniff::kind(&read.start), reason),
        None => look(bucket, key, version_id, read, expected).await?,
    };
    Ok(findings.of(size, sha256))
}

/// What is other than announced.
fn mismatch(read: &ReadBack, expected: &Expected<'_>) -> Option<&'static str> {
    let differs = |recorded: Option<Sha256>| recorded.is_some_and(|recorded| recorded != read.sha256);
    if expected.size.is_some_and(|size| size != read.size) {
        Some("its size is not the recorded one")
    } else if differs(expected.sha256) {
        Some("its SHA-256 is not the recorded one")
    } else if differs(read.checksum) {
        Some("its SHA-256 is not the one that storage has on record")
    } else {
        None
    }
}

/// Looks into a file that is the one that was announced.
async fn look(
    bucket: &Bucket,
    key: &str,
    version_id: Option<&str>,
    read: ReadBack,
    expected: &Expected<'_>,
) -> Result<Findings, StoreError> {
    let kind = sniff::kind(&read.start);
    let claim = sniff::claim(expected.name);
    if kind == Kind::Parquet && claim.is_none_or(|claim| claim == kind) && expected.schema == Schema::None {
        let (version_id, size) = (read.version_id.as_deref().or(version_id), read.size);
        return parquet::look(bucket, key, version_id, size).await;
    }
    let (name, schema) = (expected.name.to_owned(), expected.schema);
    let turn = OPENING.acquire().await.ok();
    // In a thread of its own: files that are read at the same time don't wait for it, and a panic ends there.
    let looked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        judge(read.content(), &read.start, &name, schema)
    })
    .await;
    Ok(looked.unwrap_or_else(|_| Findings::unsupported(kind, "its content broke the reader for its kind")))
}

/// Judges a file by its content; there is none of one that is too large to be opened.
fn judge(content: Option<&[u8]>, start: &[u8], name: &str, schema: Schema) -> Findings {
    let claim = sniff::claim(name);
    let kind = sniff::kind(content.unwrap_or(start));
    if schema != Schema::None {
        return match content {
            Some(content) => json::look(content, schema, name),
            None if matches!(kind, Kind::Json | Kind::Text) => too_large(kind),
            None => Findings::rejected(kind, "it is not JSON"),
        };
    }
    let findings = match (kind, content) {
        (Kind::Pdf, Some(content)) => pdf::look(content),
        (Kind::Zip, Some(content)) => docx::look(content, claim == Some(Kind::Docx)),
        // Whatever it begins with; the other kinds begin as no JSON does.
        (Kind::Json | Kind::Text | Kind::Other, Some(content)) if claim == Some(Kind::Json) => {
            json::look(content, schema, name)
        }
        (Kind::Json, Some(content)) => json::look_at_what_may_be_text(content),
        (Kind::Text, None) if claim != Some(Kind::Json) => Findings::verified(kind),
        // A log's lines may begin with brackets.
        (Kind::Json, None) if claim == Some(Kind::Text) => Findings::verified(Kind::Text),
        (Kind::Text, Some(_)) => Findings::verified(kind),
        (Kind::Pdf | Kind::Zip | Kind::Json | Kind::Text, None) => too_large(kind),
        (Kind::Other, _) => docx::look_at_other(content.unwrap_or(start)),
        (Kind::Docx | Kind::Parquet, _) => Findings::unsupported(kind, "its kind is not looked into"),
    };
    findings.against(claim)
}

fn too_large(kind: Kind) -> Findings {
    Findings::unsupported(kind, "it is larger than 32 MiB, so it was not opened")
}

#[cfg(test)]
mod tests;
