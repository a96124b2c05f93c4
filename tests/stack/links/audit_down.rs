//! Without its audit record nothing leaves: no link of either kind, no upload grant, no list.

use casefile::audit::Record;
use casefile::bucket::Bucket;
use casefile::collection::LinkKind;
use casefile::problem::ProblemKind;
use casefile_local::s3::{Fault, FaultRule, When};
use hyper::Method;
use serde_json::json;

use super::{encoded, issue, put, records, split};
use crate::support::{AUDIT_BUCKET, BUCKET, Harness, TestStack, folder, office, sample};
use crate::uploads::large_download;

#[tokio::test(flavor = "multi_thread")]
async fn without_a_durable_record_no_link_of_either_kind_leaves() {
    let harness = Harness::start().await;
    put(
        &harness.client,
        BUCKET,
        "ecg-reports/2025/10/28/x.pdf",
        "acme",
        None,
    )
    .await;
    let faults = [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::Before, Fault::error(403, "AccessDenied")),
        (When::Before, Fault::Cut),
        (When::After, Fault::error(500, "InternalError")),
        (When::After, Fault::Cut),
    ];
    for (when, fault) in faults {
        for kind in [LinkKind::Direct, LinkKind::Share] {
            let rule = FaultRule::on("PutObject").bucket(AUDIT_BUCKET);
            let injected = harness.s3.faults().inject(rule, when, fault.clone());
            let outcome = issue(&harness, |request| request.kind = Some(kind)).await;
            // A record that was written, and whose answer was lost, is found by a retry: then the link may leave.
            let recorded = records(&Bucket::new(harness.client.clone(), AUDIT_BUCKET.to_owned())).await;
            match outcome {
                Ok(link) => {
                    let is_on_record =
                        |record: &Record| record.unmapped.grant_id.as_ref() == Some(&link.grant_id);
                    assert!(recorded.iter().any(is_on_record), "{when:?} {fault:?} {kind:?}");
                    assert_eq!(when, When::After);
                }
                Err(problem) => {
                    assert_eq!(
                        problem.kind,
                        ProblemKind::Unavailable,
                        "{when:?} {fault:?} {kind:?}"
                    );
                    assert!(problem.retry_after.is_some() && !problem.to_string().contains("http"));
                }
            }
            injected.remove();
        }
        // A refusal without a record isn't told either.
        let rule = FaultRule::on("PutObject").bucket(AUDIT_BUCKET);
        let injected = harness.s3.faults().inject(rule, When::Before, fault.clone());
        let refused = issue(&harness, |request| {
            request.path = "2025/10/28/none.pdf".to_owned();
        })
        .await;
        assert_eq!(refused.unwrap_err().kind, ProblemKind::Unavailable);
        injected.remove();
    }
    let recovered = issue(&harness, |_| {}).await.unwrap();
    assert_eq!(recovered.expires_at, "2025-11-14T12:15:00.000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_audit_store_down_every_route_answers_503_and_gives_no_link() {
    let stack = TestStack::start().await;
    let (_, answer) = stack.export(&sample("down")).await;
    let report = format!("{}/readable_report.txt", folder(&answer));
    let link = format!("/v1/links/reviews/{}", encoded(&report));
    let (_, share) = stack
        .get(&format!("{link}?kind=share&uses=1"), &office("acme"))
        .await;
    let share_target = split(share["url"].as_str().unwrap()).1;
    let bulk = json!({"items": [{"collection": "reviews", "path": report}]}).to_string();
    let upload = json!({
        "collection": "reviews", "file_name": "x.docx", "size": 1, "sha256": "0".repeat(64),
        "content_type": "application/pdf",
    });
    let export = sample("down-too").to_string();
    let large = large_download("down-large").to_string();
    let audit = stack.stack.audit_bucket().unwrap().to_owned();
    let office = office("acme");
    for (when, fault) in [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::After, Fault::error(500, "InternalError")),
    ] {
        let rule = FaultRule::any().bucket(&audit);
        let injected = stack.stack.s3.faults().inject(rule, when, fault);
        for (method, target, token, body) in [
            (Method::GET, link.as_str(), Some(&office), String::new()),
            (
                Method::GET,
                &format!("{link}?kind=share"),
                Some(&office),
                String::new(),
            ),
            (
                Method::GET,
                &format!("{link}?redirect=true"),
                Some(&office),
                String::new(),
            ),
            (Method::POST, "/v1/links", Some(&office), bulk.clone()),
            (Method::GET, &share_target, None, String::new()),
            (Method::POST, &share_target, None, String::new()),
            (Method::GET, "/v1/s/BwcHBwcHBwcHBwcHBwcHBw", None, String::new()),
            (Method::POST, "/v1/uploads", Some(&office), upload.to_string()),
            (Method::POST, "/v1/reviews", Some(&office), export.clone()),
            (Method::POST, "/v1/reviews", Some(&office), large.clone()),
            (Method::GET, "/v1/documents/reviews", Some(&office), String::new()),
            (
                Method::GET,
                &link.replace("links", "documents"),
                Some(&office),
                String::new(),
            ),
        ] {
            let response = stack
                .call(method.clone(), target, token.map(String::as_str), body)
                .await;
            assert_eq!(response.status(), 503, "{when:?} {method} {target}");
            assert!(
                response.headers().contains_key("retry-after"),
                "{method} {target}"
            );
            assert!(!response.headers().contains_key("location"), "{method} {target}");
            let body = String::from_utf8(response.body().to_vec()).unwrap();
            assert!(
                !body.contains("Signature") && !body.contains("/v1/s/"),
                "{method} {target}: {body}"
            );
        }
        injected.remove();
    }
    // The share's only use was given back.
    let redirect = stack.call(Method::GET, &share_target, None, String::new()).await;
    assert_eq!(redirect.status(), 302);
    assert_eq!(
        stack
            .call(Method::GET, &share_target, None, String::new())
            .await
            .status(),
        404
    );
    assert_eq!(stack.post(export).await.0, 201);
    // It was the log, and not the request, that the ZIP was held back for.
    let (status, linked) = stack.post(large).await;
    assert_eq!(
        (status, &linked["link"]["kind"]),
        (200, &json!("direct")),
        "{linked}"
    );
}
