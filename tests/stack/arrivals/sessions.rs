//! Sessions: judged as a whole once their manifest is there.

use casefile_local::s3::{Fault, FaultRule, When};
use serde_json::json;
use session_export::review::ReviewExport;
use session_export::review::readable::ReportTemplate;
use tempfile::TempDir;

use super::yard::{Yard, noon};
use crate::support::{AUDIT_BUCKET, BUCKET, links, owned, store};

/// Exports the sample session; gives its folder.
pub(super) async fn export(yard: &Yard) -> String {
    store(&exporter(yard).await, &owned("s1"))
        .await
        .unwrap()
        .folder_name
}

/// session-export on the yard's S3, with a log.
async fn exporter(yard: &Yard) -> ReviewExport {
    let audit = yard.client.create_bucket().bucket(AUDIT_BUCKET);
    audit.send().await.unwrap();
    let template = ReportTemplate::new(None).unwrap();
    let links = links(yard.client.clone(), noon);
    ReviewExport::new(links, template, "session-export/1".to_owned())
}

#[tokio::test]
async fn a_complete_session_is_verified_with_each_of_its_files() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let folder = export(&yard).await;
    yard.settle_all().await;
    let manifest = format!("tara/{folder}/manifest.json");
    let row = yard.row("session", &manifest).await;
    assert_eq!(row["status"], "verified", "{row}");
    assert_eq!(row["session_id"], "s1");
    assert_eq!(row["tenant"], "acme");
    assert!(row["statistics"]["total_ai_suggestions"].is_u64(), "{row}");
    let documentation = json!({"suggestions": 2, "accepted": 1, "rejected": 1});
    assert_eq!(row["categories"]["Documentation"], documentation, "{row}");
    assert_eq!(row["summary"], json!(null));
    let keys = yard.bucket().keys("tara/").await.unwrap();
    assert_eq!(row["total_files"], keys.len());
    for key in keys {
        assert_eq!(yard.row("file", &key).await["status"], "verified", "{key}");
        let tags = yard.tags(&key).await;
        assert_eq!(
            (tags["status"].as_str(), tags["collection"].as_str()),
            ("verified", "reviews")
        );
    }
    let day = yard.bucket().keys("index/reviews/dt=2025-11-14/").await.unwrap();
    assert_eq!(day.len(), yard.rows().await.len());
}

#[tokio::test]
async fn files_without_a_manifest_are_left_alone() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let fault = Fault::error(403, "AccessDenied");
    let export = exporter(&yard).await;
    let rule = FaultRule::on("PutObject").suffix("/manifest.json");
    let handle = yard.s3.faults().inject(rule, When::Before, fault);
    store(&export, &owned("s1")).await.unwrap_err();
    handle.remove();
    yard.settle_all().await;
    assert!(yard.rows().await.is_empty());
    assert!(yard.quarantine().keys("").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_file_that_is_not_what_the_manifest_says_is_quarantined_and_the_session_is_rejected() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let folder = export(&yard).await;
    yard.settle_all().await;
    let report = format!("tara/{folder}/readable_report.txt");
    yard.put(&report, b"another report", &[("tenant", "acme")]).await;
    yard.settle_all().await;
    let row = yard.row("file", &report).await;
    assert_eq!(row["status"], "rejected");
    assert!(yard.bucket().head(&report).await.is_err(), "it is hidden");
    let row = yard.row("session", &format!("tara/{folder}/manifest.json")).await;
    assert_eq!(row["status"], "rejected");
    assert!(row["reason"].as_str().unwrap().starts_with("1 of its "), "{row}");
}

#[tokio::test]
async fn a_session_whose_file_is_gone_is_rejected() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let folder = export(&yard).await;
    let arrivals = yard.arrivals();
    for arrived in &arrivals {
        yard.settling.settle(arrived).await.unwrap();
    }
    let report = format!("tara/{folder}/readable_report.txt");
    let delete = yard.client.delete_object().bucket(BUCKET).key(&report);
    delete.send().await.unwrap();
    for arrived in &arrivals {
        yard.settling.settle(arrived).await.unwrap();
    }
    let row = yard.row("session", &format!("tara/{folder}/manifest.json")).await;
    assert_eq!(row["status"], "rejected");
}

#[tokio::test]
async fn a_manifest_that_can_not_be_read_hides_its_session() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    let folder = export(&yard).await;
    yard.settle_all().await;
    let manifest = format!("tara/{folder}/manifest.json");
    yard.put(&manifest, b"{\"manifest_version\": 1}", &[("tenant", "acme")])
        .await;
    yard.settle_all().await;
    assert!(yard.bucket().head(&manifest).await.is_err(), "it is hidden");
    for kind in ["file", "session"] {
        assert_eq!(yard.row(kind, &manifest).await["status"], "rejected", "{kind}");
    }
}

/// The event of a file that replaced a session's is repeated when its work broke off anywhere.
#[tokio::test]
async fn a_replaced_file_is_quarantined_however_often_the_work_breaks_off() {
    for operation in ["PutObject", "PutObjectTagging", "DeleteObject", "CopyObject"] {
        let data = TempDir::new().unwrap();
        let mut yard = Yard::open(data.path()).await;
        let folder = export(&yard).await;
        yard.settle_all().await;
        let report = format!("tara/{folder}/readable_report.txt");
        yard.put(&report, b"another report", &[("tenant", "acme")]).await;
        let arrived = yard.arrivals().remove(0);
        let mut skip = 0;
        loop {
            let rule = FaultRule::on(operation).skip(skip).times(3);
            let fault = Fault::error(503, "ServiceUnavailable");
            let handle = yard.s3.faults().inject(rule, When::Before, fault);
            let settled = yard.settling.settle(&arrived).await;
            handle.remove();
            if settled.is_ok() {
                break;
            }
            skip += 1;
        }
        let row = yard.row("session", &format!("tara/{folder}/manifest.json")).await;
        assert_eq!(row["status"], "rejected", "{operation}");
        assert!(yard.bucket().head(&report).await.is_err(), "{operation}");
        assert_eq!(
            yard.quarantine().keys("content/").await.unwrap().len(),
            1,
            "{operation}"
        );
    }
}

#[tokio::test]
async fn missing_entries_of_lists_are_mended() {
    let data = TempDir::new().unwrap();
    let mut yard = Yard::open(data.path()).await;
    export(&yard).await;
    let before = yard.bucket().keys("_casefile/by-").await.unwrap();
    assert_eq!(before.len(), 2);
    for key in &before {
        let delete = yard.client.delete_object().bucket(BUCKET).key(key);
        delete.send().await.unwrap();
    }
    assert!(yard.bucket().keys("_casefile/by-").await.unwrap().is_empty());
    yard.settle_all().await;
    assert_eq!(yard.bucket().keys("_casefile/by-").await.unwrap(), before);
}
