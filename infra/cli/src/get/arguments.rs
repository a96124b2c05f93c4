//! What the command is told.

use std::path::PathBuf;

use clap::Args;

use crate::web::Way;

const EXAMPLES: &str = "Examples:
  casefile get ecg-reports 2025/10/28/ECG_Report_20251028_143022.pdf
  casefile get bols PRT-2025-0042 -o /tmp/bol.pdf
  casefile get clinical parquet/demographics_maindata.parquet --force
  casefile get training-logs 2025/11/abc12345.log -o - --direct

Ends with 0 when the file is here, with 1 when it can't be had as things are (it isn't there, isn't verified, or a file of its \
name is here already), and with 2 when it failed.";

/// The command's arguments.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Where it lies, such as ecg-reports.
    pub(super) collection: String,
    /// What links and lists call it: its key below the collection. A bill of lading answers to its number.
    pub(super) path: String,
    /// Where it goes: a file, a folder, or - for standard output; without it, this folder.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Overwrites a file that is there; never a link, a device or a folder.
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(crate) way: Way,
    /// Says in JSON what came.
    #[arg(long)]
    pub(super) json: bool,
}
