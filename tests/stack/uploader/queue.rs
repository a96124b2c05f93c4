//! Without a network: files wait, and are sent on.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use casefile::digest::Sha256;
use casefile_local::s3::{Fault, FaultRule, When};
use serde_json::Value;

use super::direct::s3;
use super::{Device, ECG, closed, connect, large_json};
use crate::files::versions_of;
use crate::support::{BUCKET, Harness, TestStack, office};

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_sent_waits_and_is_sent_on() {
    let address = closed();
    let token = office("acme");
    let camera = Device::with_token(address, &token);
    camera.put_report();
    camera.put("dump.json", "[1]");
    let upload = [
        "upload",
        ECG,
        "--collection",
        "ecg-reports",
        "--metadata",
        "patient_name=Jane Doe",
    ];
    let said = camera.run(&upload).await;
    said.assert(3, &["queued", "no connection", "it waits in", "1 queued"]);
    // The same once more, and another one.
    camera.run(&upload).await.assert(3, &["2 queued"]);
    let other = ["upload", "dump.json", "--collection", "clinical", "--json"];
    assert_eq!(camera.run(&other).await.statuses(3), ["queued", "queued"]);
    assert_eq!(camera.waiting().len(), 2);
    for entry in camera.waiting() {
        assert!(!fs::read_to_string(&entry).unwrap().contains(&token));
        assert_eq!(fs::metadata(&entry).unwrap().permissions().mode() & 0o077, 0);
    }
    camera.run(&["upload", "--queued"]).await.assert(3, &["2 queued"]);

    let stack = TestStack::start().await;
    connect(address, stack.stack.gateway()).await;
    assert_eq!(
        camera.run(&["upload", "--queued", "--json"]).await.statuses(0),
        ["stored", "stored"]
    );
    assert_eq!(camera.waiting().len(), 0);
    assert!(
        camera
            .run(&["upload", "--queued"])
            .await
            .out
            .contains("nothing waits")
    );
    assert_eq!(versions_of(&stack, "ecg-reports/").await.len(), 1);
    let log = camera.log();
    assert_eq!(log.iter().filter(|(status, _)| status == "stored").count(), 2);
    assert_eq!(
        log.iter()
            .filter(|(status, url)| status == "queued" && url.is_none())
            .count(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_upload_sends_on_what_waits_but_what_has_changed_or_is_gone_is_told_and_stays() {
    let address = closed();
    let camera = Device::with_token(address, &office("acme"));
    for name in ["good.json", "changed.json", "gone.json"] {
        camera.put(name, "[1]");
    }
    let upload = [
        "upload",
        "good.json",
        "changed.json",
        "gone.json",
        "--collection",
        "clinical",
    ];
    camera.run(&upload).await.assert(3, &["3 queued"]);
    camera.put("changed.json", "[2]");
    fs::remove_file(camera.folder.path().join("gone.json")).unwrap();
    camera.put("new.json", "[3]");
    let stack = TestStack::start().await;
    connect(address, stack.stack.gateway()).await;
    let said = camera
        .run(&["upload", "new.json", "--collection", "clinical", "--json"])
        .await;
    let mut statuses = said.statuses(1);
    assert_eq!(statuses.pop().as_deref(), Some("stored"));
    statuses.sort();
    assert_eq!(statuses, ["refused", "refused", "stored"]);
    for why in ["it has changed since", "it isn't there", "to give it up"] {
        assert!(said.out.contains(why), "{why}: {}", said.out);
    }
    assert_eq!(camera.waiting().len(), 2);
    assert_eq!(versions_of(&stack, "snapshots/").await.len(), 2);
    for entry in camera.waiting() {
        fs::remove_file(entry).unwrap();
    }
    camera
        .run(&["upload", "--queued"])
        .await
        .assert(0, &["nothing waits"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_another_place_is_left_to_who_has_its_token() {
    let camera = Device::with_token(closed(), &office("acme"));
    camera.put("dump.json", "[1]");
    camera
        .run(&["upload", "dump.json", "--collection", "clinical"])
        .await
        .assert(3, &[]);
    // Somebody else's token at the same place.
    let other = office("other");
    let said = camera
        .run_with(&["upload", "--queued"], &[("CASEFILE_TOKEN", &other)])
        .await;
    said.assert(3, &["1 waits for another caller or tenant of http://127.0.0.1"]);
    let stack = TestStack::start().await;
    let here = format!("http://{}", stack.stack.gateway());
    let said = camera.run(&["upload", "--queued", "--api", &here]).await;
    said.assert(3, &["1 waits for http://127.0.0.1", "1 left in the queue"]);
    camera.put("other.json", "[2]");
    let said = camera
        .run(&[
            "upload",
            "other.json",
            "--collection",
            "clinical",
            "--api",
            &here,
            "--json",
        ])
        .await;
    assert_eq!(said.statuses(0), ["stored"]);
    assert_eq!(
        (
            camera.waiting().len(),
            versions_of(&stack, "snapshots/").await.len()
        ),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_is_off_keeps_everything_in_the_queue() {
    let stack = TestStack::start().await;
    let camera = Device::at(&stack);
    camera.put("dump.json", "[1]");
    let upload = ["upload", "dump.json", "--collection", "clinical"];
    for (name, value) in [("USE_S3", "false"), ("CLOUD_UPLOAD_ENABLED", "0")] {
        let off = camera
            .run_with(&upload, &[(name, value), ("CASEFILE_TOKEN", "")])
            .await;
        off.assert(3, &["queued", &format!("{name} is {value}, so nothing is sent")]);
    }
    assert_eq!(versions_of(&stack, "snapshots/").await.len(), 0);
    let on = [("USE_S3", "True"), ("CLOUD_UPLOAD_ENABLED", "yes")];
    camera
        .run_with(&["upload", "--queued"], &on)
        .await
        .assert(0, &["1 stored"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_send_on_at_once_do_no_harm() {
    let address = closed();
    let camera = Device::with_token(address, &office("acme"));
    let names: Vec<_> = (0..12).map(|n| format!("dump-{n}.json")).collect();
    for name in &names {
        camera.put(name, format!("[\"{name}\"]"));
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let upload = [&["upload", "--collection", "clinical"][..], &names[..]].concat();
    camera.run(&upload).await.assert(3, &["12 queued"]);
    let stack = TestStack::start().await;
    connect(address, stack.stack.gateway()).await;
    let send = ["upload", "--queued"];
    let said = tokio::join!(camera.run(&send), camera.run(&send), camera.run(&upload));
    for said in [&said.0, &said.1] {
        assert!(matches!(said.code, Some(0 | 3)), "{said:?}");
    }
    said.2.assert(0, &[]);
    camera.run(&send).await.assert(0, &["nothing waits"]);
    assert_eq!(versions_of(&stack, "snapshots/").await.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_being_down_under_the_api_is_an_outage_too() {
    let stack = TestStack::start().await;
    let person = Device::at(&stack);
    person.put("large.json", large_json(4 * 1024 * 1024));
    let upload = ["upload", "large.json", "--collection", "clinical"];
    let rule = FaultRule::on("PutObject").prefix("inbox/");
    let fault = stack
        .stack
        .s3
        .faults()
        .inject(rule, When::Before, Fault::slow_down());
    let said = person.run(&upload).await;
    said.assert(3, &["queued", "S3 is busy: status 503"]);
    assert_eq!(fault.matched(), 3);
    fault.remove();
    // Half of the body, and half of the answer: the first try is lost.
    let rule = FaultRule::on("PutObject").prefix("inbox/").times(1);
    let _half = stack
        .stack
        .s3
        .faults()
        .inject(rule, When::Before, Fault::HalfBody);
    let said = person.run(&["upload", "--queued", "--json"]).await;
    assert_eq!(said.statuses(0), ["stored"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert!(!told.to_string().contains("X-Amz-"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_s3_is_too_busy_for_is_in_no_other_file_s_way_but_many_in_a_row_end_the_run() {
    let harness = Harness::start().await;
    let bucket = ("S3_BUCKET_NAME", BUCKET.to_owned());
    let camera = Device::new(s3(&harness.s3.endpoint()).into_iter().chain([bucket]));
    camera.put("poison.json", "[0]");
    let upload = ["upload", "--collection", "clinical", "--transfers", "1", "--json"];
    let slow = |prefix: &str| {
        let rule = FaultRule::on("PutObject").prefix(prefix);
        let faults = harness.s3.faults();
        faults.inject(rule, When::Before, Fault::slow_down())
    };
    let poison = slow(&format!("inbox/clinical/{}", Sha256::of(b"[0]")));
    camera.put("a.json", "[1]");
    let said = camera
        .run(&[&upload[..], &["poison.json", "a.json"]].concat())
        .await;
    assert_eq!(said.statuses(3), ["queued", "stored"]);
    // It is tried last, and isn't logged again.
    camera.put("b.json", "[2]");
    camera.put("c.json", "[3]");
    let said = camera.run(&[&upload[..], &["b.json"]].concat()).await;
    assert_eq!(said.statuses(3), ["stored", "queued"]);
    let statuses: Vec<_> = camera.log().into_iter().map(|(status, _)| status).collect();
    assert_eq!(statuses, ["queued", "stored", "stored"]);
    poison.remove();
    // Another write of the same key is under way, again and again.
    let rule = FaultRule::on("PutObject").prefix(&format!("inbox/clinical/{}", Sha256::of(b"[0]")));
    let conflict = Fault::error(409, "ConditionalRequestConflict");
    let poison = harness.s3.faults().inject(rule, When::Before, conflict);
    let said = camera.run(&[&upload[..], &["c.json"]].concat()).await;
    assert_eq!(said.statuses(3), ["stored", "queued"]);
    poison.remove();

    let all = slow("inbox/");
    let names: Vec<_> = (0..7).map(|n| format!("dump-{n}.json")).collect();
    for name in &names {
        camera.put(name, format!("[\"{name}\"]"));
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let said = camera.run(&[&upload[..], &names].concat()).await;
    assert_eq!(said.statuses(3), ["queued"; 8]);
    assert_eq!(all.matched(), 5 * 3);
    all.remove();
    let said = camera.run(&["upload", "--queued", "--json"]).await;
    assert_eq!(said.statuses(0), ["stored"; 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_s3_takes_no_more_is_asked_for_once_more() {
    let stack = TestStack::start().await;
    let person = Device::at(&stack);
    person.put("large.json", large_json(4 * 1024 * 1024));
    let upload = ["upload", "large.json", "--collection", "clinical", "--json"];
    let denied = |times| {
        let rule = FaultRule::on("PutObject").prefix("inbox/").times(times);
        let fault = Fault::error(403, "AccessDenied");
        stack.stack.s3.faults().inject(rule, When::Before, fault)
    };
    let fault = denied(2);
    person
        .run(&upload)
        .await
        .assert(2, &["granted once more: status 403"]);
    assert_eq!(fault.matched(), 2);
    let fault = denied(1);
    assert_eq!(person.run(&upload).await.statuses(0), ["stored"]);
    // The one that is refused, and the one by the new grant.
    assert_eq!(fault.matched(), 2);
}
