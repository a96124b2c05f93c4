//! Straight to S3, as a device that may put objects and nothing else.

use casefile::digest::Sha256;

use super::{Device, ECG, Said, sample};
use crate::files::{rows, settled, versions, versions_of};
use crate::support::{BUCKET, Harness, TestStack};

fn at(harness: &Harness) -> Device {
    let mut variables = vec![("S3_BUCKET_NAME", BUCKET.to_owned())];
    variables.extend(s3(&harness.s3.endpoint()));
    Device::new(variables)
}

pub(super) fn s3(endpoint: &str) -> [(&'static str, String); 4] {
    use casefile_local::stack::{ACCESS_KEY, REGION, SECRET_KEY};
    [
        ("AWS_ENDPOINT_URL_S3", endpoint.to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
    ]
}

async fn upload(camera: &Device, name: &str, collection: &str) -> Said {
    camera
        .run(&["upload", name, "--collection", collection, "--json"])
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_one_put_with_a_checksum_and_a_repeat_is_already_there() {
    let harness = Harness::start().await;
    let camera = at(&harness);
    camera.put_report();
    harness.s3.requests().record(true);
    assert_eq!(upload(&camera, ECG, "ecg-reports").await.statuses(0), ["stored"]);
    assert_eq!(
        upload(&camera, ECG, "ecg-reports").await.statuses(0),
        ["already_there"]
    );
    let asked = harness.s3.requests().take();
    let asked: Vec<_> = asked.iter().map(|record| record.operation.as_str()).collect();
    assert_eq!(asked, ["PutObject", "PutObject"]);
    let sha256 = Sha256::of(&sample("ecg", ECG));
    let key = format!("inbox/ecg-reports/{sha256}/{ECG}");
    assert_eq!(harness.bucket().head(&key).await.unwrap().checksum, Some(sha256));
    // Other content of the same name is another delivery.
    camera.put(ECG, "%PDF-1.4 other");
    assert_eq!(upload(&camera, ECG, "ecg-reports").await.statuses(0), ["stored"]);
    assert_eq!(versions(&harness.client, BUCKET, "inbox/").await.len(), 2);
    let url = format!("s3://{BUCKET}/{key}");
    assert_eq!(camera.log()[0], ("stored".to_owned(), Some(url)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_for_a_device_is_told_so() {
    let harness = Harness::start().await;
    let camera = at(&harness);
    camera.put("scan.pdf", "%PDF-1.4");
    camera.put("empty.pdf", "");
    for (arguments, code, why) in [
        (
            &["scan.pdf", "--collection", "bols"][..],
            1,
            "is written to through the API",
        ),
        (&["scan.pdf", "--collection", "ecg-reports"], 0, "skipped"),
        (
            &["scan.pdf", "--collection", "none"],
            1,
            "there are reviews, bols",
        ),
        (&["empty.pdf", "--collection", "ecg-reports"], 1, "it is empty"),
        (&["none.pdf", "--collection", "ecg-reports"], 1, "it isn't there"),
        (&[".", "--collection", "ecg-reports"], 1, "it is no file"),
        (
            &["scan.pdf", "--collection", "bols", "--owner", "c-17"],
            2,
            "--owner is for the API",
        ),
        (
            &["scan.pdf", "--collection", "training-logs"],
            1,
            "it is no training log",
        ),
    ] {
        let said = camera.run(&[&["upload"][..], arguments].concat()).await;
        said.assert(code, &[why]);
    }
    let denied = [("AWS_SECRET_ACCESS_KEY", "hidden-wrong")];
    camera.put_report();
    let said = camera
        .run_with(&["upload", ECG, "--collection", "ecg-reports"], &denied)
        .await;
    said.assert(2, &["failed", "S3 refused: PutObject"]);
    assert!(!said.out.contains("hidden"), "{said:?}");
    assert_eq!(versions(&harness.client, BUCKET, "").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_that_applications_have_in_their_env_files_are_understood() {
    let harness = Harness::start().await;
    let camera = Device::new(
        s3(&harness.s3.endpoint())
            .into_iter()
            .filter(|(name, _)| *name != "AWS_REGION"),
    );
    camera.put_report();
    let region = casefile_local::stack::REGION;
    let env = format!(
        "# today's\nUSE_S3=True\nAWS_STORAGE_BUCKET_NAME={BUCKET}\nAWS_S3_REGION_NAME=\"{region}\"\n"
    );
    camera.put(".env", &env);
    let upload = ["upload", ECG, "--collection", "ecg-reports"];
    // The file is read only when it is named.
    camera
        .run(&upload)
        .await
        .assert(2, &["S3_BUCKET_NAME are both not set", "AWS_REGION is not set"]);
    let named = [&upload[..], &["--env-file", ".env"]].concat();
    camera.run(&named).await.assert(0, &["1 stored"]);
    let differing = [("AWS_S3_BUCKET", "others")];
    let said = camera.run_with(&named, &differing).await;
    let note = "AWS_STORAGE_BUCKET_NAME and AWS_S3_BUCKET are both set, and differ: AWS_STORAGE_BUCKET_NAME is taken";
    said.assert(0, &[note, "1 already there"]);
    let settled = [&named[..], &["--bucket", BUCKET]].concat();
    let said = camera.run_with(&settled, &differing).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let said = camera
        .run_with(&["verify", "20251114_142510_x", "--env-file", ".env"], &[])
        .await;
    said.assert(
        2,
        &[&format!("there is no complete session in s3://{BUCKET}/tara/")],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_straight_to_s3_ends_where_the_api_would_put_it() {
    let stack = TestStack::start().await;
    let bucket = stack.bucket().name().to_owned();
    let variables = s3(&stack.stack.s3.endpoint()).into_iter();
    let pod =
        Device::new(variables.chain([("S3_BUCKET_NAME", bucket), ("DEFAULT_TENANT", "acme".to_owned())]));
    pod.put_report();
    let report = [
        "upload",
        ECG,
        "--collection",
        "ecg-reports",
        "--metadata",
        "heart_rate=72",
        "--metadata",
        "x=y",
    ];
    pod.run(&report)
        .await
        .assert(0, &["1 stored", "note: x isn't kept by its collection"]);
    settled(&stack).await;
    let key = format!("ecg-reports/2025/10/28/{ECG}");
    let head = stack.bucket().head(&key).await.unwrap();
    assert_eq!(head.metadata["heart_rate"], "72");
    assert_eq!(versions_of(&stack, "inbox/").await.len(), 0);

    pod.put("run.json", sample("training", "session.json"));
    assert_eq!(
        upload(&pod, "run.json", "training-logs").await.statuses(0),
        ["stored"]
    );
    assert_eq!(
        upload(&pod, "run.json", "training-logs").await.statuses(0),
        ["already_there"]
    );
    let person = Device::at(&stack);
    person.put("run.json", sample("training", "session.json"));
    person
        .run(&["upload", "run.json", "--collection", "training-logs"])
        .await
        .assert(0, &["/training-logs/2024/03/"]);
    let logs = versions_of(&stack, "training-logs/").await;
    assert_eq!(logs.len(), 1);
    settled(&stack).await;
    let rows = rows(&stack).await;
    assert!(
        rows.values()
            .any(|row| row["key"] == logs[0].key.as_str() && row["status"] == "verified")
    );
    let other = String::from_utf8(sample("training", "session.json")).unwrap();
    pod.put("run.json", other.replacen('{', "{\"note\": 1,", 1));
    assert_eq!(
        upload(&pod, "run.json", "training-logs").await.statuses(1),
        ["refused"]
    );
}
