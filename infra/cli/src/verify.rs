//! `casefile verify`: reads a session's folder back and compares it with its manifest.

#![expect(
    clippy::doc_markdown,
    reason = "the comments on arguments are the help text, which has no markup"
)]

use casefile::bucket::Bucket;
use casefile::config::{Env, bucket_name};
use casefile::key::{BasePath, session_prefix};
use casefile::name::FolderName;
use casefile::store_error::StoreError;
use casefile::verify::{Verdict, Verification, verify_session};
use clap::Args;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::tree;

const EXAMPLES: &str = "Examples:
  casefile verify 20251114_142510_write-up_TR-20417
  casefile verify 20251114_142510_write-up_TR-20417 --bucket artifacts --base-path reviews/ --json";

/// The command's arguments.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder's name, such as 20251114_142510_write-up_TR-20417.
    #[arg(value_parser = FolderName::parse)]
    folder: FolderName,
    /// The bucket; without it, S3_BUCKET_NAME.
    #[arg(long, value_parser = bucket_name)]
    bucket: Option<String>,
    /// What comes before the folder; without it, S3_BASE_PATH, else tara/.
    #[arg(long, value_parser = BasePath::parse)]
    base_path: Option<BasePath>,
    /// Answers in JSON.
    #[arg(long)]
    json: bool,
}

/// The folder as a tree, and whether everything holds.
///
/// # Errors
/// [`Failure`] when it can't be checked.
pub async fn run(arguments: &Arguments, mut env: Env) -> Result<(String, bool), Failure> {
    let bucket = arguments.bucket.clone();
    let bucket = bucket.or_else(|| env.required("S3_BUCKET_NAME", bucket_name));
    let base = arguments.base_path.clone();
    let base = base
        .or_else(|| env.optional("S3_BASE_PATH", BasePath::parse))
        .unwrap_or_default();
    let settings = env.s3();
    let settings = env.finish(bucket.zip(settings));
    let (bucket, settings) = settings.map_err(|error| Failure::Failed(error.to_string()))?;
    let bucket = Bucket::new(settings.client(), bucket);
    let prefix = session_prefix(&base, &arguments.folder);
    let verified = verify_session(&bucket, &base, &arguments.folder).await;
    let verification = verified.map_err(|error| match error {
        StoreError::NotFound => Failure::Failed(format!(
            "there is no complete session in s3://{}/{prefix}",
            bucket.name()
        )),
        error => error.into(),
    })?;
    let shown = if arguments.json {
        format!("{:#}\n", as_json(&prefix, &verification))
    } else {
        tree::render(&prefix, &verification)
    };
    Ok((shown, verification.holds()))
}

fn as_json(prefix: &str, verification: &Verification) -> Value {
    let files = verification.files.iter().map(|verified| {
        let (verdict, found) = match verified.verdict {
            Verdict::Verified => ("verified", None),
            Verdict::Missing => ("missing", None),
            Verdict::Different(content) => ("different", Some(content)),
        };
        json!({
            "path": verified.file.path,
            "size": verified.file.size,
            "sha256": verified.file.sha256,
            "verdict": verdict,
            "found": found.map(|content| json!({"size": content.size, "sha256": content.sha256})),
        })
    });
    json!({
        "folder": prefix,
        "holds": verification.holds(),
        "files": files.collect::<Vec<_>>(),
        "unexpected": verification.unexpected,
    })
}

#[cfg(test)]
mod tests {
    use casefile::bucket::Content;
    use casefile::digest::Sha256;
    use casefile::manifest::ManifestFile;
    use casefile::verify::VerifiedFile;

    use super::*;

    #[test]
    fn programs_learn_of_each_file_whether_it_is_what_the_manifest_says() {
        let content = Content {
            size: 3,
            sha256: Sha256::of(b"abc"),
        };
        let file = |path: &str, verdict| VerifiedFile {
            file: ManifestFile {
                path: path.to_owned(),
                size: 4,
                sha256: Sha256::of(b"abcd"),
                content_type: String::new(),
            },
            verdict,
        };
        let manifest = json!({
            "manifest_version": 1, "session_id": "s", "revision": 1, "folder_name": "20251114_142510_x",
            "document_name": "x.docx", "exported_at": "", "generator": "", "request_sha256": "0".repeat(64),
            "summary": {"total_ai_suggestions": 0, "total_accepted": 0, "total_rejected": 0,
                        "total_user_feedback": 0, "acceptance_rate": 0.0},
            "files": [],
        });
        let verification = Verification {
            manifest: serde_json::from_value(manifest).unwrap(),
            manifest_content: content,
            files: vec![
                file("a", Verdict::Verified),
                file("b", Verdict::Different(content)),
                file("c", Verdict::Missing),
            ],
            unexpected: vec!["d".to_owned()],
        };
        let shown = as_json("tara/x/", &verification);
        assert_eq!(
            (&shown["holds"], &shown["unexpected"]),
            (&json!(false), &json!(["d"]))
        );
        let verdicts = [0, 1, 2].map(|at| shown["files"][at]["verdict"].as_str().unwrap());
        assert_eq!(verdicts, ["verified", "different", "missing"]);
        assert_eq!(shown["files"][1]["found"]["size"], 3);
    }
}
