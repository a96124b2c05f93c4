//! Failures on demand, for tests and for showing an outage.
//!
//! A rule says which requests, [`When`] says on which side of the operation's effect, and a [`Fault`] says
//! what happens. Rules are asked in the order they were made, and all that match apply: a [`Fault::Delay`] and
//! a later [`Fault::Cut`] make a request that hangs and then breaks. Only requests with a good signature count.

mod fault;
mod half;
mod pause;
mod rule;
mod throttle;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

pub(crate) use fault::{Ending, undergo};
pub use fault::{Fault, When};
pub(crate) use half::{Intake, Taken, halved};
pub use pause::{Held, PausePoint};
pub use rule::FaultRule;
pub(crate) use rule::Target;
pub use throttle::Throttle;

struct Injected {
    rule: FaultRule,
    when: When,
    fault: Fault,
    matched: AtomicUsize,
}

/// The faults of one server. Clones share them. Without any, nothing is in the way.
#[derive(Clone, Default)]
pub struct Faults {
    injected: Arc<Mutex<Vec<Arc<Injected>>>>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("injected", &self.lock().len())
            .finish()
    }
}

impl Faults {
    /// Makes a fault for what `rule` includes, from now on.
    pub fn inject(&self, rule: FaultRule, when: When, fault: Fault) -> FaultHandle {
        let injected = Arc::new(Injected {
            rule,
            when,
            fault,
            matched: AtomicUsize::new(0),
        });
        self.lock().push(Arc::clone(&injected));
        FaultHandle {
            injected,
            faults: self.clone(),
        }
    }

    /// Holds what `rule` includes until it is released.
    pub fn pause(&self, rule: FaultRule, when: When) -> PausePoint {
        let (sender, arrivals) = mpsc::unbounded_channel();
        let handle = self.inject(rule, when, Fault::Pause(sender));
        PausePoint::new(arrivals, handle)
    }

    /// Removes all faults. Requests that are held stay held by their [`PausePoint`].
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Counts a request, and says what is to happen to it before and after it takes effect.
    pub(crate) fn plan(&self, target: &Target) -> Plan {
        let matching: Vec<_> = self
            .lock()
            .iter()
            .filter(|injected| injected.rule.includes(target))
            .cloned()
            .collect();
        let due = matching.into_iter().filter(|injected| {
            injected
                .rule
                .applies_to_match(injected.matched.fetch_add(1, Ordering::Relaxed))
        });
        let (before, after): (Vec<_>, Vec<_>) = due.partition(|injected| injected.when == When::Before);
        let faults = |due: Vec<Arc<Injected>>| due.iter().map(|injected| injected.fault.clone()).collect();
        Plan {
            before: faults(before),
            after: faults(after),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Injected>>> {
        self.injected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to happen to one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub before: Vec<Fault>,
    pub after: Vec<Fault>,
}

/// One injected fault.
pub struct FaultHandle {
    injected: Arc<Injected>,
    faults: Faults,
}

impl fmt::Debug for FaultHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultHandle")
            .field("matched", &self.matched())
            .finish_non_exhaustive()
    }
}

impl FaultHandle {
    /// How many requests the rule has included, skipped ones too.
    pub fn matched(&self) -> usize {
        self.injected.matched.load(Ordering::Relaxed)
    }

    /// Takes the fault away.
    pub fn remove(&self) {
        self.faults
            .lock()
            .retain(|injected| !Arc::ptr_eq(injected, &self.injected));
    }
}
