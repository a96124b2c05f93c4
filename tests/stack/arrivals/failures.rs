//! Storage fails, before or after what it was asked for takes effect: the event is repeated, and the end is the same.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use casefile_local::bedrock::Answer;
use jiff::{SignedDuration, Timestamp};
use post_process::arrival::ObjectArrived;
use post_process::failure::Failure;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::deliveries::{METRICS, REPORT};
use super::order::copy;
use super::sessions::export;
use super::yard::{Yard, noon};
use crate::outages::calls::{Call, Failure as Fails, Kind, Way, few_at_once, named};
use crate::support::{TestStack, without_events};

/// The files of the session that is settled: as few as make a summary.
const FILES: [&str; 5] = [
    "comprehensive_report.json",
    "feedback/accepted_feedback.json",
    "feedback/rejected_feedback.json",
    "feedback/user_custom_feedback.json",
    "feedback/all_ai_suggestions.json",
];

/// Every kind of call: one that a new version makes besides shows here.
const KINDS: [&str; 34] = [
    "CopyObject artifacts:ecg-reports/",
    "CopyObject quarantine:content/",
    "DeleteObject artifacts:ecg-reports/",
    "DeleteObject artifacts:inbox/",
    "DeleteObject artifacts:snapshots/",
    "GetObject artifacts:_casefile/once/",
    "GetObject artifacts:_casefile/summaries/",
    "GetObject artifacts:ecg-reports/",
    "GetObject artifacts:inbox/",
    "GetObject artifacts:index/",
    "GetObject artifacts:snapshots/",
    "GetObject artifacts:tara/",
    "GetObjectTagging artifacts:ecg-reports/",
    "GetObjectTagging artifacts:inbox/",
    "GetObjectTagging artifacts:snapshots/",
    "GetObjectTagging artifacts:tara/",
    "HeadObject artifacts:_casefile/by-owner/",
    "HeadObject artifacts:_casefile/by-time/",
    "HeadObject artifacts:_casefile/summaries/",
    "HeadObject artifacts:ecg-reports/",
    "HeadObject artifacts:inbox/",
    "HeadObject artifacts:snapshots/",
    "HeadObject artifacts:tara/",
    "PutObject artifacts:_casefile/by-owner/",
    "PutObject artifacts:_casefile/by-time/",
    "PutObject artifacts:_casefile/once/",
    "PutObject artifacts:_casefile/summaries/",
    "PutObject artifacts:index/",
    "PutObject artifacts:tara/",
    "PutObject quarantine:records/",
    "PutObjectTagging artifacts:ecg-reports/",
    "PutObjectTagging artifacts:inbox/",
    "PutObjectTagging artifacts:snapshots/",
    "PutObjectTagging artifacts:tara/",
];

/// Two minutes later with each look, as when a queue delivers an event again: whoever began something has ended.
fn later() -> Timestamp {
    static LOOKS: AtomicI64 = AtomicI64::new(0);
    noon() + SignedDuration::from_mins(2 * LOOKS.fetch_add(1, Ordering::Relaxed))
}

/// What arrived, and what it is to end in.
struct World {
    folder: TempDir,
    arrivals: Vec<ObjectArrived>,
    /// In the function's environment.
    services: Vec<(String, String)>,
}

impl World {
    async fn open(&self, folder: &TempDir) -> Yard {
        copy(self.folder.path(), folder.path());
        Yard::open_with(folder.path(), later, &self.services).await
    }

    /// What it ends in, and the kinds of calls that are made for it.
    async fn undisturbed(&self) -> (Value, BTreeSet<Kind>) {
        let folder = TempDir::new().unwrap();
        let mut yard = self.open(&folder).await;
        yard.s3.requests().record(true);
        let mut waiting = self.arrivals.clone();
        while let Some(arrived) = waiting.pop() {
            yard.settling.settle(&arrived).await.unwrap();
            waiting.extend(yard.arrivals());
        }
        let requests = yard.s3.requests().take();
        yard.s3.requests().record(false);
        let kinds = requests.iter().map(|request| Kind::of(request).coarse());
        (end(&yard).await, kinds.collect())
    }

    /// Works on everything, with one call of a kind after another failing.
    async fn with(&self, kind: &Kind, way: &Way) -> Value {
        let folder = TempDir::new().unwrap();
        let mut yard = self.open(&folder).await;
        let mut waiting = self.arrivals.clone();
        let mut failed = 0;
        while let Some(arrived) = waiting.pop() {
            failed += settle(&yard, &arrived, kind, way).await;
            waiting.extend(yard.arrivals());
        }
        assert!(failed > 0, "{kind:?} {way:?}: it never failed");
        end(&yard).await
    }
}

/// Everything that can be seen, and that nothing is begun and not ended.
async fn end(yard: &Yard) -> Value {
    for key in yard.bucket().keys("_casefile/once/").await.unwrap() {
        let claim = yard.bucket().read(&key, 1 << 10).await.unwrap();
        let claim: Value = serde_json::from_slice(&claim).unwrap();
        assert_eq!(claim, json!({"state": "done"}));
    }
    yard.state().await
}

/// The n-th call of the n-th try fails, and later more of them pass before one does, until the work gets through; gives
/// how often one failed.
async fn settle(yard: &Yard, arrived: &ObjectArrived, kind: &Kind, way: &Way) -> usize {
    let (mut nth, mut failed) = (0, 0);
    loop {
        let call = Call {
            kind: kind.clone(),
            nth,
        };
        let fails = Fails {
            call,
            way: way.clone(),
        };
        let handle = fails.inject(&yard.s3);
        let settled = yard.settling.settle(arrived).await;
        handle.remove();
        let is_struck = handle.matched() > nth;
        failed += usize::from(is_struck);
        match settled {
            Ok(()) => return failed,
            Err(Failure::Transient(_)) => assert!(is_struck, "{fails:?}"),
            Err(failure) => panic!("{fails:?}: {failure}"),
        }
        nth = nth * 3 + 1;
    }
}

async fn deliveries() -> World {
    let folder = TempDir::new().unwrap();
    let mut yard = Yard::open(folder.path()).await;
    for (key, body) in [
        ("inbox/ecg-reports/ECG_Report_20251028_143022.pdf", REPORT),
        ("inbox/ecg-reports/metrics_20251028_143022.json", METRICS),
        ("inbox/ecg-reports/report_20251029.pdf", b"no pdf"),
        ("inbox/ecg-reports/x.log", b"x"),
        ("snapshots/a.json", b"{}"),
        ("snapshots/b.json", b"{"),
    ] {
        yard.put(key, body, &[("tenant", "acme")]).await;
    }
    let arrivals = yard.arrivals();
    yard.s3.stop().await;
    World {
        folder,
        arrivals,
        services: Vec::new(),
    }
}

/// A small session, of which subscribers are told, with a summary.
async fn session(stack: &TestStack) -> World {
    let folder = TempDir::new().unwrap();
    let mut yard = Yard::open(folder.path()).await;
    let key = format!("tara/{}/manifest.json", export(&yard).await);
    let manifest = small(&yard.bucket().read(&key, 1 << 20).await.unwrap());
    for key in yard.bucket().keys("tara/").await.unwrap() {
        if !FILES.iter().any(|file| key.ends_with(file)) {
            yard.bucket().delete(&key).await.unwrap();
        }
    }
    drop(yard.arrivals());
    let metadata = [("tenant", "acme"), ("owner", "c-17")];
    yard.put(&key, &manifest, &metadata).await;
    let arrivals = yard.arrivals();
    yard.s3.stop().await;
    let services = stack.stack.service_environment();
    let services = services.map(|(name, value)| (name.to_owned(), value)).into_iter();
    let own = stack.stack.own_environment().into_iter();
    let model = ("BEDROCK_MODEL_ID".to_owned(), "anthropic.claude-test".to_owned());
    World {
        folder,
        arrivals,
        services: services
            .chain(own.filter(|(name, _)| name == "TOPIC_ARN"))
            .chain([model])
            .collect(),
    }
}

/// A manifest of these files alone.
fn small(manifest: &[u8]) -> Vec<u8> {
    let mut manifest: Value = serde_json::from_slice(manifest).unwrap();
    let is_kept = |file: &Value| FILES.contains(&file["path"].as_str().unwrap());
    manifest["files"].as_array_mut().unwrap().retain(is_kept);
    manifest.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_fails_the_repeated_event_ends_as_if_nothing_had_failed() {
    let stack = TestStack::start_with(without_events).await;
    let summary = json!({"reviewed": "A write-up was reviewed.", "risks": [], "rejected": []});
    stack
        .stack
        .bedrock()
        .answer_with(move |_| Answer::text(summary.to_string()));
    let (mut cases, mut seen) = (Vec::new(), BTreeSet::new());
    let worlds = [deliveries().await, session(&stack).await];
    for world in &worlds {
        let (expected, kinds) = world.undisturbed().await;
        let expected = Arc::new(expected);
        for kind in &kinds {
            let with = |way| (world, kind.clone(), way, Arc::clone(&expected));
            cases.extend(Way::lasting(kind).into_iter().map(with));
        }
        seen.extend(kinds);
    }
    assert_eq!(named(&seen), KINDS);
    few_at_once(cases.iter().map(|(world, kind, way, expected)| async move {
        assert_eq!(world.with(kind, way).await, **expected, "{kind:?} {way:?}");
    }))
    .await;
    assert!(!stack.stack.notifications().is_empty());
}
