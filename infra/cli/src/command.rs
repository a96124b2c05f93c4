//! The tool's commands, their help and how they are run.

#![expect(
    clippy::doc_markdown,
    reason = "the comments on arguments are the help text, which has no markup"
)]

use std::path::PathBuf;

use casefile::config::Env;
use casefile::id::Entropy;
use casefile::time::Clock;
use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::done::Done;
use crate::environment;
use crate::failure::Failure;
use crate::{bol, doctor, get, migrate, quarantine, replay, tables, upload, verify};

const EXAMPLES: &str = "Examples:
  casefile upload ECG_Report_20251028_143022.pdf --collection ecg-reports --api https://files.example.com
  casefile get bols PRT-2025-0042
  casefile doctor --env-file .env
  casefile completions bash";

const COMPLETIONS_EXAMPLES: &str = "Examples:
  casefile completions bash
  casefile completions zsh
  casefile completions fish

Bash takes them from ~/.local/share/bash-completion/completions/casefile, zsh from _casefile in a folder of $fpath, fish from \
~/.config/fish/completions/casefile.fish.";

/// Looks after what Casefile keeps, brings files into it and gets them out again.
///
/// Reads AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_ENDPOINT_URL_S3.
#[derive(Debug, Parser)]
#[command(name = "casefile", version, after_help = EXAMPLES, after_long_help = long_help())]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// A .env file with variables; those of the environment go before them.
    #[arg(long, global = true, value_name = "PATH")]
    env_file: Option<PathBuf>,
}

fn long_help() -> String {
    format!("{}\n\n{EXAMPLES}", environment::HELP)
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sends files into a collection, through the API or straight to S3.
    ///
    /// Files that can't be sent for want of a network wait in a queue, and each upload is in the upload log. Through the API
    /// where one is named, else to S3. Reads CASEFILE_API_URL and CASEFILE_TOKEN, or S3_BUCKET_NAME and DEFAULT_TENANT; and
    /// XDG_STATE_HOME and HOME. USE_S3 or CLOUD_UPLOAD_ENABLED set to false keep everything in the queue.
    Upload(upload::Arguments),
    /// Gets one file out of a collection, through the API or straight from S3.
    ///
    /// It is compared with its SHA-256, and is here whole or not at all. Prints its path. Through the API where one is named,
    /// else from S3. Reads CASEFILE_API_URL and CASEFILE_TOKEN, or S3_BUCKET_NAME and S3_BASE_PATH.
    Get(get::Arguments),
    /// Reads a session's folder back and compares every byte with its manifest.
    ///
    /// Ends with 0 when everything holds, with 1 when something doesn't, and with 2 when it couldn't be checked.
    Verify(verify::Arguments),
    /// Looks after the numbers of bills of lading.
    ///
    /// Reads S3_BUCKET_NAME and S3_BASE_PATH as well, and, for what changes something,
    /// AUDIT_BUCKET_NAME and DEFAULT_TENANT: changes are in the audit log, under the name that the operator claims. Ends
    /// with 0 when it did what it should, with 1 when that can't be done as things are, and with 2 when it failed.
    Bol(bol::Arguments),
    /// Looks after what was rejected.
    ///
    /// Reads S3_BUCKET_NAME, S3_BASE_PATH, QUARANTINE_BUCKET_NAME, AUDIT_BUCKET_NAME and DEFAULT_TENANT as well, and, for
    /// a release, ARRIVALS_QUEUE_URL and AWS_ENDPOINT_URL_SQS. Every call is in the audit log, under the name that the
    /// operator claims. Ends with 0 when it did what it should, with 1 when that can't be done as things are, and with 2
    /// when it failed.
    Quarantine(quarantine::Arguments),
    /// Sends on what session-export has kept locally when S3 was down, or not to be used as it was set up.
    ///
    /// The oldest first; what is in S3 already is not stored twice, and several replays at once do no harm. Reads what
    /// session-export does: S3_BUCKET_NAME, S3_BASE_PATH, AUDIT_BUCKET_NAME, REPORT_TEMPLATE_KEY and FALLBACK_DIR among
    /// others. Ends with 0 when nothing waits any more, with 1 when something does, and with 2 when it failed.
    Replay(replay::Arguments),
    /// Brings a clinical registry's tables as Parquet files, for pandas, DuckDB or polars.
    ///
    /// S3 first; when S3 can't be reached, the copy of the last time; else an error. A copy that is fresh isn't
    /// downloaded again. Reads S3_BUCKET_NAME, CASEFILE_TABLES_DIR, XDG_CACHE_HOME and HOME as well. Ends with 0 when
    /// all was done, with 1 when some can't be as things are, and with 2 when it failed.
    Tables(tables::Arguments),
    /// Moves existing files into a collection, as if they had been exported to it.
    ///
    /// First plan, which changes nothing, then apply, then verify. Reads S3_BUCKET_NAME, S3_BASE_PATH and DEFAULT_TENANT
    /// as well, and, to apply, AUDIT_BUCKET_NAME: each run is in the audit log, under the name that the operator claims.
    Migrate(migrate::Arguments),
    /// Says what of a deployment works and what doesn't, with how to mend it: one line a check.
    ///
    /// Reads what the functions read: S3_BUCKET_NAME, S3_BASE_PATH, AUDIT_BUCKET_NAME, QUARANTINE_BUCKET_NAME,
    /// ARRIVALS_QUEUE_URL, DEAD_LETTER_QUEUE_URL, TOPIC_ARN, BEDROCK_MODEL_ID and FALLBACK_DIR. The artifacts and the
    /// audit bucket have to be named; what else isn't set is left out. Writes one small file below _casefile/doctor/ and
    /// deletes it; the audit log gets nothing. A model is asked for one word, which costs next to nothing. Ends with 0
    /// when all holds, with 1 when something doesn't, and with 2 when nothing can be checked because variables are wrong.
    Doctor(doctor::Arguments),
    /// Prints what a shell needs to complete commands and options.
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Does what the command line says. `tell` gets what there is to show while a command goes on, `warn` what is odd about the
/// environment, whatever comes of the command.
///
/// # Errors
/// [`Failure`], in words for the person.
pub async fn run(
    cli: &Cli,
    clock: Clock,
    entropy: Entropy,
    tell: impl FnMut(&str),
    warn: impl FnMut(&str),
) -> Result<Done, Failure> {
    if let Command::Completions { shell } = cli.command {
        return Ok(Done::new(completions(shell), 0));
    }
    let env = told(cli, warn)?;
    match &cli.command {
        Command::Completions { .. } => Ok(Done::default()),
        Command::Upload(arguments) => {
            let (text, code) = Box::pin(upload::run(arguments, env, clock)).await?;
            Ok(Done::new(text, code))
        }
        Command::Get(arguments) => Ok(Done::new(Box::pin(get::run(arguments, env, clock)).await?, 0)),
        Command::Verify(arguments) => {
            let (text, holds) = verify::run(arguments, env).await?;
            Ok(Done::new(text, u8::from(!holds)))
        }
        Command::Bol(arguments) => {
            let (text, is_well) = Box::pin(bol::run(arguments, env, clock, entropy)).await?;
            Ok(Done::new(text, u8::from(!is_well)))
        }
        Command::Quarantine(arguments) => {
            let text = Box::pin(quarantine::run(arguments, env, clock, entropy)).await?;
            Ok(Done::new(text, 0))
        }
        Command::Replay(arguments) => {
            let is_done = Box::pin(replay::run(arguments, env, clock, entropy, tell)).await?;
            Ok(Done::new(String::new(), u8::from(!is_done)))
        }
        Command::Tables(arguments) => Box::pin(tables::run(arguments, env, clock, entropy)).await,
        Command::Migrate(arguments) => {
            let (text, code) = Box::pin(migrate::run(arguments, env, clock, entropy)).await?;
            Ok(Done::new(text, code))
        }
        Command::Doctor(arguments) => {
            let (text, holds) = Box::pin(doctor::run(arguments, env, clock, entropy)).await?;
            Ok(Done::new(text, u8::from(!holds)))
        }
    }
}

/// Where a command names a bucket itself, it makes no odds that its variables differ.
fn told(cli: &Cli, mut warn: impl FnMut(&str)) -> Result<Env, Failure> {
    let environment::Told { env, notes } = environment::read(cli.env_file.as_deref())?;
    let names_bucket = match &cli.command {
        Command::Upload(arguments) => arguments.way.names_bucket(),
        Command::Get(arguments) => arguments.way.names_bucket(),
        _ => false,
    };
    for (name, note) in notes {
        if name != "S3_BUCKET_NAME" || !names_bucket {
            warn(&note);
        }
    }
    Ok(env)
}

fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "casefile", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A command and all below it, with the names that lead there.
    fn all(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
        found.push((path.to_owned(), command.clone()));
        for below in command
            .get_subcommands()
            .filter(|below| below.get_name() != "help")
        {
            all(below, &format!("{path} {}", below.get_name()), found);
        }
    }

    fn commands() -> Vec<(String, clap::Command)> {
        let mut found = Vec::new();
        let mut command = Cli::command();
        command.build();
        all(&command, "casefile", &mut found);
        found
    }

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_s_help_has_examples_which_are_commands() {
        for (path, mut command) in commands() {
            let help = command.render_long_help().to_string();
            let (_, examples) = help
                .split_once("Examples:\n")
                .unwrap_or_else(|| panic!("{path}: {help}"));
            let examples = examples.lines().map(str::trim);
            let examples: Vec<_> = examples.filter(|line| line.starts_with("casefile ")).collect();
            assert!(!examples.is_empty(), "{path}");
            for example in examples {
                let words = shlex::split(example).unwrap();
                assert!(
                    path == "casefile" || example.starts_with(&path),
                    "{path}: {example}"
                );
                if let Err(error) = Cli::try_parse_from(words) {
                    panic!("{example}: {error}");
                }
            }
            let short = command.render_help().to_string();
            assert!(short.contains("Examples:\n"), "{path}: {short}");
        }
    }

    #[test]
    fn every_command_that_does_something_answers_in_json() {
        for (path, command) in commands() {
            let is_done = command.get_subcommands().next().is_none() && path != "casefile completions";
            let has_json = command
                .get_arguments()
                .any(|argument| argument.get_long() == Some("json"));
            assert!(has_json || !is_done, "{path}");
        }
    }

    #[test]
    fn every_variable_of_the_help_is_read_from_an_env_file_too() {
        let mut found = 0;
        for (path, mut command) in commands() {
            let help = command.render_long_help().to_string();
            // `<BASE_PATH>` is what is to be put there.
            let words = help.split_whitespace().filter(|word| !word.contains('<'));
            let words = words.map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
            let is_name = |word: &&str| {
                let is_in_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
                word.starts_with(|c: char| c.is_ascii_uppercase())
                    && word.contains('_')
                    && word.chars().all(is_in_name)
            };
            for name in words.filter(is_name) {
                assert!(environment::is_read(name), "{path}: {name}");
                found += 1;
            }
        }
        assert!(found > 20);
    }

    #[test]
    fn completions_know_every_command() {
        for shell in [
            Shell::Bash,
            Shell::Zsh,
            Shell::Fish,
            Shell::Elvish,
            Shell::PowerShell,
        ] {
            let script = completions(shell);
            for (path, _) in commands() {
                let name = path.rsplit(' ').next().unwrap();
                assert!(script.contains(name), "{shell}: {path}");
            }
        }
        assert!(completions(Shell::Bash).contains("--collection"));
    }

    #[test]
    fn no_token_can_be_given_on_the_command_line() {
        for (path, command) in commands() {
            let mut names = command.get_arguments().filter_map(clap::Arg::get_long);
            assert!(!names.any(|name| name == "token" || name == "secret"), "{path}");
        }
    }
}
