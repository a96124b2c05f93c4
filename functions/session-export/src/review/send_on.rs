//! A review that was kept when S3 was down, into S3.

use casefile::key::{BasePath, SessionFile};
use casefile::link::Asking;
use casefile::manifest::{Manifest, ManifestFile};
use casefile::problem::{Problem, ProblemKind};
use casefile::verify::{parse_manifest, verify_session};

use super::ReviewExport;
use super::export::Complete;
use super::folder::{Folder, NewFile};
use super::keep::Trail;
use super::problems::storage_problem;
use super::request::ReviewRequest;
use crate::fallback::KeptPlace;

/// A review as it was kept.
#[derive(Debug)]
pub struct KeptReview {
    /// Its place in S3.
    pub place: KeptPlace,
    /// Its folder; none when that is damaged, and has to be built anew from the request.
    pub folder: Option<Folder>,
}

impl ReviewExport {
    /// Exports a review that was kept, with the very bytes that were kept where that is possible, and reads the folder
    /// back. It isn't where the session has another folder in S3 by now: then that one is completed, or a new revision
    /// built, as the request says.
    ///
    /// # Errors
    /// As for [`ReviewExport::export`].
    pub(crate) async fn send_on(
        &self,
        asking: &Asking<'_>,
        text: &str,
        envelope: &[&str],
        kept: &KeptReview,
    ) -> Result<(BasePath, Manifest), Problem> {
        let trail = Trail::default();
        let mut export =
            Box::pin(self.begin(asking, &trail, || ReviewRequest::parse(text, envelope))).await?;
        export.looks_first = true;
        export.kept = Some(kept);
        let Complete { base, manifest, .. } = Box::pin(export.complete()).await?;
        let bucket = &self.links.bucket;
        let verification = Box::pin(verify_session(bucket, &base, &manifest.folder_name)).await;
        if !verification.map_err(|error| storage_problem(&error))?.holds() {
            let detail = format!("{} in S3 isn't what its manifest says", manifest.folder_name);
            return Err(Problem::new(ProblemKind::Internal, detail));
        }
        export.record(manifest.folder_name.as_str()).await?;
        Ok((base, manifest))
    }
}

impl KeptReview {
    /// A review from its kept files, each by its path; `read` gives a file's bytes.
    pub(crate) fn new(
        place: KeptPlace,
        files: &[ManifestFile],
        mut read: impl FnMut(usize) -> Option<Vec<u8>>,
    ) -> Self {
        let mut whole = |(index, listed): (usize, &ManifestFile)| {
            let file = NewFile::new(SessionFile::from_path(&listed.path)?, read(index)?);
            (file.listed() == *listed).then_some(file)
        };
        let files: Option<Vec<NewFile>> = files.iter().enumerate().map(&mut whole).collect();
        let folder = files.and_then(|files| folder(files, &place));
        Self { place, folder }
    }
}

/// The folder that the files are, if it is the one that was reserved and each of them is what its manifest says.
fn folder(mut files: Vec<NewFile>, place: &KeptPlace) -> Option<Folder> {
    let manifest_file = files.pop()?;
    let manifest = parse_manifest(manifest_file.bytes()?).ok()?;
    let is_reserved = manifest_file.sha256 == place.reservation.manifest_sha256;
    let listed: Vec<_> = files.iter().map(NewFile::listed).collect();
    (is_reserved && listed == manifest.files).then_some(Folder {
        files,
        manifest_file,
        manifest,
    })
}
