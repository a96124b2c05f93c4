//! A session's folder as a tree, with each file's size, hash and verdict.

use std::fmt::Write as _;

use casefile::digest::Sha256;
use casefile::key::SessionFile;
use casefile::verify::{Verdict, Verification};

/// Hexadecimal digits shown of a hash: enough to tell files apart at a glance; the folder's
/// `manifest-sha256.txt` has all 64.
const HASH_DIGITS: usize = 16;

/// Draws a verified folder: one line a file, folders in the order of the manifest, and a last line that says
/// whether everything holds.
pub fn render(prefix: &str, verification: &Verification) -> String {
    let lines = lines(verification);
    let width = lines
        .iter()
        .map(|line| line.label.chars().count())
        .max()
        .unwrap_or_default();
    let mut out = format!("{prefix}\n");
    for line in &lines {
        let row = match &line.file {
            Some(file) => format!(
                "{:<width$}  {:>9}  {}  {}",
                line.label,
                thousands(file.size),
                short(file.sha256),
                file.verdict
            ),
            None => line.label.clone(),
        };
        let _ = writeln!(out, "{row}");
    }
    out.push_str(&conclusion(verification));
    out
}

struct Line {
    label: String,
    file: Option<FileLine>,
}

struct FileLine {
    size: u64,
    sha256: Sha256,
    verdict: &'static str,
}

fn lines(verification: &Verification) -> Vec<Line> {
    let files = files(verification);
    let mut lines = Vec::new();
    let mut folder = "";
    for (at, (path, file)) in files.iter().enumerate() {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let rest = files.get(at + 1..).unwrap_or_default();
        if parent != folder && !parent.is_empty() {
            let is_last = rest
                .iter()
                .all(|(path, _)| path.starts_with(&format!("{parent}/")));
            lines.push(Line {
                label: format!("{}{parent}/", branch(is_last)),
                file: None,
            });
        }
        folder = parent;
        let is_last = !rest
            .iter()
            .any(|(path, _)| path.rsplit_once('/').map_or("", |(p, _)| p) == parent);
        let stem = if parent.is_empty() { "" } else { "│   " };
        let file = FileLine {
            size: file.size,
            sha256: file.sha256,
            verdict: file.verdict,
        };
        lines.push(Line {
            label: format!("{stem}{}{name}", branch(is_last)),
            file: Some(file),
        });
    }
    lines
}

fn files(verification: &Verification) -> Vec<(String, FileLine)> {
    let mut files: Vec<_> = verification
        .files
        .iter()
        .map(|verified| {
            let file = &verified.file;
            let verdict = verdict(verified.verdict);
            (
                printable(&file.path),
                FileLine {
                    size: file.size,
                    sha256: file.sha256,
                    verdict,
                },
            )
        })
        .collect();
    let manifest = verification.manifest_content;
    let line = FileLine {
        size: manifest.size,
        sha256: manifest.sha256,
        verdict: "the manifest",
    };
    files.push((SessionFile::Manifest.path(), line));
    files
}

fn branch(is_last: bool) -> &'static str {
    if is_last { "└── " } else { "├── " }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Verified => "verified",
        Verdict::Missing => "MISSING",
        Verdict::Different(_) => "DIFFERENT CONTENT",
    }
}

/// A path without what could move a terminal's cursor or reorder its text.
pub fn printable(path: &str) -> String {
    let moves = |c: char| {
        let reorders = [
            '\u{200e}'..='\u{200f}',
            '\u{2028}'..='\u{202e}',
            '\u{2066}'..='\u{2069}',
        ];
        c.is_control() || reorders.iter().any(|range| range.contains(&c))
    };
    path.chars()
        .map(|c| if moves(c) { '\u{fffd}' } else { c })
        .collect()
}

fn short(sha256: Sha256) -> String {
    sha256.to_string().chars().take(HASH_DIGITS).collect()
}

fn conclusion(verification: &Verification) -> String {
    let total: u64 = verification.files.iter().map(|file| file.file.size).sum();
    let size = thousands(total + verification.manifest_content.size);
    let count = verification.files.len() + 1;
    let mut out = if verification.holds() {
        format!("{count} files, {size} bytes: every file read back and found as the manifest says\n")
    } else {
        let bad = verification
            .files
            .iter()
            .filter(|file| file.verdict != Verdict::Verified)
            .count();
        format!("{count} files, {size} bytes: {bad} not as the manifest says\n")
    };
    for path in &verification.unexpected {
        let _ = writeln!(out, "not listed in the manifest: {}", printable(path));
    }
    out
}

/// A number with its thousands set apart: `47,780`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use casefile::bucket::Content;
    use casefile::manifest::ManifestFile;
    use casefile::verify::VerifiedFile;
    use serde_json::json;

    use super::*;

    fn verified(path: &str, size: u64, verdict: Verdict) -> VerifiedFile {
        let sha256 = Sha256::of(path.as_bytes());
        let file = ManifestFile {
            path: path.to_owned(),
            size,
            sha256,
            content_type: String::new(),
        };
        VerifiedFile { file, verdict }
    }

    fn verification(verdict: Verdict, unexpected: Vec<String>) -> Verification {
        let manifest = json!({
            "manifest_version": 1, "session_id": "s", "revision": 1, "folder_name": "20251114_142510_x",
            "document_name": "x.docx", "exported_at": "", "generator": "", "request_sha256": "0".repeat(64),
            "summary": {"total_ai_suggestions": 0, "total_accepted": 0, "total_rejected": 0,
                        "total_user_feedback": 0, "acceptance_rate": 0.0},
            "files": [],
        });
        Verification {
            manifest: serde_json::from_value(manifest).unwrap(),
            manifest_content: Content {
                size: 1_234,
                sha256: Sha256::of(b"m"),
            },
            files: vec![
                verified("documents/before_x.docx", 1_234_567, Verdict::Verified),
                verified("documents/after_x.docx", 9, verdict),
                verified("logs/chat_history.json", 100, Verdict::Verified),
                verified("readable_report.txt", 0, Verdict::Verified),
            ],
            unexpected,
        }
    }

    #[test]
    fn a_folder_is_drawn_as_a_tree() {
        insta::assert_snapshot!(render(
            "tara/20251114_142510_x/",
            &verification(Verdict::Verified, Vec::new())
        ));
    }

    #[test]
    fn what_does_not_hold_is_named() {
        let unexpected = vec!["documents/\u{1b}[2Jother.docx\n".to_owned()];
        insta::assert_snapshot!(render(
            "tara/20251114_142510_x/",
            &verification(Verdict::Missing, unexpected)
        ));
    }
}
