//! The function's process is killed at every write, before and after the write takes effect; also at a copy.

use casefile::digest::Sha256;
use casefile_local::s3::{FaultRule, When};
use serde_json::{Value, json};

use crate::support::{TestStack, WRITES, folder, office, owned, same, without_events};
use crate::uploads::{before_document, grant, send};

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_write_and_repeated_the_export_gives_the_same_complete_folder() {
    let stack = TestStack::start_with(without_events).await;
    for write in 0..WRITES {
        for when in [When::Before, When::After] {
            let request = owned(&format!("killed-{write}-{when:?}"));
            let rule = FaultRule::on("PutObject").skip(write).times(1);
            let case = format!("write {write} {when:?}");
            kill_and_repeat(&stack, &request, rule, when, &case).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_a_copy_and_repeated_the_export_gives_the_same_complete_folder() {
    let stack = TestStack::start_with(without_events).await;
    let bytes = before_document();
    for when in [When::Before, When::After] {
        let (_, granted) = grant(&stack, &office("acme"), &bytes).await;
        assert_eq!(send(&granted, &bytes, &[]).await.status(), 200);
        let mut request = owned(&format!("killed-copy-{when:?}"));
        request["documents"]["before"] = json!({"file_name": "x.docx", "upload_id": granted["upload_id"]});
        let rule = FaultRule::on("CopyObject").times(1);
        let answer = kill_and_repeat(&stack, &request, rule, when, &format!("copy {when:?}")).await;
        let copied = format!("tara/{}/documents/before_x.docx", folder(&answer));
        let copied = stack.bucket().hash(&copied).await.unwrap();
        assert_eq!(copied.sha256, Sha256::of(&bytes));
    }
}

/// The process is killed while S3 holds what the rule includes; repeated, the export is complete, and says the same
/// from then on.
async fn kill_and_repeat(
    stack: &TestStack,
    request: &Value,
    rule: FaultRule,
    when: When,
    case: &str,
) -> Value {
    let mut point = stack.stack.s3.faults().pause(rule, when);
    let kill = async {
        let held = point.arrived().await.unwrap();
        assert!(stack.stack.lambda.kill(stack.function()).await > 0);
        held.release();
        assert_eq!(stack.stack.lambda.processes(stack.function()), 0, "{case}");
    };
    let ((status, _), ()) = futures::join!(stack.export(request), kill);
    assert_eq!(status, 500, "{case}: the call outlived its process");
    drop(point);

    let (status, answer) = stack.export(request).await;
    assert_eq!(status, 201, "{case}: {answer}");
    let verification = stack.verify(&answer).await;
    assert!(verification.holds(), "{case}: {verification:?}");
    let (_, again) = stack.export(request).await;
    assert_eq!(same(again), same(answer.clone()));
    assert_eq!(verification.manifest.folder_name, folder(&answer));
    answer
}
