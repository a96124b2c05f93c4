//! Sending on what was kept when storage was at fault: the oldest first, each as if its request came now, under the name
//! of who sent it then. `casefile replay` does it by hand, and a schedule in the cloud.
//!
//! What stands in S3 afterwards is what would stand there had the request been repeated by its caller: so a replay may be
//! stopped, repeated, or run beside another one. An entry counts as sent when all of it was read back, or stored with a
//! checksum that S3 has checked, and its audit record is durable. What S3 refuses for good stays, and is told each time.

mod load;
pub mod report;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use casefile::collection::Collection;
use casefile::id::TimeId;
use casefile::link::Asking;
use casefile::metrics;
use casefile::problem::{Problem, ProblemKind};
use casefile::time::rfc3339;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::bols;
use crate::fallback::Task;
use crate::fallback::local::{EntryName, LocalStore};
use crate::files::{self, FileAnswer, Filed};
use crate::handler::SessionExport;
use crate::work::NUMBERED_WITHIN;
use load::{Loaded, Loading, Waiting};
use report::{EntryReport, Outcome, ReplayReport};

/// What one entry may take.
const ONE_WITHIN: Duration = Duration::from_secs(25);

/// How to replay.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplayOptions {
    /// When to stop; without it, when nothing waits any more.
    pub until: Option<Instant>,
    /// Only to look what waits, and whether it is whole.
    pub dry_run: bool,
}

/// Where an entry has gone.
#[derive(Debug, Default, Serialize)]
struct Sent {
    at: String,
    location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// One replay.
struct Replay<'a> {
    function: &'a SessionExport,
    local: Arc<LocalStore>,
    options: ReplayOptions,
    /// What is about something of which an earlier entry isn't sent yet.
    unsettled: HashSet<String>,
    is_over: bool,
}

impl SessionExport {
    /// Sends on what was kept, and tells of each entry when it is done with it: how many there are, and what became of
    /// this one.
    ///
    /// # Errors
    /// `invalid-request` when there is no folder; `unavailable` when it can't be read.
    pub async fn replay(
        &self,
        options: ReplayOptions,
        mut tell: impl FnMut(usize, &EntryReport),
    ) -> Result<ReplayReport, Problem> {
        let local = self.fallback.local().map(Arc::clone);
        let local = local.ok_or_else(|| {
            let detail = "there is no folder of kept exports: FALLBACK_DIR isn't set";
            Problem::new(ProblemKind::Invalid, detail)
        })?;
        let (waiting, unfinished) = load::waiting(Arc::clone(&local)).await?;
        let mut replay = Replay {
            function: self,
            local,
            options,
            unsettled: HashSet::new(),
            is_over: false,
        };
        let mut report = ReplayReport::new(unfinished);
        let total = waiting.len();
        for entry in waiting {
            if let Some(told) = Box::pin(replay.one(entry)).await {
                tell(total, &told);
                report.add(told);
            }
        }
        report.note(options.dry_run);
        metrics::replayed(report.sent, report.failed + report.refused + report.damaged);
        Ok(report)
    }
}

impl Replay<'_> {
    /// What becomes of an entry; nothing is told of one that somebody else has sent on meanwhile.
    async fn one(&mut self, waiting: Waiting) -> Option<EntryReport> {
        let name = waiting.name.clone();
        let told = EntryReport::new(&name, waiting.kept_at);
        let subject = name.subject();
        let is_over = self.is_over || self.options.until.is_some_and(|until| Instant::now() >= until);
        if is_over || self.unsettled.contains(&subject) {
            self.unsettled.insert(subject);
            return Some(told);
        }
        let loaded = match load::load(Arc::clone(&self.local), waiting).await {
            Loading::Whole(loaded) => loaded,
            Loading::Done => return None,
            Loading::Busy => return Some(told.with(Outcome::Busy, "another replay is at it")),
            Loading::Damaged(why) => return Some(told.with(Outcome::Damaged, &why)),
        };
        if self.options.dry_run {
            return Some(told);
        }
        let told = match self.in_time(&loaded).await {
            Some(Ok(sent)) => self.done(&name, sent, told).await,
            Some(Err(problem)) => self.undone(&problem, told),
            // It goes on where it was the next time.
            None => told,
        };
        if !told.outcome.is_settled() {
            self.unsettled.insert(subject);
        }
        Some(told)
    }

    /// `None` when the time for all of them is up.
    async fn in_time(&self, loaded: &Loaded) -> Option<Result<Sent, Problem>> {
        let one = Instant::now() + ONE_WITHIN;
        let until = self.options.until.map_or(one, |until| until.min(one));
        let sending = Box::pin(self.send(loaded));
        match timeout_at(until, sending).await {
            Ok(sent) => Some(sent),
            Err(_) if until < one => None,
            Err(_) => {
                let detail = "it took too long, and is tried again the next time";
                Some(Err(Problem::new(ProblemKind::Unavailable, detail)))
            }
        }
    }

    async fn send(&self, loaded: &Loaded) -> Result<Sent, Problem> {
        let Loaded { entry, request, .. } = loaded;
        let (caller, origin) = (entry.caller.caller(), entry.caller.origin());
        let asking = &Asking {
            caller: &caller,
            origin: &origin,
            base_url: None,
            kept_at: Some(entry.kept_at),
        };
        let envelope: Vec<_> = entry.envelope.iter().map(String::as_str).collect();
        let links = self.function.reviews.links();
        match &entry.task {
            Task::Review { .. } => self.review(asking, loaded, &envelope).await,
            Task::Bol { .. } => {
                let until = Instant::now() + NUMBERED_WITHIN;
                let stored = Box::pin(bols::issue(links, asking, request, &envelope, until)).await?;
                Ok(Sent {
                    number: Some(stored.number),
                    ..self.stored(&stored.file)
                })
            }
            Task::TrainingLog { revision, .. } => {
                let stored = Box::pin(files::training_log(links, asking, request, *revision)).await?;
                Ok(self.stored(&stored))
            }
            Task::File => {
                let collection = Collection::parse(&entry.collection);
                let collection = collection.ok_or_else(|| refused("its collection isn't known any more"))?;
                let storing = files::store(links, asking, collection, request, &envelope);
                match Box::pin(storing).await? {
                    Filed::Stored(stored) => Ok(self.stored(&stored)),
                    Filed::Skipped(skipped) => Err(refused(&skipped.reason)),
                    Filed::Kept(_) => Err(Problem::new(ProblemKind::Internal, "it was kept again")),
                }
            }
        }
    }

    async fn review(&self, asking: &Asking<'_>, loaded: &Loaded, envelope: &[&str]) -> Result<Sent, Problem> {
        let reviews = &self.function.reviews;
        let kept = loaded.review.as_ref();
        let kept =
            kept.ok_or_else(|| Problem::new(ProblemKind::Internal, "the review has lost its place"))?;
        let sending = reviews.send_on(asking, &loaded.request, envelope, kept);
        let (base, manifest) = Box::pin(sending).await?;
        let prefix = casefile::key::session_prefix(&base, &manifest.folder_name);
        let is_rebuilt = kept.folder.is_none();
        Ok(Sent {
            at: self.now(),
            location: format!("s3://{}/{prefix}", reviews.links().bucket.name()),
            detail: is_rebuilt
                .then(|| "its kept files were damaged: it was built anew from its request".to_owned()),
            ..Sent::default()
        })
    }

    fn stored(&self, stored: &FileAnswer) -> Sent {
        let bucket = self.function.reviews.links().bucket.name();
        Sent {
            at: self.now(),
            location: format!("s3://{bucket}/{}", stored.key),
            ..Sent::default()
        }
    }

    fn now(&self) -> String {
        rfc3339(self.function.reviews.links().audit.now())
    }

    /// Notes that an entry was sent on. Should that fail, it is sent again, which stores nothing twice.
    async fn done(&self, name: &EntryName, sent: Sent, told: EntryReport) -> EntryReport {
        let told = EntryReport {
            location: Some(sent.location.clone()),
            number: sent.number.clone(),
            detail: sent.detail.clone(),
            outcome: Outcome::Sent,
            ..told
        };
        let (local, name) = (Arc::clone(&self.local), name.clone());
        let audit = &self.function.reviews.links().audit;
        let id = TimeId::new(audit.now(), audit.entropy());
        let marking = tokio::task::spawn_blocking(move || {
            let id = id.map_err(|error| std::io::Error::other(error.to_string()))?;
            local.mark_sent(&name, &sent, id)
        });
        if !matches!(marking.await, Ok(Ok(()))) {
            tracing::error!("an entry that was sent on can't be marked so; it is sent again the next time");
        }
        told
    }

    fn undone(&mut self, problem: &Problem, told: EntryReport) -> EntryReport {
        let is_ours = matches!(problem.kind, ProblemKind::Internal | ProblemKind::Unavailable);
        // The others would meet the same.
        self.is_over = problem.fault.is_some();
        let outcome = if is_ours {
            Outcome::Failed
        } else {
            Outcome::Refused
        };
        told.with(outcome, &problem.detail)
    }
}

fn refused(why: &str) -> Problem {
    Problem::new(ProblemKind::Invalid, why)
}
