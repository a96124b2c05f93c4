//! What the audit log has of the demo.

use std::net::SocketAddr;

use casefile::audit::Record;
use casefile::time::rfc3339;
use jiff::Timestamp;
use serde::Deserialize;

use super::DemoError;
use super::links::USES;
use super::people::People;
use super::records;
use super::step::Step;
use crate::progress::Progress;

/// The ids of what was granted.
pub(super) struct Grants {
    /// The link in the export's answer.
    pub(super) export: String,
    /// The direct link.
    pub(super) direct: String,
    /// The share link.
    pub(super) share: String,
}

#[derive(Deserialize)]
struct Answer {
    records: Vec<Record>,
}

/// Shows the tenant's records since `begun`, oldest first. Each grant, use and refusal must be among them, and another
/// tenant's only in that one's own log.
pub(super) async fn show(
    gateway: SocketAddr,
    progress: &Progress,
    people: &People,
    begun: Timestamp,
    grants: &Grants,
) -> Result<(), DemoError> {
    let step = Step::begin(progress, "reading the audit trail as the tenant's auditor");
    let target = format!("/v1/audit?from={}&limit=200", rfc3339(begun));
    let records = read(&step, gateway, &target, &people.auditor).await?;
    step.note(&format!("GET {target} → 200, {} records", records.len()));
    let foreign = read(&step, gateway, &target, &people.foreign_auditor).await?;
    let foreign = what(foreign.iter());
    step.expect(
        foreign == ["Share not_found"; 2],
        "the two refusals of the other tenant in its own log",
        &foreign.join(", "),
    )?;
    step.note("the same as the other tenant's auditor → 200, 2 records: the refusals of its own office");
    step.show(&format!("\n{}", records::render(&records)))?;
    check(&step, &records, grants)
}

async fn read(
    step: &Step<'_>,
    gateway: SocketAddr,
    target: &str,
    token: &str,
) -> Result<Vec<Record>, DemoError> {
    let answer = step.get(gateway, target, token, 200).await?;
    let Answer { mut records } = step.read(&answer)?;
    records.reverse();
    Ok(records)
}

fn check(step: &Step<'_>, records: &[Record], grants: &Grants) -> Result<(), DemoError> {
    let of = |grant: &str| {
        what(
            records
                .iter()
                .filter(|record| record.unmapped.grant_id.as_deref() == Some(grant)),
        )
    };
    let used = std::iter::repeat_n("Download success", USES);
    let share: Vec<_> = ["Share success"]
        .into_iter()
        .chain(used)
        .chain(["Download used_up"])
        .collect();
    let direct = || vec!["Share success"];
    for (grant, expected) in [
        (&grants.export, direct()),
        (&grants.direct, direct()),
        (&grants.share, share),
    ] {
        let got = of(grant);
        let told = format!("the records {} of a grant", expected.join(", "));
        step.expect(got == expected, &told, &got.join(", "))?;
    }
    Ok(())
}

/// What happened, in short.
fn what<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<String> {
    records
        .map(|record| {
            let reason = record.status_detail.as_deref();
            format!("{} {}", record.activity_name, reason.unwrap_or("success"))
        })
        .collect()
}
