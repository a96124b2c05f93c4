//! Sending on what was kept when storage was at fault: the oldest first, each as if its request came now, under the name
//! of who sent it then. `casefile replay` does it by hand, and a schedule in the cloud.
//!
//! What stands in S3 afterwards is what would stand there had the request been repeated by its caller: so a replay may be
//! stopped, repeated, or run beside another one. An entry counts as sent when all of it was read back, or stored with a
//! checksum that S3 has checked, and its audit record is durable. What S3 refuses for good stays, and is told each time.

mod load;
pub mod report;

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use casefile::collection::Collection;
use casefile::id::TimeId;
use casefile::link::Asking;
use casefile::metrics;
use casefile::problem::{Problem, ProblemKind};
use casefile::store_error::StorageFault;
use casefile::time::rfc3339;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::bols;
use crate::fallback::Task;
use crate::fallback::local::{EntryName, LocalStore, Refusal};
use crate::files::{self, FileAnswer, Filed};
use crate::handler::SessionExport;
use load::{Loaded, Loading, Waiting};
use report::{EntryReport, Outcome, ReplayReport};

/// What one entry may take.
const ONE_WITHIN: Duration = Duration::from_secs(25);
/// What a bill of lading's number may take of it.
const NUMBERED_WITHIN: Duration = Duration::from_secs(20);
/// For how long a schedule takes S3's word that something is refused.
const REFUSED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// How to replay.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplayOptions {
    /// When to stop; without it, when nothing waits any more.
    pub until: Option<Instant>,
    /// Only to look what waits, and whether it is whole.
    pub dry_run: bool,
    /// Whether what was refused is tried again, however short ago that was.
    pub retries_refused: bool,
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
    /// The collections that the set-up is wrong for.
    refused: HashSet<String>,
    /// S3 is down, or silent.
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
            refused: HashSet::new(),
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
        if !options.dry_run {
            metrics::replayed(report.sent, report.failed + report.refused + report.damaged);
        }
        Ok(report)
    }
}

impl Replay<'_> {
    /// What becomes of an entry; nothing is told of one that somebody else has sent on meanwhile.
    async fn one(&mut self, waiting: Waiting) -> Option<EntryReport> {
        let Waiting {
            name,
            kept_at,
            refusal,
        } = waiting;
        let told = EntryReport::new(&name, kept_at);
        let subject = name.subject();
        if !self.is_its_turn(&name) {
            self.unsettled.insert(subject);
            return Some(told);
        }
        if let Some(refusal) = refusal.filter(|refusal| self.stands(refusal)) {
            return Some(told.with(Outcome::Refused, &refusal.detail));
        }
        let loaded = match load::load(Arc::clone(&self.local), name.clone(), self.options.dry_run).await {
            Loading::Whole(loaded) => loaded,
            Loading::Done => return None,
            Loading::Busy => {
                self.unsettled.insert(subject);
                return Some(told.with(Outcome::Busy, "another replay is at it"));
            }
            Loading::Damaged(why) => return Some(told.with(Outcome::Damaged, &why)),
            Loading::Unreadable(why) => {
                self.unsettled.insert(subject);
                return Some(told.with(Outcome::Failed, &why));
            }
        };
        if self.options.dry_run {
            return Some(told);
        }
        let told = match self.in_time(&loaded).await {
            Some(Ok(sent)) => self.done(&name, sent, told).await,
            Some(Err(problem)) => self.undone(&name, &problem, told).await,
            // It goes on where it was the next time.
            None => told,
        };
        if !told.outcome.is_settled() {
            self.unsettled.insert(subject);
        }
        Some(told)
    }

    /// Whether there is time, S3 answers, and nothing about the same comes before.
    fn is_its_turn(&self, name: &EntryName) -> bool {
        let is_over = self.is_over || self.options.until.is_some_and(|until| Instant::now() >= until);
        !is_over && !self.refused.contains(name.collection()) && !self.unsettled.contains(&name.subject())
    }

    /// Whether what S3 has said of an entry needs no asking again: each time would be a record in the audit log.
    fn stands(&self, refusal: &Refusal) -> bool {
        let age = self.now().duration_since(refusal.at);
        !self.options.retries_refused && !age.is_negative() && age < REFUSED_FOR
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
                Some(Err(Problem {
                    fault: Some(StorageFault::Outage),
                    ..Problem::new(ProblemKind::Unavailable, detail)
                }))
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
            at: rfc3339(self.now()),
            location: format!("s3://{}/{prefix}", reviews.links().bucket.name()),
            detail: is_rebuilt
                .then(|| "its kept files were damaged: it was built anew from its request".to_owned()),
            ..Sent::default()
        })
    }

    fn stored(&self, stored: &FileAnswer) -> Sent {
        let bucket = self.function.reviews.links().bucket.name();
        Sent {
            at: rfc3339(self.now()),
            location: format!("s3://{bucket}/{}", stored.key),
            ..Sent::default()
        }
    }

    fn now(&self) -> Timestamp {
        self.function.reviews.links().audit.now()
    }

    async fn done(&self, name: &EntryName, sent: Sent, told: EntryReport) -> EntryReport {
        let told = EntryReport {
            location: Some(sent.location.clone()),
            number: sent.number.clone(),
            detail: sent.detail.clone(),
            outcome: Outcome::Sent,
            ..told
        };
        self.note(name, move |local, name, id| local.mark_sent(name, &sent, id))
            .await;
        told
    }

    async fn undone(&mut self, name: &EntryName, problem: &Problem, told: EntryReport) -> EntryReport {
        match problem.fault {
            // The others would meet the same.
            Some(StorageFault::Outage) => self.is_over = true,
            Some(StorageFault::SetUp(_)) => drop(self.refused.insert(name.collection().to_owned())),
            None => {}
        }
        if matches!(problem.kind, ProblemKind::Internal | ProblemKind::Unavailable) {
            return told.with(Outcome::Failed, &problem.detail);
        }
        let refusal = Refusal {
            at: self.now(),
            detail: problem.detail.clone(),
        };
        self.note(name, move |local, name, id| {
            local.mark_refused(name, &refusal, id)
        })
        .await;
        told.with(Outcome::Refused, &problem.detail)
    }

    /// Notes something beside an entry. Should that fail, the next replay does it again, which stores nothing twice.
    async fn note(
        &self,
        name: &EntryName,
        note: impl FnOnce(&LocalStore, &EntryName, TimeId) -> io::Result<()> + Send + 'static,
    ) {
        let (local, name) = (Arc::clone(&self.local), name.clone());
        let id = self.function.reviews.links().audit.next_id();
        let noting = tokio::task::spawn_blocking(move || {
            let id = id.map_err(io::Error::other)?;
            note(&local, &name, id)
        });
        if let Ok(Err(error)) = noting.await {
            tracing::error!(error.kind = %error.kind(), "what became of a kept entry can't be noted");
        }
    }
}

fn refused(why: &str) -> Problem {
    Problem::new(ProblemKind::Invalid, why)
}
