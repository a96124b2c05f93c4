//! `casefile get`: the very file, or none.

use std::fs;
use std::process::Stdio;

use casefile_local::s3::{Fault, FaultRule, When};

use super::direct::s3;
use super::{Device, ECG, sample};
use crate::files::settled;
use crate::support::{BUCKET, Harness, TestStack, without_events};

const KEY: &str = "snapshots/dump.json";
const GET: [&str; 3] = ["get", "clinical", KEY];

async fn with_dump(sha256: Option<&str>) -> (Harness, Device) {
    let harness = Harness::start().await;
    let put = harness.client.put_object().bucket(BUCKET).key(KEY);
    let put = put.set_metadata(sha256.map(|sha256| [("sha256".to_owned(), sha256.to_owned())].into()));
    put.body(b"[1, 2, 3]".to_vec().into()).send().await.unwrap();
    let bucket = ("S3_BUCKET_NAME", BUCKET.to_owned());
    let person = Device::new(s3(&harness.s3.endpoint()).into_iter().chain([bucket]));
    (harness, person)
}

fn files(device: &Device) -> Vec<String> {
    let files = fs::read_dir(device.folder.path()).unwrap();
    files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_overwritten_without_force_and_standard_output_gets_the_bytes_alone() {
    let (_harness, person) = with_dump(None).await;
    person.run(&GET).await.assert(0, &["dump.json\n"]);
    person.put("dump.json", "mine");
    person
        .run(&GET)
        .await
        .assert(1, &["dump.json is there already", "--force"]);
    assert_eq!(fs::read(person.folder.path().join("dump.json")).unwrap(), b"mine");
    person
        .run(&[&GET[..], &["--force"]].concat())
        .await
        .assert(0, &[]);
    assert_eq!(
        fs::read(person.folder.path().join("dump.json")).unwrap(),
        b"[1, 2, 3]"
    );
    let out = person.run(&[&GET[..], &["-o", "-"]].concat()).await;
    assert_eq!(
        (out.code, out.out.as_str(), out.err.as_str()),
        (Some(0), "[1, 2, 3]", "")
    );
    fs::create_dir(person.folder.path().join("there")).unwrap();
    person
        .run(&[&GET[..], &["-o", "there"]].concat())
        .await
        .assert(0, &["there/dump.json\n"]);
    person
        .run(&["get", "clinical", "snapshots/none.json"])
        .await
        .assert(1, &["there is no snapshots/none.json"]);
    person
        .run(&["get", "none", "x"])
        .await
        .assert(1, &["there is no collection none"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_another_digest_is_not_kept() {
    let wrong = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let (_harness, person) = with_dump(Some(wrong)).await;
    person.run(&GET).await.assert(
        2,
        &[
            "its SHA-256 is",
            &format!("should be {wrong}"),
            "nothing was kept",
        ],
    );
    let out = person.run(&[&GET[..], &["-o", "-"]].concat()).await;
    assert_eq!((out.code, out.out.as_str()), (Some(2), ""));
    assert_eq!(files(&person), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_taken_up_again_or_nothing_is_kept() {
    let (harness, person) = with_dump(None).await;
    let half = |rule| harness.s3.faults().inject(rule, When::After, Fault::HalfBody);
    let once = half(FaultRule::on("GetObject").times(1));
    person
        .run(&[&GET[..], &["-o", "whole"]].concat())
        .await
        .assert(0, &[]);
    assert_eq!(
        fs::read(person.folder.path().join("whole")).unwrap(),
        b"[1, 2, 3]"
    );
    once.remove();
    let _always = half(FaultRule::on("GetObject"));
    person.run(&GET).await.assert(2, &["S3 is unavailable"]);
    assert_eq!(files(&person), ["whole"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn through_the_api_a_half_answer_or_an_unverified_file_is_none() {
    let stack = TestStack::start_with(without_events).await;
    let person = Device::at(&stack);
    person.put_report();
    let upload = ["upload", ECG, "--collection", "ecg-reports"];
    person.run(&upload).await.assert(0, &[]);
    let path = format!("2025/10/28/{ECG}");
    let get = ["get", "ecg-reports", &path, "-o", "back.pdf"];
    person.run(&get).await.assert(1, &["the API refuses"]);
    person
        .run(&["get", "ecg-reports", "2025/10/28/none.pdf"])
        .await
        .assert(1, &["the API refuses"]);
    person.put("dump.json", "[1, 2, 3]");
    person
        .run(&["upload", "dump.json", "--collection", "clinical"])
        .await
        .assert(0, &[]);
    let rule = FaultRule::on("GetObject").prefix(KEY).times(1);
    let _half = stack.stack.s3.faults().inject(rule, When::After, Fault::HalfBody);
    let get = ["get", "clinical", KEY, "-o", "back.json"];
    person
        .run(&get)
        .await
        .assert(2, &["broke off", "nothing was kept"]);
    assert!(!person.folder.path().join("back.json").exists());
    person.run(&get).await.assert(0, &["back.json\n"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_comes_once_it_is_verified() {
    let stack = TestStack::start().await;
    let person = Device::at(&stack);
    person.put_report();
    person
        .run(&["upload", ECG, "--collection", "ecg-reports"])
        .await
        .assert(0, &[]);
    settled(&stack).await;
    let path = format!("2025/10/28/{ECG}");
    person
        .run(&["get", "ecg-reports", &path, "-o", "back.pdf"])
        .await
        .assert(0, &[]);
    assert!(fs::read(person.folder.path().join("back.pdf")).unwrap() == sample("ecg", ECG));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_no_further_has_what_they_want() {
    let (_harness, person) = with_dump(None).await;
    let mut command = person.command(&["completions", "bash"]).await;
    let mut run = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(run.stdout.take());
    let ended = tokio::task::spawn_blocking(move || run.wait_with_output().unwrap());
    let ended = ended.await.unwrap();
    assert_eq!(
        (ended.status.code(), ended.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}
