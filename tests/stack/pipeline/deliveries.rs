//! A device with `s3:PutObject` and nothing else: what it puts into the inbox is filed, skipped or quarantined, and links
//! lead to it from the verdict on.

use casefile_local::s3::{FaultRule, When};
use serde_json::{Value, json};

use super::plant::{PATIENT, Plant, TENANT, download, machines, soon};

const REPORT: &[u8] = include_bytes!("../../fixtures/ecg/ECG_Report_20251028_143022.pdf");
const METRICS: &str = include_str!("../../fixtures/ecg/metrics_20251028_143022.json");
const JUNK: &[u8] = b"MZ\x90\x00 Alvarez' report, says this program";

const FILED: &str = "2025/10/28/ECG_Report_20251028_Alvarez.pdf";
const REJECTED: &str = "2025/10/29/report_20251029_Alvarez.pdf";

#[tokio::test(flavor = "multi_thread")]
async fn a_device_s_reports_are_filed_or_quarantined_and_links_lead_to_what_is_verified() {
    let plant = Plant::start(|_| {}).await;
    a_report_is_linked_to_once_it_is_verified(&plant).await;
    let id = what_is_no_report_is_never_linked_to(&plant).await;
    an_operator_lets_it_go(&plant, &id).await;
    implausible_measurements_are_told_without_a_value(&plant).await;
    what_is_not_taken_is_skipped(&plant).await;
    assert_eq!(plant.dead_letters(), []);
    plant.logged(r#""Status":"skipped""#).await;
    plant.assert_discreet();
}

/// Stores it in the inbox; while the copy in its place waits to be tagged, links to that are asked for.
async fn deliver(plant: &Plant, name: &str, body: &[u8], path: &str) {
    let rule = FaultRule::on("PutObjectTagging").prefix("ecg-reports/");
    let mut pause = plant.stack.s3.faults().pause(rule, When::Before);
    let metadata = [("patient_name", PATIENT), ("heart_rate", "72")];
    plant
        .put(&format!("inbox/ecg-reports/{name}"), body, &metadata)
        .await;
    let held = soon(pause.arrived()).await;
    let (status, early) = plant.link(path, TENANT).await;
    assert_eq!(status, 409, "{early}");
    let (status, _) = plant.link(path, "globex").await;
    assert_eq!(status, 404, "who may not read it learns nothing");
    drop((held, pause));
    plant.settled().await;
}

async fn a_report_is_linked_to_once_it_is_verified(plant: &Plant) {
    deliver(plant, "ECG_Report_20251028_Alvarez.pdf", REPORT, FILED).await;
    let (status, link) = plant.link(FILED, TENANT).await;
    assert_eq!(status, 200, "{link}");
    assert_eq!(download(&link).await, REPORT);
    assert_eq!(plant.link(FILED, "globex").await.0, 404);

    let key = format!("ecg-reports/{FILED}");
    let row = plant.row("file", &key).await;
    assert_eq!(
        (&row["status"], &row["tenant"]),
        (&"verified".into(), &TENANT.into())
    );
    let head = plant.bucket().head(&key).await.unwrap();
    assert_eq!(head.metadata.get("heart_rate").map(String::as_str), Some("72"));
    assert!(plant.bucket().keys("inbox/").await.unwrap().is_empty());
    let notices = plant.notices(&key);
    assert_eq!(notices.len(), 1, "{notices:?}");
    let subject = notices[0].subject.as_deref();
    assert_eq!(subject, Some("Casefile: ecg-reports file verified"));
    assert!(!notices[0].text("email").contains(PATIENT));
}

/// Gives its id in the quarantine.
async fn what_is_no_report_is_never_linked_to(plant: &Plant) -> String {
    deliver(plant, "report_20251029_Alvarez.pdf", JUNK, REJECTED).await;
    let (status, rejected) = plant.link(REJECTED, TENANT).await;
    let (_, nothing) = plant.link("2025/10/29/report_20251029_nobody.pdf", TENANT).await;
    assert_eq!((status, &rejected["type"]), (404, &nothing["type"]), "{rejected}");
    assert_eq!(rejected["detail"], nothing["detail"]);

    let key = format!("ecg-reports/{REJECTED}");
    let row = plant.row("file", &key).await;
    assert_eq!(row["status"], "rejected");
    let notices = plant.notices(&key);
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!(machines(&notices[0])["status"], "rejected");
    let list = plant.casefile(&["quarantine", "list", "--json"]).await;
    assert_eq!(list.code, 0, "{}", list.err);
    let list: Value = serde_json::from_str(&list.out).unwrap();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{list}");
    assert_eq!(
        (&items[0]["key"], &items[0]["reason"]),
        (&json!(key), &row["reason"])
    );
    items[0]["id"].as_str().unwrap().to_owned()
}

async fn an_operator_lets_it_go(plant: &Plant, id: &str) {
    let release = ["quarantine", "release", id, "--reason", "read by hand"];
    let released = plant.casefile(&release).await;
    assert_eq!(released.code, 0, "{}", released.err);
    plant.settled().await;
    assert_eq!(
        plant.row("file", &format!("ecg-reports/{REJECTED}")).await["status"],
        "released"
    );
    let (status, link) = plant.link(REJECTED, TENANT).await;
    assert_eq!(status, 200, "{link}");
    assert_eq!(download(&link).await, JUNK);
    let list = plant.casefile(&["quarantine", "list"]).await;
    assert!(list.out.starts_with("in the quarantine: 0;"), "{}", list.out);
}

async fn implausible_measurements_are_told_without_a_value(plant: &Plant) {
    let wrong = METRICS.replace("\"heart_rate\": 72", "\"heart_rate\": 98765");
    assert_ne!(wrong, METRICS);
    let inbox = "inbox/ecg-reports/metrics_20251030_Alvarez.json";
    plant.put(inbox, wrong.as_bytes(), &[]).await;
    plant.settled().await;
    let key = "ecg-reports/2025/10/30/metrics_20251030_Alvarez.json";
    let row = plant.row("file", key).await;
    assert_eq!(row["status"], "rejected");
    let notices = plant.notices(key);
    assert_eq!(notices.len(), 1, "{notices:?}");
    let mail = notices[0].text("email");
    assert!(mail.contains("heart_rate") && !mail.contains("98765"), "{mail}");
    assert!(!plant.log().contains("98765"));
}

async fn what_is_not_taken_is_skipped(plant: &Plant) {
    let inbox = "inbox/ecg-reports/Alvarez.log";
    plant.put(inbox, b"Alvarez", &[]).await;
    plant.settled().await;
    assert_eq!(plant.row("file", inbox).await["status"], "skipped");
    assert!(plant.notices(inbox).is_empty());
}
