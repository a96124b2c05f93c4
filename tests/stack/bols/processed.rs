//! What becomes of a bill of lading once S3 has told of it.

use casefile::digest::Sha256;
use casefile_local::sns::Notification;
use serde_json::{Value, json};

use super::finished::inline;
use super::{CUSTOMER, content, issued, list, record};
use crate::files::{REPORT, link, rows, settled};
use crate::support::{TestStack, office};

const KEY: &str = "bols/2025/PRT-2025-0001.pdf";

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_of_lading_is_verified_indexed_and_told_of() {
    let stack = TestStack::start().await;
    let dana = office("acme");
    let answer = issued(&stack, &dana, &record()).await;
    settled(&stack).await;
    let pdf = content(&stack, KEY).await;
    let rows = rows(&stack).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let row = &rows[KEY];
    for (name, value) in [
        ("collection", json!("bols")),
        ("kind", json!("file")),
        ("path", json!("2025/PRT-2025-0001.pdf")),
        ("version_id", answer["version_id"].clone()),
        ("tenant", json!("acme")),
        ("owner", json!(CUSTOMER)),
        ("status", json!("verified")),
        ("size", json!(pdf.len())),
        ("sha256", json!(Sha256::of(&pdf).to_string())),
        ("content_type", json!("application/pdf")),
        ("content_kind", json!("pdf")),
    ] {
        assert_eq!(row[name], value, "{name}: {row}");
    }
    assert_eq!(row["facts"]["pages"], 1, "{row}");
    // Its path knows no day but the year's first.
    let index = stack.bucket().keys("index/").await.unwrap();
    assert!(index[0].starts_with("index/bols/dt=2025-01-01/"), "{index:?}");
    let notices = notices(&stack, KEY);
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!(
        notices[0].subject.as_deref(),
        Some("Casefile: bols file verified")
    );
    assert!(!notices[0].text("email").contains(CUSTOMER));

    // A repeat is nothing new.
    issued(&stack, &dana, &record()).await;
    settled(&stack).await;
    assert_eq!(stack.stack.notifications().len(), 1);
    assert_eq!(list(&stack, &dana).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_pdf_that_is_none_inside_is_quarantined_and_its_number_stays_taken() {
    let stack = TestStack::start().await;
    let dana = office("acme");
    // It begins as one, which is all that is looked at before it is stored.
    let cut = REPORT[..REPORT.len() / 3].to_vec();
    issued(&stack, &dana, &inline(&cut)).await;
    settled(&stack).await;
    let row = &rows(&stack).await[KEY];
    assert_eq!(row["status"], "rejected", "{row}");
    assert_eq!(link(&stack, &dana, "bols", "PRT-2025-0001").await.0, 404);
    let next = issued(&stack, &dana, &record()).await;
    assert_eq!(next["number"], "PRT-2025-0002");
    settled(&stack).await;
    assert_eq!(notices(&stack, "bols/2025/PRT-2025-0002.pdf").len(), 1);
}

/// What subscribers were told of what lies at a key.
fn notices(stack: &TestStack, key: &str) -> Vec<Notification> {
    let mut all = stack.stack.notifications();
    let about = |notice: &Notification| {
        let said: Value = serde_json::from_str(notice.text("https")).unwrap();
        said["key"].clone()
    };
    all.retain(|notice| about(notice) == key);
    all
}
