//! What happens to what arrives: verdicts, index, notices, a link to what is good, and the quarantine of what isn't.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use casefile::bucket::Bucket;
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::optional;
use casefile::intake::day_of_path;
use casefile::quarantine;
use casefile::status::Status;
use casefile::time::day;
use casefile_cli::tree::thousands;
use jiff::Timestamp;
use serde_json::Value;

use super::DemoError;
use super::device::{Delivery, deliveries};
use super::export::Exported;
use super::index::{self, Row};
use super::links::{self, Link, detail, same_but_for_instance, until};
use super::people::office_of;
use super::step::Step;
use super::table;
use crate::progress::Progress;
use crate::sns::Notification;
use crate::stack::Stack;

/// A function starts in a second, and a message comes back after one.
const SETTLED: Duration = Duration::from_mins(1);

/// A file that was delivered, and its row.
struct Arrived {
    delivery: Delivery,
    row: Row,
}

/// Lets a device deliver, and shows what becomes of it. `nothing` is what anybody is told about what doesn't exist.
pub(super) async fn show(
    stack: &Stack,
    progress: &Progress,
    document: &Exported,
    nothing: &Value,
    now: Timestamp,
) -> Result<(), DemoError> {
    let (bucket, _) = stack.artifacts()?;
    let delivered = deliver(stack, progress, &bucket, now).await?;
    let arrived = verdicts(progress, &bucket, delivered, now).await?;
    let session = index(progress, stack, &bucket, document, &arrived).await?;
    told(progress, stack, &arrived, &session)?;
    // What became of each is as it should be: the first one is the report, and the last one is broken.
    if let [report, .., broken] = arrived.as_slice() {
        download(progress, stack, report, now).await?;
        quarantined(progress, stack, &bucket, broken, nothing, now).await?;
    }
    Ok(())
}

/// Puts the files into the inbox, and waits until nothing is under way any more.
async fn deliver(
    stack: &Stack,
    progress: &Progress,
    bucket: &Bucket,
    now: Timestamp,
) -> Result<[Delivery; 4], DemoError> {
    let step = Step::begin(
        progress,
        "delivering files as an ECG device, which may only put them into its inbox",
    );
    let delivered = deliveries(now).map_err(DemoError::Sample)?;
    for delivery in &delivered {
        delivery.put(bucket).await?;
        let size = thousands(delivery.content.len() as u64);
        step.note(&format!("PUT {}, {size} bytes", delivery.key()));
    }
    let begun = Instant::now();
    if let Err(unsettled) = stack.settled(SETTLED).await {
        return Err(step.unexpected("no message under way any more", unsettled.to_string()));
    }
    let took = begun.elapsed().as_secs_f64();
    step.note(&format!(
        "S3's events → queue → post-process, which is done after {took:.1} s"
    ));
    Ok(delivered)
}

/// The verdict on each, as its row and its tag say it.
async fn verdicts(
    progress: &Progress,
    bucket: &Bucket,
    delivered: [Delivery; 4],
    now: Timestamp,
) -> Result<Vec<Arrived>, DemoError> {
    let step = Step::begin(progress, "looking what became of them");
    let wanted = |row: &Row| delivered.iter().any(|delivery| delivery.name == row.name());
    let mut rows = index::since(bucket, Collection::ecg_reports(), &day(now), wanted).await?;
    let mut arrived = Vec::new();
    for delivery in delivered {
        let found = rows.iter().position(|row| row.name() == delivery.name);
        let Some(row) = found.map(|at| rows.swap_remove(at)) else {
            return Err(step.unexpected(format!("a row of {}", delivery.name), "none"));
        };
        let tags = bucket.tags(&row.key, row.version_id.as_deref()).await?;
        let found = (row.status, Status::of(&tags));
        let expected = (delivery.expected, Some(delivery.expected));
        let told = |(row, tag): (Status, Option<Status>)| {
            let tag = tag.map_or("none", Status::name);
            format!("{} in the row of {}, {tag} as its tag", row.name(), delivery.name)
        };
        step.expect(found == expected, &told(expected), &told(found))?;
        arrived.push(Arrived { delivery, row });
    }
    let cells: Vec<_> = arrived.iter().map(verdict).collect();
    for row in arrived.iter().map(|arrived| &arrived.row) {
        if let Some(reason) = &row.reason {
            step.note(&format!("{}: {reason}", row.status.name()));
        }
    }
    let head = ["delivered as", "verdict", "lies in"];
    step.show(&format!("\n{}", table::render(head, [50, 11, 45], &cells)))?;
    Ok(arrived)
}

fn verdict(Arrived { delivery, row }: &Arrived) -> [String; 3] {
    let place = match row.status {
        Status::Rejected => "quarantine",
        Status::Skipped => "inbox, until it expires",
        _ => row.key.strip_suffix(row.name()).unwrap_or(&row.key),
    };
    [
        delivery.name.clone(),
        row.status.name().to_owned(),
        place.to_owned(),
    ]
}

/// Shows the rows of what arrived and that of the exported session, which it gives.
async fn index(
    progress: &Progress,
    stack: &Stack,
    bucket: &Bucket,
    document: &Exported,
    arrived: &[Arrived],
) -> Result<Row, DemoError> {
    let step = Step::begin(progress, "reading the index");
    let folder = document.folder();
    let day = day_of_path(Collection::reviews(), folder).to_string();
    let wanted = |row: &Row| row.is_session() && row.path == folder;
    let mut rows = index::since(bucket, Collection::reviews(), &day, wanted).await?;
    let (Some(session), []) = (rows.pop(), rows.as_slice()) else {
        return Err(step.unexpected("one row of the exported session", "none, or more"));
    };
    let verdict = session.status.name();
    step.expect(
        session.status == Status::Verified,
        "the session's row verified",
        verdict,
    )?;
    step.note("index/{collection}/dt={day}/, a JSON object each; the session's files have rows as well");
    if !stack.summarises() {
        step.note("nothing is summarised, for there is no model; --summaries takes a stand-in's word");
    }
    let rows = arrived.iter().map(|arrived| &arrived.row);
    let rows: Vec<_> = rows.chain([&session]).collect();
    step.show(&format!("\n{}", index::render(&rows)))?;
    Ok(session)
}

/// Shows what subscribers were told: of each verdict once, but for repeats, which have its deduplication id; of what was
/// skipped, nothing.
fn told(progress: &Progress, stack: &Stack, arrived: &[Arrived], session: &Row) -> Result<(), DemoError> {
    let step = Step::begin(progress, "reading what subscribers were told");
    let notices = stack.notifications();
    let about = |row: &Row| {
        let notices = notices.iter().filter(|notice| is_about(notice, row));
        let ids: BTreeSet<_> = notices
            .map(|notice| notice.attribute("deduplication_id"))
            .collect();
        ids.len()
    };
    for Arrived { delivery, row } in arrived {
        let expected = usize::from(row.status != Status::Skipped);
        let got = about(row);
        let told = format!("{expected} notices about {}", delivery.name);
        step.expect(got == expected, &told, &got.to_string())?;
    }
    if about(session) == 0 {
        step.note("of the session they were told when it was exported for the first time");
    }
    let cells: Vec<_> = notices.iter().map(notice).collect();
    let head = ["time (UTC)", "subject", "tenant", "deduplication id"];
    step.show(&format!("\n{}", table::render(head, [12, 50, 20, 17], &cells)))
}

fn is_about(notice: &Notification, row: &Row) -> bool {
    let machines: Value = serde_json::from_str(notice.text("sqs")).unwrap_or_default();
    let is = |name: &str, value: &str| machines.get(name).and_then(Value::as_str) == Some(value);
    is("key", &row.key) && is("status", row.status.name())
}

fn notice(notice: &Notification) -> [String; 4] {
    let attribute = |name| notice.attribute(name).unwrap_or_default().to_owned();
    [
        table::time(notice.time),
        notice.subject.clone().unwrap_or_default(),
        attribute("tenant"),
        attribute("deduplication_id").chars().take(16).collect(),
    ]
}

/// The office of the tenant that devices deliver for gets a link to what was verified, and through it the very bytes.
async fn download(
    progress: &Progress,
    stack: &Stack,
    Arrived { delivery, row }: &Arrived,
    now: Timestamp,
) -> Result<(), DemoError> {
    let step = Step::begin(progress, "downloading the filed report through a link");
    let token = office_of(row.tenant.clone(), now);
    let target = format!("/v1/links/{}/{}", Collection::ecg_reports().name(), row.path);
    let answer = step.get(stack.gateway(), &target, &token, 200).await?;
    let link: Link = step.read(&answer)?;
    step.note(&format!("GET {target}"));
    step.note(&format!("→ 200, a link until {}", until(&link)));
    let file = step.follow(link.url(), 200).await?;
    let (expected, got) = (Sha256::of(&delivery.content), Sha256::of(file.body()));
    let told = format!("bytes of SHA-256 {}", links::short(expected));
    step.expect(got == expected, &told, &links::short(got))?;
    step.note(&format!(
        "GET the link → 200 from S3, {} bytes, SHA-256 {}: what the device delivered",
        thousands(file.body().len() as u64),
        links::short(got)
    ));
    Ok(())
}

/// To what was rejected there is no link, not even for who may read it; its bytes wait in the quarantine.
async fn quarantined(
    progress: &Progress,
    stack: &Stack,
    bucket: &Bucket,
    Arrived { delivery, row }: &Arrived,
    nothing: &Value,
    now: Timestamp,
) -> Result<(), DemoError> {
    let step = Step::begin(progress, "looking for the broken one");
    let token = office_of(row.tenant.clone(), now);
    let target = format!("/v1/links/{}/{}", Collection::ecg_reports().name(), row.path);
    let refused = step.get(stack.gateway(), &target, &token, 404).await?;
    let refused = same_but_for_instance(&step, nothing, step.read(&refused)?)?;
    step.note(&format!("GET {target}"));
    step.note(&format!("→ 404, {}", detail(&refused)));
    let seen = optional(bucket.head(&row.key)).await?;
    step.expect(seen.is_none(), "nothing to be seen in its place", "the file")?;
    let held = quarantine::list(bucket, &stack.quarantine()?).await?;
    let held = held.iter().find(|held| held.item.key == row.key);
    let Some(held) = held.filter(|held| held.item.sha256 == Sha256::of(&delivery.content)) else {
        return Err(step.unexpected("the very bytes in the quarantine", "something else, or nothing"));
    };
    step.note(&format!(
        "casefile quarantine show {} → {}, {} bytes",
        held.id,
        held.status.map_or("not tagged", Status::name),
        thousands(held.item.size)
    ));
    Ok(())
}
