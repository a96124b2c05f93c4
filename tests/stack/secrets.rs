//! Nothing that the functions print holds a signature, a token, or anything of a patient.

use casefile::document::ownership;
use casefile::name::TenantId;
use casefile_local::s3::{Fault, FaultRule, When};
use hyper::Method;
use serde_json::{Value, json};

use crate::links::{encoded, split};
use crate::support::{TestStack, client, folder, office, sample, token};

const PATIENT: [(&str, &str); 3] = [
    ("patient_name", "Jos%C3%A9 %C3%81lvarez"),
    ("machine_serial", "RX12-004417"),
    ("heart_rate", "72311"),
];
const ECG: &str = "2025/10/28/ECG_Report_Alvarez.pdf";

async fn put_ecg(stack: &TestStack) {
    let client = client(&stack.stack.s3.endpoint());
    let bucket = stack.bucket();
    let key = format!("ecg-reports/{ECG}");
    let mut put = client.put_object().bucket(bucket.name()).key(key);
    for (name, value) in ownership(&TenantId::parse("acme").unwrap(), None) {
        put = put.metadata(name, value);
    }
    for (name, value) in PATIENT {
        put = put.metadata(name, value);
    }
    put.content_type("application/pdf")
        .body(b"%PDF-1.7 Alvarez".to_vec().into())
        .send()
        .await
        .unwrap();
}

/// All routes, well and badly used; gives the secrets that were handed out.
async fn use_everything(stack: &TestStack) -> Vec<String> {
    let (_, answer) = stack.export(&sample("secret")).await;
    let report = encoded(&format!("{}/readable_report.txt", folder(&answer)));
    let link = format!("/v1/links/reviews/{report}");
    let ecg = format!("/v1/links/ecg-reports/{}", encoded(ECG));
    let office = office("acme");
    let auditor = token("aude", &["auditor"], "acme", None);
    let (_, share) = stack.get(&format!("{ecg}?kind=share&uses=2"), &office).await;
    let shared = split(share["url"].as_str().unwrap()).1;
    let upload = json!({
        "collection": "reviews", "file_name": "Alvarez.docx", "size": 1, "sha256": "0".repeat(64),
        "content_type": "application/pdf",
    });
    let bulk = json!({"items": [{"collection": "ecg-reports", "path": ECG}, {"collection": "x", "path": "Alvarez"}]});
    let mut secrets = vec![office.clone(), auditor.clone()];
    for (method, target, token, body) in [
        (Method::GET, link.as_str(), Some(&office), String::new()),
        (Method::GET, &ecg, Some(&office), String::new()),
        (Method::GET, &ecg, Some(&auditor), String::new()),
        (
            Method::GET,
            &format!("{ecg}?kind=Alvarez&x=Alvarez"),
            Some(&office),
            String::new(),
        ),
        (
            Method::GET,
            &ecg.replace("links", "documents"),
            Some(&office),
            String::new(),
        ),
        (
            Method::GET,
            "/v1/documents/reviews?prefix=Alvarez",
            Some(&office),
            String::new(),
        ),
        (
            Method::GET,
            "/v1/audit?path=Alvarez",
            Some(&auditor),
            String::new(),
        ),
        (Method::GET, "/v1/audit", Some(&office), String::new()),
        (Method::GET, &shared, None, String::new()),
        (Method::HEAD, &shared, None, String::new()),
        (Method::POST, &shared, None, String::new()),
        (Method::GET, "/v1/s/QWx2YXJlekFsdmFyZXpBbA", None, String::new()),
        (Method::DELETE, "/v1/s/Alvarez", Some(&office), String::new()),
        (Method::POST, "/v1/uploads", Some(&office), upload.to_string()),
        (
            Method::POST,
            "/v1/uploads",
            Some(&office),
            json!({"file_name": "Alvarez/"}).to_string(),
        ),
        (Method::POST, "/v1/links", Some(&office), bulk.to_string()),
        (Method::POST, "/v1/links", Some(&office), "{\"Alvarez".to_owned()),
    ] {
        let response = stack.call(method, target, token.map(String::as_str), body).await;
        let location = response.headers().get("location");
        secrets.extend(location.map(|location| location.to_str().unwrap().to_owned()));
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        secrets.extend(body["url"].as_str().map(str::to_owned));
    }
    secrets.push(shared.rsplit('/').next().unwrap().to_owned());
    secrets
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_holds_a_signature_a_token_or_anything_of_a_patient() {
    let stack = TestStack::start().await;
    put_ecg(&stack).await;
    let mut secrets = use_everything(&stack).await;
    for fault in [Fault::error(503, "SlowDown"), Fault::error(403, "AccessDenied")] {
        for operation in ["PutObject", "HeadObject", "GetObject", "ListObjectsV2"] {
            let rule = FaultRule::on(operation).skip(20);
            let injected = stack.stack.s3.faults().inject(rule, When::Before, fault.clone());
            secrets.extend(use_everything_that_answers(&stack).await);
            injected.remove();
        }
    }
    let log = stack.log();
    assert!(
        log.contains("the request was refused") && log.contains("storage failed"),
        "{log}"
    );
    let signatures = secrets
        .iter()
        .filter_map(|url| Some(url.split_once("X-Amz-Signature=")?.1.get(..64)?.to_owned()));
    let signatures: Vec<_> = signatures.collect();
    assert!(signatures.len() > 3);
    let always = [
        "Alvarez",
        "lvarez",
        "Jos\u{e9}",
        "RX12-004417",
        "72311",
        "X-Amz-Signature",
        "Signature=",
        "hijacking",
        "whitfield",
        "casefile-local-secret",
        "session-token",
    ];
    let all = secrets
        .iter()
        .chain(&signatures)
        .map(String::as_str)
        .chain(always);
    for secret in all {
        assert!(!log.contains(secret), "the log holds {secret}: {log}");
    }
}

/// Some routes, while S3 fails now and then.
async fn use_everything_that_answers(stack: &TestStack) -> Vec<String> {
    let ecg = format!("/v1/links/ecg-reports/{}", encoded(ECG));
    let office = office("acme");
    let mut secrets = Vec::new();
    for target in [
        ecg.clone(),
        ecg.replace("links", "documents"),
        "/v1/documents/reviews".to_owned(),
    ] {
        for _ in 0..8 {
            let (_, answer) = stack.get(&target, &office).await;
            secrets.extend(answer["url"].as_str().map(str::to_owned));
        }
    }
    secrets
}
