use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::queue::Queue;
use crate::lambda::Ids;
use crate::template;

/// All queues, by name. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Queues {
    by_name: Arc<BTreeMap<String, Arc<Queue>>>,
}

impl Queues {
    /// The queues of a template, empty. A redrive policy that leads in a circle ends where it began.
    pub(crate) fn new(declared: &[template::Queue], clock: fn() -> Timestamp) -> Self {
        let ids = Arc::new(Ids::new(clock));
        let mut by_name = BTreeMap::new();
        for queue in declared {
            build(queue, declared, &mut by_name, &ids, clock, declared.len());
        }
        Self {
            by_name: Arc::new(by_name),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Queue>> {
        self.by_name.get(name)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Queue>> {
        self.by_name.values()
    }

    /// The name of a queue that its URL ends with. Only the path counts: a queue is called by where it is, and by where
    /// it will be.
    pub(super) fn by_url(&self, url: &str) -> Option<&Arc<Queue>> {
        let (_, path) = url.split_once("://")?;
        let mut parts = path.split('/').skip(1);
        let (account, name) = (parts.next()?, parts.next()?);
        let plain = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (plain && parts.next().is_none())
            .then(|| self.get(name))
            .flatten()
    }

    /// How many messages have been put into all queues so far.
    pub(crate) fn sent(&self) -> u64 {
        self.all().map(|queue| queue.sent()).sum()
    }

    /// Those that aren't dead-letter queues of others.
    pub(crate) fn working(&self) -> impl Iterator<Item = &Arc<Queue>> {
        self.all().filter(|queue| {
            let redrives = self.all().filter_map(|other| other.redrive.as_ref());
            !redrives
                .map(|(dead_letters, _)| dead_letters)
                .any(|dead_letters| dead_letters.name == queue.name)
        })
    }
}

/// A queue and, before it, those that it sends its dead letters to.
fn build(
    queue: &template::Queue,
    declared: &[template::Queue],
    built: &mut BTreeMap<String, Arc<Queue>>,
    ids: &Arc<Ids>,
    clock: fn() -> Timestamp,
    depth: usize,
) {
    if built.contains_key(&queue.name) {
        return;
    }
    let redrive = queue.redrive.as_ref().and_then(|redrive| {
        let target = declared.iter().find(|other| other.name == redrive.queue)?;
        if depth > 0 {
            build(target, declared, built, ids, clock, depth - 1);
        }
        Some((Arc::clone(built.get(&redrive.queue)?), redrive.max_receives))
    });
    let made = Queue::new(
        queue.name.clone(),
        queue.arn.clone(),
        queue.visibility,
        redrive,
        Arc::clone(ids),
        clock,
    );
    built.entry(queue.name.clone()).or_insert_with(|| Arc::new(made));
}
