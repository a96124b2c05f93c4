//! What was done, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Map, json};

use super::outcome::{Status, Told};
use crate::tree::printable;

/// What a command has done.
#[derive(Debug)]
pub(super) struct Done<'a> {
    pub(super) files: &'a [Told],
    /// How many wait that weren't sent.
    pub(super) left: usize,
    pub(super) notes: &'a [String],
}

impl Done<'_> {
    fn counts(&self) -> impl Iterator<Item = (Status, usize)> {
        let count = |status| self.files.iter().filter(|told| told.status == status).count();
        Status::ALL.into_iter().map(move |status| (status, count(status)))
    }

    pub(super) fn json(&self) -> String {
        let mut counts = Map::new();
        for (status, count) in self.counts() {
            let name = status.name().replace(' ', "_");
            counts.insert(name, json!(count));
        }
        let shown = json!({"files": self.files, "counts": counts, "left": self.left, "notes": self.notes});
        format!("{shown:#}\n")
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for told in self.files {
            let name = told.local_path.file_name().map(|name| name.to_string_lossy());
            let name = printable(&name.unwrap_or_default());
            let _ = write!(out, "{:<14} {name}", told.status.name());
            for more in [&told.url, &told.detail].into_iter().flatten() {
                let _ = write!(out, "  {}", printable(more));
            }
            out.push('\n');
            for note in &told.notes {
                let _ = writeln!(out, "{:<14} note: {}", "", printable(note));
            }
        }
        for note in self.notes {
            let _ = writeln!(out, "{}", printable(note));
        }
        let counts = self.counts().filter(|(_, count)| *count > 0);
        let counts: Vec<_> = counts
            .map(|(status, count)| format!("{count} {}", status.name()))
            .collect();
        let _ = match counts.is_empty() {
            true if self.left == 0 => writeln!(out, "nothing waits"),
            true => writeln!(out, "{} left in the queue", self.left),
            false => writeln!(out, "{}", counts.join(", ")),
        };
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Stored;
    use super::*;

    #[test]
    fn each_file_has_a_line_and_no_name_moves_the_cursor() {
        let told = |path: &str, status, why: Option<&str>| {
            Told::new(path.into(), "ecg-reports", status, why.map(str::to_owned))
        };
        let stored = Stored {
            url: "s3://artifacts/inbox/ecg-reports/x/report.pdf".to_owned(),
            notes: vec!["operator isn't kept by its collection".to_owned()],
        };
        let files = [
            told("/srv/report.pdf", Status::Stored, None).stored(stored),
            told(
                "/srv/\u{1b}[2Jscan.pdf",
                Status::Skipped,
                Some("it is none of what the collection takes"),
            ),
            told(
                "/srv/report 2.pdf",
                Status::Queued,
                Some("no connection; it waits in /q"),
            ),
        ];
        let notes = ["1 waits for https://other.example.com".to_owned()];
        let done = Done {
            files: &files,
            left: 1,
            notes: &notes,
        };
        insta::assert_snapshot!(done.text());
        let json: serde_json::Value = serde_json::from_str(&done.json()).unwrap();
        assert_eq!(
            (&json["counts"]["stored"], &json["counts"]["already_there"]),
            (&json!(1), &json!(0))
        );
        assert_eq!(json["files"][2]["status"], "queued");
    }
}
