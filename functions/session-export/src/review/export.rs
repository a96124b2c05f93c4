//! One export on its way: find its place → write what isn't there yet → answer with a link; or hand it out as a file.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use casefile::audit::{Activity, Event, File, Outcome};
use casefile::bucket::{Created, NewObject, Target};
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::{Document, ownership};
use casefile::key::{BasePath, ObjectKey};
use casefile::link::request::LinkRequest;
use casefile::link::{Asking, Link};
use casefile::manifest::Manifest;
use casefile::name::FolderName;
use casefile::permission::{Action, Decision};
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StoreError;
use casefile::time;
use futures::future::{try_join, try_join_all};

use super::answer::ExportAnswer;
use super::folder::{Draft, Folder, NewFile};
use super::keep::Trail;
use super::place::{Place, Search, State};
use super::problems::{storage_problem, unavailable};
use super::readable::TemplateVersion;
use super::request::ReviewRequest;
use super::{Exported, KeptReview, MAX_ZIP_BYTES, ReviewExport, after};
use crate::document::Content;
use crate::{archive, uploads};

/// One export on its way.
pub(super) struct Export<'a> {
    pub(super) service: &'a ReviewExport,
    pub(super) asking: &'a Asking<'a>,
    /// What allowed it.
    pub(super) decision: Decision,
    pub(super) request: ReviewRequest<'a>,
    pub(super) template: Arc<TemplateVersion>,
    pub(super) started: Instant,
    /// Whether to look first for what is there: of a batch, and of what was kept, a repeat must cost little.
    pub(super) looks_first: bool,
    /// Where to note how far it comes.
    pub(super) trail: &'a Trail,
    /// What was kept of it.
    pub(super) kept: Option<&'a KeptReview>,
}

/// An export that is complete in S3.
pub(super) struct Complete {
    pub(super) base: BasePath,
    pub(super) manifest: Manifest,
    pub(super) manifest_file: NewFile,
    /// The files that this call wrote.
    pub(super) written: Vec<(ObjectKey, Created)>,
}

impl Export<'_> {
    pub(super) async fn store(&self) -> Result<ExportAnswer, Problem> {
        let links = &self.service.links;
        let Complete {
            base,
            manifest,
            manifest_file,
            written,
        } = self.complete().await?;
        let link = self.link(&base, &manifest, written).await?;
        if link.is_none() {
            // Otherwise the link's record says who exported what.
            self.record(manifest.folder_name.as_str()).await?;
        }
        let answer = ExportAnswer::new(
            &links.bucket,
            &base,
            manifest,
            &manifest_file,
            link,
            self.started.elapsed(),
        );
        tracing::info!(
            session.id = %answer.session_id,
            export.files = answer.total_files,
            export.bytes = answer.total_bytes(),
            export.warnings = answer.warnings.len(),
            export.duration_ms = answer.duration_ms,
            "a review was exported"
        );
        Ok(answer)
    }

    /// Finds its place, and writes what isn't there yet.
    pub(super) async fn complete(&self) -> Result<Complete, Problem> {
        let links = &self.service.links;
        let now = links.audit.now();
        if self.request.strict {
            // Before anything is reserved for a request that is going to be refused.
            after::document(&self.request, &time::rfc3339(now))?;
        }
        let draft = self.draft();
        let search = Search {
            draft: &draft,
            bucket: &links.bucket,
            base: &links.base,
            tenant: &self.asking.caller.tenant,
            may_read: self.may_read(),
            now,
            looks_first: self.looks_first,
            kept: self.kept.map(|kept| &kept.place),
            trail: self.trail,
        };
        let Place { base, state } = search.run().await?;
        let (manifest, manifest_file, written) = match state {
            State::Finished(manifest, file) => (manifest, file, Vec::new()),
            State::Open(folder) => {
                let written = self.write(&base, &folder).await?;
                (folder.manifest, folder.manifest_file, written)
            }
        };
        Ok(Complete {
            base,
            manifest,
            manifest_file,
            written,
        })
    }

    fn draft(&self) -> Draft<'_> {
        Draft {
            request: &self.request,
            template: &self.template.template,
            generator: &self.template.generator,
            kept: self.kept.and_then(|kept| kept.folder.as_ref()),
        }
    }

    /// Writes all files and the entries of lists at once, and the manifest when each of them is there. Gives the files
    /// with their versions.
    async fn write(&self, base: &BasePath, folder: &Folder) -> Result<Vec<(ObjectKey, Created)>, Problem> {
        let bucket = &self.service.links.bucket;
        let failed = |error: StoreError| match error {
            StoreError::NotFound => unavailable("an upload has just been removed"),
            error => storage_problem(&error),
        };
        let files = folder.files.iter().map(|file| self.put(base, folder, file));
        let pointers = self.pointers(base, folder)?;
        let pointers = pointers.iter().map(|pointer| async {
            match bucket.create(pointer).await {
                // Another version of this program wrote it in another form. Whoever reads it checks it.
                Err(StoreError::AlreadyExists) => Ok(()),
                created => created.map(drop),
            }
        });
        let (written, _) = try_join(try_join_all(files), try_join_all(pointers))
            .await
            .map_err(failed)?;
        self.put(base, folder, &folder.manifest_file)
            .await
            .map_err(failed)?;
        Ok(written)
    }

    /// Creates one file: from memory, or as a copy inside S3.
    async fn put(
        &self,
        base: &BasePath,
        folder: &Folder,
        file: &NewFile,
    ) -> Result<(ObjectKey, Created), StoreError> {
        let bucket = &self.service.links.bucket;
        let key = ObjectKey::SessionFile {
            folder: folder.manifest.folder_name.clone(),
            file: file.file.clone(),
        };
        let metadata = ownership(&self.asking.caller.tenant, self.request.owner.as_ref());
        let created = match &file.content {
            Content::Bytes(bytes) => {
                let object = NewObject {
                    key: key.path(base),
                    content_type: key.content_type(),
                    body: Bytes::clone(bytes),
                    sha256: file.sha256,
                    metadata,
                };
                bucket.create(&object).await?
            }
            Content::Upload(source, _) => {
                let target = Target {
                    key: key.path(base),
                    content_type: key.content_type(),
                    metadata,
                };
                bucket.copy(source, &target).await?
            }
        };
        Ok((key, created))
    }

    /// A link to the after document, or to the comprehensive report; none when the caller may not read it.
    async fn link(
        &self,
        base: &BasePath,
        manifest: &Manifest,
        written: Vec<(ObjectKey, Created)>,
    ) -> Result<Option<Link>, Problem> {
        let Some(document) = self.linked(base, manifest, written).await? else {
            return Ok(None);
        };
        let links = &self.service.links;
        let wanted = LinkRequest::plain(Collection::reviews(), &document.path);
        match links.decide(self.asking.caller, Action::Read, Some(document)) {
            (Some(document), decision) if decision.allowed => {
                let link = links.give(self.asking, &document, &decision, &wanted).await?;
                Ok(Some(link))
            }
            _ => Ok(None),
        }
    }

    /// Whether the caller may read what its tenant exports, and so may be told of it.
    fn may_read(&self) -> bool {
        let links = &self.service.links;
        links.may_read(self.asking.caller, Collection::reviews())
    }

    /// Records an export that is answered without a link.
    pub(super) async fn record(&self, path: &str) -> Result<(), Problem> {
        let links = &self.service.links;
        let event = Event {
            file: Some(File {
                collection: Collection::reviews().name().to_owned(),
                path: path.to_owned(),
                ..File::default()
            }),
            ..self
                .asking
                .event(Activity::Export, Outcome::Success, &self.decision)
        };
        links.audit.write(links.audit.next_id()?, &event).await
    }

    pub(super) async fn archive(&self) -> Result<Exported, Problem> {
        let now = self.service.links.audit.now();
        let name = FolderName::new(now, &self.request.session.document_name, 1);
        let folder = self.draft().build(&name, &time::rfc3339(now), 1)?;
        let zip = pack(&folder)?;
        tracing::info!(
            session.id = %self.request.session.id,
            export.bytes = zip.len(),
            "a review was packed for download"
        );
        let file_name = format!("{}.zip", folder.manifest.folder_name);
        if zip.len() <= MAX_ZIP_BYTES {
            self.record(&file_name).await?;
            Ok(Exported::Archive { file_name, zip })
        } else {
            let link = self.leave(file_name, zip).await?;
            Ok(Exported::Linked(Box::new(link)))
        }
    }

    /// Leaves a ZIP in the caller's inbox, which is emptied after two days, and links to it.
    async fn leave(&self, file_name: String, zip: Vec<u8>) -> Result<Link, Problem> {
        let links = &self.service.links;
        let caller = self.asking.caller;
        let object = NewObject {
            key: uploads::key(links.audit.next_id()?, &caller.inbox()),
            sha256: Sha256::of(&zip),
            body: Bytes::from(zip),
            content_type: "application/zip",
            metadata: ownership(&caller.tenant, None),
        };
        let created = links.bucket.create(&object).await;
        let created = created.map_err(|error| storage_problem(&error))?;
        let document = Document {
            collection: Collection::reviews(),
            path: file_name.clone(),
            key: object.key,
            file_name,
            version_id: created.version_id,
            size: object.body.len() as u64,
            sha256: Some(object.sha256),
            content_type: object.content_type.to_owned(),
            last_modified: None,
            is_archived: false,
            tenant: Some(caller.tenant.clone()),
            owner: None,
            metadata: HashMap::new(),
        };
        let wanted = LinkRequest::plain(Collection::reviews(), &document.path);
        // It holds what the caller has just sent, so who may export it may have it back.
        links.give(self.asking, &document, &self.decision, &wanted).await
    }
}

/// A folder as a ZIP: the same bytes under the same paths, the manifest last.
fn pack(folder: &Folder) -> Result<Vec<u8>, Problem> {
    let unpackable = || Problem::new(ProblemKind::Internal, "the export can't be packed as a ZIP");
    let files = folder
        .all()
        .map(|file| Some((file.file.path(), file.bytes()?, file.file.content_type())));
    let files: Option<Vec<_>> = files.collect();
    let files = files.ok_or_else(unpackable)?;
    let files = files
        .iter()
        .map(|(path, bytes, content_type)| (path.as_str(), &***bytes, *content_type));
    archive::zip(files).map_err(|_| unpackable())
}
