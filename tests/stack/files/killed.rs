//! The function's process is killed at the writes that count, before and after they take effect.

use casefile_local::s3::{FaultRule, When};
use serde_json::{Value, json};

use super::{
    DEMOGRAPHICS, ENCOUNTERS, LOG, REPORT, downloaded, given, listed, post, stored, uploaded, versions_of,
};
use crate::support::{TestStack, office, without_events};

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_the_file_s_own_write_and_repeated_it_is_stored_and_listed_once() {
    let stack = TestStack::start_with(without_events).await;
    let put = FaultRule::on("PutObject");
    for when in [When::Before, When::After] {
        for prefix in ["_casefile/by-time/", "ecg-reports/", "audit/"] {
            let name = format!("report_20251028_{when:?}_{}.pdf", prefix.len());
            let rule = put.clone().prefix(prefix);
            kill_and_repeat(&stack, "ecg-reports", &given(&name, REPORT), rule, when).await;
        }
        // So that it may get another day's path if the note of it were of no use.
        let undated = given(&format!("report_{when:?}.pdf"), REPORT);
        let rule = put.clone().prefix("_casefile/paths/");
        kill_and_repeat(&stack, "ecg-reports", &undated, rule, when).await;

        let mut log: Value = serde_json::from_str(LOG).unwrap();
        log["session"]["id"] = json!(format!("killed-{when:?}"));
        let rule = put.clone().prefix("training-logs/");
        kill_and_repeat(&stack, "training-logs", &log, rule, when).await;

        let snapshot = given(&format!("{when:?}.json"), b"{}");
        let rule = put.clone().prefix("snapshots/");
        kill_and_repeat(&stack, "clinical", &snapshot, rule, when).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_the_copy_of_a_replacement_and_repeated_it_is_the_newest_version_once() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    for when in [When::Before, When::After] {
        let name = format!("{when:?}.parquet");
        let first = stored(&stack, &dana, "/v1/clinical", &given(&name, ENCOUNTERS)).await;
        let upload_id = uploaded(&stack, &dana, "clinical", &name, DEMOGRAPHICS).await;
        let request = json!({
            "file": {"file_name": name, "upload_id": upload_id}, "replaces": first["version_id"],
        });
        let rule = FaultRule::on("CopyObject").prefix("parquet/");
        let answer = kill_and_repeat(&stack, "clinical", &request, rule, when).await;
        let path = answer["path"].as_str().unwrap();
        assert_eq!(versions_of(&stack, path).await.len(), 2);
        assert_eq!(downloaded(&stack, &dana, "clinical", path).await, DEMOGRAPHICS);
    }
}

/// The process is killed while S3 holds what the rule includes; repeated, the file is stored, and the answer is the same
/// from then on.
async fn kill_and_repeat(
    stack: &TestStack,
    collection: &str,
    request: &Value,
    rule: FaultRule,
    when: When,
) -> Value {
    let (dana, route) = (office("acme"), format!("/v1/{collection}"));
    let case = format!("{collection} {rule:?} {when:?}");
    let mut point = stack.stack.s3.faults().pause(rule.times(1), when);
    let kill = async {
        let held = point.arrived().await.unwrap();
        assert!(stack.stack.lambda.kill(stack.function()).await > 0);
        held.release();
    };
    let ((status, _), ()) = futures::join!(post(stack, &dana, &route, request), kill);
    assert_eq!(status, 500, "{case}: the call outlived its process");
    drop(point);

    let answer = stored(stack, &dana, &route, request).await;
    let again = stored(stack, &dana, &route, request).await;
    let is_replaced = request.get("replaces").is_some();
    for name in ["path", "key", "version_id", "sha256", "uploaded_at"] {
        assert_eq!(again[name], answer[name], "{case}");
    }
    let there = versions_of(stack, answer["key"].as_str().unwrap()).await;
    assert_eq!(there.len(), 1 + usize::from(is_replaced), "{case}: {there:?}");
    let list = listed(stack, &dana, collection, "?limit=200").await;
    let mut entries = list.iter().filter(|entry| entry["path"] == answer["path"]);
    assert_eq!(
        entries.next().map(|entry| &entry["sha256"]),
        Some(&answer["sha256"]),
        "{case}"
    );
    assert_eq!(entries.next(), None, "{case}");
    answer
}
