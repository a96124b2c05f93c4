//! Exporting a finished review: validate → reserve → build all files in memory → write them concurrently → write
//! the manifest → answer with a link.
//!
//! Everything written is a pure function of the request and its reservation, and every write is create-only. So a
//! repeat after any failure, or a twin at the same moment, continues the same export; and a folder without a
//! manifest doesn't exist for any reader.

pub mod after;
pub mod answer;
pub mod batch;
pub mod feedback;
pub mod folder;
pub mod keep;
mod listed;
pub mod place;
pub mod problems;
pub mod readable;
pub mod report_files;
pub mod request;
pub mod reservation;
mod send_on;
pub mod session;
pub mod statistics;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use casefile::audit::{Activity, Event, File, Outcome};
use casefile::bucket::{Created, NewObject, Target};
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::{Document, ownership};
use casefile::json::FieldError;
use casefile::key::{BasePath, ObjectKey};
use casefile::link::request::LinkRequest;
use casefile::link::{Asking, Link, Links};
use casefile::manifest::Manifest;
use casefile::name::FolderName;
use casefile::permission::{Action, Decision};
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StoreError;
use casefile::time;
use futures::future::{try_join, try_join_all};

use crate::document::{Content, GivenDocument};
use crate::fallback::KeptAnswer;
use crate::{archive, uploads};
use answer::ExportAnswer;
use folder::{Draft, Folder, NewFile};
use keep::Trail;
use place::{Place, Search, State};
use problems::{storage_problem, unavailable};
use readable::{KeptTemplate, ReportTemplate, TemplateKey, TemplateVersion, Templates};
use request::{Destination, ReviewRequest};
pub use send_on::KeptReview;

/// The largest ZIP that an answer carries: base64 makes it 6 MB, which is what a Lambda function may return
/// (AWS Lambda developer guide, *Lambda quotas*).
pub const MAX_ZIP_BYTES: usize = 4_500_000;

/// The export of reviews, with all that it needs. Built once in a process.
#[derive(Debug)]
pub struct ReviewExport {
    links: Links,
    templates: Templates,
}

/// What an export answers with.
#[derive(Debug)]
pub enum Exported {
    /// It lies in the bucket.
    Stored(Box<ExportAnswer>),
    /// It is the answer itself.
    Archive {
        /// What the file should be called.
        file_name: String,
        /// The ZIP.
        zip: Vec<u8>,
    },
    /// It is too large for an answer, and lies in the caller's inbox.
    Linked(Box<Link>),
    /// S3 doesn't take it: it is kept, and sent on later.
    Kept(Box<KeptAnswer>),
}

/// One export on its way.
struct Export<'a> {
    service: &'a ReviewExport,
    asking: &'a Asking<'a>,
    /// What allowed it.
    decision: Decision,
    request: ReviewRequest<'a>,
    template: Arc<TemplateVersion>,
    started: Instant,
    /// Whether to look first for what is there: of a batch, and of what was kept, a repeat must cost little.
    looks_first: bool,
    /// Where to note how far it comes.
    trail: &'a Trail,
    /// What was kept of it.
    kept: Option<&'a KeptReview>,
}

/// An export that is complete in S3.
struct Complete {
    base: BasePath,
    manifest: Manifest,
    manifest_file: NewFile,
    /// The files that this call wrote.
    written: Vec<(ObjectKey, Created)>,
}

impl ReviewExport {
    /// An export into the bucket that `links` lead to.
    pub fn new(links: Links, template: ReportTemplate, generator: String) -> Self {
        let version = TemplateVersion { template, generator };
        Self {
            links,
            templates: Templates::Fixed(Arc::new(version)),
        }
    }

    /// The same with the report's template that lies at `key` in that bucket, whichever it is at the time.
    #[must_use]
    pub fn with_template_at(self, key: TemplateKey) -> Self {
        let templates = match self.templates {
            Templates::Fixed(base) => Templates::Kept(KeptTemplate::new(key, base)),
            kept @ Templates::Kept(_) => kept,
        };
        Self { templates, ..self }
    }

    /// What is needed to hand out links and upload grants.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// Exports the review that `text`, a request's JSON, describes. `envelope` are the fields that a command event has
    /// beside the request's.
    ///
    /// # Errors
    /// What is wrong with the request, or with storage; after any of them the same request may be repeated.
    pub async fn export(
        &self,
        asking: &Asking<'_>,
        text: &str,
        envelope: &[&str],
    ) -> Result<Exported, Problem> {
        self.export_noting(asking, text, envelope, &Trail::default())
            .await
    }

    /// The same, and notes how far it comes, for whoever has to keep it elsewhere.
    pub(crate) async fn export_noting(
        &self,
        asking: &Asking<'_>,
        text: &str,
        envelope: &[&str],
        trail: &Trail,
    ) -> Result<Exported, Problem> {
        let export = Box::pin(self.begin(asking, trail, || ReviewRequest::parse(text, envelope))).await?;
        match export.request.destination {
            Destination::S3 => {
                let answer = Box::pin(export.store()).await?;
                Ok(Exported::Stored(Box::new(answer)))
            }
            Destination::Download => Box::pin(export.archive()).await,
        }
    }

    /// The same for a review of a batch: into the bucket alone, and only if it begins before `last`, for what it computes
    /// can't be interrupted. The size of the request is known to be right.
    ///
    /// # Errors
    /// As for [`ReviewExport::export`]; `invalid-request` when the request wants a file; `unavailable` when it is too late.
    async fn store(
        &self,
        asking: &Asking<'_>,
        text: &str,
        last: Instant,
        trail: &Trail,
    ) -> Result<ExportAnswer, Problem> {
        let mut export = Box::pin(self.begin(asking, trail, || of_batch(text))).await?;
        if Instant::now() >= last {
            return Err(unavailable(
                "the batch had too little time left to begin this review",
            ));
        }
        export.looks_first = true;
        Box::pin(export.store()).await
    }

    /// An export, with all that it reads before it writes.
    async fn begin<'a>(
        &'a self,
        asking: &'a Asking<'a>,
        trail: &'a Trail,
        read: impl FnOnce() -> Result<ReviewRequest<'a, GivenDocument>, Problem>,
    ) -> Result<Export<'a>, Problem> {
        let started = Instant::now();
        let decision = Box::pin(self.permit(asking)).await?;
        let (request, template) = Box::pin(self.prepare(asking, read()?)).await?;
        Ok(Export {
            service: self,
            asking,
            decision,
            request,
            template,
            started,
            looks_first: false,
            trail,
            kept: None,
        })
    }

    /// Whether the caller may export reviews; a refusal is recorded.
    async fn permit(&self, asking: &Asking<'_>) -> Result<Decision, Problem> {
        self.links
            .permit(asking, Activity::Export, Action::Write, Collection::reviews())
            .await
    }

    /// The documents that a request means, and the template for its report.
    async fn prepare<'a>(
        &self,
        asking: &Asking<'_>,
        request: ReviewRequest<'a, GivenDocument>,
    ) -> Result<(ReviewRequest<'a>, Arc<TemplateVersion>), Problem> {
        let Links { bucket, audit, .. } = &self.links;
        let inbox = asking.caller.inbox();
        let documents = uploads::resolve(bucket, &inbox, request);
        // Boxed, for every caller's future would hold them.
        Box::pin(try_join(documents, self.templates.current(bucket, audit.now()))).await
    }
}

fn of_batch(text: &str) -> Result<ReviewRequest<'_, GivenDocument>, Problem> {
    let request = ReviewRequest::parse_any(text, &[])?;
    if request.destination == Destination::Download {
        return Err(Problem::invalid(vec![FieldError {
            pointer: "/destination".to_owned(),
            detail: "must be s3 in a batch".to_owned(),
        }]));
    }
    Ok(request)
}

impl Export<'_> {
    async fn store(&self) -> Result<ExportAnswer, Problem> {
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
    async fn complete(&self) -> Result<Complete, Problem> {
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
    async fn record(&self, path: &str) -> Result<(), Problem> {
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

    async fn archive(&self) -> Result<Exported, Problem> {
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

#[cfg(test)]
mod testing;
