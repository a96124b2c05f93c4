//! A plan is for one place, and is done as it was made, or not at all.

use std::fs;

use casefile::digest::Sha256;
use casefile_local::sample::workspace;

use super::{Said, Site};
use crate::files::{LOG, REPORT};

/// A plan with the checksum that it ought to have.
fn sealed(text: &str) -> String {
    let (header, entries) = text.split_once('\n').unwrap();
    let (bare, _) = header.rsplit_once(",\"sha256\":").unwrap();
    let sha256 = Sha256::of(format!("{bare}}}\n{entries}").as_bytes());
    format!("{bare},\"sha256\":\"{sha256}\"}}\n{entries}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_was_edited_and_sealed_again_is_refused_all_the_same() {
    let bols = Site::with_bols().await;
    bols.plan("bols", &[]).await;
    let reports = Site::start().await;
    reports.write("2023/03/04/report.pdf", REPORT);
    reports.write("report_20240102.pdf", REPORT);
    reports.plan("ecg-reports", &[]).await;
    let logs = Site::start().await;
    logs.write("run.log", LOG);
    logs.plan("training-logs", &[]).await;
    let month = "training-logs/2024/03/";
    for (site, from, to) in [
        (
            &bols,
            "\"key\":\"bols/2025/PRT-2025-0007",
            "\"key\":\"bols/2025/PRT-2025-0008",
        ),
        (&bols, "\"number\":\"PRT-2025-0007", "\"number\":\"PRT-2025-0008"),
        (
            &bols,
            "\"key\":\"bols/2025/PRT-2025-0007.pdf",
            "\"key\":\"_casefile/bols/PRT-2025.json",
        ),
        (&bols, "\"file\":\"PRT-2025-0007.pdf", "\"file\":\"../secret.pdf"),
        (
            &reports,
            "\"key\":\"ecg-reports/2023/03/04",
            "\"key\":\"ecg-reports/2023/03/05",
        ),
        (&reports, "2024/01/02/report", "2024/01/03/report"),
        (
            &reports,
            "\"file\":\"2023/03/04/report.pdf",
            "\"file\":\"2023/03/04/other report.pdf",
        ),
        (&logs, month, "training-logs/2024/04/"),
    ] {
        let text = site.text("x.plan");
        assert_eq!(sealed(&text), text);
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text, "{from}");
        fs::write(site.beside("y.plan"), sealed(&edited)).unwrap();
        let said = site.run(&["apply", "y.plan"]).await;
        said.assert_failed(1, &["the plan was edited"]);
        assert!(site.keys("").await.is_empty() && site.trail().await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_follows_from_a_note_must_be_noted() {
    let site = Site::start().await;
    site.write("run.log", LOG);
    site.plan("training-logs", &[]).await;
    let elsewhere = site
        .text("x.plan")
        .replace("training-logs/2024/03/", "training-logs/2024/04/");
    let elsewhere = elsewhere.replace("\"path\":\"2024/03/", "\"path\":\"2024/04/");
    fs::write(site.beside("y.plan"), sealed(&elsewhere)).unwrap();
    let said = site.run(&["apply", "y.plan", "--json"]).await;
    let reason = &said.json()["conflicts"][0]["reason"];
    assert_eq!(
        (said.code, reason.as_str().unwrap()),
        (1, "the place that the plan has for it isn't noted any more")
    );
    assert!(site.keys("").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_for_another_endpoint_region_or_policy_is_refused() {
    let site = Site::with_bols().await;
    site.plan("bols", &[]).await;
    let shipped = fs::read_to_string(workspace().join("infra/collections.toml")).unwrap();
    let other = shipped.replacen("max_bytes = 52_428_800", "max_bytes = 52_428_801", 1);
    let table = casefile::collection::file::parse(&other).unwrap();
    let told = site.beside("collections.json");
    fs::write(&told, casefile::collection::as_json(&table).unwrap()).unwrap();
    for (variable, value, why) in [
        (
            "AWS_ENDPOINT_URL_S3",
            "http://127.0.0.1:9",
            "made with AWS_ENDPOINT_URL_S3 http://",
        ),
        ("AWS_REGION", "mars-north-1", "here that is mars-north-1"),
        (
            "COLLECTIONS_FILE",
            told.to_str().unwrap(),
            "made with the collection's policy",
        ),
    ] {
        for name in ["apply", "verify"] {
            let mut command = site.command(&[name, "x.plan"]).await;
            command.env(variable, value);
            Said::of(command.output().unwrap()).assert_failed(1, &[why]);
        }
    }
    assert!(site.keys("").await.is_empty() && !site.beside("x.plan.journal").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_plan_was_made_from_is_written_over() {
    let site = Site::with_bols().await;
    let records = "file,number\nPRT-2025-0007.pdf,PRT-2025-0007\n";
    fs::write(site.beside("bols.csv"), records).unwrap();
    let said = site
        .run(&[
            "plan",
            "--collection",
            "bols",
            "--from",
            "files",
            "--out",
            "bols",
            "--records",
            "bols.csv",
        ])
        .await;
    said.assert_failed(2, &["bols.csv is there already", "name another --out"]);
    site.plan("bols", &["--records", "bols.csv"]).await;
    for mapping in ["bols.csv", "files/PRT-2025-0041.pdf", "x.plan"] {
        let said = site.run(&["apply", "x.plan", "--mapping", mapping]).await;
        said.assert_failed(1, &[mapping, "not overwritten"]);
    }
    assert_eq!(site.text("bols.csv"), records);
    assert!(site.keys("").await.is_empty() && site.trail().await.is_empty());
}
