//! Calls of S3, told apart by what they are about, and the ways in which one fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use casefile::client::S3Client;
use casefile_local::s3::{Fault, FaultHandle, FaultRule, RequestRecord, S3Server, When};
use futures::{StreamExt as _, stream};

/// The tries that the functions' client makes of a call.
pub(crate) const TRIES: usize = 3;
/// More than there ever are.
pub(crate) const ALWAYS: usize = 1_000;
/// What keys begin with whose rest is another one in each run, or of each object.
const PLACES: [&str; 10] = [
    "audit/",
    "_casefile/shares/",
    "_casefile/once/",
    "_casefile/summaries/",
    "_casefile/by-time/",
    "_casefile/by-owner/",
    "_casefile/bols/",
    "records/",
    "content/",
    "inbox/",
];

/// What a call is about, the same in each run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) operation: String,
    pub(crate) bucket: String,
    /// Its key, or what that begins with.
    pub(crate) place: String,
}

impl Kind {
    pub(crate) fn of(request: &RequestRecord) -> Self {
        let place = PLACES.iter().find(|place| request.key.starts_with(**place));
        Self {
            operation: request.operation.clone(),
            bucket: request.bucket.clone(),
            place: place.map_or(request.key.as_str(), |place| *place).to_owned(),
        }
    }

    /// The same of all that lies in one folder.
    pub(crate) fn coarse(self) -> Self {
        let (folder, _) = self.place.split_once('/').unwrap_or_default();
        let place = match folder {
            "_casefile" | "" => self.place,
            folder => format!("{folder}/"),
        };
        Self { place, ..self }
    }

    pub(crate) fn is_write(&self) -> bool {
        !["Get", "Head", "List"]
            .iter()
            .any(|read| self.operation.starts_with(read))
    }

    pub(crate) fn rule(&self) -> FaultRule {
        FaultRule::on(&self.operation)
            .bucket(&self.bucket)
            .prefix(&self.place)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:{}", self.operation, self.bucket, self.place)
    }
}

/// Kinds in words.
pub(crate) fn named(kinds: &BTreeSet<Kind>) -> Vec<String> {
    kinds.iter().map(|kind| format!("{kind:?}")).collect()
}

/// One call of a run: which one of its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) kind: Kind,
    pub(crate) nth: usize,
}

/// The calls that were recorded, each of its kind numbered.
pub(crate) fn calls(requests: &[RequestRecord]) -> Vec<Call> {
    let mut seen = BTreeMap::new();
    let number = |request: &RequestRecord| {
        let kind = Kind::of(request);
        let count: &mut usize = seen.entry(kind.clone()).or_default();
        *count += 1;
        Call {
            kind,
            nth: *count - 1,
        }
    };
    requests.iter().map(number).collect()
}

/// A way in which a call fails.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) when: When,
    pub(crate) fault: Fault,
    /// How many tries of it fail.
    pub(crate) times: usize,
}

impl Way {
    fn new(when: When, fault: Fault, times: usize) -> Self {
        Self { when, fault, times }
    }

    /// Whether S3 says that it is no outage, but the set-up that is wrong.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self.fault, Fault::Error { status, .. } if status == 403)
    }

    /// Every way in which a call of this kind fails altogether. Of a read nobody can tell whether it took effect, so that
    /// only its answer breaks off.
    pub(crate) fn lasting(kind: &Kind) -> Vec<Self> {
        let down = || Fault::error(503, "ServiceUnavailable");
        // A PUT is tried once more, by the SDK, which says what the refusal means; nothing else is.
        let tries = if kind.operation == "PutObject" { 2 } else { 1 };
        let denied = |when| Self::new(when, Fault::error(403, "AccessDenied"), tries);
        let mut ways = vec![
            Self::new(When::Before, down(), TRIES),
            denied(When::Before),
            Self::new(When::After, Fault::Cut, TRIES),
        ];
        if kind.is_write() {
            ways.push(Self::new(When::Before, Fault::Cut, TRIES));
            ways.push(Self::new(When::After, down(), TRIES));
            ways.push(denied(When::After));
        }
        if kind.operation == "GetObject" {
            ways.push(Self::new(When::After, Fault::HalfBody, TRIES));
        }
        ways
    }

    /// The ways in which a call of this kind fails once, and a second try mends it.
    pub(crate) fn passing(kind: &Kind) -> Vec<Self> {
        let mut ways = vec![
            Self::new(When::Before, Fault::slow_down(), 1),
            Self::new(When::After, Fault::Cut, 1),
        ];
        if ["PutObject", "CopyObject"].contains(&kind.operation.as_str()) {
            let conflict = Fault::error(409, "ConditionalRequestConflict");
            ways.push(Self::new(When::Before, conflict, 1));
        }
        ways
    }
}

/// A call, and how it fails.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) call: Call,
    pub(crate) way: Way,
}

impl Failure {
    /// Each of the calls in each of the ways.
    pub(crate) fn each<'a>(
        calls: impl IntoIterator<Item = &'a Call>,
        ways: fn(&Kind) -> Vec<Way>,
    ) -> Vec<Self> {
        let of_call = |call: &Call| {
            let with = |way| Self {
                call: call.clone(),
                way,
            };
            ways(&call.kind).into_iter().map(with).collect::<Vec<_>>()
        };
        calls.into_iter().flat_map(of_call).collect()
    }

    pub(crate) fn inject(&self, s3: &S3Server) -> FaultHandle {
        let Call { kind, nth } = &self.call;
        let rule = kind.rule().skip(*nth).times(self.way.times);
        s3.faults().inject(rule, self.way.when, self.way.fault.clone())
    }
}

/// A client as the functions have it, but it waits for milliseconds where theirs waits for seconds, and what others have
/// tried in vain doesn't keep it from trying again.
pub(crate) fn hasty(client: &S3Client) -> S3Client {
    let retries = RetryConfig::standard().with_max_attempts(u32::try_from(TRIES).unwrap());
    let retries = retries.with_initial_backoff(Duration::from_millis(2));
    let partition = RetryPartition::custom("hasty").token_bucket(TokenBucket::unlimited());
    client.with(|config| config.retry_config(retries).retry_partition(partition.build()))
}

/// So that no case waits for the processor until its calls time out.
pub(crate) async fn few_at_once(cases: impl Iterator<Item = impl Future<Output = ()>>) {
    stream::iter(cases).buffer_unordered(6).collect::<()>().await;
}
