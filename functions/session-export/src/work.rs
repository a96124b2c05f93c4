//! What the function does for a request, by whichever door it came: with S3, and, when storage is at fault, by keeping it.

use std::pin::Pin;
use std::time::{Duration, Instant};

use casefile::collection::Collection;
use casefile::link::Asking;
use casefile::metrics;
use casefile::problem::Problem;
use casefile::store_error::StorageFault;
use jiff::Timestamp;

use crate::bols::{self, Bol};
use crate::command;
use crate::fallback::ToKeep;
use crate::files::keep::Unstored;
use crate::files::{self, FileAnswer, Filed};
use crate::handler::SessionExport;
use crate::replay::ReplayOptions;
use crate::replay::report::ReplayReport;
use crate::review::batch::{BatchAnswer, Door};
use crate::review::{Exported, keep};

/// A caller behind API Gateway, which gives up after 30 s, has an answer within this time.
pub(crate) const DEADLINE: Duration = Duration::from_secs(25);
/// What is left to answer in, once a bill of lading's number was waited for.
const TIME_TO_ANSWER: Duration = Duration::from_secs(3);

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incoming<'a> {
    /// When it came.
    pub(crate) came: Timestamp,
    pub(crate) asking: &'a Asking<'a>,
    pub(crate) text: &'a str,
    /// The fields of it that are a command event's.
    pub(crate) envelope: &'a [&'a str],
    /// Whether the answer holds the ZIP itself of what has to be kept.
    pub(crate) returns_zip: bool,
}

impl SessionExport {
    pub(crate) async fn export_review(&self, incoming: &Incoming<'_>) -> Result<Exported, Problem> {
        let started = Instant::now();
        let Incoming {
            came,
            asking,
            text,
            envelope,
            returns_zip,
        } = *incoming;
        let trail = keep::Trail::default();
        let exporting = Box::pin(self.reviews.export_noting(asking, text, envelope, &trail));
        let keeping = async |fault| {
            let unstored = keep::UnstoredReview {
                came,
                asking,
                text,
                envelope,
                trail: &trail,
                returns_zip,
                fault,
            };
            let kept = Box::pin(self.reviews.keep(&self.fallback, unstored)).await?;
            Ok(Exported::Kept(Box::new(kept)))
        };
        let exported = self.or_keep(incoming, exporting, keeping).await;
        count(&exported, started.elapsed());
        exported
    }

    pub(crate) async fn store_bol(&self, incoming: &Incoming<'_>) -> Result<Bol, Problem> {
        let started = Instant::now();
        let Incoming {
            asking,
            text,
            envelope,
            ..
        } = *incoming;
        let time = self.s3_within(incoming).saturating_sub(TIME_TO_ANSWER);
        let until = tokio::time::Instant::now() + time;
        let issuing = Box::pin(async {
            let issued = bols::issue(self.reviews.links(), asking, text, envelope, until).await?;
            Ok(Bol::Stored(Box::new(issued)))
        });
        let keeping = async |fault| {
            let new = bols::keep::bol(self.unstored(incoming, fault))?;
            Ok(Bol::Kept(Box::new(self.fallback.keep(new, fault).await?)))
        };
        let bol = self.or_keep(incoming, issuing, keeping).await;
        let stored = bol.as_ref().map(|bol| match bol {
            Bol::Stored(stored) => Some(&stored.file),
            Bol::Kept(_) => None,
        });
        count_file(stored, started.elapsed());
        bol
    }

    pub(crate) async fn store_file(
        &self,
        incoming: &Incoming<'_>,
        collection: Collection,
    ) -> Result<Filed, Problem> {
        let Incoming {
            asking,
            text,
            envelope,
            ..
        } = *incoming;
        let links = self.reviews.links();
        let storing = Box::pin(files::store(links, asking, collection, text, envelope));
        let keeping = async |fault| {
            let new = files::keep::file(self.unstored(incoming, fault), collection).await?;
            self.keep_file(new, fault).await
        };
        counted(self.or_keep(incoming, storing, keeping)).await
    }

    pub(crate) async fn store_training_log(
        &self,
        incoming: &Incoming<'_>,
        revision: bool,
    ) -> Result<Filed, Problem> {
        let storing = Box::pin(async {
            let links = self.reviews.links();
            let stored = files::training_log(links, incoming.asking, incoming.text, revision).await?;
            Ok(Filed::Stored(Box::new(stored)))
        });
        let keeping = async |fault| {
            let new = files::keep::training_log(self.unstored(incoming, fault), revision)?;
            self.keep_file(new, fault).await
        };
        counted(self.or_keep(incoming, storing, keeping)).await
    }

    pub(crate) async fn export_batch(
        &self,
        asking: &Asking<'_>,
        text: &str,
        door: Door<'_>,
        time: Duration,
    ) -> Result<BatchAnswer, Problem> {
        let exporting = self
            .reviews
            .export_batch(asking, text, door, time, &self.fallback);
        Box::pin(exporting).await
    }

    /// Sends on what was kept, for as long as the command may take.
    pub(crate) async fn replay_command(&self, text: &str, time: Duration) -> Result<ReplayReport, Problem> {
        let options = ReplayOptions {
            dry_run: command::replay(text)?,
            retries_refused: false,
            until: Some(tokio::time::Instant::now() + time),
        };
        Box::pin(self.replay(options, |_, _| ())).await
    }

    /// How long S3 may take before a request is kept; all the time there is, for one that can't be: it names uploads, which
    /// lie there, or is to be handed out. A look at its text is enough for that.
    fn s3_within(&self, incoming: &Incoming<'_>) -> Duration {
        let cannot = ["\"upload_id\"", "\"download\""];
        if cannot.iter().any(|mark| incoming.text.contains(mark)) {
            return DEADLINE;
        }
        self.fallback.s3_within(DEADLINE)
    }

    /// The work comes boxed, for a request's future is large.
    async fn or_keep<T>(
        &self,
        incoming: &Incoming<'_>,
        work: Pin<Box<impl Future<Output = Result<T, Problem>>>>,
        keep: impl AsyncFnOnce(StorageFault) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.fallback.or(self.s3_within(incoming), work, keep).await
    }

    async fn keep_file(&self, new: ToKeep<'_>, fault: StorageFault) -> Result<Filed, Problem> {
        let kept = self.fallback.keep(new, fault).await?;
        Ok(Filed::Kept(Box::new(kept)))
    }

    fn unstored<'a>(&'a self, incoming: &Incoming<'a>, fault: StorageFault) -> Unstored<'a> {
        Unstored {
            came: incoming.came,
            links: self.reviews.links(),
            asking: incoming.asking,
            text: incoming.text,
            envelope: incoming.envelope,
            returns_zip: incoming.returns_zip,
            fault,
        }
    }
}

/// Counts a file; one that is skipped, or kept, isn't.
async fn counted(storing: impl Future<Output = Result<Filed, Problem>>) -> Result<Filed, Problem> {
    let started = Instant::now();
    let filed = storing.await;
    let answer = filed.as_ref().map(|filed| match filed {
        Filed::Stored(answer) => Some(answer.as_ref()),
        Filed::Skipped(_) | Filed::Kept(_) => None,
    });
    count_file(answer, started.elapsed());
    filed
}

fn count_file(stored: Result<Option<&FileAnswer>, &Problem>, took: Duration) {
    match stored {
        Ok(Some(answer)) => {
            metrics::export_succeeded(1, answer.size, took);
            if let Some(link) = &answer.link {
                metrics::link_granted(link.kind);
            }
        }
        Ok(None) => {}
        Err(problem) => metrics::export_failed(problem),
    }
}

/// Counts an export; a ZIP is one file. One that is kept was counted then.
fn count(exported: &Result<Exported, Problem>, took: Duration) {
    let (files, bytes, link) = match exported {
        Ok(Exported::Stored(answer)) => return answer.count(took),
        Ok(Exported::Archive { zip, .. }) => (1, zip.len() as u64, None),
        Ok(Exported::Linked(link)) => (1, link.size, Some(link.as_ref())),
        Ok(Exported::Kept(_)) => return,
        Err(problem) => return metrics::export_failed(problem),
    };
    metrics::export_succeeded(files, bytes, took);
    if let Some(link) = link {
        metrics::link_granted(link.kind);
    }
}
