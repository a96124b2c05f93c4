//! What changes between the plan and its end: files, and what others store.

use std::fs;

use casefile_local::s3::{FaultRule, When};
use serde_json::json;

use super::{BOLS, Site, pdf};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_since_the_plan_is_in_conflict_and_the_others_are_stored() {
    let site = Site::with_bols().await;
    site.write("PRT-2025-0043.pdf", pdf("0043"));
    site.plan("bols", &[]).await;
    site.write("PRT-2025-0007.pdf", pdf("8000"));
    site.write("PRT-2025-0041.pdf", pdf("longer"));
    fs::remove_file(site.at("PRT-2025-0042.pdf")).unwrap();
    let applied = site.run(&["apply", "x.plan", "--json"]).await;
    assert_eq!(applied.code, 1);
    let mut conflicts = applied.json()["conflicts"].as_array().unwrap().clone();
    conflicts.sort_by_key(|conflict| conflict["file"].to_string());
    let reasons: Vec<_> = conflicts
        .iter()
        .map(|conflict| conflict["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons[..2], ["it changed since the plan was made"; 2]);
    assert!(reasons[2].contains("can't be read"), "{}", reasons[2]);
    assert_eq!(site.keys("bols/").await, ["bols/2025/PRT-2025-0043.pdf"]);
    assert_eq!(site.mapping().len(), 1);
    // As it was, it is stored.
    site.write("PRT-2025-0007.pdf", pdf("0007"));
    let applied = site.run(&["apply", "x.plan", "--json"]).await;
    assert_eq!((applied.code, &applied.json()["stored"]), (1, &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_with_conflicts_is_applied_only_when_they_are_to_be_left_out() {
    let site = Site::with_bols().await;
    site.put(BOLS[0], &pdf("other"), &[("tenant", "acme")]).await;
    assert_eq!(site.plan("bols", &[]).await.code, 1);
    let before = site.keys("").await;
    let refused = site.run(&["apply", "x.plan"]).await;
    refused.assert_failed(1, &["1 in conflict: PRT-2025-0007.pdf", "--skip-conflicts"]);
    assert_eq!((site.keys("").await, site.trail().await), (before, Vec::new()));
    let applied = site.run(&["apply", "x.plan", "--skip-conflicts", "--json"]).await;
    assert_eq!(applied.code, 0);
    let shown = applied.json();
    assert_eq!((&shown["stored"], &shown["left_out"]), (&json!(2), &json!(1)));
    assert_eq!(
        site.harness.bucket().read(BOLS[0], 100).await.unwrap(),
        pdf("other")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_faster_with_the_same_is_no_conflict_and_with_something_else_is_one() {
    let site = Site::with_bols().await;
    site.plan("bols", &[]).await;
    let rule = FaultRule::on("PutObject").prefix("bols/");
    let mut point = site.harness.s3.faults().pause(rule, When::Before);
    let others = async {
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(point.arrived().await.unwrap());
        }
        drop(point);
        site.put(BOLS[0], &pdf("other"), &[("tenant", "acme")]).await;
        site.put(BOLS[1], &pdf("0041"), &[("tenant", "acme")]).await;
        // The very same, but somebody else's.
        site.put(BOLS[2], &pdf("0042"), &[("tenant", "globex")]).await;
    };
    let (applied, ()) = futures::join!(site.run(&["apply", "x.plan", "--json"]), others);
    assert_eq!(applied.code, 1);
    let shown = applied.json();
    assert_eq!((&shown["stored"], &shown["there"]), (&json!(0), &json!(1)));
    let conflicts = shown["conflicts"].as_array().unwrap();
    let mut files: Vec<_> = conflicts
        .iter()
        .map(|conflict| conflict["file"].as_str().unwrap())
        .collect();
    files.sort_unstable();
    assert_eq!(files, ["PRT-2025-0007.pdf", "PRT-2025-0042.pdf"]);
    let verified = site.run(&["verify", "x.plan", "--json"]).await.json();
    let mut differing = verified["differing"].as_array().unwrap().clone();
    differing.sort_by_key(|differing| differing["key"].to_string());
    let keys: Vec<_> = differing.iter().map(|differing| &differing["key"]).collect();
    assert_eq!(keys, [BOLS[0], BOLS[2]]);
    assert_eq!(
        site.harness.bucket().read(BOLS[0], 100).await.unwrap(),
        pdf("other")
    );
}
