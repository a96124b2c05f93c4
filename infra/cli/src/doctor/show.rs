//! The checks, for a person or in JSON.

use std::fmt::Write as _;

use serde_json::json;

use super::check::{Check, Outcome};
use crate::tree::printable;

/// What fits on most screens.
const WIDTH: usize = 100;
const ARROW: &str = "    → ";

/// A line for each check, below it how to mend it, and a last line that counts.
pub(super) fn text(checks: &[Check]) -> String {
    let names = checks.iter().map(|check| check.name.chars().count());
    let width = names.max().unwrap_or_default();
    let mut out = String::new();
    for check in checks {
        let head = format!("{} {:<width$}  ", mark(check.outcome), check.name);
        wrap(&mut out, &head, &check.detail);
        if let Some(mend) = &check.mend {
            wrap(&mut out, ARROW, mend);
        }
    }
    let _ = writeln!(out, "\n{}", conclusion(checks));
    out
}

pub(super) fn json(checks: &[Check]) -> String {
    let holds = checks.iter().all(Check::holds);
    format!("{:#}\n", json!({ "holds": holds, "checks": checks }))
}

fn mark(outcome: Outcome) -> char {
    match outcome {
        Outcome::Ok => '✓',
        Outcome::Failed => '✗',
        Outcome::NotChecked => '?',
        Outcome::Skipped => '-',
    }
}

/// Words that go on below stand where the text began. A word that is too long, a command's argument for one, isn't cut.
fn wrap(out: &mut String, head: &str, text: &str) {
    let indent = head.chars().count();
    let mut column = indent;
    out.push_str(head);
    for word in printable(text).split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if column > indent && column + 1 + length > WIDTH {
            let _ = write!(out, "\n{:indent$}", "");
            column = indent;
        }
        if column > indent {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

fn conclusion(checks: &[Check]) -> String {
    let count = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
    let parts = [
        (count(Outcome::Ok), "holds", "hold"),
        (count(Outcome::Failed), "doesn't", "don't"),
        (count(Outcome::NotChecked), "wasn't checked", "weren't checked"),
        (count(Outcome::Skipped), "isn't configured", "aren't configured"),
    ];
    let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
    let parts = parts.map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }));
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn good() -> Vec<Check> {
        vec![
            Check::ok("credentials", "S3 knows them"),
            Check::ok("region", "eu-west-1, where the buckets are"),
            Check::ok("artifacts bucket", "casefile-artifacts is there"),
            Check::ok("conditional write", "If-None-Match and If-Match are kept to"),
            Check::skipped("topic", "TOPIC_ARN"),
        ]
    }

    fn bad() -> Vec<Check> {
        vec![
            Check::ok("credentials", "S3 knows them"),
            Check::failed(
                "write",
                "S3 answers AccessDenied to PutObject",
                "S3 denies access: give the role the right to do this, and look for a bucket policy that denies it; the \
                 right is s3:PutObject on arn:aws:s3:::casefile-artifacts/_casefile/doctor/*",
            ),
            Check::not_checked("read back", "nothing could be written"),
            Check::failed(
                "artifacts public access",
                "not all is blocked: BlockPublicAcls,\u{1b}[2J RestrictPublicBuckets are off",
                "deploy PublicAccessBlockConfiguration",
            ),
            Check::skipped("topic", "TOPIC_ARN"),
            Check::skipped("Bedrock", "BEDROCK_MODEL_ID"),
        ]
    }

    #[test]
    fn what_holds_takes_a_line_each() {
        insta::assert_snapshot!(text(&good()));
    }

    #[test]
    fn what_does_not_hold_comes_with_how_to_mend_it() {
        insta::assert_snapshot!(text(&bad()));
    }

    #[test]
    fn programs_get_the_same_as_json() {
        let shown: Value = serde_json::from_str(&json(&bad())).unwrap();
        assert_eq!(shown["holds"], false);
        let outcomes: Vec<_> = shown["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|check| check["outcome"].as_str().unwrap())
            .collect();
        let expected = ["ok", "failed", "not_checked", "failed", "skipped", "skipped"];
        assert_eq!(outcomes, expected);
        assert!(shown["checks"][0].get("mend").is_none());
        assert!(
            shown["checks"][1]["mend"]
                .as_str()
                .unwrap()
                .contains("s3:PutObject")
        );
        let shown: Value = serde_json::from_str(&json(&good())).unwrap();
        assert_eq!(shown["holds"], true);
    }
}
