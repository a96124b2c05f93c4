//! What an operator changes with `casefile`: each write fails, before and after taking effect. Nothing is changed without
//! its record, the operator knows, and the same command does it when S3 is back.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use casefile::bol::{NumberFormat, Numbers, Series};
use casefile::bucket::Bucket;
use casefile::digest::Sha256;
use casefile::id::system_entropy;
use casefile::key::BasePath;
use casefile::status::Status;
use casefile_local::s3::{Fault, When};
use tokio::time::Instant;

use super::calls::{Call, Failure, Kind, Way, calls, few_at_once, named};
use crate::bol_numbers::counter;
use crate::links::records;
use crate::quarantine::operator::{rejected, run};
use crate::quarantine::{KEY, Ward};
use crate::support::{AUDIT_BUCKET, noon};

/// A command that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Release,
    Set,
    Void,
}

/// What it is made on.
struct Desk {
    ward: Ward,
    id: String,
}

impl Change {
    async fn set_up(self) -> Desk {
        let ward = Ward::start().await;
        let (_, id) = rejected(&ward).await;
        if self == Self::Void {
            numbers(&ward.artifacts)
                .take(Sha256::of(b"x"), &series(), &[])
                .await
                .unwrap();
        }
        Desk { ward, id }
    }

    /// Whether it says that it was done.
    async fn make(self, desk: &Desk) -> bool {
        let (code, out, said) = match self {
            Self::Release => {
                let said = run(&desk.ward, &["release", &desk.id, "--reason", "x"]).await;
                (said.code, said.out, said.err)
            }
            Self::Set => counter(&desk.ward.harness, &["set", "PRT-2025-0042"]).await,
            Self::Void => {
                let arguments = ["void", "PRT-2025-0001", "--reason", "x"];
                counter(&desk.ward.harness, &arguments).await
            }
        };
        // Nothing is shown of what isn't done.
        assert!(
            code == 0 || (code == 2 && out.is_empty() && !said.is_empty()),
            "{code} {out} {said}"
        );
        code == 0
    }

    async fn is_made(self, desk: &Desk) -> bool {
        let bucket = &desk.ward.artifacts;
        let state = numbers(bucket).state(&series()).await.unwrap();
        match self {
            Self::Release => {
                let tags = bucket.tags(KEY, None).await.unwrap_or_default();
                Status::of(&tags) == Some(Status::Released)
            }
            Self::Set => state.is_some_and(|state| state.next() == 43),
            Self::Void => state.is_some_and(|state| state.open().is_empty()),
        }
    }

    async fn writes(self) -> Vec<Call> {
        let desk = self.set_up().await;
        let requests = desk.ward.harness.s3.requests();
        requests.record(true);
        assert!(self.make(&desk).await && self.is_made(&desk).await, "{self:?}");
        let mut writes = calls(&requests.take());
        writes.retain(|call| call.kind.is_write());
        writes
    }

    async fn fails(self, failure: &Failure) {
        let desk = self.set_up().await;
        let handle = failure.inject(&desk.ward.harness.s3);
        let says_so = self.make(&desk).await;
        handle.remove();
        let case = format!("{self:?} {failure:?}");
        assert!(handle.matched() > failure.call.nth, "{case}");
        let is_made = self.is_made(&desk).await;
        assert!(is_made || !says_so, "{case}: it isn't done");
        if is_made {
            let log = Bucket::new(desk.ward.harness.client.clone(), AUDIT_BUCKET.to_owned());
            let records = records(&log).await;
            assert!(
                records.iter().any(|record| record.status_id == 1),
                "{case}: it isn't on record"
            );
        }
        assert!(self.make(&desk).await && self.is_made(&desk).await, "{case}");
    }
}

fn series() -> Series {
    NumberFormat::parse("PRT-{YYYY}-{NNNN}")
        .unwrap()
        .series(2025)
        .unwrap()
}

fn numbers(bucket: &Bucket) -> Numbers<'_> {
    static BASE: LazyLock<BasePath> = LazyLock::new(BasePath::default);
    Numbers {
        bucket,
        base: &BASE,
        format: NumberFormat::parse("PRT-{YYYY}-{NNNN}").unwrap(),
        clock: noon,
        entropy: system_entropy,
        until: Instant::now() + Duration::from_secs(25),
    }
}

/// Each failure is a program's run of some seconds, so that there are only those that end in different ways.
fn ways(kind: &Kind) -> Vec<Way> {
    let mut ways = Way::lasting(kind);
    ways.retain(|way| (way.when == When::After) == matches!(way.fault, Fault::Cut));
    ways
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_write_of_an_operator_fails_nothing_is_changed_without_a_record_and_a_repeat_does_it() {
    let mut kinds = BTreeSet::new();
    let mut cases = Vec::new();
    for change in [Change::Release, Change::Set, Change::Void] {
        let writes = Box::pin(change.writes()).await;
        kinds.extend(writes.iter().map(|call| call.kind.clone().coarse()));
        let failures = Failure::each(&writes, ways).into_iter();
        cases.extend(failures.map(|failure| (change, failure)));
    }
    let expected = [
        "DeleteObject artifacts:ecg-reports/",
        "PutObject artifacts:_casefile/bols/",
        "PutObject audit:audit/",
        "PutObjectTagging artifacts:ecg-reports/",
    ];
    assert_eq!(named(&kinds), expected);
    few_at_once(cases.iter().map(|(change, failure)| change.fails(failure))).await;
}
