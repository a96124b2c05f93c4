//! `plan`: each file with an action and a reason, and nothing changed.

use std::fs;

use casefile::collection::Collection;
use serde_json::json;

use super::{Site, pdf};
use crate::files::{LOG, METRICS, REPORT};
use crate::support::AUDIT_BUCKET;

fn has(entry: &(String, String, String), action: &str, reason: &str, key: &str) {
    assert_eq!((entry.0.as_str(), entry.2.as_str()), (action, key), "{entry:?}");
    assert!(entry.1.contains(reason), "{reason}: {entry:?}");
}

/// A folder with a file of every kind.
async fn of_every_kind() -> Site {
    let site = Site::with_bols().await;
    site.put("bols/2025/PRT-2025-0041.pdf", &pdf("0041"), &[("tenant", "acme")])
        .await;
    site.put(
        "bols/2025/PRT-2025-0050.pdf",
        &pdf("other"),
        &[("tenant", "acme")],
    )
    .await;
    site.put("bols/2025/PRT-2025-0051.pdf", &pdf("0051"), &[]).await;
    site.put(
        "bols/2025/PRT-2025-0052.pdf",
        &pdf("0052"),
        &[("tenant", "globex")],
    )
    .await;
    for number in ["0050", "0051", "0052"] {
        site.write(&format!("PRT-2025-{number}.pdf"), pdf(number));
    }
    site.write("twins/PRT-2025-0007.pdf", pdf("0007"));
    site.write("a/PRT-2025-0060.pdf", pdf("a"));
    site.write("b/PRT-2025-0060.pdf", pdf("b"));
    site.write("scan.pdf", pdf("scan"));
    site.write("PRT-2025-0061.pdf", "<html>");
    site.write("PRT-2025-0062.pdf", "");
    site.write("PRT-2025-999999999.pdf", pdf("last"));
    site.write(".DS_Store", "x");
    site.write(".git/x", "x");
    site.write("notes.txt", "x");
    site.write(" PRT-2025-0063.pdf", pdf("blank"));
    std::os::unix::fs::symlink(site.at("scan.pdf"), site.at("PRT-2025-0064.pdf")).unwrap();
    let unnamed = std::os::unix::ffi::OsStringExt::from_vec(b"\xff.pdf".to_vec());
    let unnamed: std::ffi::OsString = unnamed;
    fs::write(site.folder.path().join("files").join(unnamed), "x").unwrap();
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_of_each_file_what_would_be_done_and_why_and_changes_nothing() {
    let site = of_every_kind().await;
    let before = (
        site.keys("").await,
        crate::files::versions(&site.harness.client, AUDIT_BUCKET, "")
            .await
            .len(),
    );
    let requests = site.harness.s3.requests();
    requests.record(true);
    requests.take();
    let said = site.plan("bols", &["--json"]).await;
    let writes = requests.take().into_iter().filter(|request| {
        !["Get", "Head", "List"]
            .iter()
            .any(|read| request.operation.starts_with(read))
    });
    assert_eq!(writes.count(), 0);
    requests.record(false);
    let after = crate::files::versions(&site.harness.client, AUDIT_BUCKET, "")
        .await
        .len();
    assert_eq!(before, (site.keys("").await, after));

    let entries = site.entries();
    let key = |number: &str| format!("bols/2025/PRT-2025-{number}.pdf");
    for (file, action, reason, number) in [
        ("PRT-2025-0007.pdf", "upload", "nothing is there", "0007"),
        (
            "PRT-2025-0041.pdf",
            "skip-identical",
            "the same content is there",
            "0041",
        ),
        ("PRT-2025-0050.pdf", "conflict", "other content is there", "0050"),
        ("PRT-2025-0051.pdf", "conflict", "no tenant's", "0051"),
        ("PRT-2025-0052.pdf", "conflict", "another tenant's", "0052"),
        (
            "twins/PRT-2025-0007.pdf",
            "skip-identical",
            "PRT-2025-0007.pdf has the same content",
            "0007",
        ),
        (
            "a/PRT-2025-0060.pdf",
            "conflict",
            "with other content: b/PRT-2025-0060.pdf",
            "0060",
        ),
        (
            "b/PRT-2025-0060.pdf",
            "conflict",
            "with other content: a/PRT-2025-0060.pdf",
            "0060",
        ),
        (
            "PRT-2025-999999999.pdf",
            "rejected",
            "it leaves no number after it",
            "999999999",
        ),
    ] {
        has(&entries[file], action, reason, &key(number));
    }
    for (file, reason) in [
        ("scan.pdf", "its name says no number"),
        ("PRT-2025-0061.pdf", "it is no PDF"),
        ("PRT-2025-0062.pdf", "it is empty"),
        (".DS_Store", "it is hidden"),
        (".git", "it is hidden"),
        ("notes.txt", "none of what the collection takes"),
        (" PRT-2025-0063.pdf", "begins or ends with a blank"),
        ("PRT-2025-0064.pdf", "symbolic link"),
        ("\u{fffd}.pdf", "its name isn't UTF-8"),
    ] {
        has(&entries[file], "rejected", reason, "");
    }
    let shown = said.json();
    assert_eq!(said.code, 1);
    assert_eq!(shown["actions"]["upload"]["files"], 2);
    assert_eq!(shown["actions"]["skip-identical"]["files"], 2);
    // That of a link is somebody's, too.
    assert_eq!(shown["highest_numbers"], json!(["PRT-2025-0064"]));
    assert_eq!(shown["troubles"].as_array().unwrap().len(), 5 + 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_rejected_or_is_void_or_just_given_out_is_somebody_s_to_decide() {
    let site = Site::with_bols().await;
    site.put("bols/2025/PRT-2025-0007.pdf", &pdf("0007"), &[("tenant", "acme")])
        .await;
    let delete = site.harness.client.delete_object().bucket(crate::support::BUCKET);
    delete.key("bols/2025/PRT-2025-0007.pdf").send().await.unwrap();
    let at = "2025-11-14T14:25:10Z";
    let state = json!({
        "width": 4, "next": 43, "changes": 1, "former": [],
        "open": [{"number": 41, "request": casefile::digest::Sha256::of(b"x"), "since": at}],
        "void": [{"number": 42, "reason": "x", "by": "olga", "at": at}],
    });
    site.put("_casefile/bols/PRT-2025.json", state.to_string().as_bytes(), &[])
        .await;
    site.plan("bols", &[]).await;
    let entries = site.entries();
    for (number, reason) in [
        ("0007", "rejected or deleted"),
        ("0041", "has just been given out"),
        ("0042", "was declared void"),
    ] {
        let file = format!("PRT-2025-{number}.pdf");
        has(&entries[&file], "conflict", reason, &format!("bols/2025/{file}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_come_from_a_pattern_or_from_records() {
    let site = Site::start().await;
    site.write("BOL 17 of 2024 (signed).pdf", pdf("17"));
    site.write("scan.pdf", pdf("18"));
    site.write("x/scan.pdf", pdf("19"));
    let said = site
        .plan("bols", &["--name-pattern", "BOL {NNNN} of {YYYY}*"])
        .await;
    assert_eq!(said.code, 1);
    has(
        &site.entries()["BOL 17 of 2024 (signed).pdf"],
        "upload",
        "nothing is there",
        "bols/2024/PRT-2024-0017.pdf",
    );
    has(
        &site.entries()["scan.pdf"],
        "rejected",
        "its name isn't like BOL",
        "",
    );
    let records = "file,number,owner\nscan.pdf,PRT-2024-0018,Queen City Castings\nx/scan.pdf,PRT-2024-19,\n\
                   gone.pdf,PRT-2024-0020,\n";
    fs::write(site.beside("records.csv"), records).unwrap();
    let said = site
        .plan("bols", &["--records", "records.csv", "--owner", "all"])
        .await;
    assert_eq!(said.code, 1, "{}", said.err);
    let entries = site.entries();
    has(
        &entries["scan.pdf"],
        "upload",
        "nothing",
        "bols/2024/PRT-2024-0018.pdf",
    );
    has(
        &entries["x/scan.pdf"],
        "rejected",
        "is spelled PRT-2024-0019",
        "bols/2024/PRT-2024-19.pdf",
    );
    has(&entries["gone.pdf"], "conflict", "isn't in the folder", "");
    let unnamed = &entries["BOL 17 of 2024 (signed).pdf"];
    has(unnamed, "rejected", "; the records have no row for it", "");
    let plan = site.text("x.plan");
    assert!(plan.contains(r#""owner":"Queen City Castings""#) && plan.contains(r#""owner":"all""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_collection_of_single_files_has_a_plan() {
    let site = Site::start().await;
    site.write("2023/03/04/ärztlicher report.pdf", REPORT);
    site.write("metrics_20251028_143022.json", METRICS);
    let ecg = site.plan(Collection::ecg_reports().name(), &[]).await;
    assert_eq!(ecg.code, 0, "{}", ecg.out);
    let key = |file: &str| site.entries()[file].2.clone();
    assert_eq!(
        key("2023/03/04/ärztlicher report.pdf"),
        "ecg-reports/2023/03/04/ärztlicher report.pdf"
    );
    assert_eq!(
        key("metrics_20251028_143022.json"),
        "ecg-reports/2025/10/28/metrics_20251028_143022.json"
    );
    site.plan("clinical", &[]).await;
    assert_eq!(
        site.entries()["metrics_20251028_143022.json"].2,
        "snapshots/metrics_20251028_143022.json"
    );
    fs::remove_dir_all(site.at("")).unwrap();
    site.write("run 1.log", LOG);
    site.write("broken.log", "{}");
    site.plan("training-logs", &[]).await;
    let entries = site.entries();
    assert_eq!(
        entries["run 1.log"].2,
        "training-logs/2024/03/abc12345-def6-4890-a1b2-c3d4e5f60718.log"
    );
    has(&entries["broken.log"], "rejected", "/session is required", "");
}
