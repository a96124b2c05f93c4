//! Requests that wait until a test lets them go on.

use tokio::sync::{mpsc, oneshot};

use super::{FaultHandle, Target};

/// Where requests are held. Dropping it lets all go on and holds no more.
#[derive(Debug)]
pub struct PausePoint {
    arrivals: mpsc::UnboundedReceiver<Held>,
    handle: FaultHandle,
}

impl PausePoint {
    pub(super) fn new(arrivals: mpsc::UnboundedReceiver<Held>, handle: FaultHandle) -> Self {
        Self { arrivals, handle }
    }

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

/// Goes on at once when nobody waits for arrivals any more.
pub(super) async fn hold(arrivals: &mpsc::UnboundedSender<Held>, target: &Target) {
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
