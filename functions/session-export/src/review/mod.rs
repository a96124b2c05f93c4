//! Exporting a finished review: validate → reserve → build all files in memory → write them concurrently → write
//! the manifest → answer.
//!
//! Everything written is a pure function of the request and its reservation, and every write is create-only. So a
//! repeat after any failure, or a twin at the same moment, continues the same export; and a folder without a
//! manifest doesn't exist for any reader.

pub mod after;
pub mod answer;
pub mod archive;
pub mod feedback;
pub mod folder;
pub mod place;
pub mod problems;
pub mod readable;
pub mod report_files;
pub mod request;
pub mod reservation;
pub mod session;
pub mod statistics;

use std::time::Instant;

use bytes::Bytes;
use casefile::bucket::{Bucket, NewObject};
use casefile::digest::Sha256;
use casefile::key::{BasePath, ObjectKey};
use casefile::manifest::Manifest;
use casefile::name::FolderName;
use casefile::problem::{Problem, ProblemKind};
use casefile::time::{self, Clock};
use futures::future::try_join_all;

use answer::ExportAnswer;
use folder::{Draft, Folder, NewFile};
use place::{Place, Search, State};
use problems::storage_problem;
use readable::ReportTemplate;
use request::{Destination, ReviewRequest};

/// The largest ZIP that an answer carries: base64 makes it 6 MB, which is what a Lambda function may return
/// (AWS Lambda developer guide, *Lambda quotas*).
pub const MAX_ZIP_BYTES: usize = 4_500_000;

/// The export of reviews, with all that it needs. Built once in a process.
#[derive(Debug)]
pub struct ReviewExport {
    bucket: Bucket,
    base: BasePath,
    template: ReportTemplate,
    generator: String,
    clock: Clock,
}

/// What an export answers with.
#[derive(Debug)]
pub enum Exported {
    /// It lies in the bucket.
    Stored(ExportAnswer),
    /// It is the answer itself.
    Archive {
        /// What the file should be called.
        file_name: String,
        /// The ZIP.
        zip: Vec<u8>,
    },
}

impl ReviewExport {
    /// An export into `bucket` below `base`.
    pub fn new(
        bucket: Bucket,
        base: BasePath,
        template: ReportTemplate,
        generator: String,
        clock: Clock,
    ) -> Self {
        Self {
            bucket,
            base,
            template,
            generator,
            clock,
        }
    }

    /// Exports the review that `text`, a request's JSON, describes.
    ///
    /// # Errors
    /// What is wrong with the request, or with storage; after any of them the same request may be repeated.
    pub async fn export(&self, text: &str) -> Result<Exported, Problem> {
        let started = Instant::now();
        let request = ReviewRequest::parse(text)?;
        match request.destination {
            Destination::S3 => self.store(&request, started).await.map(Exported::Stored),
            Destination::Download => self.archive(&request),
        }
    }

    async fn store(&self, request: &ReviewRequest<'_>, started: Instant) -> Result<ExportAnswer, Problem> {
        let now = (self.clock)();
        if request.strict {
            // Before anything is reserved for a request that is going to be refused.
            after::document(request, &time::rfc3339(now))?;
        }
        let draft = self.draft(request);
        let search = Search {
            draft: &draft,
            bucket: &self.bucket,
            base: &self.base,
            now,
        };
        let Place { base, state } = search.run().await?;
        let (manifest, manifest_file) = match state {
            State::Finished(manifest, file) => (manifest, file),
            State::Open(folder) => self.write(&base, folder).await?,
        };
        let answer = ExportAnswer::new(&self.bucket, &base, manifest, &manifest_file, started.elapsed());
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

    fn draft<'a>(&'a self, request: &'a ReviewRequest<'a>) -> Draft<'a> {
        Draft {
            request,
            template: &self.template,
            generator: &self.generator,
        }
    }

    /// Writes all files at once, and the manifest when each of them is there.
    async fn write(&self, base: &BasePath, folder: Folder) -> Result<(Manifest, NewFile), Problem> {
        let objects = folder.files.iter().map(|file| Self::object(base, &folder, file));
        let writes = objects.map(|object| async move { self.bucket.create(&object).await });
        try_join_all(writes)
            .await
            .map_err(|error| storage_problem(&error))?;
        let manifest = Self::object(base, &folder, &folder.manifest_file);
        self.bucket
            .create(&manifest)
            .await
            .map_err(|error| storage_problem(&error))?;
        Ok((folder.manifest, folder.manifest_file))
    }

    fn object(base: &BasePath, folder: &Folder, file: &NewFile) -> NewObject {
        let key = ObjectKey::SessionFile {
            folder: folder.manifest.folder_name.clone(),
            file: file.file.clone(),
        };
        NewObject {
            key: key.path(base),
            content_type: key.content_type(),
            body: Bytes::clone(&file.body),
            sha256: file.sha256,
        }
    }

    fn archive(&self, request: &ReviewRequest<'_>) -> Result<Exported, Problem> {
        let now = (self.clock)();
        let name = FolderName::new(now, &request.session.document_name, 1);
        let folder = self.draft(request).build(&name, &time::rfc3339(now), 1)?;
        let zip = archive::zip(&folder)
            .map_err(|_| Problem::new(ProblemKind::Internal, "the export can't be packed as a ZIP"))?;
        if zip.len() > MAX_ZIP_BYTES {
            let detail = format!(
                "the ZIP has {} bytes; an answer carries at most {MAX_ZIP_BYTES}; use \"destination\": \"s3\"",
                zip.len()
            );
            return Err(Problem::new(ProblemKind::TooLarge, detail));
        }
        tracing::info!(session.id = %request.session.id, export.bytes = zip.len(), "a review was packed for download");
        Ok(Exported::Archive {
            file_name: format!("{}.zip", folder.manifest.folder_name),
            zip,
        })
    }
}

/// Program, version and template: what decides, beside request and reservation, which bytes are written.
pub fn generator(own_template: Option<&str>) -> String {
    let program = concat!("session-export/", env!("CARGO_PKG_VERSION"));
    match own_template {
        Some(template) => format!("{program} template/{}", Sha256::of(template.as_bytes())),
        None => program.to_owned(),
    }
}

#[cfg(test)]
mod testing;
