//! Reading a session back: every file against its manifest.

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::bucket::{Bucket, Content};
use crate::key::{BasePath, ObjectKey, SessionFile, session_prefix};
use crate::manifest::{MANIFEST_VERSION, MAX_MANIFEST_BYTES, Manifest, ManifestFile};
use crate::name::FolderName;
use crate::store_error::StoreError;

/// Files read at once: enough to hide S3's latency, few enough for one thread.
const READS_AT_ONCE: usize = 8;

/// What reading a session back found.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// The manifest.
    pub manifest: Manifest,
    /// The manifest file's own size and digest.
    pub manifest_content: Content,
    /// Each file of the manifest, in its order.
    pub files: Vec<VerifiedFile>,
    /// Paths in the folder that the manifest doesn't list, but for the summary that comes later.
    pub unexpected: Vec<String>,
}

/// A file, and whether it is what the manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedFile {
    /// As the manifest has it.
    pub file: ManifestFile,
    /// As it was found.
    pub verdict: Verdict,
}

/// Whether a file is what its manifest says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Size and digest are the manifest's.
    Verified,
    /// The file isn't there.
    Missing,
    /// The file has other content.
    Different(Content),
}

impl Verification {
    /// Whether every file is there with the right content, and nothing else is.
    pub fn holds(&self) -> bool {
        self.unexpected.is_empty() && self.files.iter().all(|file| file.verdict == Verdict::Verified)
    }
}

/// Reads a session's folder and compares every byte with the manifest. Memory doesn't grow with the files.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no manifest, so no session; [`StoreError::Damaged`] when the manifest
/// can't be read; any other failure of storage.
pub async fn verify_session(
    bucket: &Bucket,
    base: &BasePath,
    folder: &FolderName,
) -> Result<Verification, StoreError> {
    let prefix = session_prefix(base, folder);
    let bytes = read_manifest(bucket, base, folder).await?;
    let manifest = parse_manifest(&bytes)?;
    let files = stream::iter(manifest.files.iter().cloned())
        .map(|file| verify_file(bucket, &prefix, file))
        .buffered(READS_AT_ONCE)
        .try_collect()
        .await?;
    let beside = [SessionFile::Manifest.path(), SessionFile::Summary.path()];
    let is_listed = |path: &str| {
        beside.iter().any(|beside| beside == path) || manifest.files.iter().any(|file| file.path == path)
    };
    let keys = bucket.keys(&prefix).await?;
    let paths = keys.iter().filter_map(|key| key.strip_prefix(&prefix));
    let unexpected = paths.filter(|path| !is_listed(path)).map(str::to_owned).collect();
    let manifest_content = Content {
        size: bytes.len() as u64,
        sha256: crate::digest::Sha256::of(&bytes),
    };
    Ok(Verification {
        manifest,
        manifest_content,
        files,
        unexpected,
    })
}

/// Reads a session's manifest as it lies in the bucket.
///
/// # Errors
/// [`StoreError::NotFound`] when the session isn't complete; any other failure of storage.
pub async fn read_manifest(
    bucket: &Bucket,
    base: &BasePath,
    folder: &FolderName,
) -> Result<bytes::Bytes, StoreError> {
    let key = ObjectKey::SessionFile {
        folder: folder.clone(),
        file: SessionFile::Manifest,
    };
    bucket.read(&key.path(base), MAX_MANIFEST_BYTES).await
}

/// Reads a manifest's bytes.
///
/// # Errors
/// [`StoreError::Damaged`] when it isn't a manifest, or one of another version.
pub fn parse_manifest(bytes: &[u8]) -> Result<Manifest, StoreError> {
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|_| StoreError::Damaged("it is no readable manifest"))?;
    if manifest.manifest_version == MANIFEST_VERSION {
        Ok(manifest)
    } else {
        Err(StoreError::Damaged("its manifest is of an unknown version"))
    }
}

async fn verify_file(bucket: &Bucket, prefix: &str, file: ManifestFile) -> Result<VerifiedFile, StoreError> {
    let wanted = Content {
        size: file.size,
        sha256: file.sha256,
    };
    let verdict = match bucket.hash(&format!("{prefix}{}", file.path)).await {
        Ok(content) if content == wanted => Verdict::Verified,
        Ok(content) => Verdict::Different(content),
        Err(StoreError::NotFound) => Verdict::Missing,
        Err(error) => return Err(error),
    };
    Ok(VerifiedFile { file, verdict })
}
