//! Killed half-way: nothing half is left where anybody looks.

use std::fs;
use std::process::Stdio;

use casefile_local::s3::{Fault, FaultRule, When};

use super::direct::s3;
use super::{Device, large_json};
use crate::files::versions;
use crate::support::{BUCKET, Harness};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_upload_and_a_killed_get_leave_nothing_half() {
    let harness = Harness::start().await;
    let bucket = ("S3_BUCKET_NAME", BUCKET.to_owned());
    let camera = Device::new(s3(&harness.s3.endpoint()).into_iter().chain([bucket]));
    let content = large_json(4 * 1024 * 1024);
    camera.put("a.json", "[1]");
    camera.put("b.json", &content);
    let upload = [
        "upload",
        "a.json",
        "b.json",
        "--collection",
        "clinical",
        "--transfers",
        "1",
    ];
    let kill = async |arguments: &[&str], rule: FaultRule, when| {
        let mut point = harness.s3.faults().pause(rule, when);
        let mut run = camera
            .command(arguments)
            .await
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let held = point.arrived().await.unwrap();
        run.kill().unwrap();
        let ended = tokio::task::spawn_blocking(move || run.wait().unwrap());
        assert_eq!(ended.await.unwrap().code(), None, "it outlived the kill");
        held.release();
    };
    kill(&upload, FaultRule::on("PutObject").skip(1), When::Before).await;
    // What was done before is in the log, which is whole.
    assert_eq!(camera.log().len(), 1);
    assert!(versions(&harness.client, BUCKET, "inbox/").await.len() <= 2);
    let again = camera.run(&upload).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    let delivered = versions(&harness.client, BUCKET, "inbox/").await;
    assert_eq!(delivered.len(), 2);

    let key = "snapshots/b.json";
    let put = harness.client.put_object().bucket(BUCKET).key(key);
    put.body(content.clone().into()).send().await.unwrap();
    let get = ["get", "clinical", key, "-o", "came/b.json"];
    let came = camera.folder.path().join("came");
    fs::create_dir(&came).unwrap();
    // Half of the body has come when the rest is asked for.
    let rule = FaultRule::on("GetObject").times(1);
    let _half = harness.s3.faults().inject(rule, When::After, Fault::HalfBody);
    kill(&get, FaultRule::on("GetObject").skip(1), When::Before).await;
    let files: Vec<_> = fs::read_dir(&came).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 1);
    let name = files[0].file_name().into_string().unwrap();
    assert!(name.starts_with(".casefile-get-"), "{name}");
    let size = files[0].metadata().unwrap().len();
    assert!((1..content.len() as u64).contains(&size), "{size}");
    camera.run(&get).await.assert(0, &["b.json\n"]);
    assert!(fs::read(came.join("b.json")).unwrap() == content);
}
