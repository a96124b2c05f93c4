//! post-process is told of a release.

use casefile::config::Env;
use casefile::id::system_entropy;
use casefile_local::stack::{ACCESS_KEY, REGION, SECRET_KEY};
use jiff::Timestamp;
use post_process::arrival::{Incoming, ObjectArrived};
use post_process::config::Config;
use post_process::settle::Settling;
use serde_json::{Value, json};

use super::operator::{run, run_with};
use super::queue::Queue;
use super::{QUARANTINE, Ward, id};
use crate::support::BUCKET;

/// What post-process does, with the row that it leaves.
async fn settle(ward: &Ward, arrived: &ObjectArrived) -> Value {
    let endpoint = ward.harness.s3.endpoint();
    let env = Env::of([
        ("AWS_ENDPOINT_URL_S3", endpoint.as_str()),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("S3_BUCKET_NAME", BUCKET),
        ("QUARANTINE_BUCKET_NAME", QUARANTINE),
    ]);
    let settling = Settling::new(Config::from_env(env).unwrap(), Timestamp::now, system_entropy);
    settling.settle(arrived).await.unwrap();
    let rows = ward.artifacts.keys("index/").await.unwrap();
    let [row] = rows.try_into().unwrap();
    let row = ward.artifacts.read(&row, 100_000).await.unwrap();
    serde_json::from_slice(&row).unwrap()
}

fn arrived(body: &str) -> ObjectArrived {
    let Incoming::Objects(objects) = Incoming::read(body).unwrap() else {
        panic!("no objects: {body}");
    };
    let [object] = objects.try_into().unwrap();
    object.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn post_process_is_told_of_a_release_and_its_row_says_released() {
    let ward = Ward::start().await;
    let key = "ecg-reports/2025/10/28/é a+b&c.pdf";
    let item = ward.put_at(key, b"no PDF").await;
    let event = json!({"Records": [{"eventName": "ObjectCreated:Put", "s3": {
        "bucket": {"name": BUCKET}, "object": {"key": "ecg-reports/2025/10/28/%C3%A9+a%2Bb%26c.pdf"}}}]});
    let row = settle(&ward, &arrived(&event.to_string())).await;
    assert_eq!(row["status"], "rejected", "{row}");
    let id = id(&item).to_string();

    let untold = run(&ward, &["release", &id, "--reason", "x"]).await;
    assert_eq!(untold.code, 0, "{}", untold.err);
    assert!(
        untold.out.contains("ARRIVALS_QUEUE_URL isn't set"),
        "{}",
        untold.out
    );

    let queue = Queue::start(&[500, 500, 500]).await;
    let url = queue.url();
    let variables = [
        ("ARRIVALS_QUEUE_URL", url.as_str()),
        ("AWS_ENDPOINT_URL_SQS", queue.endpoint()),
    ];
    let release = ["release", id.as_str(), "--reason", "x"];
    let failed = run_with(&ward, &release, &variables).await;
    assert_eq!((failed.code, failed.out.as_str()), (2, ""));
    assert!(
        failed.err.contains("it is released") && failed.err.contains("release it again"),
        "{}",
        failed.err
    );
    let before = queue.messages().len();
    let told = run_with(&ward, &release, &variables).await;
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(told.out.contains("index and notices follow"), "{}", told.out);
    let messages = queue.messages();
    let [message] = messages.get(before..).unwrap() else {
        panic!("one message: {messages:?}");
    };
    assert_eq!(message["QueueUrl"], url.as_str());
    let arrived = arrived(message["MessageBody"].as_str().unwrap());
    assert_eq!(
        (arrived.bucket.as_str(), arrived.key.as_str()),
        (BUCKET, key),
        "{arrived:?}"
    );
    assert_eq!(
        (&arrived.version_id, arrived.size),
        (&item.version_id, Some(item.size))
    );
    assert_eq!(arrived.etag.as_deref(), Some(item.etag.as_str()));
    let row = settle(&ward, &arrived).await;
    assert_eq!(row["status"], "released", "{row}");
    assert_eq!(row["version_id"], json!(item.version_id));
}
