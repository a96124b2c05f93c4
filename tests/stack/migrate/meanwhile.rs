//! What is decided between the plan and its end, or between two runs, stays decided.

use std::fs;

use serde_json::json;

use super::{BOLS, Site, pdf};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_rejected_or_declared_void_since_the_plan_is_in_conflict() {
    let site = Site::with_bols().await;
    assert_eq!(site.plan("bols", &[]).await.code, 0);
    site.put(BOLS[0], &pdf("0007"), &[("tenant", "acme")]).await;
    site.delete(BOLS[0]).await;
    site.void(42).await;
    let applied = site.run(&["apply", "x.plan", "--json"]).await;
    assert_eq!(applied.code, 1, "{}", applied.err);
    let shown = applied.json();
    assert_eq!(shown["stored"], 1);
    let mut conflicts: Vec<_> = shown["conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|conflict| {
            (
                conflict["file"].as_str().unwrap(),
                conflict["reason"].as_str().unwrap(),
            )
        })
        .collect();
    conflicts.sort_unstable();
    assert_eq!(
        conflicts,
        [
            (
                "PRT-2025-0007.pdf",
                "what was there has been rejected or deleted, and isn't brought back"
            ),
            ("PRT-2025-0042.pdf", "PRT-2025-0042 was declared void"),
        ]
    );
    assert_eq!(site.keys("bols/").await, [BOLS[1]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_brings_nothing_back_with_its_journal_or_without() {
    let site = Site::with_bols().await;
    site.moved("bols", &[]).await;
    site.delete(BOLS[1]).await;
    let again = site.run(&["apply", "x.plan", "--json"]).await;
    assert_eq!((again.code, &again.json()["before"]), (0, &json!(3)));
    fs::remove_file(site.beside("x.plan.journal")).unwrap();
    let again = site.run(&["apply", "x.plan", "--json"]).await;
    assert_eq!((again.code, &again.json()["there"]), (1, &json!(2)));
    assert_eq!(again.json()["conflicts"][0]["file"], "PRT-2025-0041.pdf");
    assert_eq!(site.keys("bols/").await, [BOLS[0], BOLS[2]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_that_somebody_stores_meanwhile_for_another_owner_is_in_conflict() {
    let site = Site::with_bols().await;
    site.plan("bols", &["--owner", "c-17"]).await;
    site.put(BOLS[0], &pdf("0007"), &[("tenant", "acme"), ("owner", "c-18")])
        .await;
    site.put(BOLS[1], &pdf("0041"), &[("tenant", "acme"), ("owner", "c-17")])
        .await;
    let applied = site.run(&["apply", "x.plan", "--json"]).await;
    let shown = applied.json();
    assert_eq!(
        (applied.code, &shown["stored"], &shown["there"]),
        (1, &json!(1), &json!(1))
    );
    assert_eq!(
        shown["conflicts"][0]["reason"],
        "the same content is stored with owner c-18, the plan says owner c-17"
    );
    let verified = site.run(&["verify", "x.plan", "--json"]).await;
    let shown = verified.json();
    assert_eq!((verified.code, &shown["identical"]), (1, &json!(2)));
    assert_eq!(shown["differing"][0]["key"], BOLS[0]);
}
