//! What the commands are told.

use casefile::bol::{BolNumber, Series};
use clap::{Args, Subcommand};

use crate::claim::{line, operator};

const MAX_REASON_CHARS: usize = 200;

const EXAMPLES: &str = "Examples:
  casefile bol counter get
  casefile bol counter set PRT-2025-0042
  casefile bol counter void PRT-2025-0017 --reason 'the customer withdrew'";

const GET_EXAMPLES: &str = "Examples:
  casefile bol counter get
  casefile bol counter get --series PRT-2025 --check --json";

const SET_EXAMPLES: &str = "Examples:
  casefile bol counter set PRT-2025-0042
  casefile bol counter set PRT-2025-0042 --despite-stored --operator olga";

const VOID_EXAMPLES: &str = "Examples:
  casefile bol counter void PRT-2025-0017 --reason 'the customer withdrew'";

/// The command's arguments.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    pub(super) what: What,
}

#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// The numbers: which is next, which are open, which are void.
    Counter(Counter),
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Counter {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Answers in JSON.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Who asks, for the audit log; without it, USER. It is what the operator claims: nothing checks it.
    #[arg(long, global = true, value_parser = operator)]
    pub(super) operator: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Shows which number is next, which are open and since when, and which are void.
    #[command(after_help = GET_EXAMPLES)]
    Get {
        /// Prefix and year, such as PRT-2025; without it, this year's.
        #[arg(long)]
        series: Option<Series>,
        /// Lists the stored documents too, and ends with 1 when a number has none and is neither open nor void, or when
        /// a document lies where none should be.
        #[arg(long)]
        check: bool,
    },
    /// Goes on after the last number that another system has given out.
    ///
    /// Only forward. Ends with 1, and changes nothing, when the next number is past it, or when documents beyond it are
    /// stored. May be repeated.
    #[command(after_help = SET_EXAMPLES)]
    Set {
        /// The last number of the other system, such as PRT-2025-0042.
        number: BolNumber,
        /// Goes on although documents beyond it are stored: their numbers will be passed over.
        #[arg(long)]
        despite_stored: bool,
    },
    /// Records that a number will never be used.
    ///
    /// Only one that was given out, or asked for again, more than 15 minutes ago, and that has no document. Without this,
    /// the next bill of lading of its series takes it. May be repeated.
    #[command(after_help = VOID_EXAMPLES)]
    Void {
        /// The number, such as PRT-2025-0017.
        number: BolNumber,
        /// Why, for the state of the series and the audit log.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

fn reason(text: &str) -> Result<String, String> {
    line(text, MAX_REASON_CHARS)
}
