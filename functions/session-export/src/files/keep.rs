//! Files that S3 doesn't take: under the names that they would have there.

use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::intake::{self, Acceptance};
use casefile::link::{Asking, Links};
use casefile::permission::Action;
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StorageFault;
use jiff::Timestamp;

use super::request::FileRequest;
use super::training::Log;
use super::{check_size, content};
use crate::document::Document;
use crate::fallback::{KeptFile, Task, ToKeep, not_kept};

const OTHER_LOG: &str = "another log of the session is kept already; \"revision\": true, in the query or the command, stores \
                         this one as a new version";

/// A request that storage is at fault for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unstored<'a> {
    /// When it came.
    pub(crate) came: Timestamp,
    pub(crate) links: &'a Links,
    pub(crate) asking: &'a Asking<'a>,
    pub(crate) text: &'a str,
    pub(crate) envelope: &'a [&'a str],
    /// Whether the caller wants the ZIP itself.
    pub(crate) returns_zip: bool,
    pub(crate) fault: StorageFault,
}

impl<'a> Unstored<'a> {
    /// That the caller may store it, as the request itself has found before, but perhaps couldn't record.
    ///
    /// # Errors
    /// `unavailable` when it may not.
    pub(crate) fn check(&self, action: Action, collection: Collection) -> Result<(), Problem> {
        let decision = self.links.may(self.asking.caller, action, collection);
        if decision.allowed {
            return Ok(());
        }
        Err(not_kept(self.fault, "the answer can't be recorded"))
    }

    /// What is to be kept of one file, at this key.
    pub(crate) fn one_file(
        self,
        collection: Collection,
        key: &str,
        document: &Document,
        content_type: &str,
        task: Task,
    ) -> Result<ToKeep<'a>, Problem> {
        let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
        let bytes = document.bytes().ok_or_else(|| self.is_uploaded())?;
        let tenant = self.asking.caller.tenant.as_str();
        let identity = Sha256::of_parts(["a request", tenant, collection.name(), self.text]);
        Ok(ToKeep {
            asking: self.asking,
            came: self.came,
            collection,
            task,
            request: self.text,
            envelope: self.envelope,
            // Its own, so that nothing waits for anything else.
            subject: identity,
            identity,
            conflict: None,
            zip_name: format!("{}.zip", document.sha256),
            folder: folder.to_owned(),
            files: vec![KeptFile {
                path: name.to_owned(),
                bytes: bytes.clone(),
                sha256: document.sha256,
                content_type: content_type.to_owned(),
            }],
            returns_zip: self.returns_zip,
        })
    }

    pub(crate) fn is_uploaded(&self) -> Problem {
        not_kept(self.fault, "the request names an upload, which lies there")
    }
}

/// What is to be kept of a file.
///
/// # Errors
/// What is wrong with the request; `unavailable` of an upload, which lies in S3.
pub(crate) async fn file(unstored: Unstored<'_>, collection: Collection) -> Result<ToKeep<'_>, Problem> {
    let Unstored { links, asking, .. } = unstored;
    unstored.check(Action::Write, collection)?;
    let request = FileRequest::parse(
        collection,
        &asking.caller.tenant,
        unstored.text,
        unstored.envelope,
    )?;
    if request.replaces.is_some() {
        unstored.check(Action::Replace, collection)?;
    }
    let name = request.file.name.as_str();
    let Acceptance::Accepted { content_type } = intake::accept(collection, name) else {
        return Err(Problem::new(
            ProblemKind::Internal,
            "the collection doesn't take the file",
        ));
    };
    let document = Document::inline(&request.file).ok_or_else(|| unstored.is_uploaded())?;
    check_size(collection, document.size)?;
    if collection.is_replaced() {
        content::check(links, &document).await?;
    }
    let (path, _) = intake::path(collection, name, &request.metadata.values(), unstored.came);
    let key = key(links, collection, &path)?;
    let kept = unstored.one_file(collection, &key, &document, content_type, Task::File)?;
    if !collection.is_replaced() {
        return Ok(kept);
    }
    // One version may follow another.
    let tenant = asking.caller.tenant.as_str();
    Ok(ToKeep {
        subject: Sha256::of_parts(["a file", tenant, &key]),
        ..kept
    })
}

/// What is to be kept of a training log.
///
/// # Errors
/// What is wrong with the log.
pub(crate) fn training_log(unstored: Unstored<'_>, revision: bool) -> Result<ToKeep<'_>, Problem> {
    let collection = Collection::training_logs();
    unstored.check(Action::Write, collection)?;
    if revision {
        unstored.check(Action::Replace, collection)?;
    }
    let log = Log::read(unstored.text)?;
    let session_id = log.session_id.clone();
    let tenant = unstored.asking.caller.tenant.as_str();
    let subject = Sha256::of_parts(["a training log", tenant, session_id.as_str()]);
    let task = Task::TrainingLog { session_id, revision };
    let key = key(unstored.links, collection, &log.path)?;
    let kept = unstored.one_file(collection, &key, &log.document, log.content_type, task)?;
    let wish = if revision { "revision" } else { "" };
    let content = log.document.sha256.to_string();
    Ok(ToKeep {
        subject,
        // As in S3: not by its spelling, nor by whoever sends it.
        identity: Sha256::of_parts(["a training log", tenant, &content, wish]),
        conflict: (!revision).then_some(OTHER_LOG),
        ..kept
    })
}

fn key(links: &Links, collection: Collection, path: &str) -> Result<String, Problem> {
    let key = collection.key(&links.base, path);
    key.ok_or_else(|| Problem::new(ProblemKind::Internal, "the file's name makes no key"))
}
