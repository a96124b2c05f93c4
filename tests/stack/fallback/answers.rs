//! What callers are told, and what isn't kept.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use casefile::digest::Sha256;
use casefile_local::s3::{Fault, FaultRule, When};
use serde_json::{Value, json};

use super::counter::Counter;
use super::{Kind, with_other_document};
use crate::support::{AUDIT_BUCKET, BUCKET, sample};

fn cut(counter: &Counter) {
    counter
        .harness
        .s3
        .faults()
        .inject(FaultRule::any(), When::Before, Fault::Cut);
}

#[tokio::test]
async fn the_answer_says_where_it_is_and_why_and_brings_the_zip_on_request() {
    let counter = Counter::open().await;
    cut(&counter);
    let answered = counter.post("/v1/reviews", &sample("x")).await;
    let body = &answered.body;
    assert_eq!(
        (answered.status, &body["reason"]),
        (202, &json!("outage")),
        "{body}"
    );
    assert_eq!(
        (&body["session_id"], &body["collection"]),
        (&json!("x"), &json!("reviews"))
    );
    let folder = body["folder"].as_str().unwrap();
    assert!(folder.starts_with(counter.dir().to_str().unwrap()), "{folder}");
    assert!(folder.ends_with(&format!("/bucket/tara/{}", body["folder_name"].as_str().unwrap())));
    let sizes = body["files"].as_array().unwrap().iter();
    assert_eq!(
        body["size"],
        json!(sizes.map(|file| file["size"].as_u64().unwrap()).sum::<u64>())
    );
    assert!(body["zip"].get("content_base64").is_none());
    assert!(
        body["detail"].as_str().unwrap().contains("sent on to S3"),
        "{body}"
    );

    let again = counter.post("/v1/reviews?fallback=zip", &sample("x")).await.body;
    let zip = BASE64
        .decode(again["zip"]["content_base64"].as_str().unwrap())
        .unwrap();
    assert_eq!(json!(Sha256::of(&zip).to_string()), again["zip"]["sha256"]);
    assert_eq!(
        (&again["folder"], &again["zip"]["path"]),
        (&body["folder"], &body["zip"]["path"])
    );
    assert_eq!(counter.entries().len(), 1);
    // Every check of the folder that a person would make.
    let sums = std::process::Command::new("sha256sum")
        .args(["--check", "--quiet", "manifest-sha256.txt"])
        .current_dir(folder)
        .status();
    assert!(sums.unwrap().success());
}

#[tokio::test]
async fn commands_are_kept_too() {
    let counter = Counter::open().await;
    cut(&counter);
    let mut review = sample("x");
    review["command"] = json!("export_review");
    review["tenant"] = json!("acme");
    review["fallback"] = json!("zip");
    let kept = counter.command(&review).await.unwrap();
    assert_eq!(kept["stored"], "local");
    assert!(kept["zip"]["content_base64"].is_string());
    let log: Value = serde_json::from_str(super::LOG).unwrap();
    let log = json!({"command": "store_training_log", "tenant": "acme", "log": log, "revision": true});
    assert_eq!(counter.command(&log).await.unwrap()["stored"], "local");
    let mut bol: Value = serde_json::from_str(super::RECORD).unwrap();
    bol["command"] = json!("store_bol");
    bol["tenant"] = json!("acme");
    let kept = counter.command(&bol).await.unwrap();
    assert_eq!(
        (
            &kept["number"],
            kept["detail"].as_str().unwrap().contains("gets its number then")
        ),
        (&Value::Null, true)
    );
    let mut file = crate::files::given("a.json", b"{}");
    file["command"] = json!("store_file");
    file["tenant"] = json!("acme");
    file["collection"] = json!("clinical");
    assert_eq!(counter.command(&file).await.unwrap()["stored"], "local");

    counter.harness.s3.faults().clear();
    let report = counter
        .command(&json!({"command": "replay", "dry_run": true}))
        .await
        .unwrap();
    assert_eq!(
        (&report["waiting"], &report["sent"]),
        (&json!(4), &json!(0)),
        "{report}"
    );
    let report = counter.command(&json!({"command": "replay"})).await.unwrap();
    assert_eq!(
        (&report["waiting"], &report["sent"]),
        (&json!(0), &json!(4)),
        "{report}"
    );
    let numbers = report["entries"].as_array().unwrap().iter();
    let numbers: Vec<_> = numbers.filter_map(|entry| entry["number"].as_str()).collect();
    assert_eq!(numbers, ["PRT-2025-0001"]);
    for (wrong, pointer) in [
        (json!({"command": "replay", "dry_run": 1, "x": 2}), "/dry_run"),
        (json!({"command": "store_bol", "fallback": "pdf"}), "/fallback"),
    ] {
        let problem = counter.command(&wrong).await.unwrap_err();
        assert!(problem.contains(pointer), "{problem}");
    }
}

#[tokio::test]
async fn a_wrong_set_up_is_named_and_kept_for_too() {
    for (status, code, reason) in [
        (403, "AccessDenied", "access_denied"),
        (404, "NoSuchBucket", "no_such_bucket"),
        (403, "InvalidAccessKeyId", "bad_credentials"),
        (400, "ExpiredToken", "bad_credentials"),
        (403, "RequestTimeTooSkewed", "clock_skew"),
        (400, "KMS.DisabledException", "encryption_key"),
        (503, "SlowDown", "outage"),
    ] {
        let counter = Counter::open().await;
        let fault = Fault::error(status, code);
        counter
            .harness
            .s3
            .faults()
            .inject(FaultRule::any(), When::Before, fault);
        let answered = counter.post("/v1/reviews", &sample("x")).await;
        assert_eq!(
            (answered.status, &answered.body["reason"]),
            (202, &json!(reason)),
            "{code}"
        );
    }
}

#[tokio::test]
async fn what_s3_refuses_of_the_request_itself_is_not_kept() {
    for code in ["InvalidArgument", "EntityTooLarge", "KeyTooLongError"] {
        let counter = Counter::open().await;
        let fault = Fault::error(400, code);
        counter
            .harness
            .s3
            .faults()
            .inject(FaultRule::on("PutObject"), When::Before, fault);
        let answered = counter.post("/v1/reviews", &sample("x")).await;
        assert_eq!(
            (answered.status, counter.entries().len()),
            (500, 0),
            "{}",
            answered.body
        );
    }
}

#[tokio::test]
async fn the_same_content_is_kept_once_however_it_is_spelled_and_whoever_sends_it() {
    let counter = Counter::open().await;
    cut(&counter);
    let first = counter.post("/v1/reviews", &sample("x")).await.body;
    let mut again = sample("x");
    again["strict"] = json!(false);
    let colleague = counter.post_as("kim", "office", "/v1/reviews", &again).await;
    again["command"] = json!("export_review");
    again["tenant"] = json!("acme");
    again["fallback"] = json!("zip");
    let command = counter.command(&again).await.unwrap();
    assert_eq!(
        (&first["folder"], &first["folder"]),
        (&colleague.body["folder"], &command["folder"])
    );
    assert!(command["zip"]["content_base64"].is_string());
    let other = counter
        .post_as("kim@globex", "office", "/v1/reviews", &sample("x"))
        .await;
    assert_eq!(other.status, 202);
    assert_ne!(other.body["folder"], first["folder"]);
    assert_eq!(counter.entries().len(), 2);
}

#[tokio::test]
async fn two_bills_of_lading_of_one_number_are_a_conflict() {
    let counter = Counter::open().await;
    cut(&counter);
    let mut bill = Kind::Numbered.request();
    assert_eq!(counter.post("/v1/bols", &bill).await.status, 202);
    assert_eq!(counter.post("/v1/bols", &bill).await.status, 202);
    bill["file"]["content_base64"] = json!(BASE64.encode(b"%PDF-1.4 other"));
    let answered = counter.post("/v1/bols", &bill).await;
    assert_eq!(
        (answered.status, counter.entries().len()),
        (409, 1),
        "{}",
        answered.body
    );
    // Another tenant's is another one, though it be the same PDF.
    let bill = Kind::Numbered.request();
    let other = counter.post_as("kim@globex", "office", "/v1/bols", &bill).await;
    assert_eq!(other.status, 409, "{}", other.body);
}

#[tokio::test]
async fn without_a_folder_or_room_the_request_is_the_caller_s_to_keep() {
    let missing = "/nonexistent/fallback";
    for (variables, why) in [
        (&[("FALLBACK_DIR", "")][..], "no folder"),
        (&[("FALLBACK_DIR", missing)], "can't be written"),
        (&[("FALLBACK_MAX_BYTES", "1000")], "is full"),
    ] {
        let counter = Counter::open_with(variables).await;
        for (fault, what) in [
            (Fault::Cut, "can't be reached"),
            (Fault::error(403, "AccessDenied"), "refuses"),
        ] {
            let injected = counter
                .harness
                .s3
                .faults()
                .inject(FaultRule::any(), When::Before, fault);
            for kind in [Kind::Review, Kind::Record, Kind::Report, Kind::Log] {
                let answered = counter.post(kind.route(), &kind.request()).await;
                let detail = answered.body["detail"].as_str().unwrap();
                assert_eq!(answered.status, 503, "{kind:?}: {detail}");
                assert!(answered.retry_after.is_some());
                for part in [why, what, "Keep the request and repeat it"] {
                    assert!(detail.contains(part), "{part}: {detail}");
                }
            }
            injected.remove();
        }
        assert!(counter.entries().is_empty());
        assert!(!std::path::Path::new(missing).exists());
    }
}

#[tokio::test]
async fn what_can_t_be_kept_whole_is_not_kept() {
    let counter = Counter::open().await;
    cut(&counter);
    let mut review = sample("x");
    review["documents"]["guidelines"] =
        json!({"file_name": "g.docx", "upload_id": "0198f1c4-7a5e-7cc2-9d7e-1f2a3b4c5d6e"});
    let mut report = crate::files::given("report.pdf", b"x");
    report["file"] = json!({"file_name": "report.pdf", "upload_id": "0198f1c4-7a5e-7cc2-9d7e-1f2a3b4c5d6e"});
    for (route, request) in [("/v1/reviews", review), ("/v1/ecg-reports", report)] {
        let answered = counter.post(route, &request).await;
        assert_eq!(answered.status, 503, "{}", answered.body);
        let detail = answered.body["detail"].as_str().unwrap();
        assert!(
            detail.contains("names an upload") || detail.contains("names uploads"),
            "{detail}"
        );
    }
    // What is wrong with a request, storage has nothing to do with.
    let mut wrong = sample("x");
    wrong["session"]["session_id"] = json!("");
    assert_eq!(counter.post("/v1/reviews", &wrong).await.status, 422);
    let skipped = counter
        .post("/v1/ecg-reports", &crate::files::given("x.txt", b"x"))
        .await;
    assert_eq!(
        (skipped.status, &skipped.body["status"]),
        (200, &json!("skipped"))
    );
    for query in ["fallback=tar", "fallback=zip&fallback=zip", "revision=true"] {
        let answered = counter.post(&format!("/v1/reviews?{query}"), &sample("x")).await;
        assert_eq!(answered.status, 422, "{query}");
    }
    assert!(counter.entries().is_empty());
}

#[tokio::test]
async fn who_may_not_store_is_not_kept_even_if_that_can_t_be_recorded() {
    let counter = Counter::open().await;
    let refused = counter
        .post_as("kim", "customer", "/v1/reviews", &sample("x"))
        .await;
    assert_eq!(refused.status, 403);
    cut(&counter);
    for kind in [Kind::Review, Kind::Record, Kind::Report, Kind::Log] {
        let answered = counter
            .post_as("kim", "customer", kind.route(), &kind.request())
            .await;
        assert_eq!(answered.status, 503, "{kind:?}: {}", answered.body);
    }
    assert!(counter.entries().is_empty());
}

#[tokio::test]
async fn a_file_that_is_to_be_handed_out_is_not_kept_instead() {
    let counter = Counter::open().await;
    let rule = FaultRule::any().bucket(AUDIT_BUCKET);
    counter.harness.s3.faults().inject(rule, When::Before, Fault::Cut);
    let mut download = sample("x");
    download["destination"] = json!("download");
    let answered = counter.post("/v1/reviews", &download).await;
    assert_eq!(
        (answered.status, counter.entries().len()),
        (503, 0),
        "{}",
        answered.body
    );
}

#[tokio::test]
async fn without_its_audit_record_an_export_is_kept_and_no_link_leaves() {
    let counter = Counter::open().await;
    let rule = FaultRule::any().bucket(AUDIT_BUCKET);
    let injected = counter.harness.s3.faults().inject(rule, When::Before, Fault::Cut);
    let answered = counter.post("/v1/reviews", &sample("x")).await;
    assert_eq!(answered.status, 202);
    assert!(!answered.body.to_string().contains("X-Amz-Signature"));
    assert_eq!(
        counter.harness.visible_folders().await,
        [answered.body["folder_name"].as_str().unwrap()]
    );
    injected.remove();
    assert_eq!(counter.replay().await.sent, 1);
    let audit = casefile::bucket::Bucket::new(counter.harness.client.clone(), AUDIT_BUCKET.to_owned());
    let keys = audit.keys("audit/").await.unwrap();
    assert_eq!(keys.len(), 1);
    let record: Value = serde_json::from_slice(&audit.read(&keys[0], 10_000).await.unwrap()).unwrap();
    assert_eq!(record["activity_name"], "Export");
    assert_eq!(record["src_endpoint"]["ip"], "203.0.113.7");
    assert_eq!(record["unmapped"]["asked"]["kept_at"], "2025-11-14T12:00:00.000Z");
}

#[tokio::test]
async fn other_content_of_a_session_that_is_kept_is_a_conflict_unless_it_is_a_revision() {
    let counter = Counter::open().await;
    cut(&counter);
    assert_eq!(counter.post("/v1/reviews", &sample("x")).await.status, 202);
    let mut other = with_other_document("x", b"other");
    let answered = counter.post("/v1/reviews", &other).await;
    assert_eq!(answered.status, 409, "{}", answered.body);
    other["revision"] = json!(true);
    assert_eq!(counter.post("/v1/reviews", &other).await.status, 202);
    assert_eq!(counter.post("/v1/reviews", &sample("another")).await.status, 202);
    counter.harness.s3.faults().clear();
    let report = counter.replay().await;
    assert_eq!((report.sent, report.waiting), (3, 0), "{report:?}");
    let folders = counter.harness.visible_folders().await;
    assert_eq!(folders.len(), 3, "{folders:?}");
    let other = counter.post("/v1/reviews", &other).await;
    assert_eq!((other.status, &other.body["revision"]), (201, &json!(2)));
}

#[tokio::test]
async fn a_name_that_no_file_system_takes_is_whole_in_the_zip_and_in_s3() {
    let counter = Counter::open().await;
    cut(&counter);
    let mut review = sample("x");
    let name = format!("{}.docx", "ü".repeat(190));
    review["documents"]["guidelines"]["file_name"] = json!(name);
    let answered = counter.post("/v1/reviews", &review).await;
    assert_eq!(answered.status, 202, "{}", answered.body);
    let zip = std::fs::File::open(answered.body["zip"]["path"].as_str().unwrap()).unwrap();
    let long = format!("documents/guidelines_{name}");
    assert!(zip::ZipArchive::new(zip).unwrap().by_name(&long).is_ok());
    counter.harness.s3.faults().clear();
    assert_eq!(counter.replay().await.sent, 1);
    let folder = answered.body["folder_name"].as_str().unwrap();
    assert!(
        counter
            .harness
            .bucket()
            .head(&format!("tara/{folder}/{long}"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn an_answer_leaves_within_25_s_though_s3_says_nothing() {
    let counter = Counter::open().await;
    let silence = Fault::Delay(Duration::from_mins(2));
    counter
        .harness
        .s3
        .faults()
        .inject(FaultRule::any().bucket(BUCKET), When::Before, silence);
    let started = Instant::now();
    let review = sample("x");
    let (log, record) = (Kind::Log.request(), Kind::Record.request());
    let (review, log, record) = futures::join!(
        counter.post("/v1/reviews", &review),
        counter.post("/v1/training-logs", &log),
        counter.post("/v1/bols", &record),
    );
    assert!(
        started.elapsed() < Duration::from_secs(25),
        "{:?}",
        started.elapsed()
    );
    for answered in [review, log, record] {
        assert_eq!(
            (answered.status, &answered.body["reason"]),
            (202, &json!("outage")),
            "{}",
            answered.body
        );
    }
}
