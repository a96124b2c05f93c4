//! `verify`: what S3 has against what the plan says.

use casefile_local::s3::{Fault, FaultRule, When};
use serde_json::json;

use super::{BOLS, Site, pdf};
use crate::support::BUCKET;

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_missing_or_is_too_much_is_told_without_a_download() {
    let site = Site::with_bols().await;
    site.write("PRT-2025-0043.pdf", pdf("0043"));
    site.moved("bols", &[]).await;
    site.put(BOLS[0], &pdf("0700"), &[("tenant", "acme")]).await;
    let delete = site.harness.client.delete_object().bucket(BUCKET).key(BOLS[1]);
    delete.send().await.unwrap();
    site.put("bols/2025/PRT-2025-0099.pdf", &pdf("0099"), &[]).await;
    let requests = site.harness.s3.requests();
    requests.record(true);
    requests.take();
    let said = site.run(&["verify", "x.plan", "--json"]).await;
    assert!(
        requests
            .take()
            .iter()
            .all(|request| request.operation != "GetObject")
    );
    let shown = said.json();
    assert_eq!(
        (said.code, &shown["identical"], &shown["read"]),
        (1, &json!(2), &json!(0))
    );
    let other = json!([{"key": BOLS[0], "reason": "it has other content"}]);
    assert_eq!(shown["differing"], other);
    assert_eq!(shown["missing"], json!([BOLS[1]]));
    assert_eq!(shown["extra"], json!(["bols/2025/PRT-2025-0099.pdf"]));
    let text = site.run(&["verify", "x.plan"]).await;
    assert!(
        text.out
            .ends_with("2 identical, 1 differing, 1 missing, 1 extra\n"),
        "{}",
        text.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_of_another_tenant_or_owner_differs() {
    let site = Site::with_bols().await;
    site.moved("bols", &["--owner", "c-17"]).await;
    for (key, content, owner) in [
        (BOLS[0], "0007", [("tenant", "globex"), ("owner", "c-17")]),
        (BOLS[1], "0041", [("tenant", "acme"), ("owner", "c-18")]),
    ] {
        site.put(key, &pdf(content), &owner).await;
    }
    let said = site.run(&["verify", "x.plan", "--json"]).await;
    let shown = said.json();
    assert_eq!((said.code, &shown["identical"]), (1, &json!(1)));
    let reasons: Vec<_> = [0, 1]
        .map(|at| shown["differing"][at]["reason"].as_str().unwrap())
        .into();
    assert_eq!(
        reasons,
        [
            "it is another tenant's, or none's",
            "the same content is stored with owner c-18, the plan says owner c-17"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_counts_only_when_asked() {
    let site = Site::with_bols().await;
    site.moved("bols", &[]).await;
    site.put("bols/2025/PRT-2025-0099.pdf", &pdf("0099"), &[]).await;
    assert_eq!(site.run(&["verify", "x.plan"]).await.code, 0);
    assert_eq!(site.run(&["verify", "x.plan", "--strict"]).await.code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_s3_has_no_checksum_of_is_read() {
    let site = Site::with_bols().await;
    // As a tool might have put it that sends none, or another one.
    let put = site.harness.client.put_object().bucket(BUCKET).key(BOLS[0]);
    let put = put.checksum_algorithm(aws_sdk_s3::types::ChecksumAlgorithm::Crc32);
    let put = put.metadata("tenant", "acme").body(pdf("0007").into());
    put.send().await.unwrap();
    site.moved("bols", &[]).await;
    let shown = site.run(&["verify", "x.plan", "--json"]).await.json();
    assert_eq!((&shown["identical"], &shown["read"]), (&json!(3), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_s3_is_down_nothing_is_said_to_be_missing() {
    let site = Site::with_bols().await;
    site.moved("bols", &[]).await;
    let down = Fault::error(503, "ServiceUnavailable");
    site.harness
        .s3
        .faults()
        .inject(FaultRule::any(), When::Before, down);
    let said = site.run(&["verify", "x.plan", "--json"]).await;
    said.assert_failed(2, &["S3 is unavailable"]);
    let planned = site.plan("bols", &[]).await;
    planned.assert_failed(2, &["S3 is unavailable"]);
    assert!(!site.beside("x.plan").exists());
}
