//! A review as one ZIP, when uploads are in it, and when an answer can't hold it.

use std::io::{Cursor, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use casefile::bucket::Bucket;
use casefile::digest::Sha256;
use casefile::problem::ProblemKind;
use casefile_local::s3::{Fault, FaultRule, When};
use jiff::Timestamp;
use serde_json::{Value, json};
use session_export::review::Exported;
use zip::ZipArchive;

use super::{before_document, upload};
use crate::links::{follow, records};
use crate::support::{AUDIT_BUCKET, Harness, caller, export_as, sample};

/// A request for a ZIP that no answer can hold, in a body that a request can.
pub(crate) fn large_download(session_id: &str) -> Value {
    let mut request = sample(session_id);
    request["destination"] = json!("download");
    // Random enough not to shrink.
    let noise: Vec<u8> = (0..150_000_u32)
        .flat_map(|n| Sha256::of(&n.to_be_bytes()).to_base64().into_bytes())
        .collect();
    request["documents"]["guidelines"]["content_base64"] = json!(BASE64.encode(&noise[..4_490_000]));
    request
}

#[tokio::test]
async fn a_zip_that_is_too_large_for_an_answer_waits_in_the_caller_s_inbox() {
    let harness = Harness::start().await;
    let request = large_download("large");
    let dana = caller("dana", &["office"], "acme");
    let Exported::Linked(link) = export_as(&harness.export, &dana, &request).await.unwrap() else {
        panic!("a large ZIP was answered");
    };
    // Signed at noon of another day.
    assert_eq!(follow(link.url.expose()).await.status(), 403);
    let keys = harness.bucket().keys("").await.unwrap();
    assert!(keys.len() == 1 && keys[0].starts_with("inbox/"), "{keys:?}");
    assert_eq!(
        harness.bucket().hash(&keys[0]).await.unwrap().sha256,
        link.sha256.unwrap()
    );
    assert!(link.file_name.ends_with("_write-up_TR-20417.zip"));
    assert_eq!(link.size, harness.bucket().head(&keys[0]).await.unwrap().size);

    let audit = Bucket::new(harness.client.clone(), AUDIT_BUCKET.to_owned());
    let records = records(&audit).await;
    let grants: Vec<_> = records.iter().map(|record| &record.unmapped.grant_id).collect();
    assert_eq!(grants, [&Some(link.grant_id)]);
    assert_eq!(
        (records[0].activity_name.as_str(), records[0].status_id),
        ("Share", 1)
    );

    let now = crate::support::store(&harness.at(jiff::Timestamp::now), &sample("now"))
        .await
        .unwrap();
    let url = now.link.unwrap().url.expose().to_owned();
    assert_eq!(follow(&url).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_that_can_not_be_left_gives_a_problem_and_no_link() {
    let harness = Harness::start().await;
    let export = harness.at(Timestamp::now);
    let dana = caller("dana", &["office"], "acme");
    let request = large_download("left");
    let audit = Bucket::new(harness.client.clone(), AUDIT_BUCKET.to_owned());
    let mut given = 0;
    for (when, fault) in [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::Before, Fault::error(409, "ConditionalRequestConflict")),
        (When::Before, Fault::error(403, "AccessDenied")),
        (When::After, Fault::error(500, "InternalError")),
        (When::After, Fault::Cut),
    ] {
        for is_lasting in [false, true] {
            let case = format!("{when:?} {fault:?}, lasting: {is_lasting}");
            let rule = FaultRule::on("PutObject").prefix("inbox/");
            let rule = if is_lasting { rule } else { rule.times(1) };
            let injected = harness.s3.faults().inject(rule, when, fault.clone());
            let outcome = export_as(&export, &dana, &request).await;
            assert!(injected.matched() > 0, "{case}");
            injected.remove();
            match outcome {
                Ok(Exported::Linked(link)) => {
                    assert!(!is_lasting || when == When::After, "{case}");
                    let file = follow(link.url.expose()).await;
                    assert_eq!(file.status(), 200, "{case}");
                    assert_eq!(Some(Sha256::of(file.body())), link.sha256, "{case}");
                    given += 1;
                }
                Ok(other) => panic!("{case}: {other:?}"),
                Err(problem) => {
                    let is_denied = matches!(fault, Fault::Error { status, .. } if status == 403);
                    let expected = if is_denied {
                        ProblemKind::Internal
                    } else {
                        ProblemKind::Unavailable
                    };
                    assert_eq!(problem.kind, expected, "{case}");
                    assert!(is_lasting, "{case}");
                }
            }
            // Each link is on record, and nothing else is.
            assert_eq!(records(&audit).await.len(), given, "{case}");
        }
    }
    assert!(given >= 4);
}

#[tokio::test]
async fn a_zip_of_uploads_holds_their_bytes() {
    let harness = Harness::start().await;
    let bytes = [before_document(), b"after".to_vec(), b"guidelines".to_vec()];
    let mut request = sample("zipped");
    request["destination"] = json!("download");
    for (number, role) in ["before", "after", "guidelines"].into_iter().enumerate() {
        let id = upload(&harness, i64::try_from(number).unwrap(), &bytes[number]).await;
        request["documents"][role] = json!({"file_name": format!("{role}.docx"), "upload_id": id});
    }
    let dana = caller("dana", &["office"], "acme");
    let Exported::Archive { zip, .. } = export_as(&harness.export, &dana, &request).await.unwrap() else {
        panic!("a small ZIP wasn't answered");
    };
    let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
    assert_eq!(archive.len(), 14);
    for (role, bytes) in ["before", "after", "guidelines"].iter().zip(&bytes) {
        let mut packed = Vec::new();
        archive
            .by_name(&format!("documents/{role}_{role}.docx"))
            .unwrap()
            .read_to_end(&mut packed)
            .unwrap();
        assert_eq!(packed, *bytes, "{role}");
    }
}
