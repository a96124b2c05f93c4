//! A missing entry of a list is written by post-process, whoever should have written it.

use casefile_local::s3::{ObjectEvent, event_record};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    ENCOUNTERS, LOG, LOG_PATH, REPORT, REPORT_NAME, REPORT_PATH, given, listed, paths, settled, stored,
};
use crate::support::{TestStack, client, office, token, without_events};

/// Calls post-process with each creation below a prefix, as its queue would; gives how many there were.
pub(super) async fn deliver(stack: &TestStack, events: &[ObjectEvent], prefix: &str) -> usize {
    let function = stack.stack.function("post-process").unwrap();
    let is_wanted = |event: &&ObjectEvent| {
        event.key.starts_with(prefix) && event.name.is_included_in("s3:ObjectCreated:*")
    };
    let wanted: Vec<_> = events.iter().filter(is_wanted).collect();
    for event in &wanted {
        let body = json!({ "Records": [event_record(event)] }).to_string();
        let batch = json!({"Records": [{"messageId": "1", "body": body, "eventSource": "aws:sqs"}]});
        let invocation = stack.stack.lambda.invoke(function, batch.to_string().into());
        let answer = invocation.await.unwrap().result.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    wanted.len()
}

/// What has happened since the last time.
pub(super) fn happened(events: &mut UnboundedReceiver<ObjectEvent>) -> Vec<ObjectEvent> {
    std::iter::from_fn(|| events.try_recv().ok()).collect()
}

/// Removes every entry of every list.
async fn forget(stack: &TestStack) -> usize {
    let client = client(&stack.stack.s3.endpoint());
    let bucket = stack.bucket();
    let mut removed = 0;
    for list in ["_casefile/by-time/", "_casefile/by-owner/"] {
        for key in bucket.keys(list).await.unwrap() {
            let delete = client.delete_object().bucket(bucket.name()).key(key);
            delete.send().await.unwrap();
            removed += 1;
        }
    }
    removed
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_are_gone_come_back_with_the_file_s_event_and_with_a_repeat() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    let mut report = given(REPORT_NAME, REPORT);
    report["owner"] = json!("c-17");
    let requests: [(&str, Value, &str, &str); 3] = [
        ("ecg-reports", report, REPORT_PATH, "ecg-reports/"),
        (
            "training-logs",
            serde_json::from_str(LOG).unwrap(),
            LOG_PATH,
            "training-logs/",
        ),
        (
            "clinical",
            given("encounters.parquet", ENCOUNTERS),
            "parquet/encounters.parquet",
            "parquet/",
        ),
    ];
    for (collection, request, path, prefix) in requests {
        let mut events = stack.stack.s3.events();
        let route = format!("/v1/{collection}");
        stored(&stack, &dana, &route, &request).await;
        let before = listed(&stack, &dana, collection, "").await;
        assert_eq!(paths(&before), [path]);
        let happened = happened(&mut events);
        for _ in 0..2 {
            assert!(forget(&stack).await > 0);
            assert!(listed(&stack, &dana, collection, "").await.is_empty());
            // The same event again, which is no newer than the one before it.
            assert_eq!(deliver(&stack, &happened, prefix).await, 1);
            assert_eq!(listed(&stack, &dana, collection, "").await, before);
        }
        forget(&stack).await;
        stored(&stack, &dana, &route, &request).await;
        assert_eq!(listed(&stack, &dana, collection, "").await, before);
        if collection == "ecg-reports" {
            let carl = token("carl", &["customer"], "acme", Some("c-17"));
            assert_eq!(listed(&stack, &carl, collection, "").await, before);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_call_was_stopped_before_its_entries_were_written_is_listed_by_its_event() {
    let stack = TestStack::start().await;
    let client = client(&stack.stack.s3.endpoint());
    let put = client.put_object().bucket(stack.bucket().name());
    let put = put.key(format!("ecg-reports/{REPORT_PATH}"));
    let put = put.content_type("application/pdf").metadata("tenant", "acme");
    let put = put.metadata("uploaded-at", "2025-10-28T15:00:00.250Z");
    put.body(REPORT.to_vec().into()).send().await.unwrap();
    settled(&stack).await;
    let list = listed(&stack, &office("acme"), "ecg-reports", "").await;
    assert_eq!(paths(&list), [REPORT_PATH]);
    assert_eq!(list[0]["time"], "2025-10-28T15:00:00.250Z");
    assert_eq!(list[0]["size"], REPORT.len());
    assert!(
        listed(&stack, &office("globex"), "ecg-reports", "")
            .await
            .is_empty()
    );
}
