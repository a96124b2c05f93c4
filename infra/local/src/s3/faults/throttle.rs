//! A limit on how many requests pass in a second.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What the limit is counted in.
const WINDOW: Duration = Duration::from_secs(1);

/// Lets a number of requests pass in any second. Clones count together.
#[derive(Debug, Clone)]
pub struct Throttle {
    per_second: usize,
    passed: Arc<Mutex<VecDeque<Instant>>>,
}

impl Throttle {
    pub(super) fn new(per_second: usize) -> Self {
        Self {
            per_second,
            passed: Arc::default(),
        }
    }

    /// Whether one more may pass now; then it has.
    pub(super) fn takes(&self) -> bool {
        let now = Instant::now();
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        while passed.front().is_some_and(|at| now - *at >= WINDOW) {
            passed.pop_front();
        }
        let takes = passed.len() < self.per_second;
        if takes {
            passed.push_back(now);
        }
        takes
    }
}
