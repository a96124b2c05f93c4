//! The state of a series, and how it moves: pure decisions, without storage.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::number::{BolNumber, MAX_COUNT, Series};
use crate::digest::Sha256;

/// Whoever took a number longer ago than this doesn't use it any more. A call lives 29 s (template.yaml), and S3 has what
/// it sent seconds later; it takes a number, or renews one that is older than [`RENEWED`], when it begins.
pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(120);
/// A number's own request makes it young again when it is older than this.
const RENEWED: SignedDuration = SignedDuration::from_secs(30);
/// Whoever took a number has most likely finished after this.
const SETTLED: SignedDuration = SignedDuration::from_secs(10);
/// S3 takes no request that was signed 15 minutes ago (Amazon S3 API reference, *Authenticating requests*), so none that
/// is older can still be under way.
const VOIDABLE: SignedDuration = SignedDuration::from_mins(15);
/// How many open numbers a call looks at.
pub(super) const LOOKS: usize = 8;
/// More open numbers than these mean that something is wrong.
const MAX_OPEN: usize = 1_000;
/// The same of the ranges that an operator adds, and of void numbers.
const MAX_NOTES: usize = 1_000;

/// The state of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Digits that its numbers have at least: a series keeps them when the deployment's format changes.
    width: u8,
    /// The count that nobody has been given yet.
    next: u32,
    /// Given out, and not known to be used.
    open: Vec<Open>,
    /// Never to be used.
    void: Vec<Void>,
    /// Given out elsewhere.
    former: Vec<Former>,
    /// How often it was changed. No two states have the same content, hence the same entity tag: a change that reaches
    /// S3 late, after its caller gave up on it, finds nothing to match.
    changes: u64,
}

/// A number that was given out, and of which it isn't known yet that it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Its count.
    pub number: u32,
    /// Whose it is.
    pub request: Sha256,
    /// Since when, or when its request came last.
    pub since: Timestamp,
}

/// A number that no document will have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Void {
    /// Its count.
    pub number: u32,
    /// Why, as an operator says.
    pub reason: String,
    /// Who says so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Numbers that another system has given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// The first count.
    pub from: u32,
    /// The last one.
    pub to: u32,
    /// Who says so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What a look at an open number found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Looked {
    pub(super) open: Open,
    /// Its document is there, and the request that this one names remembers it.
    pub(super) is_used: bool,
}

/// What became of the wish for a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// The state says so already.
    Kept(u32),
    /// The state was changed for it.
    New(u32),
    /// The state was changed, and the number is one that the request had.
    Renewed(u32),
}

/// Why a number can't be recorded as void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VoidError {
    /// Nobody was given it, it is used, or it is another system's.
    #[error("it isn't open: only a number that was given out, and has no document, can be void")]
    NotOpen,
    /// Its request may still be at work, or be repeated.
    #[error("it was given out, or asked for again, less than 15 minutes ago, and may still be used")]
    Young,
    /// There are too many.
    #[error("the series has 1,000 void numbers, the most there may be")]
    Full,
}

/// Why the last number of another system can't be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// Numbers from there on were given out here.
    #[error("numbers only go forward, and the next one is past it already")]
    Backward,
    /// Nothing comes after it.
    #[error("it leaves no number after it")]
    Last,
    /// There are too many.
    #[error("it was set 1,000 times, the most there may be")]
    Full,
}

impl State {
    /// The state of a series that has no number yet.
    pub fn new(width: u8) -> Self {
        Self {
            width,
            next: 1,
            open: Vec::new(),
            void: Vec::new(),
            former: Vec::new(),
            changes: 0,
        }
    }

    /// The count that comes next.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// The numbers that are given out, and not known to be used, in their order.
    pub fn open(&self) -> &[Open] {
        &self.open
    }

    /// The numbers that no document will have.
    pub fn void(&self) -> &[Void] {
        &self.void
    }

    /// The numbers that another system has given out.
    pub fn former(&self) -> &[Former] {
        &self.former
    }

    /// Whether no document will have this number.
    pub fn is_void(&self, count: u32) -> bool {
        self.void.iter().any(|void| void.number == count)
    }

    /// Whether another system has given out this number.
    pub fn is_former(&self, count: u32) -> bool {
        let holds = |former: &Former| (former.from..=former.to).contains(&count);
        self.former.iter().any(holds)
    }

    /// Whether this number is given out, and not known to be used.
    pub fn is_open(&self, count: u32) -> bool {
        self.open.iter().any(|open| open.number == count)
    }

    /// The number of a count, as the series spells it.
    pub fn number(&self, series: &Series, count: u32) -> BolNumber {
        series.number(count, self.width)
    }

    /// Whether it can be read.
    pub(super) fn is_whole(&self) -> bool {
        (1..=9).contains(&self.width)
            && (1..=MAX_COUNT + 1).contains(&self.next)
            && self.open.iter().all(|open| (1..self.next).contains(&open.number))
    }

    /// Open numbers that are worth a look: at most eight, first those whose request can't be at work any more, then, from
    /// a random one on, those whose request has most likely finished. Were it always the same ones, numbers of calls that
    /// died lately would hide all others.
    pub(super) fn doubtful(&self, now: Timestamp, random: usize) -> Vec<Open> {
        let age = |open: &Open| now.duration_since(open.since);
        let dead = self.open.iter().filter(|open| age(open) > LEASE);
        let settled: Vec<_> = self
            .open
            .iter()
            .filter(|open| (SETTLED..=LEASE).contains(&age(open)))
            .collect();
        let start = random.checked_rem(settled.len()).unwrap_or(0);
        let settled_again = settled.iter().copied().cycle().skip(start).take(settled.len());
        dead.chain(settled_again).take(LOOKS).copied().collect()
    }

    /// Gives `request` a number: the one that it has, unless it is among `lost`, for another's document is there; else
    /// the least one that was looked at and whose request can't be at work any more; else the next one. What was found
    /// used is open no longer. `None` when there are too many already.
    pub(super) fn give(
        &mut self,
        request: Sha256,
        now: Timestamp,
        lost: &[u32],
        looked: &[Looked],
    ) -> Option<Given> {
        let is_lost = |open: &Open| open.request == request && lost.contains(&open.number);
        // Its own it keeps: when it is used, the caller is about to find its document.
        let is_used = |open: &Open| {
            let is_found = looked.iter().any(|look| look.is_used && look.open == *open);
            is_found && open.request != request
        };
        if let Some(own) = self.own(request, lost)
            && now.duration_since(own.since) <= RENEWED
        {
            return Some(Given::Kept(own.number));
        }
        self.open.retain(|open| !is_lost(open) && !is_used(open));
        if let Some(own) = self.own(request, lost) {
            own.since = now;
            let number = own.number;
            self.changes += 1;
            return Some(Given::Renewed(number));
        }
        let is_dead = |open: &Open| {
            let is_unused = looked.iter().any(|look| !look.is_used && look.open == *open);
            is_unused && !lost.contains(&open.number) && now.duration_since(open.since) > LEASE
        };
        let number = match self.open.iter_mut().find(|open| is_dead(open)) {
            Some(dead) => {
                dead.request = request;
                dead.since = now;
                dead.number
            }
            None => self.push(request, now)?,
        };
        self.changes += 1;
        Some(Given::New(number))
    }

    fn own(&mut self, request: Sha256, lost: &[u32]) -> Option<&mut Open> {
        self.open
            .iter_mut()
            .find(|open| open.request == request && !lost.contains(&open.number))
    }

    fn push(&mut self, request: Sha256, now: Timestamp) -> Option<u32> {
        let number = self.next;
        if number > MAX_COUNT || self.open.len() >= MAX_OPEN {
            return None;
        }
        self.next += 1;
        self.open.push(Open {
            number,
            request,
            since: now,
        });
        Some(number)
    }

    /// Records an open number as void, of which somebody has just seen that it has no document. `false` when it is void
    /// already.
    ///
    /// # Errors
    /// [`VoidError`], and nothing is changed.
    pub fn make_void(&mut self, void: Void) -> Result<bool, VoidError> {
        if self.is_void(void.number) {
            return Ok(false);
        }
        let open = self.open.iter().find(|open| open.number == void.number);
        let open = open.ok_or(VoidError::NotOpen)?;
        if void.at.duration_since(open.since) <= VOIDABLE {
            return Err(VoidError::Young);
        }
        if self.void.len() >= MAX_NOTES {
            return Err(VoidError::Full);
        }
        self.open.retain(|open| open.number != void.number);
        self.void.push(void);
        self.changes += 1;
        Ok(true)
    }

    /// Goes on after the last number that another system has given out. `false` when the next one is just that already.
    ///
    /// # Errors
    /// [`SetError`], and nothing is changed.
    pub fn go_on_after(&mut self, last: u32, by: &str, at: Timestamp) -> Result<bool, SetError> {
        let next = last.checked_add(1).filter(|next| *next <= MAX_COUNT);
        let next = next.ok_or(SetError::Last)?;
        if next == self.next {
            return Ok(false);
        }
        if next < self.next {
            return Err(SetError::Backward);
        }
        if self.former.len() >= MAX_NOTES {
            return Err(SetError::Full);
        }
        self.former.push(Former {
            from: self.next,
            to: last,
            by: by.to_owned(),
            at,
        });
        self.next = next;
        self.changes += 1;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
