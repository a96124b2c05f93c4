//! What devices put into the inbox.

use casefile::digest::Sha256;
use casefile_local::s3::{Fault, FaultRule, When};
use serde_json::json;
use tempfile::TempDir;

use super::yard::Yard;

pub(super) const REPORT: &[u8] = include_bytes!("../../fixtures/ecg/ECG_Report_20251028_143022.pdf");
pub(super) const METRICS: &[u8] = include_bytes!("../../fixtures/ecg/metrics_20251028_143022.json");
const LOG: &[u8] = include_bytes!("../../fixtures/ecg/session_20251028.log");

const FILED: &str = "ecg-reports/2025/10/28/ECG_Report_20251028_143022.pdf";

#[tokio::test]
async fn a_device_s_report_is_filed_with_what_its_collection_keeps_of_its_metadata() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let inbox = "inbox/ecg-reports/device 7/ECG_Report_20251028_143022.pdf";
    let metadata = [
        ("heart_rate", "72"),
        ("operator_login", "nurse7"),
        ("tenant", "another"),
    ];
    yard.put(inbox, REPORT, &metadata).await;
    yard.settle_all().await;

    let head = yard.bucket().head(FILED).await.unwrap();
    assert_eq!(head.size, REPORT.len() as u64);
    assert_eq!(head.content_type.as_deref(), Some("application/pdf"));
    let metadata = |name: &str| head.metadata.get(name).map(String::as_str);
    assert_eq!(metadata("heart_rate"), Some("72"));
    assert_eq!(metadata("tenant"), Some("acme"));
    assert_eq!(metadata("source"), Some("inbox"));
    assert_eq!(metadata("operator_login"), None);
    let tags = yard.tags(FILED).await;
    assert_eq!(tags["status"], "verified");
    assert_eq!(tags["collection"], "ecg-reports");
    assert_eq!(tags["sha256"], Sha256::of(REPORT).to_string());
    assert!(yard.bucket().keys("inbox/").await.unwrap().is_empty());

    let row = yard.row("file", FILED).await;
    assert_eq!(row["status"], "verified");
    assert_eq!(row["content_kind"], "pdf");
    assert_eq!(row["tenant"], "acme");
    assert_eq!(row["sha256"], Sha256::of(REPORT).to_string());
    assert_eq!(row["version_id"], json!(head.version_id));
    let rows = yard
        .bucket()
        .keys("index/ecg-reports/dt=2025-10-28/")
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    let entries = yard
        .bucket()
        .keys("_casefile/by-time/acme/ecg-reports/")
        .await
        .unwrap();
    assert_eq!(entries.len(), 1, "{entries:?}");
}

#[tokio::test]
async fn what_a_collection_does_not_take_is_recorded_as_skipped_and_stays_to_expire() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let inbox = "inbox/ecg-reports/session_20251028.log";
    yard.put(inbox, LOG, &[]).await;
    yard.settle_all().await;
    assert_eq!(yard.tags(inbox).await["status"], "skipped");
    let row = yard.row("file", inbox).await;
    assert_eq!(row["status"], "skipped");
    assert!(row["reason"].as_str().unwrap().contains("its name"), "{row}");
    assert!(yard.bucket().keys("ecg-reports/").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_report_that_is_no_pdf_is_quarantined_in_the_place_where_it_belongs() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let inbox = "inbox/ecg-reports/report_20251028.pdf";
    yard.put(inbox, b"MZ\x90\x00 this is a program", &[]).await;
    yard.settle_all().await;
    let key = "ecg-reports/2025/10/28/report_20251028.pdf";
    assert!(yard.bucket().head(key).await.is_err(), "it is hidden");
    let row = yard.row("file", key).await;
    assert_eq!(row["status"], "rejected");
    assert!(yard.bucket().keys("inbox/").await.unwrap().is_empty());
    assert_eq!(yard.quarantine().keys("content/").await.unwrap().len(), 1);
    let version = row["version_id"].as_str().unwrap();
    let tags = yard.bucket().tags(key, Some(version)).await.unwrap();
    assert_eq!(tags["status"], "rejected");
}

#[tokio::test]
async fn implausible_measurements_are_rejected() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let metrics = String::from_utf8(METRICS.to_vec()).unwrap();
    let wrong = metrics.replace("\"heart_rate\": 72", "\"heart_rate\": 9999");
    assert_ne!(metrics, wrong);
    yard.put("inbox/ecg-reports/metrics_20251028_143022.json", METRICS, &[])
        .await;
    yard.put(
        "inbox/ecg-reports/metrics_20251029_143022.json",
        wrong.as_bytes(),
        &[],
    )
    .await;
    yard.settle_all().await;
    let row = yard
        .row("file", "ecg-reports/2025/10/28/metrics_20251028_143022.json")
        .await;
    assert_eq!(row["status"], "verified", "{row}");
    let row = yard
        .row("file", "ecg-reports/2025/10/29/metrics_20251029_143022.json")
        .await;
    assert_eq!(row["status"], "rejected");
    let reason = row["reason"].as_str().unwrap();
    assert!(
        reason.contains("heart_rate") && !reason.contains("9999"),
        "{reason}"
    );
}

#[tokio::test]
async fn two_reports_of_one_name_are_both_kept() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let inbox = "inbox/ecg-reports/ECG_Report_20251028_143022.pdf";
    yard.put(inbox, REPORT, &[]).await;
    yard.settle_all().await;
    let mut other = REPORT.to_vec();
    other.extend_from_slice(b"\n% corrected\n");
    yard.put(inbox, REPORT, &[]).await;
    yard.put(inbox, &other, &[]).await;
    yard.settle_all().await;
    let keys = yard.bucket().keys("ecg-reports/").await.unwrap();
    let digest = Sha256::of(&other).to_string();
    let beside = FILED.replace(".pdf", &format!("_{digest}.pdf"));
    assert_eq!(keys, [FILED.to_owned(), beside]);
    let entries = yard
        .bucket()
        .keys("_casefile/by-time/acme/ecg-reports/")
        .await
        .unwrap();
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert!(yard.bucket().keys("inbox/").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_delivery_that_comes_again_after_its_copy_was_quarantined_is_not_filed_again() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let inbox = "inbox/ecg-reports/report_20251028.pdf";
    yard.put(inbox, b"no pdf", &[]).await;
    let rule = FaultRule::on("DeleteObject").prefix("inbox/");
    let handle = yard
        .s3
        .faults()
        .inject(rule, When::Before, Fault::error(503, "ServiceUnavailable"));
    let delivered = yard.arrivals();
    yard.settling.settle(&delivered[0]).await.unwrap_err();
    handle.remove();
    yard.settle_all().await;
    assert_eq!(yard.quarantine().keys("records/").await.unwrap().len(), 1);
    yard.settling.settle(&delivered[0]).await.unwrap();
    yard.settle_all().await;
    assert_eq!(yard.quarantine().keys("records/").await.unwrap().len(), 1);
    assert!(yard.bucket().keys("inbox/").await.unwrap().is_empty());
}

#[tokio::test]
async fn what_another_tenant_has_under_the_same_name_stays_and_the_delivery_is_filed_beside_it() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    yard.put(FILED, REPORT, &[("tenant", "other")]).await;
    yard.put("inbox/ecg-reports/ECG_Report_20251028_143022.pdf", REPORT, &[])
        .await;
    yard.settle_all().await;
    let beside = FILED.replace(".pdf", &format!("_{}.pdf", Sha256::of(REPORT)));
    let head = yard.bucket().head(&beside).await.unwrap();
    assert_eq!(head.metadata["tenant"], "acme");
    assert_eq!(
        yard.bucket().head(FILED).await.unwrap().metadata["tenant"],
        "other"
    );
}

#[tokio::test]
async fn a_delivery_that_is_not_what_was_announced_is_quarantined_in_its_place() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let announced = Sha256::of(b"something else").to_string();
    let inbox = "inbox/ecg-reports/ECG_Report_20251028_143022.pdf";
    yard.put(inbox, REPORT, &[("sha256", &announced)]).await;
    yard.settle_all().await;
    let row = yard.row("file", FILED).await;
    assert_eq!(row["status"], "rejected");
    assert!(row["reason"].as_str().unwrap().contains("SHA-256"), "{row}");
    assert!(yard.bucket().keys("ecg-reports/").await.unwrap().is_empty());
    assert!(yard.bucket().keys("inbox/").await.unwrap().is_empty());
}

#[tokio::test]
async fn the_same_bytes_with_the_right_announcement_are_filed_after_all() {
    let announced = Sha256::of(b"something else").to_string();
    let inbox = "inbox/ecg-reports/ECG_Report_20251028_143022.pdf";
    // Before and after the broken one is hidden.
    for settles_first in [true, false] {
        let data = TempDir::new().unwrap();
        let mut yard = Yard::open(data.path()).await;
        yard.put(inbox, REPORT, &[("sha256", &announced)]).await;
        if settles_first {
            yard.settle_all().await;
        }
        yard.put(inbox, REPORT, &[]).await;
        yard.settle_all().await;
        let keys = yard.bucket().keys("ecg-reports/").await.unwrap();
        assert_eq!(keys.len(), 1, "{keys:?}");
        assert_eq!(yard.tags(&keys[0]).await["status"], "verified");
        assert!(yard.bucket().keys("inbox/").await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn uploads_by_grant_and_other_buckets_are_not_touched() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let upload = format!("inbox/0199a000-0000-7000-8000-000000000000/{}", "0".repeat(32));
    yard.put(&upload, b"x", &[]).await;
    yard.put("_casefile/shares/x.json", b"x", &[]).await;
    yard.put("elsewhere/x", b"x", &[]).await;
    let before = yard.bucket().keys("").await.unwrap();
    yard.settle_all().await;
    assert_eq!(yard.bucket().keys("").await.unwrap(), before);
    assert!(yard.tags(&upload).await.is_empty());
}

#[tokio::test]
async fn a_tag_of_somebody_else_s_stays() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    yard.put("bols/2025/PRT-2025-0042.pdf", REPORT, &[("tenant", "acme")])
        .await;
    yard.bucket()
        .merge_tags("bols/2025/PRT-2025-0042.pdf", None, &[("cost-centre", "7")])
        .await
        .unwrap();
    yard.settle_all().await;
    let tags = yard.tags("bols/2025/PRT-2025-0042.pdf").await;
    assert_eq!(tags["cost-centre"], "7");
    assert_eq!(tags["status"], "verified");
}

#[tokio::test]
async fn an_object_that_was_deleted_or_replaced_since_is_no_failure() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let key = "snapshots/a.json";
    yard.put(key, b"{}", &[]).await;
    yard.put(key, b"{\"new\": 1}", &[]).await;
    yard.put("snapshots/gone.json", b"{}", &[]).await;
    let gone = yard.client.delete_object().bucket(crate::support::BUCKET);
    gone.key("snapshots/gone.json").send().await.unwrap();
    yard.settle_all().await;
    let rows = yard.rows().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows["file snapshots/a.json"]["size"], 10);
}
