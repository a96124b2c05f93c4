//! What the commands show: for a person, or in JSON.

use std::fmt::Write as _;

use casefile::bol::BolNumber;
use casefile::collection::Collection;
use serde::Serialize;
use serde_json::{Value, json};

use super::apply::{Applied, Trouble};
use super::entry::{Action, Entry};
use super::plan::{Header, Place};
use super::verify::{Differing, Verified};
use crate::tree::{printable, thousands};

/// Files that are told of one by one.
const MAX_SHOWN: usize = 50;

/// A plan that was just written.
pub(super) struct Planned<'a> {
    pub(super) path: &'a str,
    pub(super) header: &'a Header,
    pub(super) entries: &'a [Entry],
    /// The last numbers that are taken out of their series.
    pub(super) taken: Vec<BolNumber>,
}

impl Planned<'_> {
    fn of(&self, action: Action) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.action == action)
    }

    fn sums(&self, action: Action) -> (usize, u64) {
        let sizes = self.of(action).map(Entry::size);
        (self.of(action).count(), sizes.sum())
    }

    fn troubles(&self) -> impl Iterator<Item = &Entry> {
        self.of(Action::Conflict).chain(self.of(Action::Rejected))
    }

    /// Files that may have numbers elsewhere which nobody could read: others may get those.
    fn unread_numbers(&self) -> usize {
        let collection = Collection::parse(&self.header.place.collection);
        let is_numbered = collection.is_some_and(|collection| collection.number_format().is_some());
        let is_unread =
            |entry: &&Entry| entry.number().is_none() && entry.file.contains(|c: char| c.is_ascii_digit());
        let unread = self.of(Action::Rejected).filter(is_unread);
        if is_numbered { unread.count() } else { 0 }
    }

    /// What the command ends with.
    pub(super) fn code(&self) -> u8 {
        u8::from(self.troubles().next().is_some())
    }

    pub(super) fn json(&self) -> String {
        let actions = Action::ALL.map(|action| {
            let (files, bytes) = self.sums(action);
            (action.name().to_owned(), json!({"files": files, "bytes": bytes}))
        });
        let troubles = self.troubles().map(|entry| {
            let key = entry.to.as_ref().map(|to| &to.key);
            json!({"file": entry.file, "action": entry.action, "reason": entry.reason, "key": key})
        });
        let Header {
            place,
            tenant,
            folder,
            ..
        } = self.header;
        pretty(&json!({
            "plan": self.path, "bucket": place.bucket, "collection": place.collection, "tenant": tenant,
            "folder": folder,
            "actions": Value::Object(actions.into_iter().collect()),
            "troubles": troubles.collect::<Vec<_>>(),
            "highest_numbers": self.taken,
            "unread_numbers": self.unread_numbers(),
        }))
    }

    pub(super) fn text(&self) -> String {
        let Header {
            place: Place {
                bucket, collection, ..
            },
            tenant,
            folder,
            ..
        } = self.header;
        let folder = printable(&folder.to_string_lossy());
        let mut out = format!("{folder} to s3://{bucket}, {collection} of {tenant}\n\n");
        let _ = writeln!(out, "{:<14}  {:>9}  {:>16}", "", "files", "bytes");
        for action in Action::ALL {
            let (files, bytes) = self.sums(action);
            let (files, bytes) = (thousands(files as u64), thousands(bytes));
            let _ = writeln!(out, "{:<14}  {files:>9}  {bytes:>16}", action.name());
        }
        out.push('\n');
        let count = self.troubles().count();
        for entry in self.troubles().take(MAX_SHOWN) {
            let to = entry.to.as_ref().map(|to| format!("  to {}", printable(&to.key)));
            let (file, why) = (printable(&entry.file), printable(&entry.reason));
            let _ = writeln!(
                out,
                "{:<8}  {file}{}\n    {why}",
                entry.action.name(),
                to.unwrap_or_default()
            );
        }
        if count > MAX_SHOWN {
            let _ = writeln!(out, "… and {} more, which are in the plan", count - MAX_SHOWN);
        }
        self.tell_numbers(&mut out);
        let _ = writeln!(out, "nothing was changed; the plan is {}", printable(self.path));
        out
    }

    fn tell_numbers(&self, out: &mut String) {
        for number in &self.taken {
            let series = number.series();
            let _ = writeln!(
                out,
                "apply takes {series} up to {number} out of the numbers that are given out, those of files that aren't \
                 stored, too"
            );
        }
        let unread = self.unread_numbers();
        if unread > 0 {
            let _ = writeln!(
                out,
                "{} of the rejected may have a number that their names don't tell: others may get it, unless --records or \
                 another --name-pattern say it",
                thousands(unread as u64)
            );
        }
    }
}

pub(super) fn applied(applied: &Applied, is_json: bool) -> String {
    if is_json {
        return serialized(applied);
    }
    let mut out = String::new();
    troubles(&mut out, "conflict", &applied.conflicts);
    troubles(&mut out, "failed", &applied.failed);
    let (stored, bytes) = (thousands(applied.stored as u64), thousands(applied.bytes));
    let _ = writeln!(out, "{stored} stored, {bytes} bytes");
    for (count, what) in [
        (applied.there, "lay there already"),
        (applied.before, "stored by earlier runs"),
        (applied.left_out, "left out, for they are in conflict in the plan"),
        (applied.rejected, "left out, for they are rejected in the plan"),
        (applied.conflicts.len(), "in conflict: they aren't stored"),
        (applied.failed.len(), "failed"),
        (applied.waiting, "not tried any more"),
    ] {
        if count > 0 {
            let _ = writeln!(out, "{} {what}", thousands(count as u64));
        }
    }
    for number in &applied.next_numbers {
        let _ = writeln!(out, "the next number of {} is {number}", number.series());
    }
    if applied.failed.len() + applied.waiting > 0 {
        out.push_str("apply it again: what is done is not done twice\n");
    }
    let _ = writeln!(out, "which file became what: {}", applied.mapping.display());
    out
}

fn troubles(out: &mut String, what: &str, troubles: &[Trouble]) {
    for Trouble { file, reason } in troubles.iter().take(MAX_SHOWN) {
        let _ = writeln!(out, "{what:<8}  {}\n    {}", printable(file), printable(reason));
    }
    more(out, what, troubles.len());
}

pub(super) fn verified(verified: &Verified, is_json: bool) -> String {
    if is_json {
        return serialized(verified);
    }
    let mut out = String::new();
    for Differing { key, reason } in verified.differing.iter().take(MAX_SHOWN) {
        let (key, why) = (printable(key), printable(reason));
        let _ = writeln!(out, "DIFFERING  {key}\n    {why}");
    }
    more(&mut out, "DIFFERING", verified.differing.len());
    for (what, keys) in [
        ("MISSING", &verified.missing),
        ("UNKNOWN", &verified.unknown),
        ("extra", &verified.extra),
    ] {
        for key in keys.iter().take(MAX_SHOWN) {
            let _ = writeln!(out, "{what:<9}  {}", printable(key));
        }
        more(&mut out, what, keys.len());
    }
    let Verified {
        identical,
        read,
        left_out,
        ..
    } = verified;
    let count = |keys: usize| thousands(keys as u64);
    let _ = writeln!(
        out,
        "{} identical, {} differing, {} missing, {} extra",
        thousands(*identical as u64),
        count(verified.differing.len()),
        count(verified.missing.len()),
        count(verified.extra.len())
    );
    if !verified.unknown.is_empty() {
        let _ = writeln!(
            out,
            "{} are unknown: they are archived, and S3 knows no checksum of them; restore them first",
            count(verified.unknown.len())
        );
    }
    if *read > 0 {
        let _ = writeln!(
            out,
            "{} were read, for S3 knows no checksum of them",
            thousands(*read as u64)
        );
    }
    if *left_out > 0 {
        let _ = writeln!(
            out,
            "{} of the plan left out: in conflict, or rejected",
            thousands(*left_out as u64)
        );
    }
    out
}

fn more(out: &mut String, what: &str, count: usize) {
    if count > MAX_SHOWN {
        let _ = writeln!(out, "… and {} more: {what}", count - MAX_SHOWN);
    }
}

fn serialized(of: &impl Serialize) -> String {
    serde_json::to_value(of).map_or_else(|_| String::new(), |value| pretty(&value))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use casefile::digest::Sha256;
    use casefile::name::TenantId;
    use jiff::Timestamp;

    use super::super::entry::{Is, To};
    use super::*;

    fn entry(file: &str, action: Action, reason: &str, key: Option<&str>) -> Entry {
        let to = |key: &str| To {
            key: key.to_owned(),
            path: String::new(),
            number: None,
            owner: None,
            metadata: [].into(),
            note: Vec::new(),
            day: None,
        };
        Entry {
            to: key.map(to),
            is: key.map(|_| Is {
                size: 1_234_567,
                modified_at: Timestamp::UNIX_EPOCH,
                sha256: Sha256::of(b"x"),
            }),
            ..Entry::new(file.to_owned(), action, reason)
        }
    }

    fn header() -> Header {
        Header {
            folder: PathBuf::from("/srv/bols"),
            ..Header::new(Place::sample(), TenantId::parse("acme").unwrap())
        }
    }

    #[test]
    fn a_plan_is_a_table_and_what_somebody_has_to_look_at() {
        let entries = [
            entry(
                "a.pdf",
                Action::Upload,
                "nothing is there",
                Some("bols/2025/PRT-2025-0042.pdf"),
            ),
            entry(
                "b.pdf",
                Action::Conflict,
                "other content is there",
                Some("bols/2025/PRT-2025-0043.pdf"),
            ),
            entry(
                "c\u{1b}[2J.pdf",
                Action::Rejected,
                "its name says no number",
                None,
            ),
        ];
        let planned = Planned {
            path: "bols.plan",
            header: &header(),
            entries: &entries,
            taken: vec!["PRT-2025-0042".parse().unwrap()],
        };
        insta::assert_snapshot!(planned.text());
        let shown: Value = serde_json::from_str(&planned.json()).unwrap();
        assert_eq!(
            shown["actions"]["upload"],
            json!({"files": 1, "bytes": 1_234_567})
        );
        assert_eq!(shown["troubles"][0]["action"], "conflict");
        assert_eq!(shown["unread_numbers"], 1);
        assert_eq!(planned.code(), 1);
    }

    #[test]
    fn a_run_says_what_is_stored_and_what_to_do_next() {
        let trouble = |file: &str, reason: &str| Trouble {
            file: file.to_owned(),
            reason: reason.to_owned(),
        };
        let run = Applied {
            stored: 1_200,
            bytes: 60_000_000,
            before: 3,
            conflicts: vec![trouble("a.pdf", "it changed since the plan was made")],
            failed: vec![trouble(
                "b.pdf",
                "storage can't be reached just now; repeat the request",
            )],
            waiting: 7,
            rejected: 2,
            next_numbers: vec!["PRT-2025-1204".parse().unwrap()],
            mapping: PathBuf::from("bols.plan.csv"),
            ..Applied::default()
        };
        insta::assert_snapshot!(applied(&run, false));
        assert_eq!(run.code(), 2);
        let shown: Value = serde_json::from_str(&applied(&run, true)).unwrap();
        assert_eq!((&shown["stored"], &shown["waiting"]), (&json!(1_200), &json!(7)));
    }

    #[test]
    fn a_check_tells_what_is_otherwise_first() {
        let found = Verified {
            identical: 40,
            read: 1,
            differing: vec![Differing {
                key: "bols/2025/PRT-2025-0001.pdf".to_owned(),
                reason: "it has other content".to_owned(),
            }],
            unknown: vec!["bols/2025/PRT-2025-0003.pdf".to_owned()],
            missing: vec!["bols/2025/PRT-2025-0002.pdf".to_owned()],
            extra: vec!["bols/2025/PRT-2025-0099.pdf".to_owned()],
            left_out: 2,
            ..Verified::default()
        };
        insta::assert_snapshot!(verified(&found, false));
        assert_eq!(found.code(false), 1);
        let extra = Verified {
            extra: found.extra,
            ..Verified::default()
        };
        assert_eq!((extra.code(false), extra.code(true)), (0, 1));
        let left_out = Verified {
            left_out: 1,
            ..Verified::default()
        };
        assert_eq!((left_out.code(false), left_out.code(true)), (0, 1));
    }
}
