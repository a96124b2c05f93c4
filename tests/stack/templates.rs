//! A deployment's own template for the readable report: from the bucket, replaced while the function runs, and never a
//! reason to lose an export.

use std::sync::atomic::{AtomicI64, Ordering};

use casefile::digest::Sha256;
use casefile::problem::ProblemKind;
use casefile_local::s3::{Fault, FaultRule, When};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use session_export::review::ReviewExport;
use session_export::review::answer::ExportAnswer;
use session_export::review::readable::TemplateKey;

use crate::support::{BUCKET, Harness, noon, same, sample, store};

const KEY: &str = "_casefile/templates/report.txt.j2";

fn own(export: ReviewExport) -> ReviewExport {
    export.with_template_at(TemplateKey::parse(KEY).unwrap())
}

async fn put(harness: &Harness, template: &[u8]) {
    let put = harness.client.put_object().bucket(BUCKET).key(KEY);
    put.body(template.to_vec().into()).send().await.unwrap();
}

async fn report(harness: &Harness, answer: &ExportAnswer) -> String {
    let mut files = answer.uploaded_files.iter();
    let file = files
        .find(|file| file.file.path == "readable_report.txt")
        .unwrap();
    let bytes = harness.bucket().read(&file.key, u64::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn generator(harness: &Harness, answer: &ExportAnswer) -> String {
    harness.verify(&answer.folder_name).await.manifest.generator
}

/// A session whose report is short.
fn small(session_id: &str) -> Value {
    json!({
        "session": {"session_id": session_id, "document_name": format!("{session_id}.docx")},
        "documents": {"before": {"file_name": "x.docx", "content_base64": "eA=="}},
    })
}

#[tokio::test]
async fn a_template_from_the_bucket_is_used_and_a_replaced_one_a_minute_later() {
    static SECONDS: AtomicI64 = AtomicI64::new(0);
    fn clock() -> Timestamp {
        noon() + SignedDuration::from_secs(SECONDS.load(Ordering::SeqCst))
    }
    let harness = Harness::start().await;
    put(&harness, b"one: {{ export.document_name }}\n").await;
    let export = own(harness.at(clock));
    harness.s3.requests().record(true);
    let asked = || {
        let requests = harness.s3.requests().take();
        let of_template = requests.into_iter().filter(|request| request.key == KEY);
        of_template.map(|request| request.operation).collect::<Vec<_>>()
    };
    assert!(asked().is_empty(), "it was asked for before it was needed");

    // Those that begin at once wait for the same answer.
    let requests: Vec<_> = (0..4).map(|n| small(&format!("first-{n}"))).collect();
    let answers = join_all(requests.iter().map(|request| store(&export, request))).await;
    let first = answers.into_iter().next().unwrap().unwrap();
    assert_eq!(report(&harness, &first).await, "one: first-0.docx\n");
    let digest = Sha256::of(b"one: {{ export.document_name }}\n");
    let expected = format!("session-export/1 template/{digest}");
    assert_eq!(generator(&harness, &first).await, expected);
    assert_eq!(asked(), ["GetObject"]);

    put(&harness, b"two\n").await;
    SECONDS.store(59, Ordering::SeqCst);
    let kept = store(&export, &small("kept")).await.unwrap();
    assert_eq!(report(&harness, &kept).await, "one: kept.docx\n");
    SECONDS.store(60, Ordering::SeqCst);
    asked();
    let replaced = store(&export, &small("replaced")).await.unwrap();
    assert_eq!(report(&harness, &replaced).await, "two\n");
    assert_eq!(asked(), ["HeadObject", "GetObject"]);
    SECONDS.store(120, Ordering::SeqCst);
    store(&export, &small("unchanged")).await.unwrap();
    assert_eq!(asked(), ["HeadObject"]);

    // What was exported stays what it was.
    let again = store(&export, &small("first-0")).await.unwrap();
    assert_eq!(again.folder_name, first.folder_name);
    assert_eq!(report(&harness, &again).await, "one: first-0.docx\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_template_costs_a_warning_and_never_the_export() {
    let harness = Harness::start().await;
    let shipped = harness.store(&sample("shipped")).await.unwrap();
    let shipped = report(&harness, &shipped).await;
    let endless = b"\n{% for i in range(99999) %}\n{% for j in range(99999) %}{% endfor %}{% endfor %}";
    let large = vec![b'x'; 256 * 1024 + 1];
    for (name, template, expected) in [
        (
            "missing",
            None,
            "nothing lies at _casefile/templates/report.txt.j2",
        ),
        ("syntax", Some(&b"a\nb\n{% for %}\n"[..]), "line 3: syntax error"),
        (
            "failing",
            Some(b"\n{{ export.nothing.at.all }}"),
            "line 2: undefined value",
        ),
        ("endless", Some(endless), "steps"),
        ("bytes", Some(b"a\n\xff"), "line 2: it is not UTF-8"),
        ("large", Some(&large), "more than 262144 bytes"),
    ] {
        if let Some(template) = template {
            put(&harness, template).await;
        }
        let export = own(harness.at(noon));
        let answer = store(&export, &sample(name)).await.unwrap();
        let [warning] = &answer.warnings[..] else {
            panic!("{name}: {:?}", answer.warnings);
        };
        assert_eq!(warning.file, "readable_report.txt");
        assert!(warning.detail.contains(expected), "{name}: {warning:?}");
        assert!(!warning.detail.contains("TR-20417"), "{name}: {warning:?}");
        let of_this = |text: &str| {
            let lines = text.lines().filter(|line| !line.starts_with("Session:"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let made = report(&harness, &answer).await;
        assert_eq!(of_this(&made), of_this(&shipped), "{name}");
        let verification = harness.verify(&answer.folder_name).await;
        assert!(verification.holds(), "{name}");
        assert_eq!(verification.manifest.warnings, answer.warnings);
        assert!(
            verification
                .manifest
                .generator
                .starts_with("session-export/1 template/")
        );
        let again = store(&export, &sample(name)).await.unwrap();
        let json = |answer: &ExportAnswer| same(serde_json::to_value(answer).unwrap());
        assert_eq!(json(&again), json(&answer), "{name}");
    }
}

#[tokio::test]
async fn a_template_that_can_not_be_asked_for_is_an_outage_like_any_other() {
    let harness = Harness::start().await;
    put(&harness, b"mine\n").await;
    let export = own(harness.at(noon));
    let rule = FaultRule::on("GetObject").prefix(KEY);
    let injected = harness
        .s3
        .faults()
        .inject(rule, When::Before, Fault::error(503, "SlowDown"));
    let problem = store(&export, &sample("x")).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Unavailable);
    assert!(problem.retry_after.is_some());
    assert!(harness.visible_folders().await.is_empty());
    injected.remove();
    let answer = store(&export, &sample("x")).await.unwrap();
    assert_eq!(report(&harness, &answer).await, "mine\n");
}

#[tokio::test]
async fn a_template_that_s3_refuses_costs_a_warning_and_is_asked_for_again() {
    static SECONDS: AtomicI64 = AtomicI64::new(0);
    fn clock() -> Timestamp {
        noon() + SignedDuration::from_secs(SECONDS.load(Ordering::SeqCst))
    }
    let harness = Harness::start().await;
    put(&harness, b"mine\n").await;
    let export = own(harness.at(clock));
    let inject = |operation, status, code| {
        let rule = FaultRule::on(operation).prefix(KEY);
        let fault = Fault::error(status, code);
        harness.s3.faults().inject(rule, When::Before, fault)
    };
    let refused = inject("GetObject", 403, "AccessDenied");
    let answer = store(&export, &small("refused")).await.unwrap();
    let is_told = answer
        .warnings
        .iter()
        .any(|warning| warning.detail.contains("storage doesn't give it out"));
    assert!(is_told, "{:?}", answer.warnings);
    assert!(generator(&harness, &answer).await.ends_with("template/refused"));
    store(&export, &small("within-the-minute")).await.unwrap();
    assert_eq!(refused.matched(), 1);
    refused.remove();
    SECONDS.store(60, Ordering::SeqCst);
    let mine = store(&export, &small("mine")).await.unwrap();
    assert_eq!(report(&harness, &mine).await, "mine\n");

    // The one that is kept does, while S3 can't be asked for another.
    put(&harness, b"newer\n").await;
    for (n, operation) in ["HeadObject", "GetObject"].into_iter().enumerate() {
        let down = inject(operation, 503, "SlowDown");
        SECONDS.fetch_add(60, Ordering::SeqCst);
        let kept = store(&export, &small(&format!("kept-{n}"))).await.unwrap();
        assert!(down.matched() > 0, "{operation}");
        assert_eq!(report(&harness, &kept).await, "mine\n");
        down.remove();
    }
    SECONDS.fetch_add(60, Ordering::SeqCst);
    let newer = store(&export, &small("newer")).await.unwrap();
    assert_eq!(report(&harness, &newer).await, "newer\n");
}
