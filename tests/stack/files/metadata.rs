//! What is kept with an ECG report: ten fields, whole, and within what S3 takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use casefile::collection::Collection;
use casefile::metadata::MAX_BYTES;
use casefile::problem::{Problem, ProblemKind};
use serde_json::{Value, json};
use session_export::files::FileAnswer;

use super::office::Office;
use super::{ABOUT_REPORT, REPORT, described, metadata_of, post, stored, versions, versions_of};
use crate::links::encoded;
use crate::support::{BUCKET, Harness, TestStack, noon, office, pointers, without_events};

const ROUTE: &str = "/v1/ecg-reports";

#[tokio::test(flavor = "multi_thread")]
async fn just_the_ten_fields_are_kept_and_the_others_are_named() {
    let stack = TestStack::start_with(without_events).await;
    let about: Value = serde_json::from_str(ABOUT_REPORT).unwrap();
    let answer = stored(
        &stack,
        &office("acme"),
        ROUTE,
        &described("report_1.pdf", REPORT, &about),
    )
    .await;
    assert_eq!(answer["dropped"], json!(["debug_trace", "operator_login"]));
    assert_eq!(answer["warnings"], json!([]));
    let kept = metadata_of(&stack, answer["key"].as_str().unwrap()).await;
    let names: Vec<_> = kept.keys().map(String::as_str).collect();
    let expected = [
        "heart_rate",
        "machine_serial",
        "patient_age",
        "patient_name",
        "pr_interval",
        "qrs_axis",
        "qrs_duration",
        "qtc_interval",
        "report_date",
        "st_segment",
        "tenant",
        "uploaded-at",
    ];
    assert_eq!(names, expected);
    assert_eq!(
        (kept["heart_rate"].as_str(), kept["st_segment"].as_str()),
        ("72", "0.2")
    );
    let told = answer["metadata"].as_object().unwrap();
    assert_eq!(told.len(), 10, "{answer}");
    assert_eq!(
        (&told["patient_name"], &told["heart_rate"]),
        (&json!("José Álvarez"), &json!("72"))
    );
    let printed = stack.log();
    for secret in ["RX12-004417", "nurse7", "0x2f", "lvarez"] {
        assert!(!answer["dropped"].to_string().contains(secret));
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_s_name_comes_back_whole_whatever_its_letters() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    let long = "Æthelþryð Ñandú Šećerović-Ødegård, née Đặng Thị Mỹ Duyên 👩🏽‍⚕️ ".repeat(3);
    for (number, name) in [
        "José Álvarez",
        "山田 太郎",
        "Jane  Doe",
        "ein Ü zwischen  Leerzeichen",
        long.trim_end(),
    ]
    .into_iter()
    .enumerate()
    {
        let file = format!("report_20251028_{number}.pdf");
        let request = described(&file, REPORT, &json!({"patient_name": name}));
        let answer = stored(&stack, &dana, ROUTE, &request).await;
        assert_eq!(answer["metadata"]["patient_name"], name);
        let value = metadata_of(&stack, answer["key"].as_str().unwrap()).await["patient_name"].clone();
        assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{value}");
        assert_eq!(as_mail_programs_read(&value), name);
        let target = format!(
            "/v1/documents/ecg-reports/{}",
            encoded(answer["path"].as_str().unwrap())
        );
        let (status, known) = stack.get(&target, &dana).await;
        assert_eq!((status, &known["metadata"]["patient_name"]), (200, &json!(name)));
        let again = stored(&stack, &dana, ROUTE, &request).await;
        assert_eq!(again["metadata"], answer["metadata"]);
        assert_eq!(again["version_id"], answer["version_id"]);
    }
    let printed = stack.log();
    for secret in ["lvarez", "太郎", "Jane", "Sm9zw6k"] {
        assert!(!printed.contains(secret), "a line holds {secret}: {printed}");
    }
}

/// S3 decodes what it is given, and encodes it again only where it isn't ASCII (user guide, *Working with object
/// metadata*): encoding doesn't save what is ASCII, but odd.
#[tokio::test(flavor = "multi_thread")]
async fn an_odd_name_in_ascii_comes_back_whole_or_is_refused() {
    let harness = Harness::start().await;
    let dana = Office::at(&harness, "acme", noon);
    let mut wrong = Vec::new();
    for (number, name) in [" Doe ", "=?UTF-8?B?Sm9zw6k=?=", "two\nlines", "a\u{7f}b", "a\tb"]
        .into_iter()
        .enumerate()
    {
        let file = format!("report_20251028_{number}.pdf");
        let request = described(&file, REPORT, &json!({"patient_name": name}));
        let ecg = Collection::ecg_reports();
        let first = match dana.store(ecg, &request).await {
            Err(problem) if problem.kind == ProblemKind::Invalid => continue,
            first => first.unwrap(),
        };
        match dana.store(ecg, &request).await {
            Ok(again) if again.metadata == first.metadata => {}
            Ok(again) => wrong.push(format!("{name:?}: {:?}", again.metadata)),
            Err(problem) => wrong.push(format!("{name:?}: {problem}")),
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
}

/// S3's own encoder takes the shorter of both encodings (RFC 2047, section 4): clients have to read either.
#[test]
fn a_name_is_read_in_either_encoding_that_s3_may_give() {
    let value = "=?UTF-8?Q?Jos=C3=A9_=C3=81lvarez?=";
    assert_eq!(casefile::metadata::decode(value), "José Álvarez");
}

/// A header's text (RFC 2047, section 2): encoded words, between which blanks don't count, or plain text.
fn as_mail_programs_read(value: &str) -> String {
    if !value.starts_with("=?") {
        return value.to_owned();
    }
    let words = value.split_ascii_whitespace().map(|word| {
        assert!(word.len() <= 75, "{word}");
        let text = word
            .strip_prefix("=?UTF-8?B?")
            .unwrap()
            .strip_suffix("?=")
            .unwrap();
        String::from_utf8(BASE64.decode(text).unwrap()).unwrap()
    });
    words.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn implausible_values_are_kept_and_warned_of_without_being_repeated() {
    let stack = TestStack::start_with(without_events).await;
    let about = json!({
        "patient_age": 7_777, "heart_rate": "98765", "pr_interval": "Whitfield", "qrs_duration": 30, "qtc_interval": 800,
        "st_segment": -20.125, "qrs_axis": null,
    });
    let answer = stored(
        &stack,
        &office("acme"),
        ROUTE,
        &described("report_1.pdf", REPORT, &about),
    )
    .await;
    let warnings = answer["warnings"].as_array().unwrap();
    let found: Vec<_> = warnings
        .iter()
        .map(|warning| warning["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(
        found,
        [
            "/metadata/patient_age",
            "/metadata/heart_rate",
            "/metadata/pr_interval",
            "/metadata/st_segment"
        ]
    );
    let told = json!([answer["warnings"], answer["dropped"]]).to_string();
    let printed = stack.log();
    for value in ["7777", "98765", "Whitfield", "20.125"] {
        assert!(!told.contains(value), "{told}");
        assert!(!printed.contains(value), "{printed}");
    }
    let kept = metadata_of(&stack, answer["key"].as_str().unwrap()).await;
    assert_eq!(kept["heart_rate"], "98765");
    assert_eq!(kept["st_segment"], "-20.125");
    assert!(!kept.contains_key("qrs_axis"), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_beyond_what_s3_keeps_is_refused_with_its_pointer() {
    let stack = TestStack::start_with(without_events).await;
    // The second has 1,400 bytes, but more in base64.
    for name in ["e".repeat(2_048), "é".repeat(700)] {
        let request = described("report_1.pdf", REPORT, &json!({"patient_name": name}));
        let (status, problem) = post(&stack, &office("acme"), ROUTE, &request).await;
        assert_eq!(status, 422, "{problem}");
        assert_eq!(pointers(&problem), ["/metadata"]);
        assert!(!problem.to_string().contains(&name));
    }
    let there = versions_of(&stack, "").await;
    assert!(there.is_empty(), "{there:?}");
}

/// The longest name that is taken fits with everything that Casefile adds, inline and by upload.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_metadata_is_taken_fits_into_what_s3_keeps() {
    let harness = Harness::start().await;
    let dana = Office::at(&harness, "acme", noon);
    let upload_id = dana.upload(&harness, REPORT).await;
    let file = json!({"file_name": "report_20251028.pdf", "upload_id": upload_id});
    let store = async |length: usize| -> Result<FileAnswer, Problem> {
        let name = "e".repeat(length);
        let request =
            json!({"file": file, "metadata": {"patient_name": name, "report_date": ""}, "owner": "c 17/ü"});
        dana.store(Collection::ecg_reports(), &request).await
    };
    let (mut taken, mut refused) = (1_500, 2_048);
    while refused - taken > 1 {
        let middle = usize::midpoint(taken, refused);
        match Box::pin(store(middle)).await {
            Ok(_) => taken = middle,
            Err(problem) => {
                assert_eq!(problem.kind, ProblemKind::Invalid);
                refused = middle;
            }
        }
        // Each try is the first of its file.
        for version in versions(&harness.client, BUCKET, "ecg-reports/").await {
            let delete = harness.client.delete_object().bucket(BUCKET);
            let delete = delete.key(version.key).version_id(version.id);
            delete.send().await.unwrap();
        }
    }
    let answer = store(taken).await.unwrap();
    let head = harness.bucket().head(&answer.key).await.unwrap();
    let size: usize = head
        .metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    assert!(size <= MAX_BYTES && size > MAX_BYTES - 20, "{size} bytes");
}
