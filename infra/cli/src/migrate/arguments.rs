//! What the commands are told.

#![expect(
    clippy::doc_markdown,
    reason = "the comments on arguments are the help text, which has no markup"
)]

use std::path::PathBuf;

use casefile::name::{Owner, TenantId};
use clap::{Args, Subcommand};

use super::pattern::Pattern;
use super::rate::Rate;
use crate::claim::operator;

const EXAMPLES: &str = "Examples:
  casefile migrate plan --collection bols --from /srv/bols --out bols.plan
  casefile migrate plan --collection bols --from /srv/bols --name-pattern 'BOL_{YYYY}_{NNNN}*.pdf' --out bols.plan
  casefile migrate plan --collection bols --from /srv/bols --records bols.csv --out bols.plan
  casefile migrate apply bols.plan --limit-rate 10M
  casefile migrate verify bols.plan --json";

const PLAN_EXAMPLES: &str = "Examples:
  casefile migrate plan --collection bols --from /srv/bols --out bols.plan
  casefile migrate plan --collection ecg-reports --from /srv/ecg --records patients.csv --out ecg.plan

The CSV has a header line: file, and any of number (of a bill of lading), owner, and the collection's own metadata.
  file,number,owner
  scans/a.pdf,PRT-2024-0017,Queen City Castings";

const APPLY_EXAMPLES: &str = "Examples:
  casefile migrate apply bols.plan
  casefile migrate apply bols.plan --limit-rate 10M --operator olga
  casefile migrate apply bols.plan --skip-conflicts --mapping bols-in-s3.csv";

const VERIFY_EXAMPLES: &str = "Examples:
  casefile migrate verify bols.plan
  casefile migrate verify bols.plan --strict --json";

/// The command's arguments.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Answers in JSON.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Looks what would be done with the files of a folder, and writes it down. Changes nothing.
    ///
    /// Ends with 0 when every file would be stored or is stored already, with 1 when some are in conflict or rejected, and
    /// with 2 when it failed.
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(PlanArguments),
    /// Does just what a plan says: nothing is overwritten, and what is done is not done again.
    ///
    /// May be interrupted and repeated: a journal beside the plan says what is done. Of bills of lading, the numbers are
    /// taken out of the series first, so that no other one gets them. Ends with 0 when all is stored that the
    /// plan has as upload (what it leaves out, as in conflict or rejected, is counted), with 1 when files have come into
    /// conflict, and with 2 when some or all failed: then repeat it.
    #[command(after_help = APPLY_EXAMPLES)]
    Apply(ApplyArguments),
    /// Compares what a plan has stored with what S3 says of it: content, by the checksums that S3 has, tenant, owner and
    /// metadata.
    ///
    /// Ends with 0 when all is identical, with 1 when objects differ, are missing or unknown, and with 2 when it failed.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArguments),
}

#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    /// Where the files are to go, such as bols. Not reviews, which are sessions.
    #[arg(long)]
    pub(super) collection: String,
    /// The folder, with all that lies below it.
    #[arg(long, value_name = "DIR")]
    pub(super) from: PathBuf,
    /// Where the plan goes; without it, COLLECTION.plan in this folder. A file that is there is not overwritten.
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Takes only files of such names, in which * is anything; of bills of lading, {YYYY} is the year and {NNNN} the
    /// number, which without it are as in PRT-2025-0042.pdf.
    #[arg(long, value_parser = Pattern::parse, value_name = "PATTERN")]
    pub(super) name_pattern: Option<Pattern>,
    /// What is known of the files: a CSV with a header line. A row without a file is in conflict.
    #[arg(long, value_name = "CSV")]
    pub(super) records: Option<PathBuf>,
    /// Whose the files are within their tenant, where the CSV doesn't say.
    #[arg(long, value_parser = Owner::parse)]
    pub(super) owner: Option<Owner>,
    /// Whose the files are; without it, DEFAULT_TENANT, else default.
    #[arg(long, value_parser = TenantId::parse)]
    pub(super) tenant: Option<TenantId>,
}

#[derive(Debug, Args)]
pub(super) struct ApplyArguments {
    /// As plan wrote it.
    pub(super) plan: PathBuf,
    /// Goes on although the plan has conflicts, and leaves those files out.
    #[arg(long)]
    pub(super) skip_conflicts: bool,
    /// The most bytes a second, such as 500K, 10M or 1G.
    #[arg(long, value_parser = Rate::parse, value_name = "BYTES")]
    pub(super) limit_rate: Option<Rate>,
    /// How many files are sent at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub(super) transfers: u16,
    /// Where the CSV with each file's number, key and version goes; without it, PLAN.csv.
    #[arg(long, value_name = "FILE")]
    pub(super) mapping: Option<PathBuf>,
    /// Who asks, for the audit log; without it, USER. It is what the operator claims: nothing checks it.
    #[arg(long, value_parser = operator)]
    pub(super) operator: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    /// As plan wrote it.
    pub(super) plan: PathBuf,
    /// Ends with 1 also when the collection has objects that the plan doesn't know, or the plan leaves files out.
    #[arg(long)]
    pub(super) strict: bool,
}
