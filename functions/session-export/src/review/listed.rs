//! What a complete export is seen by: the entries of lists, and the file that its link leads to.

use std::collections::HashMap;

use bytes::Bytes;
use casefile::bucket::{Created, Metadata, NewObject};
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::Document;
use casefile::key::{BasePath, DocumentRole, List, ObjectKey, PointerName, SessionFile};
use casefile::link::storage_problem;
use casefile::manifest::{Manifest, ManifestFile};
use casefile::pointer::{Entry, EntryKind, Pointer};
use casefile::problem::{Problem, ProblemKind};
use casefile::time;

use super::Export;
use super::folder::Folder;

impl Export<'_> {
    /// The entries of lists: the tenant's, and the owner's where there is one. They are written before the manifest,
    /// and shown only once it is there.
    pub(super) fn pointers(&self, base: &BasePath, folder: &Folder) -> Result<Vec<NewObject>, Problem> {
        let manifest = &folder.manifest;
        let body = serde_json::to_vec(&self.pointer(base, folder))
            .map_err(|_| Problem::new(ProblemKind::Internal, "a list's entry can't be written as JSON"))?;
        let (sha256, body) = (Sha256::of(&body), Bytes::from(body));
        let tenant = &self.asking.caller.tenant;
        let owner = self.request.owner.clone();
        let lists = [
            Some(List::Tenant(tenant.clone())),
            owner.map(|owner| List::Owner(tenant.clone(), owner)),
        ];
        let time = time::parse(&manifest.exported_at).unwrap_or_default();
        let name = PointerName::new(time, manifest.folder_name.as_str());
        let objects = lists.into_iter().flatten().map(|list| {
            let key = ObjectKey::ListPointer {
                list,
                collection: Collection::Reviews,
                name: name.clone(),
            };
            NewObject {
                key: key.path(base),
                content_type: key.content_type(),
                body: body.clone(),
                sha256,
                metadata: Metadata::new(),
            }
        });
        Ok(objects.collect())
    }

    fn pointer(&self, base: &BasePath, folder: &Folder) -> Pointer {
        let manifest = &folder.manifest;
        let complete_with = ObjectKey::SessionFile {
            folder: manifest.folder_name.clone(),
            file: SessionFile::Manifest,
        };
        Pointer {
            complete_with: complete_with.path(base),
            entry: Entry {
                path: manifest.folder_name.as_str().to_owned(),
                time: manifest.exported_at.clone(),
                owner: self.request.owner.clone(),
                document: EntryKind::Session {
                    session_id: manifest.session_id.as_str().to_owned(),
                    revision: manifest.revision,
                    document_name: manifest.document_name.as_str().to_owned(),
                    total_files: folder.all().count(),
                    total_bytes: folder.all().map(|file| file.size).sum(),
                    summary: manifest.summary.clone(),
                },
            },
        }
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
                collection: Collection::Reviews,
                path,
                file_name: listed.path.rsplit('/').next().unwrap_or_default().to_owned(),
                key: key.path(base),
                version_id: created.version_id,
                size: listed.size,
                sha256: Some(listed.sha256),
                content_type: listed.content_type.clone(),
                last_modified: None,
                tenant: Some(self.asking.caller.tenant.clone()),
                owner: self.request.owner.clone(),
                metadata: HashMap::new(),
            }));
        }
        let bucket = &self.service.links.bucket;
        let found = casefile::document::find(bucket, base, Collection::Reviews, &path).await;
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
