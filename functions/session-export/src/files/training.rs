//! `POST /v1/training-logs`: the log of a training run, as it is.

use bytes::Bytes;
use casefile::audit::Activity;
use casefile::collection::Collection;
use casefile::json::compact;
use casefile::link::{Asking, Links};
use casefile::name::{FileName, SessionId};
use casefile::permission::Action;
use casefile::problem::{Problem, ProblemKind};
use casefile::training_log::TrainingLog;
use jiff::tz::TimeZone;

use super::answer::FileAnswer;
use super::dated::noted;
use super::{Held, NewFile, Overwrite, check_size, link_or_record, place};
use crate::document::{self, Document};

/// A training log, read and checked.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) session_id: SessionId,
    /// Below the collection, unless another one is noted for the session.
    pub(super) path: String,
    pub(super) document: Document,
    pub(super) content_type: &'static str,
}

impl Log {
    /// Reads a log. Nothing in it is changed but the blanks between its parts.
    ///
    /// # Errors
    /// What is wrong with it, all of it at once.
    pub(super) fn read(text: &str) -> Result<Self, Problem> {
        let collection = Collection::training_logs();
        document::check_size(text)?;
        let log = TrainingLog::parse(text)?.map_err(Problem::invalid)?;
        let internal = || Problem::new(ProblemKind::Internal, "a session's id makes no file's name");
        let name = format!("{}.log", log.session_id);
        let kind = collection.kind_of(&name).ok_or_else(internal)?;
        let day = log.started.to_zoned(TimeZone::UTC).date();
        let path = collection.new_path(kind.folder(), day, log.session_id.as_str());
        let name = FileName::parse(&name).map_err(|_| internal())?;
        let document = Document::new(name, Bytes::from(compact(text)));
        check_size(collection, document.size)?;
        Ok(Self {
            session_id: log.session_id,
            path,
            document,
            content_type: kind.content_type(),
        })
    }
}

/// Stores the log that `text` is, by its session and the month in which that began. Other content for the same session is
/// refused, unless it is to become a new `revision`: the old version stays.
///
/// # Errors
/// What is wrong with the log, all of it at once; `conflict` when the session has another log; `unavailable` and
/// `internal` when storage or the audit log fails.
pub async fn training_log(
    links: &Links,
    asking: &Asking<'_>,
    text: &str,
    revision: bool,
) -> Result<FileAnswer, Problem> {
    let collection = Collection::training_logs();
    let decision = links
        .permit(asking, Activity::Export, Action::Write, collection)
        .await?;
    if revision {
        links
            .permit(asking, Activity::Export, Action::Replace, collection)
            .await?;
    }
    let log = Log::read(text)?;
    let tenant = asking.caller.tenant.as_str();
    let what = ["the log of a session", tenant, log.session_id.as_str()];
    let path = noted(links, &what, log.path).await?;
    let new = NewFile {
        tenant: &asking.caller.tenant,
        collection,
        path: &path,
        document: Held::Document(&log.document),
        content_type: log.content_type,
        metadata: vec![("session-id", log.session_id.as_str().to_owned())],
        owner: None,
        overwrite: if revision {
            Overwrite::Current(asking.kept_at)
        } else {
            Overwrite::Never
        },
    };
    let placed = Box::pin(place(links, &new)).await.map_err(|problem| match problem.kind {
        ProblemKind::Conflict if !revision => Problem {
            detail: "the session has a log with other content; nothing was overwritten. \"revision\": true, in the \
                     query or the command, stores this one as a new version"
                .to_owned(),
            ..problem
        },
        _ => problem,
    })?;
    let link = link_or_record(links, asking, &decision, &placed).await?;
    tracing::info!(session.id = %log.session_id, export.is_new = placed.is_new, "a training log was stored");
    Ok(FileAnswer::new(placed.document, link))
}
