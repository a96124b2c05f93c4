//! Whatever is stored is found again: by lists, by links and by its row of the index.

use casefile::digest::Sha256;
use serde_json::{Value, json};

use super::{
    DEMOGRAPHICS, ENCOUNTERS, LOG, LOG_PATH, METRICS, REPORT, REPORT_NAME, REPORT_PATH, SNAPSHOT, downloaded,
    given, link, listed, paths, rows, settled, stored,
};
use crate::links::encoded;
use crate::support::{TestStack, office, token};

const NEWER_REPORT: &str = "2025/11/01/report_20251101.pdf";
const METRICS_PATH: &str = "2025/10/28/metrics_20251028_143022.json";

#[tokio::test(flavor = "multi_thread")]
async fn every_file_is_found_by_lists_by_links_and_by_its_row() {
    let stack = TestStack::start().await;
    let dana = office("acme");
    let log: Value = serde_json::from_str(LOG).unwrap();
    let mut newer_log = log.clone();
    newer_log["session"]["id"] = json!("newer");
    newer_log["session"]["created_at"] = json!("2024-03-18T09:05:00Z");
    let compact = |log: &Value| log.to_string().into_bytes();
    // In the order in which they are stored; those of one day or month are listed newest first.
    let files = [
        (
            "ecg-reports",
            NEWER_REPORT,
            given("report_20251101.pdf", REPORT),
            REPORT.to_vec(),
        ),
        (
            "ecg-reports",
            REPORT_PATH,
            given(REPORT_NAME, REPORT),
            REPORT.to_vec(),
        ),
        (
            "ecg-reports",
            METRICS_PATH,
            given("metrics_20251028_143022.json", METRICS),
            METRICS.to_vec(),
        ),
        ("training-logs", LOG_PATH, log.clone(), compact(&log)),
        (
            "training-logs",
            "2024/03/newer.log",
            newer_log.clone(),
            compact(&newer_log),
        ),
        (
            "clinical",
            "parquet/a.parquet",
            given("a.parquet", ENCOUNTERS),
            ENCOUNTERS.to_vec(),
        ),
        (
            "clinical",
            "parquet/demographics.parquet",
            given("demographics.parquet", DEMOGRAPHICS),
            DEMOGRAPHICS.to_vec(),
        ),
        (
            "clinical",
            "snapshots/dmd_snapshot.json",
            given("dmd_snapshot.json", SNAPSHOT),
            SNAPSHOT.to_vec(),
        ),
    ];
    let mut answers = Vec::new();
    for (collection, path, request, _) in &files {
        let answer = stored(&stack, &dana, &format!("/v1/{collection}"), request).await;
        assert_eq!(answer["path"], *path);
        answers.push(answer);
    }
    settled(&stack).await;
    lists_show_the_newest_first(&stack, &dana).await;
    let rows = rows(&stack).await;
    assert_eq!(rows.len(), files.len());
    for ((collection, path, _, content), answer) in files.iter().zip(&answers) {
        assert_eq!(
            downloaded(&stack, &dana, collection, path).await,
            *content,
            "{path}"
        );
        let (_, found) = link(&stack, &dana, collection, path).await;
        assert_eq!(found["version_id"], answer["version_id"]);
        assert_eq!(link(&stack, &office("globex"), collection, path).await.0, 404);
        let row = &rows[answer["key"].as_str().unwrap()];
        for (name, value) in [
            ("collection", json!(collection)),
            ("path", json!(path)),
            ("version_id", answer["version_id"].clone()),
            ("tenant", json!("acme")),
            ("status", json!("verified")),
            ("size", json!(content.len())),
            ("sha256", json!(Sha256::of(content).to_string())),
            ("content_type", answer["content_type"].clone()),
        ] {
            assert_eq!(row[name], value, "{path}: {name}");
        }
        let target = format!("/v1/documents/{collection}/{}", encoded(path));
        let (status, known) = stack.get(&target, &dana).await;
        assert_eq!(status, 200, "{known}");
        // Where links wait for the verdict, it is told.
        let verdict = known.get("status").and_then(Value::as_str);
        assert_eq!(
            verdict,
            (*collection == "ecg-reports").then_some("verified"),
            "{known}"
        );
        assert_eq!(known["sha256"], row["sha256"]);
    }
}

async fn lists_show_the_newest_first(stack: &TestStack, dana: &str) {
    let day = [METRICS_PATH, REPORT_PATH];
    let logs = ["2024/03/newer.log", LOG_PATH];
    let tables = ["parquet/demographics.parquet", "parquet/a.parquet"];
    for (collection, query, expected) in [
        ("ecg-reports", "", &[METRICS_PATH, REPORT_PATH] as &[&str]),
        ("ecg-reports", "?prefix=2025/10/28/", &day),
        ("ecg-reports", "?prefix=2025/10/", &day),
        ("ecg-reports", "?prefix=2025/10/28/metrics", &[METRICS_PATH]),
        ("ecg-reports", "?prefix=2025/11", &[NEWER_REPORT]),
        ("ecg-reports", "?prefix=2024", &[]),
        ("training-logs", "", &logs),
        ("training-logs", "?prefix=2024/03/", &logs),
        ("training-logs", "?prefix=2024/03/new", &["2024/03/newer.log"]),
        ("training-logs", "?prefix=2024/04", &[]),
        ("clinical", "?prefix=parquet/", &tables),
        ("clinical", "?prefix=snapshots/", &["snapshots/dmd_snapshot.json"]),
        ("clinical", "?prefix=parquet/a", &["parquet/a.parquet"]),
        ("reviews", "", &[]),
    ] {
        let list = listed(stack, dana, collection, query).await;
        let all = [NEWER_REPORT, METRICS_PATH, REPORT_PATH];
        let expected = if (collection, query) == ("ecg-reports", "") {
            &all
        } else {
            expected
        };
        assert_eq!(paths(&list), expected, "{collection} {query}");
        for entry in &list {
            assert_eq!(entry["kind"], "file");
            assert!(
                entry["path"]
                    .as_str()
                    .unwrap()
                    .ends_with(entry["file_name"].as_str().unwrap())
            );
        }
    }
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let (_, page) = stack
            .get(&format!("/v1/documents/clinical?limit=1{cursor}"), dana)
            .await;
        found.extend(
            paths(page["documents"].as_array().unwrap())
                .iter()
                .map(|path| (*path).to_owned()),
        );
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, ["snapshots/dmd_snapshot.json", tables[0], tables[1]]);
    assert!(
        listed(stack, &office("globex"), "ecg-reports", "")
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_finds_what_is_its_own_and_nothing_else() {
    let stack = TestStack::start().await;
    let dana = office("acme");
    for (collection, name, content, owner) in [
        ("ecg-reports", REPORT_NAME, REPORT, "c 17/ü"),
        ("ecg-reports", "report_20251029.pdf", REPORT, "c-18"),
        ("clinical", "a.json", SNAPSHOT, "c 17/ü"),
    ] {
        let mut request = given(name, content);
        request["owner"] = json!(owner);
        stored(&stack, &dana, &format!("/v1/{collection}"), &request).await;
    }
    settled(&stack).await;
    let carl = token("carl", &["customer"], "acme", Some("c 17/ü"));
    let list = listed(&stack, &carl, "ecg-reports", "").await;
    assert_eq!(paths(&list), [REPORT_PATH]);
    assert_eq!(list[0]["owner"], "c 17/ü");
    assert_eq!(
        paths(&listed(&stack, &carl, "clinical", "").await),
        ["snapshots/a.json"]
    );
    assert_eq!(
        downloaded(&stack, &carl, "ecg-reports", REPORT_PATH).await,
        REPORT
    );
    let other = "2025/10/29/report_20251029.pdf";
    assert_eq!(link(&stack, &carl, "ecg-reports", other).await.0, 404);
}
