//! Files that would become one: by their session, their name, or what is stored already.

use std::fs;

use casefile::caller::Origin;
use casefile::link::Asking;
use jiff::Timestamp;
use serde_json::json;
use session_export::files::training_log;

use super::{BOLS, Site, pdf};
use crate::files::{LOG, REPORT};
use crate::support::{caller, links};

#[tokio::test(flavor = "multi_thread")]
async fn two_logs_of_one_session_are_somebody_s_to_decide_also_in_two_months() {
    let site = Site::start().await;
    site.write("march.log", LOG);
    site.write("april.log", LOG.replace("2024-03", "2024-04"));
    assert_eq!(site.plan("training-logs", &[]).await.code, 1);
    let entries = site.entries();
    for (file, other) in [("march.log", "april.log"), ("april.log", "march.log")] {
        let (action, reason, _) = &entries[file];
        assert_eq!(action, "conflict");
        assert_eq!(*reason, format!("the session has another log: {other}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_without_a_date_are_stored_once() {
    let site = Site::start().await;
    site.write("2023/03/04/report.pdf", REPORT);
    site.write("2023/05/06/report.pdf", REPORT);
    let applied = site.moved("ecg-reports", &[]).await;
    assert_eq!(applied["stored"], 1);
    assert_eq!(
        site.keys("ecg-reports/").await,
        ["ecg-reports/2023/03/04/report.pdf"]
    );
    let rows = site.mapping();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0][2..], rows[1][2..]);
    // And so another plan finds them.
    site.plan("ecg-reports", &[]).await;
    for (file, (action, _, key)) in site.entries() {
        assert_eq!(
            (action.as_str(), key.as_str()),
            ("skip-identical", "ecg-reports/2023/03/04/report.pdf"),
            "{file}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_with_another_owner_or_other_metadata_is_somebody_s_to_decide() {
    let site = Site::with_bols().await;
    site.put(BOLS[0], &pdf("0007"), &[("tenant", "acme")]).await;
    site.put(BOLS[1], &pdf("0041"), &[("tenant", "acme"), ("owner", "c-18")])
        .await;
    let own = [
        ("tenant", "acme"),
        ("owner", "c-17"),
        ("uploaded-at", "2025-11-14T14:25:10Z"),
        ("request", "x"),
    ];
    site.put(BOLS[2], &pdf("0042"), &own).await;
    site.plan("bols", &["--owner", "c-17"]).await;
    let entries = site.entries();
    for (number, action, why) in [
        (
            "0007",
            "conflict",
            "stored with no owner, the plan says owner c-17",
        ),
        (
            "0041",
            "conflict",
            "stored with owner c-18, the plan says owner c-17",
        ),
        ("0042", "skip-identical", "the same content is there"),
    ] {
        let (is, reason, _) = &entries[&format!("PRT-2025-{number}.pdf")];
        assert_eq!(is, action, "{number}");
        assert!(reason.contains(why), "{reason}");
    }

    let site = Site::start().await;
    site.write("report_20240102.pdf", REPORT);
    site.moved("ecg-reports", &[]).await;
    fs::write(
        site.beside("ecg.csv"),
        "file,patient_name\nreport_20240102.pdf,Jane Doe\n",
    )
    .unwrap();
    let planned = site
        .plan("ecg-reports", &["--records", "ecg.csv", "--json"])
        .await;
    let trouble = &planned.json()["troubles"][0];
    assert_eq!(trouble["action"], "conflict");
    let why = "the same content is stored with other metadata than the plan says: patient_name";
    assert_eq!(trouble["reason"], json!(why));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_log_is_the_same_whether_the_api_stores_it_or_a_migration() {
    const KEY: &str = "training-logs/2024/03/abc12345-def6-4890-a1b2-c3d4e5f60718.log";
    for is_migrated_first in [false, true] {
        let site = Site::start().await;
        site.write("run 1.log", LOG);
        if is_migrated_first {
            site.moved("training-logs", &[]).await;
            assert_eq!(site.run(&["verify", "x.plan", "--strict"]).await.code, 0);
        }
        let stored = site.harness.bucket().head(KEY).await;
        assert_eq!(stored.is_ok(), is_migrated_first);
        let origin = Origin::default();
        let asking = Asking {
            caller: &caller("dana", &["office"], "acme"),
            origin: &origin,
            base_url: None,
            kept_at: None,
        };
        let links = links(site.harness.client.clone(), Timestamp::now);
        let exported = Box::pin(training_log(&links, &asking, LOG, false)).await;
        exported.unwrap();
        let planned = site.plan("training-logs", &[]).await;
        assert_eq!(
            (planned.code, site.entries()["run 1.log"].0.as_str()),
            (0, "skip-identical")
        );
        let versions = crate::files::versions(&site.harness.client, crate::support::BUCKET, "training-logs/");
        assert_eq!(versions.await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_changed_in_more_than_its_blanks_since_the_plan_is_in_conflict() {
    let site = Site::start().await;
    site.write("run 1.log", LOG);
    site.plan("training-logs", &[]).await;
    site.write(
        "run 1.log",
        LOG.replacen("\"session\"", "\"more\": 1, \"session\"", 1),
    );
    let applied = site.run(&["apply", "x.plan", "--json"]).await;
    let reason = &applied.json()["conflicts"][0]["reason"];
    assert_eq!(
        (applied.code, reason),
        (1, &json!("it changed since the plan was made"))
    );
    site.write("run 1.log", casefile::json::compact(LOG));
    assert_eq!(site.run(&["apply", "x.plan"]).await.code, 0);
}
