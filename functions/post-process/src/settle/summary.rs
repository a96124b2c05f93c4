//! A session's summary: asked for once, kept by what it was made from, and written beside the report.

use bytes::Bytes;
use casefile::bucket::{Metadata, NewObject};
use casefile::digest::Sha256;
use casefile::document::{optional, ownership};
use casefile::key::{FeedbackFile, ObjectKey, SessionFile};
use casefile::metrics;
use casefile::store_error::StoreError;

use super::session::{AVAILABLE, Session};
use super::{Settling, Stop, tenant_of};
use crate::index::Row;
use crate::summary::{MAX_FILE_BYTES, Reason, SessionFiles, Summarizer, SummaryInput, Unavailable};

/// What a row says of a session that could have no summary.
const UNAVAILABLE: &str = "unavailable";
/// A summary is well below this size.
const MAX_SUMMARY_BYTES: u64 = 256 * 1024;

impl Settling {
    /// What became of a session's summary, after it was asked for; `None` where none is wanted. Nothing that Bedrock does
    /// holds the rest up.
    pub(super) async fn summarize(&self, session: &Session, row: &Row) -> Result<Option<&'static str>, Stop> {
        let Some(summarizer) = &self.summarizer else {
            return Ok(None);
        };
        let key = self.session_key(&session.folder, SessionFile::Summary);
        if optional(self.artifacts.head(&key)).await?.is_some() {
            return Ok(Some(AVAILABLE));
        }
        let body = match Box::pin(self.input(session, summarizer)).await? {
            Ok(input) => Box::pin(self.summary(summarizer, &input)).await?,
            Err(unavailable) => Err(unavailable),
        };
        let body = match body {
            Ok(body) => body,
            Err(unavailable) => {
                tracing::warn!(reason = %unavailable, "a session has no summary");
                return Ok(Some(UNAVAILABLE));
            }
        };
        let tenant = tenant_of(row);
        let owner = session.manifest.owner.as_ref();
        let metadata = tenant.map(|tenant| ownership(&tenant, owner)).unwrap_or_default();
        self.keep(key, body, metadata).await?;
        Ok(Some(AVAILABLE))
    }

    /// What the summary rests on. A file that is too large is as good as an unreadable one.
    async fn input(
        &self,
        session: &Session,
        summarizer: &Summarizer,
    ) -> Result<Result<SummaryInput, Unavailable>, Stop> {
        let mut read = Vec::new();
        for file in [
            SessionFile::ComprehensiveReport,
            SessionFile::Feedback(FeedbackFile::Accepted),
            SessionFile::Feedback(FeedbackFile::Rejected),
            SessionFile::Feedback(FeedbackFile::UserCustom),
            SessionFile::Feedback(FeedbackFile::AllAiSuggestions),
        ] {
            let bytes = self.read_file(session, &file, MAX_FILE_BYTES as u64).await?;
            read.push(bytes.unwrap_or_default());
        }
        let [report, accepted, rejected, user_custom, suggestions] = read.as_slice() else {
            return Err(StoreError::NotFound.into());
        };
        let files = SessionFiles {
            report,
            accepted,
            rejected,
            user_custom,
            suggestions,
        };
        Ok(SummaryInput::from_files(summarizer.settings(), &files).map_err(Unavailable::from))
    }

    /// The summary of an input: the one that was paid for, or a new one. Twins ask once.
    async fn summary(
        &self,
        summarizer: &Summarizer,
        input: &SummaryInput,
    ) -> Result<Result<Bytes, Unavailable>, Stop> {
        let key = ObjectKey::CachedSummary(input.sha256()).path(&self.base);
        let mut unavailable = None;
        let asking = async {
            // Asked and kept by a call that ended before it could say so.
            if optional(self.artifacts.head(&key)).await?.is_some() {
                return Ok(true);
            }
            match summarizer.summarize(input).await {
                Ok(summary) => {
                    metrics::summary_tokens(summary.tokens.input, summary.tokens.output);
                    let mut body = serde_json::to_vec_pretty(&summary)
                        .map_err(|_| StoreError::Damaged("a summary is no JSON"))?;
                    body.push(b'\n');
                    self.keep(key.clone(), body.into(), Metadata::new()).await?;
                    Ok(true)
                }
                Err(error) => {
                    metrics::summary_tokens(error.tokens.input, error.tokens.output);
                    unavailable = Some(error);
                    Ok(false)
                }
            }
        };
        let what = Sha256::of(format!("summary {}", input.sha256()).as_bytes());
        Box::pin(self.once(what, asking)).await?;
        match unavailable {
            Some(unavailable) => Ok(Err(unavailable)),
            None => Ok(optional(self.artifacts.read(&key, MAX_SUMMARY_BYTES))
                .await?
                .ok_or_else(|| Reason::Failed("it was asked for, and has expired".to_owned()).into())),
        }
    }

    /// Writes a summary, unless there is one; gives the one that stands.
    async fn keep(&self, key: String, body: Bytes, metadata: Metadata) -> Result<Bytes, Stop> {
        let object = NewObject {
            metadata,
            ..NewObject::json(key, body)
        };
        match self.artifacts.create(&object).await {
            Ok(_) => Ok(object.body),
            // A twin was faster, and its model said something else.
            Err(StoreError::AlreadyExists) => Ok(self.artifacts.read(&object.key, MAX_SUMMARY_BYTES).await?),
            Err(error) => Err(error.into()),
        }
    }
}
