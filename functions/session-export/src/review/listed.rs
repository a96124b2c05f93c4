//! What a complete export is seen by: the entries of lists, and the file that its link leads to.

use std::collections::HashMap;

use casefile::bucket::{Created, NewObject};
use casefile::collection::Collection;
use casefile::document::Document;
use casefile::key::{BasePath, DocumentRole, ObjectKey, SessionFile};
use casefile::link::storage_problem;
use casefile::manifest::{Manifest, ManifestFile};
use casefile::pointer::session_pointers;
use casefile::problem::{Problem, ProblemKind};

use super::export::Export;
use super::folder::Folder;

impl Export<'_> {
    /// The entries of lists: the tenant's, and the owner's where there is one. They are written before the manifest,
    /// and shown only once it is there.
    pub(super) fn pointers(&self, base: &BasePath, folder: &Folder) -> Result<Vec<NewObject>, Problem> {
        let tenant = &self.asking.caller.tenant;
        session_pointers(base, tenant, &folder.manifest, folder.manifest_file.size)
            .map_err(|_| Problem::new(ProblemKind::Internal, "a list's entry can't be written as JSON"))
    }

    /// The file that the answer's link leads to: the after document where there is one, else the comprehensive report.
    /// What was written just now is known; what lay there before is looked at.
    pub(super) async fn linked(
        &self,
        base: &BasePath,
        manifest: &Manifest,
        written: Vec<(ObjectKey, Created)>,
    ) -> Result<Option<Document>, Problem> {
        let file = main_file(manifest);
        let key = ObjectKey::SessionFile {
            folder: manifest.folder_name.clone(),
            file: file.clone(),
        };
        let path = format!("{}/{}", manifest.folder_name, file.path());
        let is_listed = |listed: &&ManifestFile| listed.path == file.path();
        let just_now = written.into_iter().find(|(written, _)| *written == key);
        if let (Some((_, created)), Some(listed)) = (just_now, manifest.files.iter().find(is_listed)) {
            return Ok(Some(Document {
                collection: Collection::reviews(),
                path,
                file_name: listed.path.rsplit('/').next().unwrap_or_default().to_owned(),
                key: key.path(base),
                version_id: created.version_id,
                size: listed.size,
                sha256: Some(listed.sha256),
                content_type: listed.content_type.clone(),
                last_modified: None,
                is_archived: false,
                tenant: Some(self.asking.caller.tenant.clone()),
                owner: self.request.owner.clone(),
                metadata: HashMap::new(),
            }));
        }
        let bucket = &self.service.links.bucket;
        let found = casefile::document::find(bucket, base, Collection::reviews(), &path).await;
        found.map_err(|error| storage_problem(&error))
    }
}

fn main_file(manifest: &Manifest) -> SessionFile {
    let files = manifest
        .files
        .iter()
        .filter_map(|file| SessionFile::from_path(&file.path));
    let mut after = files.filter(|file| matches!(file, SessionFile::Document(DocumentRole::After, _)));
    after.next().unwrap_or(SessionFile::ComprehensiveReport)
}
