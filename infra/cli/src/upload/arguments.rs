//! What the command is told.

#![expect(
    clippy::doc_markdown,
    reason = "the comments on arguments are the help text, which has no markup"
)]

use std::path::PathBuf;

use casefile::name::Owner;
use clap::Args;

use crate::web::Way;

const EXAMPLES: &str = "Examples:
  casefile upload ECG_Report_20251028_143022.pdf --collection ecg-reports --metadata-file ecg.json
  casefile upload metrics_*.json --collection ecg-reports --api https://files.example.com --token-file /etc/casefile/token
  casefile upload bol-2025-0042.pdf --collection bols --metadata date=2025-11-14 --metadata number=PRT-2025-0042
  casefile upload session.json --collection training-logs --direct
  casefile upload report.pdf --collection ecg-reports --env-file .env
  casefile upload --queued

Ends with 0 when all is stored (or was there already, isn't taken by its collection, or is kept by the API for S3); else, \
the first that applies: 2 when something failed, 1 when something is refused, has changed or is gone, 3 when something waits \
in the queue.";

/// The command's arguments.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The files.
    #[arg(
        value_name = "FILE",
        required_unless_present = "queued",
        conflicts_with = "queued"
    )]
    pub(super) files: Vec<PathBuf>,
    /// Where they are to go, such as ecg-reports.
    #[arg(long, required_unless_present = "queued", conflicts_with = "queued")]
    pub(super) collection: Option<String>,
    /// What is kept with each file, if its collection keeps it; of bills of lading date, which is required, and number.
    /// May be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, conflicts_with = "queued")]
    pub(super) metadata: Vec<(String, String)>,
    /// A file with more of it, a JSON object of texts: for what others on the machine shouldn't see on the command line, such as
    /// a patient's name.
    #[arg(long, value_name = "FILE", conflicts_with = "queued")]
    pub(super) metadata_file: Option<PathBuf>,
    /// Whose the files are within their tenant. Through the API only.
    #[arg(long, value_parser = Owner::parse, conflicts_with = "queued")]
    pub(super) owner: Option<Owner>,
    /// The version or the SHA-256 that the file replaces, where its collection's files are replaced. Through the API only.
    #[arg(long, value_name = "VERSION", conflicts_with = "queued")]
    pub(super) replaces: Option<String>,
    /// Sends only what waits in the queue. Every upload does that, too, before its own files.
    #[arg(long)]
    pub(super) queued: bool,
    #[command(flatten)]
    pub(crate) way: Way,
    /// Where files wait that can't be sent; without it, casefile/queue below XDG_STATE_HOME or ~/.local/state.
    #[arg(long, value_name = "DIR")]
    pub(super) queue: Option<PathBuf>,
    /// The upload log, which each upload is added to.
    #[arg(long, value_name = "FILE", default_value = "upload_log.json")]
    pub(super) log: PathBuf,
    /// How many files are sent at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(super) transfers: u8,
    /// Answers in JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// Whether metadata may have such a name.
pub(super) fn is_name(name: &str) -> bool {
    let is_in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !name.is_empty() && name.chars().all(is_in_name)
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    if !is_name(name) {
        return Err("must be NAME=VALUE with a name of letters, digits, '_' and '-'");
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_a_name_and_whatever_follows_the_first_sign() {
        assert_eq!(pair("a_b=c=d"), Ok(("a_b".to_owned(), "c=d".to_owned())));
        assert_eq!(pair("a="), Ok(("a".to_owned(), String::new())));
        assert!(pair("a").is_err() && pair("=a").is_err() && pair("a b=c").is_err());
    }
}
