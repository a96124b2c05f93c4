//! A log of what was asked, for tests and measurements.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::StatusCode;

/// One request that was signed well enough to reach the store.
#[derive(Debug, Clone)]
pub struct RequestRecord {
    /// `PutObject`, `ListObjectsV2`, …
    pub operation: String,
    /// Empty for `ListBuckets`.
    pub bucket: String,
    /// Empty for requests about a bucket.
    pub key: String,
    /// When its head had arrived.
    pub started: Instant,
    /// When its answer's head was ready; a body may follow.
    pub ended: Instant,
    /// Absent when the connection was cut instead.
    pub status: Option<StatusCode>,
}

impl RequestRecord {
    /// From its head's arrival to its answer's head.
    pub fn duration(&self) -> Duration {
        self.ended - self.started
    }
}

/// The log of one server. Clones share it. It is off until it is switched on.
#[derive(Debug, Clone, Default)]
pub struct Requests {
    on: Arc<AtomicBool>,
    records: Arc<Mutex<Vec<RequestRecord>>>,
}

impl Requests {
    /// Switches recording on or off; what was recorded stays.
    pub fn record(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
    }

    /// What was recorded since the last call, in the order in which the answers were ready.
    pub fn take(&self) -> Vec<RequestRecord> {
        std::mem::take(&mut *self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn push(&self, record: impl FnOnce() -> RequestRecord) {
        if self.on.load(Ordering::Relaxed) {
            self.records
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(record());
        }
    }
}
