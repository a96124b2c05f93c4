//! The audit log: who asked for what, what was decided, and what was given. A bucket of its own, create-only, under
//! Object Lock.
//!
//! A record is durable before the answer that it is about leaves. It never holds a URL or a token.

mod record;

pub use record::{Activity, Asked, File, Given, Outcome, Record};

use jiff::Timestamp;

use crate::bucket::{Bucket, NewObject};
use crate::caller::{Caller, Origin};
use crate::id::{Entropy, TimeId};
use crate::problem::{Problem, ProblemKind};
use crate::store_error::StoreError;
use crate::time::{Clock, day};

/// Seconds after which a caller should try again when the audit log can't be written.
const RETRY_AFTER: u32 = 5;

/// The audit log.
#[derive(Debug, Clone)]
pub struct AuditLog {
    bucket: Bucket,
    clock: Clock,
    entropy: Entropy,
}

/// What happened, before it is a record.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// What was asked for.
    pub activity: Activity,
    /// How it ended.
    pub outcome: Outcome,
    /// Who asked, if that is known.
    pub caller: Option<&'a Caller>,
    /// From where.
    pub origin: &'a Origin,
    /// In whose log the record stands.
    pub tenant: Option<&'a str>,
    /// The policies that decided.
    pub policies: &'a [String],
    /// What it is about: of a refused request only what was asked, never what lies there.
    pub file: Option<File>,
    /// The grant that was issued or used; a direct link's is the record itself.
    pub grant_id: Option<String>,
    /// What was asked for.
    pub asked: Asked,
    /// What was given.
    pub given: Given,
}

impl AuditLog {
    /// The log in `bucket`.
    pub fn new(bucket: Bucket, clock: Clock, entropy: Entropy) -> Self {
        Self {
            bucket,
            clock,
            entropy,
        }
    }

    /// The bucket that holds the log.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Where the time comes from.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Where randomness comes from.
    pub fn entropy(&self) -> Entropy {
        self.entropy
    }

    /// A new record's id: it sorts by its time.
    ///
    /// # Errors
    /// `internal` when the system gives no randomness.
    pub fn next_id(&self) -> Result<TimeId, Problem> {
        TimeId::new(self.now(), self.entropy).map_err(|error| {
            tracing::error!(%error, "no audit record can be made");
            Problem::new(ProblemKind::Internal, "no audit record can be made")
        })
    }

    /// Writes what happened, under an id of [`AuditLog::next_id`]. When this returns, the record is durable.
    ///
    /// # Errors
    /// `unavailable`: no link, and no answer about the matter, may leave then.
    pub async fn write(&self, id: TimeId, event: &Event<'_>) -> Result<(), Problem> {
        match self.bucket.create(&object(id, event)?).await {
            Ok(_) => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// Writes a record in the place of one that a call may have ended too early to write. After that, the call can't
    /// write its own any more, however late it wakes. `false` when another record lies there already.
    ///
    /// # Errors
    /// `unavailable`, after which the record may or may not be there.
    pub async fn write_instead(&self, id: TimeId, event: &Event<'_>) -> Result<bool, Problem> {
        match self.bucket.create(&object(id, event)?).await {
            Ok(_) => Ok(true),
            Err(StoreError::AlreadyExists) => Ok(false),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

fn object(id: TimeId, event: &Event<'_>) -> Result<NewObject, Problem> {
    let record = Record::new(id, event);
    let body = serde_json::to_vec(&record)
        .map_err(|_| Problem::new(ProblemKind::Internal, "an audit record can't be written as JSON"))?;
    Ok(NewObject::json(key(id), body))
}

/// Where a record lies in the audit log's bucket: `audit/dt=YYYY-MM-DD/{id}.json`, by the day of its id.
pub fn key(id: TimeId) -> String {
    format!("{}{id}.json", day_prefix(id.time()))
}

/// What the keys of a day's records begin with.
pub fn day_prefix(time: Timestamp) -> String {
    format!("audit/dt={}/", day(time))
}

/// The id of the record at a key.
pub fn id_at(key: &str) -> Option<TimeId> {
    let (_, name) = key.rsplit_once('/')?;
    TimeId::parse(name.strip_suffix(".json")?)
}

/// Whatever went wrong with the log is ours to mend, and the caller's to wait for.
fn unavailable(error: &StoreError) -> Problem {
    error.note("the audit record can't be written");
    let detail = "the audit record can't be written just now, and without it nothing is handed out; repeat the request";
    Problem {
        retry_after: Some(RETRY_AFTER),
        fault: error.fault(),
        ..Problem::new(ProblemKind::Unavailable, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_lies_in_its_day() {
        let id = TimeId::floor("2025-11-14T23:59:59.999Z".parse().unwrap());
        let key = key(id);
        assert!(key.starts_with("audit/dt=2025-11-14/"), "{key}");
        assert_eq!(id_at(&key), Some(id));
        assert_eq!(id_at("audit/dt=2025-11-14/x.json"), None);
    }
}
