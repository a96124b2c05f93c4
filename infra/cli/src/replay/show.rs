//! A replay's report, for a person.

use session_export::replay::report::{EntryReport, Outcome, ReplayReport};

use crate::tree::printable;

/// Entries that are told of one by one.
const MAX_SHOWN: usize = 50;

/// What became of each entry, those that somebody has to look at first, and of all.
pub(super) fn table(report: &ReplayReport, is_dry: bool) -> String {
    let mut entries: Vec<_> = report.entries.iter().collect();
    entries.sort_by_key(|entry| rank(entry.outcome));
    let mut lines: Vec<_> = entries.iter().take(MAX_SHOWN).map(|entry| line(entry)).collect();
    let all = report.sent + report.waiting;
    if all > MAX_SHOWN {
        lines.push(format!("… and {} more", all - MAX_SHOWN));
    }
    lines.push(summary(report, is_dry));
    lines.join("\n")
}

fn line(entry: &EntryReport) -> String {
    let place = entry.location.as_deref().unwrap_or(&entry.entry);
    let number = entry.number.as_deref().map(|number| format!("  {number}"));
    let kept_at = entry.kept_at.as_deref().unwrap_or("at an unknown time");
    let detail = entry
        .detail
        .as_deref()
        .map(|detail| format!("\n          {}", printable(detail)));
    format!(
        "{:<8}  {:<13}  {:<24}  {}{}{}",
        entry.outcome.name(),
        printable(&entry.collection),
        kept_at,
        printable(place),
        number.unwrap_or_default(),
        detail.unwrap_or_default()
    )
}

fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Damaged => 0,
        Outcome::Refused => 1,
        Outcome::Failed => 2,
        Outcome::Busy | Outcome::Waiting => 3,
        Outcome::Sent => 4,
    }
}

fn summary(report: &ReplayReport, is_dry: bool) -> String {
    let mut lines = Vec::new();
    let ReplayReport {
        waiting,
        sent,
        failed,
        refused,
        damaged,
        unfinished,
        ..
    } = *report;
    if is_dry {
        lines.push(format!("{waiting} waiting; nothing was sent."));
    } else if waiting + sent == 0 {
        lines.push("Nothing waits.".to_owned());
    } else {
        lines.push(format!("{sent} sent on, {waiting} waiting."));
    }
    if failed > 0 {
        lines.push(format!(
            "{failed} failed: S3 is still at fault, or busy. The next replay tries again."
        ));
    }
    if refused > 0 {
        lines.push(format!(
            "{refused} refused: S3 holds something else in their place, or they aren't allowed any more. They stay until \
             somebody decides; each is a folder, with a ZIP and its request."
        ));
    }
    if damaged > 0 {
        lines.push(format!(
            "{damaged} damaged: they aren't what was kept. They are left alone."
        ));
    }
    if unfinished > 0 {
        lines.push(format!(
            "{unfinished} half-written: somebody is at them, or was stopped. No caller was ever told of them, and they are \
             left alone."
        ));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(outcome: Outcome, detail: Option<&str>) -> EntryReport {
        EntryReport {
            entry: "reviews_5f0c1d2e3f405162_91ab0c1d2e3f4051".to_owned(),
            collection: "reviews".to_owned(),
            kept_at: Some("2025-11-14T14:25:10.000Z".to_owned()),
            outcome,
            detail: detail.map(str::to_owned),
            location: (outcome == Outcome::Sent).then(|| "s3://artifacts/tara/20251114_142510_a/".to_owned()),
            number: None,
        }
    }

    #[test]
    fn what_somebody_has_to_look_at_comes_first() {
        let report = ReplayReport {
            waiting: 2,
            sent: 1,
            refused: 1,
            damaged: 1,
            unfinished: 1,
            entries: vec![
                entry(Outcome::Sent, None),
                entry(
                    Outcome::Refused,
                    Some("the session was exported\u{1b}[2J with other content"),
                ),
                entry(Outcome::Damaged, Some("its request isn't what was kept")),
            ],
            ..ReplayReport::default()
        };
        insta::assert_snapshot!(table(&report, false));
    }

    #[test]
    fn nothing_is_told_in_one_line() {
        assert_eq!(table(&ReplayReport::default(), false), "Nothing waits.\n");
        assert_eq!(
            table(&ReplayReport::default(), true),
            "0 waiting; nothing was sent.\n"
        );
    }
}
