//! Nothing that the functions print holds a signature, a token, or anything of a patient.

use bytes::Bytes;
use casefile::document::ownership;
use casefile::name::TenantId;
use casefile_local::s3::{Fault, FaultRule, When};
use futures::future::join_all;
use hyper::{Method, Response};
use serde_json::{Value, json};

use crate::links::{encoded, split};
use crate::support::{RELEASED, TestStack, client, folder, office, sample, token};

const PATIENT: [(&str, &str); 3] = [
    ("patient_name", "Jos%C3%A9 %C3%81lvarez"),
    ("machine_serial", "RX12-004417"),
    // With letters, so that no time and no id holds it by chance.
    ("heart_rate", "72311-bpm"),
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
        .tagging(RELEASED)
        .body(b"%PDF-1.7 Alvarez".to_vec().into())
        .send()
        .await
        .unwrap();
}

/// Entries of a list that none of them can be shown: two by their names, and one that is complete, but junk.
async fn put_damaged_entries(stack: &TestStack) {
    let client = client(&stack.stack.s3.endpoint());
    let bucket = stack.bucket();
    let list = "_casefile/by-time/acme/reviews";
    let folder = "20251114_142510_Alvarez";
    for key in [
        format!("{list}/Alvarez"),
        format!("{list}/79748885857489876_Alvarez"),
        format!("{list}/79748885857489876_{folder}"),
        format!("tara/{folder}/manifest.json"),
    ] {
        let mut put = client.put_object().bucket(bucket.name()).key(key);
        for (name, value) in ownership(&TenantId::parse("acme").unwrap(), None) {
            put = put.metadata(name, value);
        }
        // Junk as it is, it stays where it lies.
        put = put.tagging(RELEASED);
        put.body(b"Alvarez".to_vec().into()).send().await.unwrap();
    }
}

/// What must never be told: secrets that were handed out, and where they must not stand.
#[derive(Default)]
struct Told {
    secrets: Vec<String>,
    problems: Vec<String>,
}

impl Told {
    fn take(&mut self, response: &Response<Bytes>) {
        let location = response.headers().get("location");
        self.secrets
            .extend(location.map(|location| location.to_str().unwrap().to_owned()));
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let urls = [&body["url"], &body["link"]["url"]];
        self.secrets
            .extend(urls.iter().filter_map(|url| url.as_str()).map(str::to_owned));
        if response.status().as_u16() >= 400 {
            self.problems
                .push(String::from_utf8(response.body().to_vec()).unwrap());
        }
        for item in body["links"].as_array().into_iter().flatten() {
            self.secrets
                .extend(item["link"]["url"].as_str().map(str::to_owned));
            self.problems.extend(item.get("problem").map(Value::to_string));
        }
    }
}

/// All routes, well and badly used.
async fn use_everything(stack: &TestStack, told: &mut Told) {
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
    told.secrets.extend([office.clone(), auditor.clone()]);
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
        (Method::GET, "/v1/documents/reviews", Some(&office), String::new()),
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
        told.take(&response);
    }
    told.secrets.push(shared.rsplit('/').next().unwrap().to_owned());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_holds_a_signature_a_token_or_anything_of_a_patient() {
    let stack = TestStack::start().await;
    put_ecg(&stack).await;
    put_damaged_entries(&stack).await;
    let mut told = Told::default();
    use_everything(&stack, &mut told).await;
    for (number, fault) in [Fault::error(503, "SlowDown"), Fault::error(403, "AccessDenied")]
        .into_iter()
        .enumerate()
    {
        for operation in ["PutObject", "HeadObject", "GetObject", "ListObjectsV2"] {
            for skip in 0..=2 {
                let rule = FaultRule::on(operation).skip(skip);
                let injected = stack.stack.s3.faults().inject(rule, When::Before, fault.clone());
                let case = format!("failing-{number}-{operation}-{skip}");
                use_what_storage_fails(&stack, &case, &mut told).await;
                assert!(injected.matched() > skip, "{case}");
                injected.remove();
            }
        }
    }
    let log = stack.log();
    for line in [
        "the request was refused",
        "storage failed",
        "the audit record can't be written",
        "a list's entry is skipped",
        "it has no entry's name",
        "nothing of the collection can lie where it points to",
        "it can't be read",
    ] {
        assert!(log.contains(line), "the log doesn't hold {line}: {log}");
    }
    let Told { secrets, problems } = told;
    for kind in [
        "unavailable",
        "internal",
        "not-found",
        "invalid-request",
        "malformed-request",
    ] {
        let name = format!("urn:casefile:problem:{kind}");
        assert!(problems.iter().any(|problem| problem.contains(&name)), "{kind}");
    }
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
        "72311-bpm",
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
        for problem in &problems {
            assert!(!problem.contains(secret), "a problem holds {secret}: {problem}");
        }
    }
}

/// Some routes, while S3 fails: all at once, and each often enough that the fault comes at every point of it.
async fn use_what_storage_fails(stack: &TestStack, case: &str, told: &mut Told) {
    let ecg = format!("/v1/links/ecg-reports/{}", encoded(ECG));
    let metadata = ecg.replace("links", "documents");
    let office = office("acme");
    let upload = json!({
        "collection": "reviews", "file_name": "Alvarez.docx", "size": 1, "sha256": "0".repeat(64),
        "content_type": "application/pdf",
    });
    let upload = upload.to_string();
    let export = sample(case).to_string();
    // Stands already, so that it is read.
    let again = sample("secret").to_string();
    let calls = [
        (Method::GET, ecg.as_str(), ""),
        (Method::GET, &metadata, ""),
        (Method::GET, "/v1/documents/reviews", ""),
        (Method::GET, "/v1/documents/ecg-reports", ""),
        (Method::POST, "/v1/uploads", &upload),
        (Method::POST, "/v1/reviews", &again),
        (Method::POST, "/v1/reviews", &export),
    ];
    for _ in 0..2 {
        let calls = calls.iter().map(|(method, target, body)| {
            stack.call(method.clone(), target, Some(&office), (*body).to_owned())
        });
        for response in join_all(calls).await {
            told.take(&response);
        }
    }
}
