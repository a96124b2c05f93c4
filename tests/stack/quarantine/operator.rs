//! `casefile quarantine`, as an operator runs it.

use std::process::{Command, Output};

use casefile::audit::Record;
use casefile::bucket::Bucket;
use casefile::quarantine::{Item, Place, place};
use casefile::status::Status;
use casefile_local::s3::{Fault, FaultRule, When};
use casefile_local::stack::{ACCESS_KEY, REGION, SECRET_KEY};
use serde_json::{Value, json};

use super::{KEY, QUARANTINE, Ward, id};
use crate::links::records;
use crate::support::{AUDIT_BUCKET, BUCKET, operators_tool};

pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

pub(crate) async fn run(ward: &Ward, arguments: &[&str]) -> Said {
    run_with(ward, arguments, &[]).await
}

/// Runs it on a thread of its own, for S3 is served by this process.
pub(super) async fn run_with(ward: &Ward, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = Command::new(operators_tool().await);
    command.arg("quarantine").args(arguments).env_clear();
    for (name, value) in [
        ("AWS_ENDPOINT_URL_S3", ward.harness.s3.endpoint().as_str()),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("S3_BUCKET_NAME", BUCKET),
        ("QUARANTINE_BUCKET_NAME", QUARANTINE),
        ("AUDIT_BUCKET_NAME", AUDIT_BUCKET),
        ("DEFAULT_TENANT", "house"),
        ("USER", "olga"),
    ]
    .iter()
    .chain(variables)
    {
        command.env(name, value);
    }
    let output: Output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

async fn trail(ward: &Ward) -> Vec<Record> {
    records(&Bucket::new(ward.harness.client.clone(), AUDIT_BUCKET.to_owned())).await
}

pub(crate) async fn rejected(ward: &Ward) -> (Item, String) {
    let item = ward.put(b"no PDF").await;
    ward.quarantine(&item).await.unwrap();
    let id = id(&item).to_string();
    (item, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_lists_shows_and_releases_and_each_is_on_record() {
    let ward = Ward::start().await;
    let empty = run(&ward, &["list"]).await;
    assert_eq!(
        (empty.code, empty.out.as_str()),
        (0, "nothing is in the quarantine\n"),
        "{}",
        empty.err
    );
    let (item, id) = rejected(&ward).await;
    let list = run(&ward, &["list"]).await;
    assert!(list.out.contains(&id) && list.out.contains(KEY) && list.out.contains(&item.reason));
    let shown = run(&ward, &["show", &id, "--json"]).await.json();
    assert_eq!((&shown["key"], &shown["place"]), (&KEY.into(), &"hidden".into()));
    assert_eq!(shown["sha256"], item.sha256.to_string());
    let released = run(&ward, &["release", &id, "--reason", "read by hand; harmless"]).await;
    assert_eq!(released.code, 0, "{}", released.err);
    assert_eq!(
        ward.artifacts.head(KEY).await.unwrap().version_id,
        item.version_id
    );
    let list = run(&ward, &["list", "--json"]).await.json();
    assert_eq!(list["items"], Value::Array(Vec::new()));
    let list = run(&ward, &["list", "--json", "--all"]).await.json();
    assert_eq!(list["items"][0]["status"], "released");

    let trail = trail(&ward).await;
    let activities: Vec<_> = trail.iter().map(|record| record.activity_name.as_str()).collect();
    let read = "Read Quarantine";
    assert_eq!(activities, [read, read, read, "Release", read, read]);
    let tenants: Vec<_> = trail
        .iter()
        .map(|record| record.unmapped.tenant.as_deref().unwrap())
        .collect();
    assert_eq!(tenants, ["house", "house", "acme", "acme", "house", "house"]);
    let record = &trail[3];
    assert_eq!((record.activity_id, record.status_id), (99, 1));
    assert_eq!(
        record.unmapped.asked.reason.as_deref(),
        Some("read by hand; harmless")
    );
    assert_eq!(record.unmapped.path.as_deref(), Some("2025/10/28/x.pdf"));
    assert_eq!(record.file.version, item.version_id);
    let user = record.actor.user.as_ref().unwrap();
    assert_eq!(
        (user.uid.as_str(), user.groups[0].name.as_str()),
        ("olga", "operator")
    );
    assert_eq!(record.src_endpoint.svc_name.as_deref(), Some("casefile"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_released_is_said_and_on_record() {
    let ward = Ward::start().await;
    let (_, id) = rejected(&ward).await;
    ward.put(b"newer").await;
    let refused = run(&ward, &["release", &id, "--reason", "x", "--operator", "otto"]).await;
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(
        refused.err.contains("a newer version lies in its place"),
        "{}",
        refused.err
    );
    let unknown = "0".repeat(32);
    let refused = run(&ward, &["release", &unknown, "--reason", "x"]).await;
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains(&unknown), "{}", refused.err);
    let trail = trail(&ward).await;
    let reasons: Vec<_> = trail
        .iter()
        .map(|record| record.status_detail.as_deref())
        .collect();
    assert_eq!(reasons, [Some("replaced"), Some("not_found")]);
    assert_eq!(trail[0].actor.user.as_ref().unwrap().uid, "otto");
    assert_eq!(trail[1].unmapped.tenant.as_deref(), Some("house"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_or_has_no_room_for_its_tag_is_refused_before_anything_is_on_record_as_released() {
    let ward = Ward::start().await;
    let (item, id) = rejected(&ward).await;
    let delete = ward
        .harness
        .client
        .delete_object_tagging()
        .bucket(BUCKET)
        .key(KEY);
    let delete = delete.set_version_id(item.version_id.clone());
    delete.send().await.unwrap();
    ward.fill_tags(&item).await;
    let full = run(&ward, &["release", &id, "--reason", "x"]).await;
    assert_eq!(full.code, 1);
    assert!(full.err.contains("ten tags of others"), "{}", full.err);
    let shown = run(&ward, &["show", &id, "--json"]).await.json();
    assert_eq!(shown["place"], "no_room_for_tag");
    let delete = ward.harness.client.delete_object().bucket(BUCKET).key(KEY);
    let delete = delete.set_version_id(item.version_id.clone());
    delete.send().await.unwrap();
    let gone = run(&ward, &["release", &id, "--reason", "x"]).await;
    assert_eq!(gone.code, 1);
    assert!(gone.err.contains("is gone"), "{}", gone.err);
    let trail = trail(&ward).await;
    let said: Vec<_> = trail
        .iter()
        .map(|record| (record.status_detail.as_deref(), record.unmapped.tenant.as_deref()))
        .collect();
    let expected = [
        (Some("no_room_for_tag"), Some("acme")),
        (None, Some("acme")),
        (Some("gone"), Some("house")),
    ];
    assert_eq!(said, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_fails_after_its_record_has_a_second_one_that_says_so() {
    for when in [When::Before, When::After] {
        let ward = Ward::start().await;
        let (item, id) = rejected(&ward).await;
        let rule = FaultRule::on("PutObjectTagging");
        let fault = Fault::error(503, "SlowDown");
        let injected = ward.harness.s3.faults().inject(rule, when, fault);
        let failed = run(&ward, &["release", &id, "--reason", "x"]).await;
        assert_eq!((failed.code, failed.out.as_str()), (2, ""), "{when:?}");
        injected.remove();
        let trail = trail(&ward).await;
        let said: Vec<_> = trail
            .iter()
            .map(|record| (record.status_id, record.status_detail.as_deref()))
            .collect();
        assert_eq!(said, [(1, None), (2, Some("failed"))], "{when:?}");
        assert_eq!(
            trail[1].unmapped.asked.reason, trail[0].unmapped.asked.reason,
            "{when:?}"
        );
        let again = run(&ward, &["release", &id, "--reason", "x"]).await;
        assert_eq!(again.code, 0, "{}", again.err);
        assert_eq!(place(&ward.artifacts, &item).await, Ok(Place::Seen));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_is_listed_beside_the_others() {
    let ward = Ward::start().await;
    let (_, id) = rejected(&ward).await;
    let damaged = "f".repeat(32);
    let put = ward.harness.client.put_object().bucket(QUARANTINE);
    let put = put.key(format!("records/{damaged}.json"));
    put.body(b"{".to_vec().into()).send().await.unwrap();
    let list = run(&ward, &["list"]).await;
    assert_eq!(list.code, 0, "{}", list.err);
    assert!(list.out.contains(&id) && list.out.contains(&format!("{damaged}  its record can't be read")));
    let list = run(&ward, &["list", "--json"]).await.json();
    assert_eq!(list["damaged"], json!([damaged]));
    let shown = run(&ward, &["show", &damaged]).await;
    assert_eq!(shown.code, 2);
    assert!(
        shown.err.contains("no record of a quarantined version"),
        "{}",
        shown.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_shown_or_released_while_the_audit_log_can_not_be_written() {
    for when in [When::Before, When::After] {
        let ward = Ward::start().await;
        let (item, id) = rejected(&ward).await;
        let rule = FaultRule::on("PutObject").bucket(AUDIT_BUCKET);
        let fault = Fault::error(503, "SlowDown");
        let injected = ward.harness.s3.faults().inject(rule, when, fault);
        let unknown = "0".repeat(32);
        for arguments in [
            &["release", &id, "--reason", "x"][..],
            &["list"],
            &["show", &id],
            &["show", &id, "--json"],
            &["show", &unknown],
        ] {
            let failed = run(&ward, arguments).await;
            assert_eq!(
                (failed.code, failed.out.as_str()),
                (2, ""),
                "{when:?} {arguments:?}"
            );
            assert!(failed.err.contains("audit record"), "{}", failed.err);
            assert!(!failed.err.contains(KEY), "{}", failed.err);
        }
        injected.remove();
        assert_eq!(ward.status(&item).await, Some(Status::Rejected), "{when:?}");
        assert!(ward.artifacts.top(KEY).await.unwrap().marker.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_released_without_a_reason_or_a_name() {
    let ward = Ward::start().await;
    let (_, id) = rejected(&ward).await;
    for arguments in [
        &["release", &id][..],
        &["release", &id, "--reason", " "],
        &["show", "x"],
    ] {
        assert_eq!(run(&ward, arguments).await.code, 2, "{arguments:?}");
    }
    assert!(ward.artifacts.top(KEY).await.unwrap().marker.is_some());
    let said = Command::new(operators_tool().await)
        .args(["quarantine", "list"])
        .env_clear()
        .output()
        .unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    for name in [
        "S3_BUCKET_NAME",
        "QUARANTINE_BUCKET_NAME",
        "AUDIT_BUCKET_NAME",
        "USER",
        "AWS_REGION",
    ] {
        assert!(said.contains(name), "{name}: {said}");
    }
}
