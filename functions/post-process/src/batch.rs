//! A batch of messages: each object's work on its own, each message answered for by what became of its objects.
//!
//! Objects of one key are worked on one after another, the earlier event first; those of other keys at the same time. A
//! failure, a panic or a lack of time costs only the object it happened to.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use casefile::metrics;
use futures::future::join;
use futures::{FutureExt as _, StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use crate::arrival::{Incoming, Malformed, ObjectArrived};
use crate::dead_letter::{DeadLetter, NotSent};
use crate::failure::Failure;

/// Keys that are worked on at the same time: enough to hide S3's latency, few enough for the memory of one function.
const AT_ONCE: usize = 4;
/// What is left for a dead letter when the time for work is up.
const LETTER_TIME: Duration = Duration::from_secs(1);

/// A message, and what it says.
#[derive(Debug)]
pub struct Message {
    /// By which it is answered for.
    pub id: String,
    /// How often it was delivered.
    pub receive_count: u32,
    /// As it came: what a dead letter holds.
    pub body: String,
    /// What it says.
    pub incoming: Result<Incoming, Malformed>,
}

/// A message on its way, without what it said, which is on its way by itself.
struct Open {
    id: String,
    receive_count: u32,
    body: String,
    /// Objects that aren't worked on yet.
    pending: Cell<usize>,
    failures: RefCell<Vec<Failure>>,
    is_back: Cell<bool>,
}

/// An object on its way, and the message that told of it.
struct Task<'a> {
    arrived: ObjectArrived,
    message: &'a Open,
}

/// Works on everything that the messages tell of until `until`, and gives the ids of those that must be delivered
/// again: each once, in the order of the messages.
///
/// - An object that failed transiently, panicked or had no time → its message again.
/// - None of that, but something malformed or poison → one dead letter with all reasons, as soon as the message's last
///   object has ended; the message again when the letter can't be sent within a second after `until`. A message that
///   comes again leaves its letter to then, so that none is sent twice.
/// - Everything else, a test event and a message about nothing to do included → done.
///
/// `until` holds at the places where work waits for something: it can't end a computation.
pub async fn run(
    messages: Vec<Message>,
    until: Instant,
    work: impl AsyncFn(&ObjectArrived) -> Result<(), Failure>,
    send: impl AsyncFn(&DeadLetter<'_>) -> Result<(), NotSent>,
) -> Vec<String> {
    let (open, said): (Vec<_>, Vec<_>) = messages.into_iter().map(Open::new).unzip();
    let tasks = open.iter().zip(said).flat_map(|(message, said)| {
        let task = move |arrived| Task { arrived, message };
        said.into_iter().map(task)
    });
    let works = stream::iter(by_key(tasks)).for_each_concurrent(AT_ONCE, async |of_one_key| {
        for Task { arrived, message } in of_one_key {
            message.ended(isolated(work(&arrived), until).await);
            if message.pending.get() == 0 {
                message.settle(until, &send).await;
            }
        }
    });
    let idle = open.iter().filter(|message| message.pending.get() == 0);
    let others = stream::iter(idle.collect::<Vec<_>>()).for_each_concurrent(AT_ONCE, async |message| {
        message.settle(until, &send).await;
    });
    join(works, others).await;
    let back: Vec<_> = open
        .into_iter()
        .filter(|open| open.is_back.get())
        .map(|open| open.id)
        .collect();
    metrics::batch_failures(back.len());
    back
}

/// The tasks of each key, the earlier event first; events without an order stay in that of the messages.
fn by_key<'a>(tasks: impl Iterator<Item = Task<'a>>) -> impl Iterator<Item = Vec<Task<'a>>> {
    let mut keys: BTreeMap<(String, String), Vec<Task<'a>>> = BTreeMap::new();
    for task in tasks {
        let place = (task.arrived.bucket.clone(), task.arrived.key.clone());
        keys.entry(place).or_default().push(task);
    }
    keys.into_values().map(|mut tasks| {
        tasks.sort_by(|one, other| one.arrived.sequencer.cmp(&other.arrived.sequencer));
        tasks
    })
}

/// Work that can neither take others down nor overrun.
async fn isolated(work: impl Future<Output = Result<(), Failure>>, until: Instant) -> Result<(), Failure> {
    let transient = |why: &str| Err(Failure::Transient(why.to_owned()));
    if Instant::now() >= until {
        return transient("no time was left to begin");
    }
    // What a panic leaves half done is dropped with the work; nothing else is shared but clients, which expect it.
    match timeout_at(until, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => transient("the work panicked"),
        Err(_) => transient("the time was up"),
    }
}

impl Open {
    /// The message, and the objects that it tells of.
    fn new(message: Message) -> (Self, Vec<ObjectArrived>) {
        let (objects, failures) = objects(message.incoming);
        let open = Self {
            id: message.id,
            receive_count: message.receive_count,
            body: message.body,
            pending: Cell::new(objects.len()),
            failures: RefCell::new(failures),
            is_back: Cell::new(false),
        };
        (open, objects)
    }

    fn ended(&self, outcome: Result<(), Failure>) {
        self.pending.set(self.pending.get().saturating_sub(1));
        if let Err(failure) = outcome {
            self.failures.borrow_mut().push(failure);
        }
    }

    /// Decides about the message when its last object has ended.
    async fn settle(&self, until: Instant, send: &impl AsyncFn(&DeadLetter<'_>) -> Result<(), NotSent>) {
        let failures = self.failures.take();
        for failure in &failures {
            self.note(failure);
        }
        let is_transient = |failure: &Failure| matches!(failure, Failure::Transient(_));
        if failures.iter().any(is_transient) {
            self.is_back.set(true);
        } else if !failures.is_empty() {
            let is_buried = self.bury(&failures, until, send).await;
            self.is_back.set(!is_buried);
        }
    }

    fn note(&self, failure: &Failure) {
        let (message, deliveries) = (self.id.as_str(), self.receive_count);
        match failure {
            Failure::Poison(reason) => tracing::error!(
                message.id = message,
                message.deliveries = deliveries,
                reason,
                "an arrival can't be processed"
            ),
            Failure::Transient(reason) => tracing::warn!(
                message.id = message,
                message.deliveries = deliveries,
                reason,
                "an arrival wasn't processed this time"
            ),
        }
    }

    /// Sends the dead letter; whether it is sent.
    async fn bury(
        &self,
        failures: &[Failure],
        until: Instant,
        send: &impl AsyncFn(&DeadLetter<'_>) -> Result<(), NotSent>,
    ) -> bool {
        let reasons: Vec<_> = failures.iter().map(Failure::to_string).collect();
        let letter = DeadLetter {
            body: &self.body,
            reason: &reasons.join("; "),
            message_id: &self.id,
            receive_count: self.receive_count,
        };
        let outcome = timeout_at(until + LETTER_TIME, send(&letter)).await;
        match outcome.unwrap_or(Err(NotSent::TooSlow)) {
            Ok(()) => {
                metrics::dead_letter();
                true
            }
            Err(error) => {
                tracing::error!(message.id = letter.message_id, %error, "a dead letter wasn't sent");
                false
            }
        }
    }
}

/// What is to be worked on, and what failed already.
fn objects(incoming: Result<Incoming, Malformed>) -> (Vec<ObjectArrived>, Vec<Failure>) {
    let poison = |malformed: Malformed| Failure::Poison(malformed.to_string());
    let read = match incoming {
        Ok(Incoming::Objects(objects)) => objects,
        Ok(Incoming::Test) => {
            tracing::info!("S3 has sent its test event: notifications arrive");
            Vec::new()
        }
        Err(malformed) => vec![Err(malformed)],
    };
    let mut objects = Vec::with_capacity(read.len());
    let mut failures = Vec::new();
    for read in read {
        match read {
            Ok(object) => objects.push(object),
            Err(malformed) => failures.push(poison(malformed)),
        }
    }
    (objects, failures)
}

#[cfg(test)]
mod tests;
