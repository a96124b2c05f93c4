//! Sending files, several at once: each is read → sent → logged, or put into the queue when nobody can be reached.

use std::cell::{Cell, OnceCell, RefCell};
use std::path::PathBuf;
use std::time::Duration;

use casefile::time::{Clock, rfc3339};
use futures::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::body::Load;
use super::job::{Job, Wish, absolute, shown};
use super::log::UploadLog;
use super::outcome::{Sent, Status, Told};
use super::queue::{Entry, Queue, Waiting};
use super::settings::{Destination, Service};
use crate::failure::Failure;

/// The log, which is written as a whole, is written at most this often.
const BETWEEN_WRITES: Duration = Duration::from_millis(250);

/// After so many files in a row for which the service was busy, it is busy for all.
const MAX_BUSY: u32 = 5;

/// A file to send.
#[derive(Debug)]
pub(super) enum Work {
    /// One that the person names.
    New(PathBuf, Wish),
    /// One that waits.
    Waiting(Waiting),
}

/// What sends files.
#[derive(Debug)]
pub(super) struct Sender<'a> {
    pub(super) service: &'a Service,
    pub(super) to: &'a Destination,
    pub(super) queue: &'a Queue,
    pub(super) log: &'a UploadLog,
    pub(super) clock: Clock,
    bar: ProgressBar,
    /// Why nobody could be reached: then nobody is tried any more.
    down: OnceCell<String>,
    /// For how many files in a row the service was busy.
    busy: Cell<u32>,
    unlogged: RefCell<Vec<Told>>,
    logged_at: Cell<Option<Instant>>,
}

impl<'a> Sender<'a> {
    pub(super) fn new(
        service: &'a Service,
        to: &'a Destination,
        queue: &'a Queue,
        log: &'a UploadLog,
        clock: Clock,
    ) -> Self {
        Self {
            service,
            to,
            queue,
            log,
            clock,
            bar: bar(),
            down: match service {
                Service::Off(why) => OnceCell::from(why.clone()),
                _ => OnceCell::new(),
            },
            busy: Cell::new(0),
            unlogged: RefCell::default(),
            logged_at: Cell::new(None),
        }
    }

    /// Sends all of it, so many at once; what became of each, in the order given; and why the log doesn't say so, if it
    /// doesn't: what was sent is stored all the same.
    pub(super) async fn send(&self, work: Vec<Work>, transfers: u8) -> (Vec<Told>, Option<Failure>) {
        let mut sent = stream::iter(work)
            .map(|work| self.send_one(work))
            .buffered(usize::from(transfers));
        let mut all = Vec::new();
        while let Some(told) = sent.next().await {
            all.push(told);
        }
        self.bar.finish_and_clear();
        (all, self.write_log().err())
    }

    async fn send_one(&self, work: Work) -> Told {
        let (told, is_news) = match work {
            Work::New(path, wish) => self.send_new(path, wish).await,
            Work::Waiting(waiting) => self.send_waiting(waiting).await,
        };
        if is_news {
            self.unlogged.borrow_mut().push(told.clone());
        }
        let is_due = self
            .logged_at
            .get()
            .is_none_or(|at| at.elapsed() >= BETWEEN_WRITES);
        if is_due {
            // Should it fail, it is tried again, and told, at the end.
            let _ = self.write_log();
        }
        told
    }

    fn write_log(&self) -> Result<(), Failure> {
        let mut unlogged = self.unlogged.borrow_mut();
        if !unlogged.is_empty() {
            self.log.add(&unlogged, self.to.service(), (self.clock)())?;
            unlogged.clear();
            self.logged_at.set(Some(Instant::now()));
        }
        Ok(())
    }

    /// What became of it, and whether the log is to say so.
    async fn send_new(&self, path: PathBuf, wish: Wish) -> (Told, bool) {
        let collection = wish.collection.clone();
        let (path, read) = match absolute(&path) {
            Ok(path) => (path.clone(), Job::read(path, wish).await),
            Err(why) => (shown(&path), Err(why)),
        };
        let job = match read {
            Ok(job) => job,
            Err(why) => return (Told::new(path, &collection, Status::Refused, Some(why)), true),
        };
        match self.try_to_send(&job).await {
            Sent::Busy(why) => self.put_into_queue(job, &why, Some(Status::Queued)),
            Sent::Down(why) => self.put_into_queue(job, &why, None),
            sent => (told(&job, sent), true),
        }
    }

    fn put_into_queue(&self, job: Job, why: &str, last: Option<Status>) -> (Told, bool) {
        let entry = Entry {
            queued_at: (self.clock)(),
            to: self.to.clone(),
            last,
            job: job.clone(),
        };
        match self.queue.add(&entry) {
            Ok(is_new) => (queued(&job, why, self.queue), is_new),
            Err(failure) => {
                let why = format!("{why}; and {failure}");
                let told = Told::new(job.path, &job.wish.collection, Status::Failed, Some(why));
                (told, true)
            }
        }
    }

    /// What is done leaves the queue; all else stays in it, and is news only when it is something else than the last time.
    async fn send_waiting(&self, waiting: Waiting) -> (Told, bool) {
        let give_up = format!("delete {} to give it up", waiting.at.display());
        let Some(entry) = waiting.entry else {
            let why = format!("this entry of the queue can't be read; {give_up}");
            return (
                Told::new(shown(&waiting.at), "", Status::Refused, Some(why)),
                false,
            );
        };
        let job = &entry.job;
        if let Some(why) = self.down.get() {
            return (queued(job, why, self.queue), false);
        }
        let sent = match job.check().await {
            Ok(()) => self.try_to_send(job).await,
            Err(why) => Sent::Refused(format!("{why}; it waits since {}", rfc3339(entry.queued_at))),
        };
        let mut told = match sent {
            Sent::Down(why) => return (queued(job, &why, self.queue), false),
            Sent::Busy(why) => queued(job, &why, self.queue),
            sent => told(job, sent),
        };
        if told.status == Status::Refused {
            told.detail = told.detail.map(|why| format!("{why}; {give_up}"));
        }
        let is_news = told.status != entry.last.unwrap_or(Status::Queued);
        let kept = if told.status.is_done() {
            self.queue.remove(&waiting.at)
        } else if entry.last == Some(told.status) {
            Ok(())
        } else {
            let last = Some(told.status);
            self.queue.note(&waiting.at, &Entry { last, ..entry })
        };
        told.notes.extend(kept.err().map(|failure| failure.to_string()));
        (told, is_news)
    }

    async fn try_to_send(&self, job: &Job) -> Sent {
        if let Some(why) = self.down.get() {
            return Sent::Down(why.clone());
        }
        let load = Load::new(job, self.bar.clone());
        let sent = self.service.send(job, &load).await;
        self.busy.set(match &sent {
            Sent::Busy(_) => self.busy.get() + 1,
            _ => 0,
        });
        match &sent {
            Sent::Down(why) => {
                let _ = self.down.set(why.clone());
            }
            Sent::Busy(why) if self.busy.get() >= MAX_BUSY => {
                let _ = self.down.set(why.clone());
            }
            _ => {}
        }
        sent
    }
}

fn queued(job: &Job, why: &str, queue: &Queue) -> Told {
    let why = format!("{why}; it waits in {}", queue.folder().display());
    Told::new(job.path.clone(), &job.wish.collection, Status::Queued, Some(why))
}

fn told(job: &Job, sent: Sent) -> Told {
    let told = |status, why| Told::new(job.path.clone(), &job.wish.collection, status, why);
    match sent {
        Sent::Stored(stored) => told(Status::Stored, None).stored(stored),
        Sent::There(stored) => told(Status::AlreadyThere, None).stored(stored),
        Sent::Skipped(why) => told(Status::Skipped, Some(why)),
        Sent::Kept => {
            let why = "the API keeps it, and brings it to S3 when that is back";
            told(Status::Kept, Some(why.to_owned()))
        }
        Sent::Refused(why) => told(Status::Refused, Some(why)),
        Sent::Failed(why) => told(Status::Failed, Some(why)),
        Sent::Busy(why) | Sent::Down(why) => told(Status::Queued, Some(why)),
    }
}

/// On standard error, where that is a terminal; nothing elsewhere.
fn bar() -> ProgressBar {
    let template = "{wide_bar} {bytes:>12} of {total_bytes} {binary_bytes_per_sec:>14}";
    let bar = ProgressBar::new(0);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn what_became_of_a_file_is_told_also_when_the_log_can_not_be_written_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        fs::create_dir(&logs).unwrap();
        let now = jiff::Timestamp::UNIX_EPOCH;
        let log = UploadLog::open(&logs.join("upload_log.json"), now).unwrap();
        fs::remove_dir(&logs).unwrap();
        let file = folder.path().join("report.pdf");
        fs::write(&file, "%PDF").unwrap();
        let queue = Queue::new(folder.path().join("queue"));
        let service = Service::Off("USE_S3 is false".to_owned());
        let to = Destination::S3 {
            bucket: "artifacts".to_owned(),
            endpoint: None,
            tenant: "default".to_owned(),
        };
        let wish = Wish {
            collection: "ecg-reports".to_owned(),
            metadata: BTreeMap::new(),
            owner: None,
            replaces: None,
        };
        let sender = Sender::new(&service, &to, &queue, &log, || jiff::Timestamp::UNIX_EPOCH);
        let (told, unlogged) = sender.send(vec![Work::New(file, wish)], 4).await;
        assert_eq!((told.len(), told[0].status), (1, Status::Queued));
        assert_eq!(queue.waiting().unwrap().len(), 1);
        assert!(unlogged.unwrap().to_string().contains("can't be written"));
    }
}
