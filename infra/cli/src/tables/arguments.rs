//! What the commands are told.

#![expect(
    clippy::doc_markdown,
    reason = "the comments on arguments are the help text, which has no markup"
)]

use casefile::config::bucket_name;
use clap::{Args, Subcommand};

use super::name::{TableName, VersionId};

const EXAMPLES: &str = "Examples:
  casefile tables list
  casefile tables get demographics_maindata
  casefile tables sync --to registry";

const LIST_EXAMPLES: &str = "Examples:
  casefile tables list
  casefile tables list --offline --json";

const GET_EXAMPLES: &str = "Examples:
  casefile tables get demographics_maindata
  casefile tables get demographics_maindata --version 3L4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY --json
  duckdb -c \"SELECT count(*) FROM '$(casefile tables get demographics_maindata)'\"";

const SYNC_EXAMPLES: &str = "Examples:
  casefile tables sync --to registry
  casefile tables sync demographics_maindata encounter_maindata --force-s3 --json";

/// The command's arguments.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Where the copies lie; without it, CASEFILE_TABLES_DIR, else casefile/tables/BUCKET below XDG_CACHE_HOME or
    /// ~/.cache. A file of a table's name there is replaced.
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) to: Option<String>,
    /// The bucket; without it, S3_BUCKET_NAME.
    #[arg(long, global = true, value_parser = bucket_name)]
    pub(super) bucket: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the tables: size, when it was stored, whether the copy is fresh, and the version's id.
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// Lists the copies: nothing is asked of S3.
        #[arg(long)]
        offline: bool,
        /// Answers in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prints the path of a table's file, and nothing else; downloads it first unless the copy is fresh.
    ///
    /// When S3 can't be reached, the copy will do, and a warning on standard error says so.
    #[command(after_help = GET_EXAMPLES)]
    Get {
        /// As the list shows it.
        table: TableName,
        /// An older version, which lies beside the newest under a name of its own.
        #[arg(long, value_name = "VERSION_ID")]
        version: Option<VersionId>,
        #[command(flatten)]
        choice: Choice,
        /// Says in JSON what the file is, beside its path.
        #[arg(long)]
        json: bool,
    },
    /// Makes the copies of all tables fresh, or of those that are named.
    ///
    /// Ends with 1 when some can't be had; the others are had all the same.
    #[command(after_help = SYNC_EXAMPLES)]
    Sync {
        /// As the list shows them; without any, all.
        tables: Vec<TableName>,
        #[command(flatten)]
        choice: Choice,
        /// Answers in JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Where a table may come from.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Choice {
    /// From the copy alone: nothing is asked of S3.
    #[arg(long, conflicts_with = "force_s3")]
    pub(super) offline: bool,
    /// From S3 alone: downloads it even when the copy is fresh, and never falls back.
    #[arg(long)]
    pub(super) force_s3: bool,
}
