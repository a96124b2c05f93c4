//! `apply`: the plan → the journal → the audit record → the numbers → the files → the mapping.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use casefile::audit::{Activity, Asked, Event, File, Given, Outcome};
use casefile::bol::{BolNumber, Numbers};
use casefile::link::Links;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use tokio::sync::Semaphore;

use super::arguments::ApplyArguments;
use super::counter::pass_all;
use super::entry::{Action, Entry};
use super::journal::{Done, Journal, Version};
use super::mapping;
use super::place::Rules;
use super::plan::{JOURNAL, MAPPING, Plan};
use super::progress::Progress;
use super::rate::Limiter;
use super::scout::{Next, TOGETHER, scout};
use super::send::{LOGS, READS, Sender, Sent};
use super::series::Spans;
use crate::failure::Failure;
use crate::pen::Pen;

/// After so many failures in a row S3 is down, and it is left for another run.
const MAX_FAILURES: usize = 20;
/// Conflicts of a plan that are told one by one.
const MAX_TOLD: usize = 5;

/// What a run has done.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Applied {
    pub(super) plan: PathBuf,
    /// Files that this run stored.
    pub(super) stored: usize,
    /// Their bytes.
    pub(super) bytes: u64,
    /// Files that lay there already.
    pub(super) there: usize,
    /// Files of earlier runs.
    pub(super) before: usize,
    pub(super) conflicts: Vec<Trouble>,
    pub(super) failed: Vec<Trouble>,
    /// Files that weren't tried any more.
    pub(super) waiting: usize,
    /// Conflicts of the plan that were left out.
    pub(super) left_out: usize,
    /// Files of the plan that the collection doesn't take.
    pub(super) rejected: usize,
    /// What each series goes on with.
    pub(super) next_numbers: Vec<BolNumber>,
    /// Where it says which file became what.
    pub(super) mapping: PathBuf,
}

/// A file that isn't stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Trouble {
    pub(super) file: String,
    pub(super) reason: String,
}

impl Applied {
    /// What a run ends with.
    pub(super) fn code(&self) -> u8 {
        match (self.failed.len() + self.waiting, self.conflicts.len()) {
            (0, 0) => 0,
            (0, _) => 1,
            _ => 2,
        }
    }
}

/// What a plan comes to.
#[derive(Debug, Default)]
struct Sums {
    uploads: usize,
    /// Of the uploads.
    bytes: u64,
    conflicts: Vec<String>,
    rejected: usize,
    spans: Spans,
    /// Of the uploads.
    sent: Spans,
}

impl Sums {
    /// # Errors
    /// When the plan has a file elsewhere than where it belongs.
    fn of(plan: &Plan, rules: &Rules) -> Result<Self, Failure> {
        let mut sums = Self::default();
        for entry in plan.entries()? {
            let (_, entry) = entry?;
            if entry.wanted().is_some() {
                let edited = |why| {
                    let file = &entry.file;
                    Failure::Refused(format!("the plan was edited: {file}: {why}; make it anew"))
                };
                rules.confirm(&entry).map_err(edited)?;
            }
            match entry.action {
                Action::Upload => {
                    sums.uploads += 1;
                    sums.bytes += entry.size();
                }
                Action::Conflict => sums.conflicts.push(entry.file.clone()),
                Action::Rejected => sums.rejected += 1,
                Action::SkipIdentical => {}
            }
            if let Some(number) = entry.number() {
                sums.spans.add(number);
                if entry.action == Action::Upload {
                    sums.sent.add(number);
                }
            }
        }
        Ok(sums)
    }

    /// # Errors
    /// When somebody has to decide first.
    fn refuse_conflicts(&self, arguments: &ApplyArguments) -> Result<(), Failure> {
        if arguments.skip_conflicts || self.conflicts.is_empty() {
            return Ok(());
        }
        let count = self.conflicts.len();
        let some: Vec<_> = self.conflicts.iter().take(MAX_TOLD).cloned().collect();
        let more = if count > MAX_TOLD { ", …" } else { "" };
        Err(Failure::Refused(format!(
            "the plan has {count} in conflict: {}{more}; nothing was done. Mend them and make the plan anew, or leave them \
             out with --skip-conflicts",
            some.join(", ")
        )))
    }
}

/// Does what a plan says.
///
/// # Errors
/// When nothing was sent, and why.
pub(super) async fn apply(
    links: &Links,
    numbers: Option<&Numbers<'_>>,
    rules: Rules,
    plan: &Plan,
    operator: String,
    arguments: &ApplyArguments,
) -> Result<Applied, Failure> {
    let mapping = arguments.mapping.clone().unwrap_or_else(|| plan.beside(MAPPING));
    mapping::check(&mapping, plan)?;
    let sums = Sums::of(plan, &rules)?;
    sums.refuse_conflicts(arguments)?;
    let (mut journal, mut done) = Journal::open(&plan.beside(JOURNAL), plan.sha256()?)?;
    let pen = Pen::new(links.audit.clone(), operator, plan.header.tenant.clone())?;
    record(&pen, plan, &sums).await?;
    let next_numbers = match numbers {
        Some(numbers) => pass_all(&sums.spans, &sums.sent, numbers, &pen).await?,
        None => Vec::new(),
    };
    let left = sums.bytes.saturating_sub(bytes_of(plan, &done)?);
    let mut progress = Progress::begin(sums.uploads.saturating_sub(done.len()), left);
    let sender = Sender {
        links,
        numbers,
        rules,
        folder: &plan.header.folder,
        limiter: Arc::new(Limiter::new(arguments.limit_rate)),
        transfers: arguments.transfers,
        turns: Semaphore::new(arguments.transfers.into()),
        reads: Semaphore::new(READS),
        logs: Semaphore::new(LOGS),
        bar: progress.bar().clone(),
    };
    let mut applied = Applied {
        plan: plan.path().to_owned(),
        before: done.len(),
        left_out: sums.conflicts.len(),
        rejected: sums.rejected,
        next_numbers,
        mapping,
        ..Applied::default()
    };
    let mut run = Run {
        journal: &mut journal,
        done: &mut done,
        progress: &mut progress,
        applied: &mut applied,
    };
    let sent = send_all(&sender, plan, &mut run).await;
    journal.sync();
    sent?;
    let tried =
        applied.before + applied.stored + applied.there + applied.conflicts.len() + applied.failed.len();
    applied.waiting = sums.uploads.saturating_sub(tried);
    mapping::write(&applied.mapping, plan, &done)?;
    Ok(applied)
}

/// Of files that earlier runs stored.
fn bytes_of(plan: &Plan, done: &Done) -> Result<u64, Failure> {
    let mut bytes = 0;
    if !done.is_empty() {
        for entry in plan.entries()? {
            let (at, entry) = entry?;
            bytes += if done.contains_key(&at) { entry.size() } else { 0 };
        }
    }
    Ok(bytes)
}

/// What a run writes down while it goes on.
struct Run<'a> {
    journal: &'a mut Journal,
    done: &'a mut Done,
    progress: &'a mut Progress,
    applied: &'a mut Applied,
}

async fn send_all(sender: &Sender<'_>, plan: &Plan, run: &mut Run<'_>) -> Result<(), Failure> {
    let before: BTreeSet<usize> = run.done.keys().copied().collect();
    let wanted = plan.entries()?.filter(|entry| match entry {
        Ok((at, entry)) => entry.action == Action::Upload && !before.contains(at),
        Err(_) => true,
    });
    let sending = stream::iter(wanted)
        .try_chunks(TOGETHER)
        .map(|some| async {
            let some = some.map_err(|error| error.1)?;
            let next = scout(&sender.links.bucket, sender.numbers, some).await;
            Ok::<_, Failure>(stream::iter(next.into_iter().map(Ok)))
        })
        // While some are sent, the next ones are looked at.
        .buffered(2)
        .try_flatten()
        .map(|next: Result<Next, Failure>| async {
            let (at, entry, way, seen) = next?;
            let sent = Box::pin(sender.send(&entry, &way, seen)).await;
            Ok::<_, Failure>((at, entry, sent))
        })
        // While some are sent, the list entries of as many others are written.
        .buffer_unordered(usize::from(sender.transfers) * 2 - 1);
    let mut sending = pin!(sending);
    let mut failures = 0;
    while let Some(sent) = sending.next().await {
        let (at, entry, sent) = sent?;
        run.progress.advance();
        failures = if matches!(sent, Sent::Failed(_)) {
            failures + 1
        } else {
            0
        };
        if let Some(version) = run.applied.count(&entry, sent) {
            run.journal.note(at, version.clone(), sender.links.audit.now())?;
            run.done.insert(at, version);
        }
        if failures >= MAX_FAILURES {
            return Ok(());
        }
    }
    Ok(())
}

impl Applied {
    /// The version of a file that S3 has.
    fn count(&mut self, entry: &Entry, sent: Sent) -> Option<Version> {
        let trouble = |reason| Trouble {
            file: entry.file.clone(),
            reason,
        };
        match sent {
            Sent::Stored(version_id) => {
                self.stored += 1;
                self.bytes += entry.size();
                Some(version_id)
            }
            Sent::There(version_id) => {
                self.there += 1;
                Some(version_id)
            }
            Sent::Conflict(reason) => {
                self.conflicts.push(trouble(reason));
                None
            }
            Sent::Failed(reason) => {
                self.failed.push(trouble(reason));
                None
            }
        }
    }
}

/// One record a run: which plan, how many files.
async fn record(pen: &Pen, plan: &Plan, sums: &Sums) -> Result<(), Failure> {
    let event = Event {
        file: Some(File {
            bucket: plan.header.place.bucket.clone(),
            collection: plan.header.place.collection.clone(),
            ..File::default()
        }),
        asked: Asked {
            query: Some(format!("plan {}", plan.sha256()?)),
            ..Asked::default()
        },
        given: Given {
            entries: Some(sums.uploads),
            ..Given::default()
        },
        ..pen.event(Activity::Migrate, Outcome::Success)
    };
    pen.record(&event).await
}
