//! What the commands are told.

use casefile::quarantine::ItemId;
use clap::{Args, Subcommand};

use crate::claim::{line, operator};

const MAX_REASON_CHARS: usize = 500;

const EXAMPLES: &str = "Examples:
  casefile quarantine list
  casefile quarantine show 9f86d081884c7d659a2feaa0c55ad015
  casefile quarantine release 9f86d081884c7d659a2feaa0c55ad015 --reason 'opened it by hand, nothing wrong with it'";

const LIST_EXAMPLES: &str = "Examples:
  casefile quarantine list
  casefile quarantine list --all --json";

const SHOW_EXAMPLES: &str = "Examples:
  casefile quarantine show 9f86d081884c7d659a2feaa0c55ad015";

const RELEASE_EXAMPLES: &str = "Examples:
  casefile quarantine release 9f86d081884c7d659a2feaa0c55ad015 --reason 'opened it by hand, nothing wrong with it'";

/// The command's arguments.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
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
    /// Lists what was rejected, the latest first.
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// Also what was released, and what is gone since.
        #[arg(long)]
        all: bool,
    },
    /// Shows what was rejected, why, and what lies in its place now.
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// As the list shows it.
        id: ItemId,
    },
    /// Brings a rejected file back: links lead to it from then on.
    ///
    /// Ends with 1, and changes nothing, when something newer lies in its place. Index and notices follow when the
    /// environment names the queue of arrivals; else only with the file's next event. May be repeated.
    #[command(after_help = RELEASE_EXAMPLES)]
    Release {
        /// As the list shows it.
        id: ItemId,
        /// Why, for the audit log.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

fn reason(text: &str) -> Result<String, String> {
    line(text, MAX_REASON_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_line_of_text() {
        assert_eq!(
            reason(" looked at it; harmless "),
            Ok("looked at it; harmless".to_owned())
        );
        for text in ["", "  ", "a\nb", &"x".repeat(501)] {
            assert!(reason(text).is_err(), "{text}");
        }
    }
}
