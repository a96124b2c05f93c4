//! ECG reports: which are taken, where they go, and who gets to see them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::problem::ProblemKind;
use futures::future::join_all;
use serde_json::{Value, json};
use session_export::files::Filed;

use super::mended::{deliver, happened};
use super::office::{Office, next_day, ticking};
use super::{
    ABOUT_REPORT, METRICS, REPORT, REPORT_NAME, REPORT_PATH, corrected, described, downloaded, given, link,
    listed, paths, post, settled, stored, uploaded, versions, versions_of,
};
use crate::support::{
    BUCKET, Harness, TestStack, device, noon, office, pointers, token, two_past_noon, without_events,
};

const ROUTE: &str = "/v1/ecg-reports";
const CRASHES: &[u8] = include_bytes!("../../fixtures/ecg/crash_logs.json");
const SESSION: &[u8] = include_bytes!("../../fixtures/ecg/session_20251028.log");

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_of_a_device_are_stored_by_their_day_or_skipped_without_a_trace() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    let about: Value = serde_json::from_str(ABOUT_REPORT).unwrap();
    for (name, content, content_type) in [
        (REPORT_NAME, REPORT, "application/pdf"),
        ("metrics_20251028_143022.json", METRICS, "application/json"),
    ] {
        let answer = stored(&stack, &dana, ROUTE, &described(name, content, &about)).await;
        let key = format!("ecg-reports/2025/10/28/{name}");
        assert_eq!(answer["key"], key);
        assert_eq!(answer["path"], format!("2025/10/28/{name}"));
        assert_eq!(answer["file_name"], name);
        assert_eq!(answer["collection"], "ecg-reports");
        assert_eq!(answer["size"], content.len());
        assert_eq!(answer["sha256"], Sha256::of(content).to_string());
        let head = stack.bucket().head(&key).await.unwrap();
        assert_eq!(head.content_type.as_deref(), Some(content_type));
        assert_eq!(head.checksum, Some(Sha256::of(content)));
        assert_eq!(json!(head.version_id), answer["version_id"]);
        assert_eq!(json!(head.metadata["uploaded-at"]), answer["uploaded_at"]);
        assert_eq!(stack.bucket().read(&key, 100_000).await.unwrap(), content);
    }
    let before = versions_of(&stack, "").await;
    for (name, content) in [("crash_logs.json", CRASHES), ("session_20251028.log", SESSION)] {
        let (status, answer) = post(&stack, &dana, ROUTE, &described(name, content, &about)).await;
        assert_eq!((status, &answer["status"]), (200, &json!("skipped")), "{answer}");
        assert_eq!(answer["collection"], "ecg-reports");
        let reason = answer["reason"].as_str().unwrap();
        assert!(reason.contains("\"report\""), "{reason}");
        assert_eq!(answer.as_object().unwrap().len(), 3, "{answer}");
    }
    assert_eq!(versions_of(&stack, "").await, before);
    assert_eq!(listed(&stack, &dana, "ecg-reports", "").await.len(), 2);
}

#[tokio::test]
async fn names_are_told_in_any_case() {
    let harness = Harness::start().await;
    let dana = Office::at(&harness, "acme", noon);
    for (name, is_taken) in [
        ("ecg_REPORT_20251028.PDF", true),
        ("METRICS_20251028.Json", true),
        ("eReport.json", true),
        ("CRASH_LOGS.JSON", false),
        ("SESSION_20251028.LOG", false),
        ("report.pdf.exe", false),
        ("metrics_20251028.pdf", false),
    ] {
        let filed = dana.give(Collection::ecg_reports(), &given(name, b"{}")).await;
        match filed.unwrap() {
            Filed::Stored(answer) => assert!(is_taken && answer.path.ends_with(name), "{name}"),
            Filed::Skipped(_) => assert!(!is_taken, "{name}"),
            Filed::Kept(_) => panic!("it was kept"),
        }
    }
}

#[tokio::test]
async fn a_report_s_day_is_what_its_metadata_says_then_its_name_then_today() {
    let harness = Harness::start().await;
    let dana = Office::at(&harness, "acme", noon);
    for (name, date, expected) in [
        ("report_20251027.pdf", "2025-10-28", "2025/10/28"),
        ("report_20251027_1.pdf", "", "2025/10/27"),
        ("report_20251027_2.pdf", "some day", "2025/10/27"),
        // It has yet to come.
        ("report_20251027_3.pdf", "2031-01-01", "2025/10/27"),
        ("report.pdf", "", "2025/11/14"),
        ("report_99999999.pdf", "", "2025/11/14"),
    ] {
        let request = described(name, REPORT, &json!({"report_date": date}));
        let answer = dana.store(Collection::ecg_reports(), &request).await.unwrap();
        assert_eq!(answer.path, format!("{expected}/{name}"));
    }
}

#[tokio::test]
async fn an_undated_report_that_comes_again_on_another_day_has_its_first_path() {
    let harness = Harness::start().await;
    let ecg = Collection::ecg_reports();
    let request = given("report.pdf", REPORT);
    let first = Office::at(&harness, "acme", noon)
        .store(ecg, &request)
        .await
        .unwrap();
    assert_eq!(first.path, "2025/11/14/report.pdf");
    let later = Office::at(&harness, "acme", next_day);
    let again = later.store(ecg, &request).await.unwrap();
    assert_eq!(
        (&again.path, &again.version_id, &again.uploaded_at),
        (&first.path, &first.version_id, &first.uploaded_at)
    );
    assert_eq!(later.list(ecg).await.len(), 1);
    // Other content, and another tenant's, is another file.
    let other = later
        .store(ecg, &given("report.pdf", &corrected(1)))
        .await
        .unwrap();
    assert_eq!(other.path, "2025/11/15/report.pdf");
    let foreign = Office::at(&harness, "globex", next_day)
        .store(ecg, &request)
        .await
        .unwrap();
    assert!(foreign.path.starts_with("2025/11/15/"), "{}", foreign.path);
    assert_eq!(versions(&harness.client, BUCKET, "ecg-reports/").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_content_of_the_same_name_goes_beside_under_its_digest() {
    let harness = Harness::start().await;
    let ecg = Collection::ecg_reports();
    let dana = Office::at(&harness, "acme", noon);
    let first = dana.store(ecg, &given(REPORT_NAME, REPORT)).await.unwrap();
    assert_eq!(first.path, REPORT_PATH);
    let other = corrected(1);
    let beside = REPORT_PATH.replace(".pdf", &format!("_{}.pdf", Sha256::of(&other)));
    let later = Office::at(&harness, "acme", two_past_noon);
    for _ in 0..2 {
        let answer = later.store(ecg, &given(REPORT_NAME, &other)).await.unwrap();
        assert_eq!(answer.path, beside);
    }
    let again = later.store(ecg, &given(REPORT_NAME, REPORT)).await.unwrap();
    assert_eq!((&again.path, again.version_id), (&first.path, first.version_id));
    let there = versions(&harness.client, BUCKET, "ecg-reports/").await;
    assert_eq!(there.len(), 2, "{there:?}");
    assert_eq!(paths(&dana.list(ecg).await), [beside.as_str(), REPORT_PATH]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_at_once_of_one_name_are_each_stored_once() {
    let harness = Harness::start().await;
    let ecg = Collection::ecg_reports();
    let dana = Office::at(&harness, "acme", ticking);
    let contents: Vec<_> = (0..8).map(corrected).collect();
    // Each of them twice.
    let requests: Vec<_> = (0..16).map(|n| given(REPORT_NAME, &contents[n / 2])).collect();
    let answers = join_all(requests.iter().map(|request| dana.store(ecg, request))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    for (content, twins) in contents.iter().zip(answers.chunks(2)) {
        let there = harness.bucket().read(&twins[0].key, 100_000).await.unwrap();
        assert_eq!(there, content.as_slice());
        assert_eq!(twins[0].sha256, Some(Sha256::of(content)));
    }
    let there = versions(&harness.client, BUCKET, "ecg-reports/").await;
    assert_eq!(there.len(), 8, "{there:?}");
    for twins in answers.chunks(2) {
        assert_eq!(
            (&twins[0].path, &twins[0].version_id),
            (&twins[1].path, &twins[1].version_id)
        );
    }
    assert_eq!(dana.list(ecg).await.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_tenant_has_under_the_name_is_not_revealed() {
    let stack = TestStack::start().await;
    let (dana, eve) = (office("acme"), office("globex"));
    let mut theirs = described(REPORT_NAME, REPORT, &json!({"patient_name": "Whitfield"}));
    theirs["owner"] = json!("c-17");
    let foreign = stored(&stack, &eve, ROUTE, &theirs).await;
    let own = stored(&stack, &dana, ROUTE, &given(REPORT_NAME, REPORT)).await;
    settled(&stack).await;
    assert_ne!(own["path"], foreign["path"]);
    assert_eq!(own["metadata"], json!({}));
    let told = own.to_string();
    for secret in ["globex", "Whitfield", "c-17"] {
        assert!(!told.contains(secret), "{told}");
    }
    assert_ne!(own["version_id"], foreign["version_id"]);
    let path = own["path"].as_str().unwrap();
    assert_eq!(paths(&listed(&stack, &dana, "ecg-reports", "").await), [path]);
    assert_eq!(
        paths(&listed(&stack, &eve, "ecg-reports", "").await),
        [REPORT_PATH]
    );
    let (status, refused) = link(&stack, &dana, "ecg-reports", REPORT_PATH).await;
    let (_, missing) = link(&stack, &dana, "ecg-reports", "2025/10/28/report.pdf").await;
    assert_eq!((status, &refused["detail"]), (404, &missing["detail"]));
    assert_eq!(downloaded(&stack, &dana, "ecg-reports", path).await, REPORT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_writes_into_its_own_collection_alone_and_reads_nothing() {
    let stack = TestStack::start().await;
    let camera = device("acme", "ecg-reports");
    let answer = stored(&stack, &camera, ROUTE, &given(REPORT_NAME, REPORT)).await;
    assert_eq!(answer["link"], Value::Null);
    settled(&stack).await;
    let upload_id = uploaded(&stack, &camera, "ecg-reports", REPORT_NAME, REPORT).await;
    let by_upload = json!({"file": {"file_name": REPORT_NAME, "upload_id": upload_id}});
    let again = stored(&stack, &camera, ROUTE, &by_upload).await;
    assert_eq!(again["version_id"], answer["version_id"]);
    // Not even now that links lead to it.
    assert_eq!(again["link"], Value::Null);
    assert_eq!(link(&stack, &camera, "ecg-reports", REPORT_PATH).await.0, 404);
    assert_eq!(listed(&stack, &camera, "ecg-reports", "").await, [] as [Value; 0]);
    let before = versions_of(&stack, "").await;
    for (route, request) in [
        ("/v1/clinical", given("a.json", b"{}")),
        ("/v1/documents/clinical", given("a.json", b"{}")),
        ("/v1/training-logs", json!({})),
        // Who may not is told so before anything that is wrong.
        ("/v1/clinical", json!({"nonsense": 1})),
    ] {
        let (status, refused) = post(&stack, &camera, route, &request).await;
        assert_eq!(status, 403, "{route}: {refused}");
    }
    let other = device("acme", "clinical");
    assert_eq!(
        post(&stack, &other, ROUTE, &given(REPORT_NAME, REPORT)).await.0,
        403
    );
    for groups in [&["customer"][..], &["auditor"], &[]] {
        let sam = token("sam", groups, "acme", None);
        let (status, _) = post(&stack, &sam, ROUTE, &given(REPORT_NAME, REPORT)).await;
        assert_eq!(status, 403, "{groups:?}");
    }
    assert_eq!(versions_of(&stack, "").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_link_leads_to_a_report_before_the_verdict_and_one_after_it() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    let mut events = stack.stack.s3.events();
    let answer = stored(&stack, &dana, ROUTE, &given(REPORT_NAME, REPORT)).await;
    assert_eq!(answer["link"], Value::Null);
    let again = stored(&stack, &dana, ROUTE, &given(REPORT_NAME, REPORT)).await;
    assert_eq!(again["link"], Value::Null);
    assert_eq!(link(&stack, &dana, "ecg-reports", REPORT_PATH).await.0, 409);
    assert_eq!(deliver(&stack, &happened(&mut events), "ecg-reports/").await, 1);
    let (status, found) = link(&stack, &dana, "ecg-reports", REPORT_PATH).await;
    assert_eq!(status, 200, "{found}");
    assert_eq!(
        (&found["kind"], &found["expires_in"]),
        (&json!("direct"), &json!(900))
    );
    assert_eq!(found["version_id"], answer["version_id"]);
    assert_eq!(
        downloaded(&stack, &dana, "ecg-reports", REPORT_PATH).await,
        REPORT
    );
    let again = stored(&stack, &dana, ROUTE, &given(REPORT_NAME, REPORT)).await;
    assert_eq!(again["version_id"], answer["version_id"]);
    assert_eq!(again["link"]["path"], REPORT_PATH, "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn inline_and_by_upload_a_report_is_the_same() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    let about: Value = serde_json::from_str(ABOUT_REPORT).unwrap();
    let upload_id = uploaded(&stack, &dana, "ecg-reports", "x.pdf", REPORT).await;
    let by_upload = |name: &str| json!({"file": {"file_name": name, "upload_id": upload_id}, "metadata": about, "owner": "c-17"});
    let inline = |name: &str| {
        let mut request = described(name, REPORT, &about);
        request["owner"] = json!("c-17");
        request
    };
    let (early, late) = (REPORT_NAME, "report_20251028_2.pdf");
    for (first, second) in [(by_upload(early), inline(early)), (inline(late), by_upload(late))] {
        let first = stored(&stack, &dana, ROUTE, &first).await;
        let second = stored(&stack, &dana, ROUTE, &second).await;
        assert_eq!(first, second);
        let head = stack.bucket().head(first["key"].as_str().unwrap()).await.unwrap();
        assert_eq!(head.sha256(), Some(Sha256::of(REPORT)));
        assert_eq!(head.content_type.as_deref(), Some("application/pdf"));
        assert_eq!(first["metadata"].as_object().unwrap().len(), 10, "{first}");
    }
    assert_eq!(versions_of(&stack, "ecg-reports/").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_somebody_else_s_is_as_if_it_were_not_there() {
    let stack = TestStack::start_with(without_events).await;
    let upload_id = uploaded(&stack, &office("acme"), "ecg-reports", "x.pdf", REPORT).await;
    let missing = json!("01939b7e-0000-7000-8000-000000000000");
    let mut answers = Vec::new();
    for (token, upload_id) in [
        (token("erin", &["office"], "acme", None), &upload_id),
        (office("globex"), &upload_id),
        (device("acme", "ecg-reports"), &upload_id),
        (office("acme"), &missing),
    ] {
        let request = json!({"file": {"file_name": REPORT_NAME, "upload_id": upload_id}});
        let (status, problem) = post(&stack, &token, ROUTE, &request).await;
        assert_eq!(status, 422, "{problem}");
        assert_eq!(pointers(&problem), ["/file/upload_id"]);
        answers.push(problem["errors"].clone());
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    let there = versions_of(&stack, "ecg-reports/").await;
    assert!(there.is_empty(), "{there:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_a_request_is_told_at_once() {
    let stack = TestStack::start_with(without_events).await;
    let request = json!({
        "file": {"file_name": "a/b.pdf", "content_base64": "%"}, "metadata": {"heart_rate": [7]}, "owner": "",
        "replaces": "x",
    });
    let (status, problem) = post(&stack, &office("acme"), ROUTE, &request).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(
        pointers(&problem),
        [
            "/file/file_name",
            "/file/content_base64",
            "/owner",
            "/metadata/heart_rate",
            "/replaces"
        ]
    );
    let harness = Harness::start().await;
    let dana = Office::at(&harness, "acme", noon);
    let both = json!({"file": {"file_name": REPORT_NAME, "content_base64": BASE64.encode(REPORT), "upload_id": "x"}});
    let problem = dana.give(Collection::ecg_reports(), &both).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Invalid);
    assert_eq!(problem.errors[0].pointer, "/file");
}
