//! A scene without a failure, and what may become of it with one.

use std::collections::BTreeSet;
use std::path::PathBuf;

use casefile::audit::Record;
use serde_json::Value;

use super::branch::{Answer, Branch};
use super::calls::{ALWAYS, Call, Failure, Kind};
use super::scenes::{Scene, Stock};
use crate::support::AUDIT_BUCKET;

/// A scene without a failure.
pub(super) struct Run {
    pub(super) scene: Scene,
    pub(super) calls: Vec<Call>,
    answer: Answer,
    gist: Gist,
}

/// What records say happened, in a fixed order: the activities, and why they were refused.
type Gist = Vec<(String, Option<String>)>;

fn gist(records: &[Record]) -> Gist {
    let gist = |record: &Record| (record.activity_name.clone(), record.status_detail.clone());
    let mut gist: Vec<_> = records.iter().map(gist).collect();
    gist.sort();
    gist
}

fn is_audit_write(kind: &Kind) -> bool {
    kind.bucket == AUDIT_BUCKET && kind.operation == "PutObject"
}

impl Run {
    pub(super) async fn of(stock: &Stock, scene: &Scene) -> Self {
        let branch = stock.open().await;
        let before = branch.recorded();
        let (answer, calls) = branch.watch(&scene.visit).await;
        assert_eq!(answer.status, scene.status, "{}: {answer:?}", scene.name);
        assert!(!calls.is_empty(), "{}", scene.name);
        let records = branch.records_since(&before);
        assert_on_record(&answer, &records, scene.name);
        Self {
            scene: scene.clone(),
            calls,
            answer,
            gist: gist(&records),
        }
    }

    fn is_many(&self) -> bool {
        self.scene.visit.body.is_some()
    }

    /// Lets calls fail, gives what was called meanwhile, and looks at all that came of it.
    pub(super) async fn fails(&self, branch: &Branch, failures: &[&Failure]) -> Vec<Call> {
        let case = format!("{}: {failures:?}", self.scene.name);
        let before = branch.recorded();
        let inject = |failure: &&Failure| self.lasting(failure).inject(&branch.s3);
        let handles: Vec<_> = failures.iter().map(inject).collect();
        let (answer, called) = branch.watch(&self.scene.visit).await;
        for (handle, failure) in handles.iter().zip(failures) {
            assert!(handle.matched() > failure.call.nth, "{case}: it was never called");
            handle.remove();
        }
        let records = branch.records_since(&before);
        assert_on_record(&answer, &records, &case);
        let is_usual = answer.outline() == self.answer.outline();
        if is_usual {
            assert_eq!(gist(&records), self.gist, "{case}");
        } else if !(self.is_many() && is_usual_but_for_some(&self.answer, &answer)) {
            assert_is_clear(&answer, failures, &case);
        }
        self.same_again(branch, is_usual, &before, &case).await;
        called
    }

    /// As it goes with a failure that the client's second try mends: as ever.
    pub(super) async fn is_mended(&self, branch: &Branch, failure: &Failure) -> Vec<Call> {
        let case = format!("{}: {failure:?}", self.scene.name);
        let before = branch.recorded();
        let handle = failure.inject(&branch.s3);
        let (answer, called) = branch.watch(&self.scene.visit).await;
        handle.remove();
        assert!(handle.matched() > failure.call.nth, "{case}: it was never called");
        assert_eq!(answer.outline(), self.answer.outline(), "{case}");
        let records = branch.records_since(&before);
        assert_on_record(&answer, &records, &case);
        assert_eq!(gist(&records), self.gist, "{case}");
        if self.scene.is_change {
            self.same_again(branch, true, &before, &case).await;
        }
        called
    }

    /// Of many, the failing calls of one would be mended by those of another.
    fn lasting(&self, failure: &Failure) -> Failure {
        let mut failure = failure.clone();
        if self.is_many() && is_audit_write(&failure.call.kind) && failure.way.times > 1 {
            failure.way.times = ALWAYS;
        }
        failure
    }

    /// S3 is back.
    async fn same_again(&self, branch: &Branch, was_usual: bool, before: &BTreeSet<PathBuf>, case: &str) {
        let again = branch.ask(&self.scene.visit).await;
        let records = branch.records_since(before);
        assert_on_record(&again, &records, case);
        let Some(share) = &self.scene.uses_up else {
            assert_eq!(again.outline(), self.answer.outline(), "{case}");
            return;
        };
        if was_usual {
            assert_eq!((again.status, again.location), (404, None), "{case}: used twice");
        } else {
            assert_eq!(again.outline(), self.answer.outline(), "{case}: the use is lost");
            let third = branch.ask(&self.scene.visit).await;
            assert_eq!((third.status, third.location), (404, None), "{case}: used twice");
        }
        assert_eq!(branch.share(share).await.used.len(), 1, "{case}");
    }

    /// What is called only because something failed.
    pub(super) fn beyond(&self, failure: &Failure, called: Vec<Call>) -> BTreeSet<Call> {
        let mut called: BTreeSet<_> = called.into_iter().collect();
        called.retain(|call| !self.calls.contains(call) && call.kind != failure.call.kind);
        called
    }
}

/// Each item of many is as ever, or refused because S3 failed.
fn is_usual_but_for_some(usual: &Answer, found: &Answer) -> bool {
    let items = |answer: &Answer| {
        let items = answer.outline()["body"]["links"].as_array().cloned();
        items.unwrap_or_default()
    };
    let (usual, found) = (items(usual), items(found));
    let is_refused = |item: &Value| [500, 503].map(Value::from).contains(&item["problem"]["status"]);
    let is_well = |(usual, found): (&Value, &Value)| usual == found || is_refused(found);
    usual.len() == found.len() && usual.iter().zip(&found).all(is_well)
}

/// Whatever is handed out is on record.
fn assert_on_record(answer: &Answer, records: &[Record], case: &str) {
    for grant in answer.grants() {
        let is_its = |record: &&Record| {
            record.unmapped.grant_id.as_ref() == Some(&grant) || record.metadata.uid.to_string() == grant
        };
        let found = records.iter().find(is_its);
        let is_on_record = found.is_some_and(|record| record.status_id == 1);
        assert!(is_on_record, "{case}: a link without its record");
    }
}

fn assert_is_clear(answer: &Answer, failures: &[&Failure], case: &str) {
    assert!(!answer.opens_something(), "{case}: {answer:?}");
    // Without its record nothing leaves, whatever the reason: the caller may repeat.
    let is_set_up = |failure: &&Failure| failure.way.is_denied() && !is_audit_write(&failure.call.kind);
    let is_clear = match answer.status {
        500 => failures.iter().any(is_set_up),
        503 => answer.has_retry_after,
        _ => false,
    };
    assert!(is_clear, "{case}: {answer:?}");
}
