//! Every write of every route fails, before and after taking effect: either the caller knows and a repeat mends it, or it
//! was mended on the way. In the end there is one file, and one entry of a list that leads to it.

use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::problem::{Problem, ProblemKind};
use casefile_local::s3::{Fault, FaultRule, When};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use session_export::files::FileAnswer;

use super::office::{Office, morning, next_day};
use super::{
    DEMOGRAPHICS, ENCOUNTERS, LOG, LOG_PATH, REPORT, REPORT_NAME, REPORT_PATH, given, listed, post, stored,
    versions, versions_of,
};
use crate::support::{AUDIT_BUCKET, BUCKET, Harness, TestStack, noon, office, without_events};

const TABLE: &str = "encounter_maindata.parquet";

/// A way to store a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Report,
    UndatedReport,
    UploadedReport,
    Log,
    Revision,
    Table,
    Replacement,
    UploadedTable,
    UploadedReplacement,
}

const WAYS: [Way; 9] = [
    Way::Report,
    Way::UndatedReport,
    Way::UploadedReport,
    Way::Log,
    Way::Revision,
    Way::Table,
    Way::Replacement,
    Way::UploadedTable,
    Way::UploadedReplacement,
];

/// A write: its operation, its bucket, and how its key begins.
type Write = (&'static str, &'static str, &'static str);

const BY_TIME: Write = ("PutObject", BUCKET, "_casefile/by-time/");
const BY_OWNER: Write = ("PutObject", BUCKET, "_casefile/by-owner/");
const NOTE: Write = ("PutObject", BUCKET, "_casefile/paths/");
const REMOVAL: Write = ("DeleteObject", BUCKET, "_casefile/by-time/");
const RECORD: Write = ("PutObject", AUDIT_BUCKET, "audit/");

impl Way {
    fn collection(self) -> Collection {
        match self {
            Self::Report | Self::UndatedReport | Self::UploadedReport => Collection::ecg_reports(),
            Self::Log | Self::Revision => Collection::training_logs(),
            _ => Collection::clinical(),
        }
    }

    /// Where the file lies.
    fn folder(self) -> &'static str {
        match self {
            Self::Report | Self::UndatedReport | Self::UploadedReport => "ecg-reports/",
            Self::Log | Self::Revision => "training-logs/",
            _ => "parquet/",
        }
    }

    fn is_uploaded(self) -> bool {
        matches!(
            self,
            Self::UploadedReport | Self::UploadedTable | Self::UploadedReplacement
        )
    }

    /// Whether there is a version before it.
    fn is_second(self) -> bool {
        matches!(
            self,
            Self::Revision | Self::Replacement | Self::UploadedReplacement
        )
    }

    /// All of its writes.
    fn writes(self) -> Vec<Write> {
        let operation = if self.is_uploaded() {
            "CopyObject"
        } else {
            "PutObject"
        };
        let file = (operation, BUCKET, self.folder());
        match self {
            Self::Report | Self::UploadedReport => vec![BY_TIME, BY_OWNER, file, RECORD],
            Self::UndatedReport => vec![NOTE, BY_TIME, BY_OWNER, file, RECORD],
            Self::Log => vec![NOTE, BY_TIME, file, RECORD],
            Self::Revision => vec![NOTE, BY_TIME, file, REMOVAL, RECORD],
            Self::Replacement | Self::UploadedReplacement => vec![BY_TIME, file, REMOVAL, RECORD],
            Self::Table | Self::UploadedTable => vec![BY_TIME, file, RECORD],
        }
    }

    fn content(self) -> Vec<u8> {
        match self {
            Self::Report | Self::UndatedReport | Self::UploadedReport => REPORT.to_vec(),
            Self::Log | Self::Revision => with_loss(7),
            _ => DEMOGRAPHICS.to_vec(),
        }
    }
}

/// A log, as it is stored.
fn with_loss(loss: usize) -> Vec<u8> {
    let mut log: Value = serde_json::from_str(LOG).unwrap();
    log["training_results"]["final_loss"] = json!(loss);
    log.to_string().into_bytes()
}

/// A file that is about to be stored.
struct Scene {
    way: Way,
    harness: Harness,
    request: Value,
    before: Option<FileAnswer>,
}

impl Scene {
    async fn set(way: Way) -> Self {
        let harness = Harness::start().await;
        let dana = Office::at(&harness, "acme", morning);
        let before = match way {
            Way::Revision => Some(dana.log(LOG, false).await.unwrap()),
            Way::Replacement | Way::UploadedReplacement => {
                let request = given(TABLE, ENCOUNTERS);
                Some(dana.store(Collection::clinical(), &request).await.unwrap())
            }
            _ => None,
        };
        let name = match way {
            Way::Report | Way::UploadedReport => REPORT_NAME,
            Way::UndatedReport => "report.pdf",
            _ => TABLE,
        };
        let mut request = given(name, &way.content());
        if way.is_uploaded() {
            let upload_id = dana.upload(&harness, &way.content()).await;
            request["file"] = json!({"file_name": name, "upload_id": upload_id});
        }
        if way.collection() == Collection::ecg_reports() {
            request["owner"] = json!("c-17");
        }
        if let Some(before) = before.as_ref().filter(|_| way != Way::Revision) {
            request["replaces"] = json!(before.version_id);
        }
        Self {
            way,
            harness,
            request,
            before,
        }
    }

    /// Stores it; when somebody repeats it on another day, it is to be the same.
    async fn store(&self, office: &Office) -> Result<FileAnswer, Problem> {
        match self.way {
            Way::Log | Way::Revision => {
                let text = String::from_utf8(self.way.content()).unwrap();
                office.log(&text, self.way == Way::Revision).await
            }
            way => office.store(way.collection(), &self.request).await,
        }
    }

    /// What is listed is there: nothing, the version before, or the file.
    async fn assert_readable(&self, case: &str) {
        let list = Office::at(&self.harness, "acme", noon)
            .list(self.way.collection())
            .await;
        let there = versions(&self.harness.client, BUCKET, self.way.folder()).await;
        assert!(list.len() <= usize::from(!there.is_empty()), "{case}: {list:?}");
        for entry in list {
            let path = entry["path"].as_str().unwrap();
            let key = if self.way.folder() == "parquet/" {
                path.to_owned()
            } else {
                format!("{}{path}", self.way.folder())
            };
            let content = self.harness.bucket().content(&key).await.unwrap();
            assert_eq!(entry["sha256"], json!(content.sha256), "{case}");
        }
    }

    async fn assert_stored(&self, answer: &FileAnswer, case: &str) {
        let (way, harness) = (self.way, &self.harness);
        let there = versions(&harness.client, BUCKET, way.folder()).await;
        assert_eq!(there.len(), 1 + usize::from(way.is_second()), "{case}: {there:?}");
        assert_eq!(
            (Some(&there[0].id), &there[0].key),
            (answer.version_id.as_ref(), &answer.key),
            "{case}"
        );
        let bucket = harness.bucket();
        assert_eq!(
            bucket.read(&answer.key, 100_000).await.unwrap(),
            way.content(),
            "{case}"
        );
        if let Some(before) = &self.before {
            let old = bucket
                .hash_version(&before.key, before.version_id.as_deref())
                .await;
            assert_eq!(Some(old.unwrap().sha256), before.sha256, "{case}");
        }
        let notes = bucket.keys("_casefile/paths/").await.unwrap();
        let is_noted = matches!(way, Way::UndatedReport | Way::Log | Way::Revision);
        assert_eq!(notes.len(), usize::from(is_noted), "{case}");
        let mut readers = vec![Office::at(harness, "acme", noon)];
        if way.collection() == Collection::ecg_reports() {
            readers.push(Office::customer(harness, "acme", "c-17"));
        }
        for reader in readers {
            let list = reader.list(way.collection()).await;
            assert_eq!(list.len(), 1, "{case}: {list:?}");
            assert_eq!(list[0]["path"], answer.path, "{case}");
            assert_eq!(
                list[0]["sha256"],
                Sha256::of(&way.content()).to_string(),
                "{case}"
            );
        }
    }
}

/// So that no case waits for the processor until its calls time out.
async fn few_at_once(cases: impl Iterator<Item = impl Future<Output = ()>>) {
    stream::iter(cases).buffer_unordered(12).collect::<()>().await;
}

fn writes() -> impl Iterator<Item = (Way, Write)> {
    WAYS.into_iter()
        .flat_map(|way| way.writes().into_iter().map(move |write| (way, write)))
}

fn rule((operation, bucket, prefix): Write) -> FaultRule {
    FaultRule::on(operation).bucket(bucket).prefix(prefix)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writes_of_each_route_are_those_that_these_tests_go_through() {
    for way in WAYS {
        let scene = Scene::set(way).await;
        scene.harness.s3.requests().record(true);
        let answer = scene
            .store(&Office::at(&scene.harness, "acme", next_day))
            .await
            .unwrap();
        let requests = scene.harness.s3.requests().take();
        let reads = ["HeadObject", "GetObject", "GetObjectTagging"];
        let mut made: Vec<_> = requests
            .iter()
            .filter(|request| !reads.contains(&request.operation.as_str()))
            .map(|request| {
                let write = way.writes().into_iter().position(|(operation, bucket, prefix)| {
                    (operation, bucket) == (request.operation.as_str(), request.bucket.as_str())
                        && request.key.starts_with(prefix)
                });
                write.unwrap_or_else(|| panic!("{way:?}: {request:?}"))
            })
            .collect();
        // Entries of lists at once, in any order; the file after them, then the end of an older entry, and the record.
        let last = way.writes().len() - 1;
        let file = way
            .writes()
            .iter()
            .position(|write| write.2 == way.folder())
            .unwrap();
        assert_eq!(made[file..], (file..=last).collect::<Vec<_>>(), "{way:?}");
        made.sort_unstable();
        assert_eq!(made, (0..=last).collect::<Vec<_>>(), "{way:?}");
        scene.assert_stored(&answer, &format!("{way:?}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_failure_of_any_write_is_mended_on_the_way() {
    let faults = [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::Before, Fault::Cut),
        (When::Before, Fault::error(409, "ConditionalRequestConflict")),
        (When::After, Fault::error(500, "InternalError")),
        (When::After, Fault::Cut),
    ];
    let cases = writes().flat_map(|write| faults.clone().map(|fault| (write, fault)));
    few_at_once(cases.map(|((way, write), (when, fault))| async move {
        let case = format!("{way:?} {write:?} {when:?} {fault:?}");
        let scene = Scene::set(way).await;
        let injected = scene
            .harness
            .s3
            .faults()
            .inject(rule(write).times(1), when, fault);
        let answer = scene.store(&Office::at(&scene.harness, "acme", noon)).await;
        assert!(injected.matched() > 0, "{case}: it was never made");
        let answer = answer.unwrap_or_else(|problem| panic!("{case}: {problem}"));
        scene.assert_stored(&answer, &case).await;
        let again = scene
            .store(&Office::at(&scene.harness, "acme", next_day))
            .await
            .unwrap();
        assert_eq!(again.version_id, answer.version_id, "{case}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lasting_failure_of_any_write_a_repeat_on_another_day_stores_it_once() {
    let faults = [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::After, Fault::Cut),
    ];
    let cases = writes().flat_map(|write| faults.clone().map(|fault| (write, fault)));
    few_at_once(cases.map(|((way, write), (when, fault))| async move {
        let case = format!("{way:?} {write:?} {when:?} {fault:?}");
        let scene = Scene::set(way).await;
        let injected = scene.harness.s3.faults().inject(rule(write), when, fault);
        let first = scene.store(&Office::at(&scene.harness, "acme", noon)).await;
        assert!(injected.matched() > 0, "{case}: it was never made");
        assert!(
            // An older entry that stays is passed over by lists.
            first.is_err() || when == When::After || write == REMOVAL,
            "{case}: it never happened and nobody knows"
        );
        if let Err(problem) = first {
            assert_eq!(problem.kind, ProblemKind::Unavailable, "{case}: {problem}");
            assert!(problem.retry_after.is_some(), "{case}");
        }
        injected.remove();
        scene.assert_readable(&case).await;
        let answer = scene.store(&Office::at(&scene.harness, "acme", next_day)).await;
        let answer = answer.unwrap_or_else(|problem| panic!("{case}: {problem}"));
        scene.assert_stored(&answer, &case).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_reads_are_known_to_the_caller_too() {
    let operations = ["HeadObject", "GetObject"];
    let cases = WAYS
        .into_iter()
        .flat_map(|way| operations.map(|operation| (way, operation)));
    few_at_once(cases.map(|(way, operation)| async move {
        let scene = Scene::set(way).await;
        let fault = Fault::error(503, "SlowDown");
        let rule = FaultRule::on(operation);
        let injected = scene.harness.s3.faults().inject(rule, When::Before, fault);
        let first = scene.store(&Office::at(&scene.harness, "acme", noon)).await;
        if let Err(problem) = &first {
            assert_eq!(problem.kind, ProblemKind::Unavailable, "{way:?} {operation}");
        }
        assert_eq!(first.is_err(), injected.matched() > 0, "{way:?} {operation}");
        injected.remove();
        let later = Office::at(&scene.harness, "acme", next_day);
        let answer = scene.store(&later).await.unwrap();
        scene
            .assert_stored(&answer, &format!("{way:?} {operation}"))
            .await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_told_when_to_come_again_and_then_has_its_file() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    for (route, request, collection, path, folder) in [
        (
            "/v1/ecg-reports",
            given(REPORT_NAME, REPORT),
            "ecg-reports",
            REPORT_PATH,
            "ecg-reports/",
        ),
        (
            "/v1/training-logs",
            serde_json::from_str(LOG).unwrap(),
            "training-logs",
            LOG_PATH,
            "training-logs/",
        ),
        (
            "/v1/clinical",
            given(TABLE, ENCOUNTERS),
            "clinical",
            "parquet/encounter_maindata.parquet",
            "parquet/",
        ),
    ] {
        for (prefix, when) in [
            (folder, When::Before),
            ("_casefile/by-time/", When::Before),
            ("audit/", When::Before),
            (folder, When::After),
        ] {
            let rule = FaultRule::on("PutObject").prefix(prefix);
            let injected = stack.stack.s3.faults().inject(rule, when, Fault::Cut);
            // `post` holds each 503 to a `Retry-After`.
            let (status, told) = post(&stack, &dana, route, &request).await;
            injected.remove();
            assert!(matches!(status, 201 | 503), "{route} {prefix}: {told}");
        }
        let answer = stored(&stack, &dana, route, &request).await;
        assert_eq!(answer["path"], path);
        assert_eq!(versions_of(&stack, folder).await.len(), 1);
        let list = listed(&stack, &dana, collection, "").await;
        assert_eq!(list.len(), 1, "{list:?}");
        assert_eq!(list[0]["sha256"], answer["sha256"]);
    }
}
