//! One file of each other kind: stored through the API, and found again by list, link and index.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use casefile::bucket::Bucket;
use casefile::collection::{Collection, LinkKind};
use casefile::digest::Sha256;
use casefile::intake::day_of_path;
use casefile::status::Status;
use casefile_cli::tree::thousands;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::DemoError;
use super::export::ENCODED;
use super::index::{self, Row};
use super::links::{Link, short};
use super::people::People;
use super::step::Step;
use super::table;
use crate::progress::Progress;
use crate::sample::workspace;
use crate::stack::Stack;

/// A function starts in a second, and a message comes back after one.
const SETTLED: Duration = Duration::from_mins(1);

/// What is needed of an answer.
#[derive(Deserialize)]
struct Stored {
    collection: String,
    path: String,
    size: u64,
    sha256: Sha256,
    #[serde(default)]
    dropped: Vec<String>,
}

#[derive(Deserialize)]
struct Listed {
    documents: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    path: String,
}

/// Stores the samples of tests/fixtures, and finds each again.
pub(super) async fn show(stack: &Stack, progress: &Progress, people: &People) -> Result<(), DemoError> {
    let stored = store(stack, progress, people).await?;
    find(stack, progress, people, &stored).await
}

async fn store(stack: &Stack, progress: &Progress, people: &People) -> Result<Vec<Stored>, DemoError> {
    let step = Step::begin(
        progress,
        "storing a bill of lading, an ECG report, a training log and a clinical table as office staff",
    );
    let mut stored = Vec::new();
    for (route, body) in requests().map_err(DemoError::Sample)? {
        let answer = step
            .post(stack.gateway(), route, &people.office, body.to_string(), 201)
            .await?;
        let answer: Stored = step.read(&answer)?;
        step.note(&format!(
            "POST {route} → 201, {}/{}",
            answer.collection, answer.path
        ));
        if !answer.dropped.is_empty() {
            let dropped = answer.dropped.join(", ");
            step.note(&format!("  of its metadata dropped: {dropped}"));
        }
        stored.push(answer);
    }
    let skipped = step
        .post(
            stack.gateway(),
            "/v1/ecg-reports",
            &people.office,
            json!({"file": file("ecg/crash_logs.json").map_err(DemoError::Sample)?}).to_string(),
            200,
        )
        .await?;
    let skipped: Value = step.read(&skipped)?;
    let is_skipped = skipped.get("status").and_then(Value::as_str) == Some("skipped");
    step.expect(is_skipped, "the device's crash log skipped", "it stored")?;
    step.note("POST /v1/ecg-reports with crash_logs.json → 200, skipped: nothing is stored");
    if let Err(unsettled) = stack.settled(SETTLED).await {
        return Err(step.unexpected("no message under way any more", unsettled.to_string()));
    }
    Ok(stored)
}

fn requests() -> std::io::Result<[(&'static str, Value); 5]> {
    Ok([
        ("/v1/bols", read("bol/bol.json")?),
        (
            "/v1/ecg-reports",
            json!({"file": file("ecg/ECG_Report_20251028_143022.pdf")?, "metadata": read("ecg/metadata.json")?}),
        ),
        ("/v1/training-logs", read("training/session.json")?),
        (
            "/v1/clinical",
            json!({"file": file("clinical/demographics_maindata.parquet")?}),
        ),
        (
            "/v1/clinical",
            json!({"file": file("clinical/dmd_snapshot.json")?}),
        ),
    ])
}

fn read(name: &str) -> std::io::Result<Value> {
    let text = std::fs::read(workspace().join("tests/fixtures").join(name))?;
    Ok(serde_json::from_slice(&text)?)
}

fn file(name: &str) -> std::io::Result<Value> {
    let content = std::fs::read(workspace().join("tests/fixtures").join(name))?;
    let file_name = name.rsplit('/').next().unwrap_or(name);
    Ok(json!({"file_name": file_name, "content_base64": BASE64.encode(content)}))
}

async fn find(
    stack: &Stack,
    progress: &Progress,
    people: &People,
    stored: &[Stored],
) -> Result<(), DemoError> {
    let step = Step::begin(progress, "finding each again by list, link and index");
    let (bucket, _) = stack.artifacts()?;
    let mut rows = Vec::new();
    for file in stored {
        let collection = Collection::parse(&file.collection)
            .ok_or_else(|| step.unexpected("a collection", file.collection.as_str()))?;
        list(stack, &step, people, file).await?;
        let link = link(stack, &step, people, collection, file).await?;
        let status = indexed(&step, &bucket, collection, file).await?;
        rows.push([
            file.collection.clone(),
            file.path.clone(),
            thousands(file.size),
            short(file.sha256).chars().take(10).collect(),
            "listed".to_owned(),
            link.name().to_owned(),
            status.name().to_owned(),
        ]);
    }
    let head = ["collection", "path", "bytes", "sha256", "list", "link", "index"];
    let widest = [13, 48, 10, 10, 6, 6, 8];
    step.show(&format!("\n{}", table::render(head, widest, &rows)))
}

async fn list(stack: &Stack, step: &Step<'_>, people: &People, file: &Stored) -> Result<(), DemoError> {
    let prefix = utf8_percent_encode(&file.path, ENCODED);
    let target = format!("/v1/documents/{}?prefix={prefix}", file.collection);
    let answer = step.get(stack.gateway(), &target, &people.office, 200).await?;
    let listed: Listed = step.read(&answer)?;
    let found = listed
        .documents
        .iter()
        .filter(|entry| entry.path == file.path)
        .count();
    step.expect(
        found == 1,
        &format!("{} listed once", file.path),
        &format!("{found} times"),
    )
}

async fn link(
    stack: &Stack,
    step: &Step<'_>,
    people: &People,
    collection: Collection,
    file: &Stored,
) -> Result<LinkKind, DemoError> {
    let path = utf8_percent_encode(&file.path, ENCODED);
    let target = format!("/v1/links/{}/{path}", file.collection);
    let answer = step.get(stack.gateway(), &target, &people.office, 200).await?;
    let link: Link = step.read(&answer)?;
    let content = match collection.link_kind() {
        LinkKind::Direct => step.follow(link.url(), 200).await?,
        LinkKind::Share => {
            let redirect = step.follow(link.url(), 302).await?;
            step.follow(step.location(&redirect)?, 200).await?
        }
    };
    let sha256 = Sha256::of(content.body());
    step.expect(sha256 == file.sha256, "the very bytes that were stored", "others")?;
    Ok(collection.link_kind())
}

async fn indexed(
    step: &Step<'_>,
    bucket: &Bucket,
    collection: Collection,
    file: &Stored,
) -> Result<Status, DemoError> {
    let day = day_of_path(collection, &file.path).to_string();
    let wanted = |row: &Row| row.path == file.path && row.sha256 == file.sha256;
    let rows = index::since(bucket, collection, &day, wanted).await?;
    match rows.as_slice() {
        [row] if row.status == Status::Verified => Ok(row.status),
        [row] => Err(step.unexpected(format!("{} verified", file.path), row.status.name())),
        rows => {
            let got = format!("{} of them", rows.len());
            Err(step.unexpected(format!("one row of {}", file.path), got))
        }
    }
}
