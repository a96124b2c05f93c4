//! The recorded events, which `cargo lambda invoke post-process` takes too: the deployed binary takes each.

use casefile_local::sample::workspace;
use serde_json::{Value, json};

use super::plant::{Plant, TENANT};
use crate::support::without_events;

const REPORT: &[u8] = include_bytes!("../../fixtures/ecg/ECG_Report_20251028_143022.pdf");

/// What the events are about, as S3 has it.
const KEYS: [&str; 10] = [
    "ecg report 0417.pdf",
    "report+a b%20c 100% ü.pdf",
    "report  two blanks.pdf",
    "report+plus.pdf",
    "report 100%.pdf",
    "report a&b=c#d?.pdf",
    "Bürobericht_report_心电图_🩺.pdf",
    "/report twice.pdf",
    "report%20once.pdf",
    r#"report 'quoted' (1), "2" \ ~!@$^;:.pdf"#,
];

/// Each by its name.
fn events() -> Vec<(String, Value)> {
    let folder = workspace().join("tests/events/post-process");
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let name = |path: &std::path::PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), read(path))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deployed_function_takes_every_recorded_event() {
    let plant = Plant::start(without_events).await;
    for key in KEYS {
        let key = format!("ecg-reports/2025/11/14/{key}");
        plant.put(&key, REPORT, &[("tenant", TENANT)]).await;
    }
    let events = events();
    assert!(events.len() >= 19, "{}", events.len());
    for (name, event) in &events {
        let answer = plant.invoke(event).await;
        let expected = if name.starts_with("sqs_") {
            json!({"batchItemFailures": []})
        } else {
            Value::Null
        };
        assert_eq!(answer, Ok(expected), "{name}: {}", plant.log());
        assert_eq!(plant.dead_letters(), [], "{name}");
    }
    let rows = plant.rows().await;
    for key in KEYS {
        let name = format!("file ecg-reports/2025/11/14/{key}");
        let status = rows.get(&name).map(|row| &row["status"]);
        assert_eq!(status, Some(&"verified".into()), "{key}: {:?}", rows.keys());
    }
    assert_eq!(rows.len(), KEYS.len());
    assert_eq!(plant.stack.notifications().len(), KEYS.len());
    plant.assert_discreet();
}
