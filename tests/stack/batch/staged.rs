//! Requests that an application stages through the day, and a schedule exports at night.

use casefile::digest::Sha256;
use casefile_local::s3::{Fault, FaultRule, When};
use casefile_local::sample::workspace;
use serde_json::{Value, json};
use session_export::review::batch::{Door, MAX_STAGED_BYTES};

use super::{A_MINUTE, ATTEMPTS, export, outcomes, small};
use crate::support::{BUCKET, Harness, TestStack, client, sample, without_events};

const COMMAND: Door<'_> = Door::Command(&["command", "tenant"]);

/// Stages a request for a tenant: `acme/nightly/a.json`.
async fn stage(client: &aws_sdk_s3::Client, bucket: &str, name: &str, bytes: Vec<u8>) {
    let put = client
        .put_object()
        .bucket(bucket)
        .key(format!("inbox/reviews/{name}"));
    put.checksum_sha256(Sha256::of(&bytes).to_base64())
        .content_type("application/json")
        .body(bytes.into())
        .send()
        .await
        .unwrap();
}

async fn stage_here(harness: &Harness, name: &str, request: &Value) {
    let name = format!("acme/{name}");
    stage(&harness.client, BUCKET, &name, request.to_string().into_bytes()).await;
}

fn names(answer: &Value) -> Vec<&str> {
    let reviews = answer["reviews"].as_array().unwrap();
    let names = reviews.iter().map(|review| review["staged"].as_str().unwrap());
    names.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_s_event_exports_what_was_staged_and_again_with_the_same_result() {
    let stack = TestStack::start_with(without_events).await;
    let (client, bucket) = (client(&stack.stack.s3.endpoint()), stack.bucket());
    let event = std::fs::read(workspace().join("tests/events/export_reviews.json")).unwrap();
    let run = async || {
        let payload = bytes::Bytes::from(event.clone());
        let lambda = &stack.stack.lambda;
        let invocation = lambda.invoke(stack.function(), payload).await.unwrap();
        let answer = invocation.result.map_err(|error| error.error_message).unwrap();
        serde_json::from_slice::<Value>(&answer).unwrap()
    };
    assert_eq!(run().await, json!({"reviews": []}));
    for (name, request) in [
        ("example/nightly/b.json", sample("b").to_string()),
        ("example/nightly/a/1.JSON", small("a").to_string()),
        ("example/nightly/readme.txt", "not a request".to_owned()),
        ("example/nightly/c.json", "{".to_owned()),
        ("example/nightly-2/d.json", small("d").to_string()),
        ("other/nightly/e.json", small("e").to_string()),
        ("nightly/f.json", small("f").to_string()),
    ] {
        stage(&client, bucket.name(), name, request.into_bytes()).await;
    }
    let answer = run().await;
    assert_eq!(outcomes(&answer), ["exported", "exported", "400"], "{answer}");
    assert_eq!(
        names(&answer),
        ["nightly/a/1.JSON", "nightly/b.json", "nightly/c.json"]
    );
    assert!(stack.verify(&answer["reviews"][1]["export"]).await.holds());
    let log = stack.log();
    let told: Vec<_> = log
        .lines()
        .filter(|line| line.contains("a staged review was refused"))
        .collect();
    let [told] = told[..] else { panic!("{log}") };
    for part in ["WARN", "400", "malformed-request", "\"batch.index\":2"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!log.contains("c.json"), "{log}");
    let again = run().await;
    assert_eq!(outcomes(&again), outcomes(&answer));
    for index in [0, 1] {
        let folder = |answer: &Value| answer["reviews"][index]["export"]["folder_name"].clone();
        assert_eq!(folder(&answer), folder(&again));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_hundred_staged_requests_are_exported_in_two_calls() {
    let harness = Harness::start().await;
    for n in 0..103 {
        stage_here(&harness, &format!("day/{n:03}.json"), &small(&format!("s-{n}"))).await;
    }
    let first = export(&harness.export, &json!({"staged": "day"}), COMMAND, A_MINUTE)
        .await
        .unwrap();
    assert_eq!(outcomes(&first), ["exported"; 100]);
    // A function's answer has at most 6 MB, and what a state machine hands on at most 256 KiB.
    let size = first.to_string().len();
    assert!(size < 256 * 1024, "{size}");
    let next = json!({"staged": "day/", "cursor": first["next_cursor"]});
    let second = export(&harness.export, &next, COMMAND, A_MINUTE).await.unwrap();
    assert_eq!(names(&second), ["day/100.json", "day/101.json", "day/102.json"]);
    assert_eq!(outcomes(&second), ["exported"; 3]);
    assert_eq!(second["next_cursor"], Value::Null);
    assert_eq!(harness.visible_folders().await.len(), 103);
}

#[tokio::test]
async fn a_staged_request_is_read_in_the_version_that_was_looked_at_if_it_is_not_too_large() {
    let harness = Harness::start().await;
    stage_here(&harness, "x/gone.json", &small("gone")).await;
    stage_here(&harness, "x/replaced.json", &small("old")).await;
    let limit = usize::try_from(MAX_STAGED_BYTES).unwrap();
    stage(
        &harness.client,
        BUCKET,
        "acme/x/too-large.json",
        vec![b' '; limit + 1],
    )
    .await;
    let mut large = small("large").to_string();
    large.push_str(&" ".repeat(7 * 1024 * 1024));
    stage(&harness.client, BUCKET, "acme/x/large.json", large.into_bytes()).await;
    let key = |name: &str| format!("inbox/reviews/acme/x/{name}.json");
    let pause = |name: &str| {
        let rule = FaultRule::on("GetObject").prefix(&key(name)).times(1);
        harness.s3.faults().pause(rule, When::Before)
    };
    let (mut gone, mut replaced) = (pause("gone"), pause("replaced"));
    let meddle = async {
        let held = gone.arrived().await.unwrap();
        let delete = harness.client.delete_object().bucket(BUCKET).key(key("gone"));
        delete.send().await.unwrap();
        held.release();
        let held = replaced.arrived().await.unwrap();
        stage_here(&harness, "x/replaced.json", &small("new")).await;
        held.release();
    };
    let batch = json!({"staged": "x/"});
    let (answer, ()) = futures::join!(export(&harness.export, &batch, COMMAND, A_MINUTE), meddle);
    let answer = answer.unwrap();
    // The buckets here keep versions, so what was deleted meanwhile is still there in its version.
    assert_eq!(
        outcomes(&answer),
        ["exported", "exported", "exported", "413"],
        "{answer}"
    );
    let session = |index: usize| answer["reviews"][index]["export"]["session_id"].clone();
    assert_eq!((session(0), session(2)), (json!("gone"), json!("old")));
}

#[tokio::test]
async fn nobody_overtakes_a_staged_request_that_can_not_be_read() {
    let harness = Harness::start().await;
    let mut other = small("x");
    other["owner"] = json!("c-17");
    stage_here(&harness, "x/1.json", &small("before")).await;
    stage_here(&harness, "x/2.json", &small("x")).await;
    stage_here(&harness, "x/3.json", &other).await;
    let batch = json!({"staged": "x/"});
    let run = async || export(&harness.export, &batch, COMMAND, A_MINUTE).await.unwrap();
    let rule = || FaultRule::on("GetObject").prefix("inbox/reviews/acme/x/2");
    let down = || Fault::error(503, "SlowDown");
    let injected = harness.s3.faults().inject(rule(), When::Before, down());
    let answer = run().await;
    assert_eq!(outcomes(&answer), ["exported", "503", "503"], "{answer}");
    assert_eq!(injected.matched(), 2 * ATTEMPTS);
    injected.remove();
    // At the second attempt it is read.
    let once = harness
        .s3
        .faults()
        .inject(rule().times(ATTEMPTS), When::Before, down());
    let answer = run().await;
    assert_eq!(once.matched(), ATTEMPTS + 1);
    assert_eq!(outcomes(&answer), ["exported", "exported", "409"], "{answer}");
}
