//! One queue: what lies in it, and who has what in hand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::message::{Attribute, Message};
use crate::lambda::Ids;

/// A standard queue.
#[derive(Debug)]
pub struct Queue {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) visibility: Duration,
    pub(super) redrive: Option<(Arc<Queue>, u32)>,
    ids: Arc<Ids>,
    clock: fn() -> Timestamp,
    state: Mutex<State>,
    /// Something may have become visible.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// By the order of sending.
    messages: BTreeMap<u64, Held>,
    last: u64,
}

#[derive(Debug)]
struct Held {
    message: Message,
    visible_at: Instant,
    first_received: Option<Timestamp>,
}

/// How many messages a queue has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ready to be received.
    pub visible: usize,
    /// Received, and neither deleted nor visible again.
    pub in_flight: usize,
    /// Not yet ready.
    pub delayed: usize,
}

impl Counts {
    /// All of them.
    pub fn total(self) -> usize {
        self.visible + self.in_flight + self.delayed
    }
}

/// What is asked for by a receiving.
#[derive(Debug, Clone, Copy)]
pub(super) struct Receive {
    pub(super) most: usize,
    /// The most bytes of all bodies, but for the first.
    pub(super) bytes: usize,
    pub(super) visibility: Duration,
    pub(super) wait: Duration,
}

/// A message in somebody's hand.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) message: Message,
    pub(super) receipt: String,
    /// When it was received for the first time.
    pub(super) since: Timestamp,
}

/// A message of this queue, as received for the nth time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    position: u64,
    receives: u32,
}

impl Receipt {
    /// Nothing for what this queue never gave out.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (position, receives) = text.strip_prefix("receipt-")?.split_once('-')?;
        Some(Self {
            position: position.parse().ok()?,
            receives: receives.parse().ok()?,
        })
    }

    fn show(self) -> String {
        format!("receipt-{}-{}", self.position, self.receives)
    }
}

impl Queue {
    pub(super) fn new(
        name: String,
        arn: String,
        visibility: Duration,
        redrive: Option<(Arc<Self>, u32)>,
        ids: Arc<Ids>,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self {
            name,
            arn,
            visibility,
            redrive,
            ids,
            clock,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All its messages, in the order of sending, whoever has them in hand.
    pub fn messages(&self) -> Vec<Message> {
        let state = self.state();
        state.messages.values().map(|held| held.message.clone()).collect()
    }

    /// How many messages it has.
    pub fn counts(&self) -> Counts {
        let now = Instant::now();
        let mut counts = Counts::default();
        for held in self.state().messages.values() {
            match (held.visible_at <= now, held.message.receives) {
                (true, _) => counts.visible += 1,
                (false, 0) => counts.delayed += 1,
                (false, _) => counts.in_flight += 1,
            }
        }
        counts
    }

    /// Puts a message in, to be received after `delay`, and tells its id.
    pub fn send(&self, body: String, attributes: BTreeMap<String, Attribute>, delay: Duration) -> String {
        let id = self.ids.request_id();
        let message = Message {
            id: id.clone(),
            body,
            attributes,
            sent: (self.clock)(),
            receives: 0,
            source: None,
        };
        self.insert(message, delay);
        id
    }

    /// How many messages have been put in so far.
    pub(super) fn sent(&self) -> u64 {
        self.state().last
    }

    /// Removes everything.
    pub fn purge(&self) {
        self.state().messages.clear();
    }

    fn insert(&self, message: Message, delay: Duration) {
        let mut state = self.state();
        state.last += 1;
        let position = state.last;
        let held = Held {
            message,
            visible_at: Instant::now() + delay,
            first_received: None,
        };
        state.messages.insert(position, held);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Takes what is visible into a hand; waits for it as long as is asked.
    pub(super) async fn receive(&self, how: Receive) -> Vec<Received> {
        let end = Instant::now() + how.wait;
        loop {
            // Before looking, so that nothing that is sent meanwhile is missed.
            let changed = self.changed.notified();
            let received = self.take(how);
            let now = Instant::now();
            if !received.is_empty() || now >= end {
                return received;
            }
            let next = self.next_visible(now).map_or(end, |next| next.min(end));
            tokio::select! {
                () = changed => {}
                () = sleep_until(next) => {}
            }
        }
    }

    fn next_visible(&self, now: Instant) -> Option<Instant> {
        let state = self.state();
        let times = state.messages.values().map(|held| held.visible_at);
        times.filter(|time| *time > now).min()
    }

    fn take(&self, how: Receive) -> Vec<Received> {
        let given_up = self.give_up();
        let mut state = self.state();
        let now = Instant::now();
        let mut visible: Vec<_> = state.messages.iter_mut().collect();
        visible.retain(|(_, held)| held.visible_at <= now);
        visible.sort_by_key(|(position, held)| (held.visible_at, **position));
        let (mut received, mut bytes) = (Vec::new(), 0);
        for (position, held) in visible {
            bytes += held.message.body.len();
            if received.len() == how.most || (!received.is_empty() && bytes > how.bytes) {
                break;
            }
            received.push(held.hand_out(*position, now + how.visibility, (self.clock)()));
        }
        drop(state);
        self.send_on(given_up);
        received
    }

    /// What was received too often, and would be again now.
    fn give_up(&self) -> Vec<Message> {
        let Some((_, most)) = &self.redrive else {
            return Vec::new();
        };
        let now = Instant::now();
        let too_often = |held: &Held| held.visible_at <= now && held.message.receives >= *most;
        let mut state = self.state();
        let given_up = state.messages.extract_if(.., |_, held| too_often(held));
        given_up.map(|(_, held)| held.message).collect()
    }

    fn send_on(&self, messages: Vec<Message>) {
        let Some((dead_letters, _)) = &self.redrive else {
            return;
        };
        for mut message in messages {
            tracing::warn!(
                "{}: message {} was received {} times and moves to {}",
                self.name,
                message.id,
                message.receives,
                dead_letters.name
            );
            message.source = Some(self.arn.clone());
            dead_letters.insert(message, Duration::ZERO);
        }
    }

    /// Removes a message for good. One that somebody else has received since stays.
    pub(super) fn delete(&self, receipt: Receipt) {
        let mut state = self.state();
        let current = state.messages.get(&receipt.position);
        if current.is_some_and(|held| held.message.receives == receipt.receives) {
            state.messages.remove(&receipt.position);
        }
    }

    /// Makes a message in flight visible after `wait`; says whether it was in flight by this receipt.
    pub(super) fn change_visibility(&self, receipt: Receipt, wait: Duration) -> bool {
        let now = Instant::now();
        let mut state = self.state();
        let held = state.messages.get_mut(&receipt.position);
        let Some(held) =
            held.filter(|held| held.message.receives == receipt.receives && held.visible_at > now)
        else {
            return false;
        };
        held.visible_at = now + wait;
        drop(state);
        self.changed.notify_waiters();
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn hand_out(&mut self, position: u64, visible_at: Instant, now: Timestamp) -> Received {
        self.message.receives += 1;
        self.visible_at = visible_at;
        let receipt = Receipt {
            position,
            receives: self.message.receives,
        };
        Received {
            message: self.message.clone(),
            receipt: receipt.show(),
            since: *self.first_received.get_or_insert(now),
        }
    }
}
