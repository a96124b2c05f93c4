//! Failures on demand, for tests and for showing an outage.
//!
//! A rule says which requests, [`When`] says on which side of the operation's effect, and a [`Fault`] says
//! what happens. Rules are asked in the order they were made, and all that match apply: a [`Fault::Delay`] and
//! a later [`Fault::Cut`] make a request that hangs and then breaks. Only requests with a good signature count.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::{mpsc, oneshot};

/// On which side of the operation's effect a fault lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The operation does not happen (unless the fault lets it go on, as a delay does).
    Before,
    /// The operation has happened, and only its answer is at stake.
    After,
}

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// S3's answer with this status and code: 503 `SlowDown`, 409 `ConditionalRequestConflict`, …
    Error {
        /// The HTTP status.
        status: StatusCode,
        /// The code in the XML body.
        code: String,
    },
    /// It takes this much longer.
    Delay(Duration),
    /// The connection ends without an answer.
    Cut,
    /// It waits until a test lets it go on. Made by [`Faults::pause`].
    Pause(mpsc::UnboundedSender<Held>),
}

impl Fault {
    /// An S3 error. A status outside 100 to 999 becomes 500.
    pub fn error(status: u16, code: &str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::Error {
            status,
            code: code.to_owned(),
        }
    }
}

/// Which requests a fault is for.
#[derive(Debug, Clone, Default)]
pub struct FaultRule {
    operation: Option<String>,
    bucket: Option<String>,
    prefix: String,
    suffix: String,
    skip: usize,
    times: Option<usize>,
}

impl FaultRule {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests for one operation, named as in the API reference: `PutObject`.
    pub fn on(operation: &str) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            ..Self::default()
        }
    }

    /// Only those in this bucket.
    #[must_use]
    pub fn bucket(mut self, bucket: &str) -> Self {
        self.bucket = Some(bucket.to_owned());
        self
    }

    /// Only those whose key begins so.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Only those whose key ends so.
    #[must_use]
    pub fn suffix(mut self, suffix: &str) -> Self {
        suffix.clone_into(&mut self.suffix);
        self
    }

    /// Lets the first `count` that match pass.
    #[must_use]
    pub fn skip(mut self, count: usize) -> Self {
        self.skip = count;
        self
    }

    /// Applies to this many at most; without it, to all.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.times = Some(count);
        self
    }

    fn includes(&self, target: &Target) -> bool {
        self.operation
            .as_ref()
            .is_none_or(|operation| *operation == target.operation)
            && self.bucket.as_ref().is_none_or(|bucket| *bucket == target.bucket)
            && target.key.starts_with(&self.prefix)
            && target.key.ends_with(&self.suffix)
    }

    fn applies_to_match(&self, number: usize) -> bool {
        number >= self.skip && self.times.is_none_or(|times| number < self.skip + times)
    }
}

/// What a request is about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Target {
    pub operation: String,
    pub bucket: String,
    pub key: String,
}

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
        PausePoint { arrivals, handle }
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

#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub before: Vec<Fault>,
    pub after: Vec<Fault>,
}

/// How a request ends, when a fault ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    Error { status: StatusCode, code: String },
    Cut,
}

/// Lives through the faults in their order, up to the first that ends the request.
pub(crate) async fn undergo(faults: &[Fault], target: &Target) -> Option<Ending> {
    for fault in faults {
        match fault {
            Fault::Error { status, code } => {
                return Some(Ending::Error {
                    status: *status,
                    code: code.clone(),
                });
            }
            Fault::Cut => return Some(Ending::Cut),
            Fault::Delay(time) => tokio::time::sleep(*time).await,
            Fault::Pause(arrivals) => hold(arrivals, target).await,
        }
    }
    None
}

/// Goes on at once when nobody waits for arrivals any more.
async fn hold(arrivals: &mpsc::UnboundedSender<Held>, target: &Target) {
    let (release, released) = oneshot::channel();
    let held = Held {
        operation: target.operation.clone(),
        key: target.key.clone(),
        release,
    };
    if arrivals.send(held).is_ok() {
        // Released by a word or by dropping: both mean go on.
        let _ = released.await;
    }
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

/// Where requests are held. Dropping it lets all go on and holds no more.
#[derive(Debug)]
pub struct PausePoint {
    arrivals: mpsc::UnboundedReceiver<Held>,
    handle: FaultHandle,
}

impl PausePoint {
    /// Waits for the next request that is held.
    pub async fn arrived(&mut self) -> Option<Held> {
        self.arrivals.recv().await
    }

    /// How many requests the rule has included.
    pub fn matched(&self) -> usize {
        self.handle.matched()
    }
}

impl Drop for PausePoint {
    fn drop(&mut self) {
        self.handle.remove();
    }
}

/// A request that waits. Dropping it lets it go on.
#[derive(Debug)]
pub struct Held {
    /// Its operation.
    pub operation: String,
    /// Its key.
    pub key: String,
    release: oneshot::Sender<()>,
}

impl Held {
    /// Lets it go on.
    pub fn release(self) {
        // The client may have gone away meanwhile.
        let _ = self.release.send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str) -> Target {
        Target {
            operation: "PutObject".to_owned(),
            bucket: "files".to_owned(),
            key: key.to_owned(),
        }
    }

    #[test]
    fn a_rule_includes_what_all_its_parts_include() {
        let rule = FaultRule::on("PutObject")
            .bucket("files")
            .prefix("tara/")
            .suffix(".json");
        assert!(rule.includes(&put("tara/manifest.json")));
        assert!(!rule.includes(&put("bols/manifest.json")));
        assert!(!rule.includes(&put("tara/manifest.txt")));
        assert!(!FaultRule::on("GetObject").includes(&put("a")));
        assert!(FaultRule::any().includes(&Target::default()));
    }

    #[test]
    fn a_fault_applies_to_the_matches_after_those_skipped_and_no_more_than_its_times() {
        let faults = Faults::default();
        let handle = faults.inject(FaultRule::any().skip(1).times(2), When::Before, Fault::Cut);
        let cut: Vec<bool> = (0..5)
            .map(|_| !faults.plan(&put("a")).before.is_empty())
            .collect();
        assert_eq!(cut, [false, true, true, false, false]);
        assert_eq!(handle.matched(), 5);
    }

    #[test]
    fn a_removed_fault_applies_no_more() {
        let faults = Faults::default();
        let handle = faults.inject(FaultRule::any(), When::After, Fault::Cut);
        assert_eq!(faults.plan(&put("a")).after.len(), 1);
        handle.remove();
        assert!(faults.plan(&put("a")).after.is_empty());
    }

    #[tokio::test]
    async fn a_held_request_goes_on_when_it_is_released_or_its_pause_point_is_gone() {
        let faults = Faults::default();
        let mut pause = faults.pause(FaultRule::any(), When::Before);
        let plan = faults.plan(&put("a"));
        let target = put("a");
        let (ending, ()) = tokio::join!(undergo(&plan.before, &target), async {
            pause.arrived().await.unwrap().release();
        });
        assert_eq!(ending, None);
        drop(pause);
        assert_eq!(undergo(&plan.before, &target).await, None);
    }
}
