//! S3 fails from each of a request's calls on, and at each of them alone, before and after it takes effect. Whatever comes
//! of it, the request is complete in S3, or complete in the folder and, after a replay, in S3: once, with the bytes that
//! were kept, and with an audit record.

use casefile::digest::Sha256;
use casefile_local::s3::{Fault, FaultRule, RequestRecord, When};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::counter::{Answered, Counter};
use super::{KINDS, Kind};
use crate::support::{AUDIT_BUCKET, BUCKET};

/// What the SDK makes of a call.
const ATTEMPTS: usize = 3;
/// So that no case waits for the processor until its calls time out.
const AT_ONCE: usize = 6;

/// What goes wrong.
#[derive(Debug, Clone)]
enum Trouble {
    /// Everything from this call on, counted from 0.
    From(usize),
    /// This call alone, however often it is tried: the operation, where, which one of these, and how often.
    At(FaultRule, usize),
}

impl Trouble {
    /// The call of this number among those of a run.
    fn at(calls: &[RequestRecord], number: usize, tries: usize) -> Self {
        let call = &calls[number];
        let is_alike = |other: &&RequestRecord| {
            (&other.operation, &other.bucket, place(other)) == (&call.operation, &call.bucket, place(call))
        };
        let before = calls[..number].iter().filter(is_alike).count();
        let rule = FaultRule::on(&call.operation)
            .bucket(&call.bucket)
            .prefix(place(call));
        Self::At(rule.skip(before).times(tries), before)
    }

    fn rule(&self) -> FaultRule {
        match self {
            Self::From(call) => FaultRule::any().skip(*call),
            Self::At(rule, _) => rule.clone(),
        }
    }

    /// What must have been asked for before it strikes.
    fn before(&self) -> usize {
        let (Self::From(before) | Self::At(_, before)) = self;
        *before
    }
}

/// Names of audit records and share links are drawn anew each time.
fn place(call: &RequestRecord) -> &str {
    let drawn = ["audit/", "_casefile/shares/"];
    let drawn = drawn.into_iter().find(|place| call.key.starts_with(place));
    drawn.unwrap_or(&call.key)
}

/// The calls of a request that nothing happens to.
async fn calls(kind: Kind) -> Vec<RequestRecord> {
    let counter = prepared(kind).await;
    counter.harness.s3.requests().record(true);
    let answered = counter.post(kind.route(), &kind.request()).await;
    assert_eq!(answered.status, 201, "{kind:?}: {answered:?}");
    counter.harness.s3.requests().take()
}

async fn prepared(kind: Kind) -> Counter {
    let counter = Counter::open().await;
    if let Some(first) = kind.first() {
        let route = kind.route().trim_end_matches("?revision=true");
        assert_eq!(counter.post(route, &first).await.status, 201);
    }
    counter
}

async fn run(kind: Kind, trouble: Trouble, when: When, fault: Fault) {
    let case = format!("{kind:?}, {trouble:?}, {when:?}, {fault:?}");
    let counter = prepared(kind).await;
    let injected = counter.harness.s3.faults().inject(trouble.rule(), when, fault);
    let answered = counter.post(kind.route(), &kind.request()).await;
    assert!(injected.matched() > trouble.before(), "{case}: it never struck");
    injected.remove();
    let kept = match answered.status {
        201 => None,
        202 => Some(whole(&counter, kind, &answered, &case)),
        other => panic!("{case}: {other} {}", answered.body),
    };
    let report = counter.replay().await;
    assert_eq!(
        (report.sent, report.waiting, report.unfinished),
        (usize::from(kept.is_some()), 0, 0),
        "{case}: {report:?}"
    );
    complete(&counter, kind, kept.as_ref(), &case).await;
    recorded(&counter, kind, &case).await;
    // Whoever repeats the request now finds it stored.
    assert_eq!(
        counter.post(kind.route(), &kind.request()).await.status,
        201,
        "{case}"
    );
    complete(&counter, kind, kept.as_ref(), &case).await;
}

/// The folder holds what the answer says; gives the answer.
fn whole(counter: &Counter, kind: Kind, answered: &Answered, case: &str) -> Value {
    let body = &answered.body;
    assert_eq!(
        (&body["stored"], &body["collection"]),
        (&json!("local"), &json!(kind.collection())),
        "{case}: {body}"
    );
    assert_eq!(counter.entries().len(), 1, "{case}");
    let folder = body["folder"].as_str().unwrap();
    let files = body["files"].as_array().unwrap();
    for file in files {
        let bytes = std::fs::read(format!("{folder}/{}", file["path"].as_str().unwrap())).unwrap();
        assert_eq!(json!(Sha256::of(&bytes).to_string()), file["sha256"], "{case}");
    }
    let zip = std::fs::read(body["zip"]["path"].as_str().unwrap()).unwrap();
    assert_eq!(
        json!(Sha256::of(&zip).to_string()),
        body["zip"]["sha256"],
        "{case}"
    );
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    assert_eq!(zip.len(), files.len());
    for (index, file) in files.iter().enumerate() {
        let mut bytes = Vec::new();
        let mut entry = zip.by_index(index).unwrap();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        assert_eq!(json!(entry.name().unwrap()), file["path"], "{case}");
        assert_eq!(json!(Sha256::of(&bytes).to_string()), file["sha256"], "{case}");
    }
    body.clone()
}

/// It is in S3 once, and lists have it once.
async fn complete(counter: &Counter, kind: Kind, kept: Option<&Value>, case: &str) {
    let bucket = counter.harness.bucket();
    let keys = bucket.keys(kind.prefix()).await.unwrap();
    if kind == Kind::Review {
        let folders = counter.harness.visible_folders().await;
        assert_eq!(folders.len(), 1, "{case}: {folders:?}");
        let prefix = format!("tara/{}/", folders[0]);
        assert!(
            keys.iter().all(|key| key.starts_with(&prefix)),
            "{case}: {keys:?}"
        );
        if let Some(kept) = kept {
            same_bytes(counter, kept, &folders[0], case).await;
        }
    } else {
        assert_eq!(keys.len(), 1, "{case}: {keys:?}");
        let found = bucket.read(&keys[0], 10_000_000).await.unwrap();
        match kind.content() {
            Some(content) => assert!(found == content, "{case}: other content"),
            None => assert!(found.starts_with(b"%PDF-"), "{case}"),
        }
    }
    let listed = counter.list(kind.collection()).await;
    assert_eq!(listed.len(), 1, "{case}: {listed:?}");
}

/// Where nothing was in S3 before, the very bytes that were kept are there now, under the same name.
async fn same_bytes(counter: &Counter, kept: &Value, folder: &str, case: &str) {
    assert_eq!(kept["folder_name"], folder, "{case}");
    for file in kept["files"].as_array().unwrap() {
        let key = format!("tara/{folder}/{}", file["path"].as_str().unwrap());
        let found = counter.harness.bucket().hash(&key).await.unwrap();
        assert_eq!(json!(found.sha256.to_string()), file["sha256"], "{case}: {key}");
    }
}

/// Somebody's export, or a link to it, stands in the audit log.
async fn recorded(counter: &Counter, kind: Kind, case: &str) {
    let audit = casefile::bucket::Bucket::new(counter.harness.client.clone(), AUDIT_BUCKET.to_owned());
    let mut found = 0;
    for key in audit.keys("audit/").await.unwrap() {
        let record: Value = serde_json::from_slice(&audit.read(&key, 100_000).await.unwrap()).unwrap();
        let is_its = record["unmapped"]["collection"] == kind.collection()
            && record["actor"]["user"]["uid"] == "dana"
            && record["status_id"] == 1;
        found += usize::from(is_its);
    }
    let first = usize::from(kind.first().is_some());
    assert!(found > first, "{case}: no audit record");
}

async fn all(cases: impl Iterator<Item = impl Future<Output = ()>>) {
    stream::iter(cases)
        .buffer_unordered(AT_ONCE)
        .collect::<()>()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_begins_at_any_call_loses_nothing() {
    let faults = [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::After, Fault::Cut),
    ];
    for kind in KINDS {
        let calls = calls(kind).await.len();
        assert!(calls >= 3, "{kind:?}");
        let cases = (0..calls).flat_map(|call| faults.clone().map(|fault| (call, fault)));
        all(cases.map(|(call, (when, fault))| run(kind, Trouble::From(call), when, fault))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_call_that_fails_for_good_loses_nothing() {
    for kind in KINDS {
        let calls = calls(kind).await;
        assert!(calls.iter().any(|call| call.bucket == BUCKET));
        let cases = (0..calls.len()).flat_map(|number| {
            // A refusal is tried again only of a PUT, once.
            let refused = if calls[number].operation == "PutObject" {
                2
            } else {
                1
            };
            let (before, tries) = match number % 2 {
                0 => (Fault::Cut, ATTEMPTS),
                _ => (Fault::error(403, "AccessDenied"), refused),
            };
            let after = Fault::error(500, "InternalError");
            [(When::Before, before, tries), (When::After, after, ATTEMPTS)]
                .map(|(when, fault, tries)| (Trouble::at(&calls, number, tries), when, fault))
        });
        all(cases.map(|(trouble, when, fault)| run(kind, trouble, when, fault))).await;
    }
}
