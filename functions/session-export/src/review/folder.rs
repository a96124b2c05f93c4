//! Everything that an export writes: a pure function of the request and its reservation.

use bytes::Bytes;
use casefile::digest::Sha256;
use casefile::json::pretty;
use casefile::key::{DocumentRole, FeedbackFile, LogFile, SessionFile};
use casefile::manifest::{MANIFEST_VERSION, Manifest, ManifestFile, Warning, checksum_line};
use casefile::name::{FileName, FolderName};
use casefile::problem::{Problem, ProblemKind};

use super::after::{self, After};
use super::readable::ReportTemplate;
use super::report_files;
use super::request::ReviewRequest;
use super::session::Session;
use super::statistics::SummaryStatistics;
use crate::document::{Content, Document};

/// A file to write.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Which file.
    pub file: SessionFile,
    /// In bytes.
    pub size: u64,
    /// The content's digest.
    pub sha256: Sha256,
    /// Where the content is.
    pub content: Content,
}

impl NewFile {
    /// A file in memory.
    pub fn new(file: SessionFile, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            file,
            size: bytes.len() as u64,
            sha256: Sha256::of(&bytes),
            content: Content::Bytes(bytes),
        }
    }

    fn document(role: DocumentRole, document: &Document) -> Self {
        Self {
            file: SessionFile::Document(role, document.name.clone()),
            size: document.size,
            sha256: document.sha256,
            content: document.content.clone(),
        }
    }

    /// Its bytes, if they are in memory.
    pub fn bytes(&self) -> Option<&Bytes> {
        self.content.bytes()
    }

    /// The file as a manifest lists it.
    pub fn listed(&self) -> ManifestFile {
        ManifestFile {
            path: self.file.path(),
            size: self.size,
            sha256: self.sha256,
            content_type: self.file.content_type().to_owned(),
        }
    }
}

/// A session's folder.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Every file but the manifest.
    pub files: Vec<NewFile>,
    /// The manifest file, which is written last.
    pub manifest_file: NewFile,
    /// What the manifest says.
    pub manifest: Manifest,
}

/// Everything that decides what an export writes, but for its place and time.
pub struct Draft<'a> {
    /// The request.
    pub request: &'a ReviewRequest<'a>,
    /// The readable report's template.
    pub template: &'a ReportTemplate,
    /// The program and its version.
    pub generator: &'a str,
    /// The folder as it was built before, and kept.
    pub kept: Option<&'a Folder>,
}

impl Draft<'_> {
    /// Builds all files: a pure function of the draft and its arguments. A folder that was kept for the same place is taken
    /// as it is, whichever version of this program built it.
    ///
    /// # Errors
    /// `invalid-request` when the request is strict and the before document can't be marked; `internal` when the
    /// shipped report's template fails.
    pub fn build(
        &self,
        folder_name: &FolderName,
        exported_at: &str,
        revision: u32,
    ) -> Result<Folder, Problem> {
        let kept = self.kept.map(|kept| (kept, &kept.manifest));
        if let Some((kept, manifest)) = kept
            && manifest.folder_name == *folder_name
            && manifest.exported_at == exported_at
            && manifest.revision == revision
        {
            return Ok(kept.clone());
        }
        let request = self.request;
        let session = &request.session;
        let after = after::document(request, exported_at)?;
        let mut files = documents(request, &after);
        files.extend(json_files(session, exported_at).map_err(|_| unwritable())?);
        let readable = self.template.render(session, folder_name.as_str(), exported_at)?;
        files.push(NewFile::new(SessionFile::ReadableReport, readable.text));
        let lines: String = files
            .iter()
            .map(|file| checksum_line(file.sha256, &file.file.path()))
            .collect();
        files.push(NewFile::new(SessionFile::Checksums, lines));
        let manifest = Manifest {
            manifest_version: MANIFEST_VERSION,
            session_id: session.id.clone(),
            revision,
            folder_name: folder_name.clone(),
            document_name: session.document_name.clone(),
            exported_at: exported_at.to_owned(),
            generator: self.generator.to_owned(),
            request_sha256: request.content_sha256(),
            owner: request.owner.clone(),
            summary: SummaryStatistics::of(session).summary(),
            files: files.iter().map(NewFile::listed).collect(),
            comments: after.comments,
            warnings: after.warnings.into_iter().chain(readable.warning).collect(),
        };
        let manifest_file = NewFile::new(
            SessionFile::Manifest,
            pretty(&manifest).map_err(|_| unwritable())?,
        );
        Ok(Folder {
            files,
            manifest_file,
            manifest,
        })
    }
}

impl Folder {
    /// All files, the manifest last.
    pub fn all(&self) -> impl Iterator<Item = &NewFile> {
        self.files.iter().chain([&self.manifest_file])
    }
}

fn documents(request: &ReviewRequest<'_>, after: &After) -> Vec<NewFile> {
    let documents = &request.documents;
    let mut files = vec![NewFile::document(DocumentRole::Before, &documents.before)];
    if let Some(document) = &after.document {
        files.push(NewFile::document(DocumentRole::After, document));
    }
    files.extend(
        documents
            .guidelines
            .iter()
            .map(|document| NewFile::document(DocumentRole::Guidelines, document)),
    );
    files
}

fn json_files(session: &Session<'_>, exported_at: &str) -> Result<Vec<NewFile>, serde_json::Error> {
    let mut files = Vec::new();
    for file in [
        FeedbackFile::Accepted,
        FeedbackFile::Rejected,
        FeedbackFile::UserCustom,
        FeedbackFile::AllAiSuggestions,
    ] {
        files.push(NewFile::new(
            SessionFile::Feedback(file),
            report_files::feedback(session, file, exported_at)?,
        ));
    }
    for file in [LogFile::Activity, LogFile::Chat, LogFile::Audit] {
        files.push(NewFile::new(
            SessionFile::Log(file),
            report_files::log(session, file, exported_at)?,
        ));
    }
    files.push(NewFile::new(
        SessionFile::ComprehensiveReport,
        report_files::comprehensive(session, exported_at)?,
    ));
    Ok(files)
}

fn unwritable() -> Problem {
    Problem::new(ProblemKind::Internal, "the session can't be written as JSON")
}

/// What is said when a document isn't exported as asked.
pub fn warning(role: DocumentRole, name: &FileName, detail: String) -> Warning {
    Warning {
        file: SessionFile::Document(role, name.clone()).path(),
        detail,
    }
}
