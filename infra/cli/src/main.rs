//! `casefile`, the operator's tool.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person")]
#![expect(
    clippy::doc_markdown,
    reason = "the comments on arguments are the help text, which has no markup"
)]

use std::process::ExitCode;

use casefile::bucket::Bucket;
use casefile::config::{Env, bucket_name};
use casefile::key::{BasePath, session_prefix};
use casefile::name::FolderName;
use casefile::store_error::StoreError;
use casefile::verify::verify_session;
use casefile_cli::failure::Failure;
use casefile_cli::{bol, doctor, migrate, quarantine, replay, tables, tree};
use clap::{Parser, Subcommand};

/// Looks after what Casefile keeps.
///
/// Reads AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_ENDPOINT_URL_S3.
#[derive(Parser)]
#[command(name = "casefile", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Reads a session's folder back and compares every byte with its manifest.
    ///
    /// Ends with 0 when everything holds, with 1 when something doesn't, and with 2 when it couldn't be checked.
    Verify {
        /// The folder's name, such as 20251114_142510_write-up_TR-20417.
        #[arg(value_parser = FolderName::parse)]
        folder: FolderName,
        /// The bucket; without it, S3_BUCKET_NAME.
        #[arg(long, value_parser = bucket_name)]
        bucket: Option<String>,
        /// What comes before the folder; without it, S3_BASE_PATH, else tara/.
        #[arg(long, value_parser = BasePath::parse)]
        base_path: Option<BasePath>,
    },
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
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (code, shown) = match Cli::parse().command {
        Command::Verify {
            folder,
            bucket,
            base_path,
        } => match verify(&folder, bucket, base_path).await {
            Ok((tree, holds)) => (u8::from(!holds), Ok(tree)),
            Err(message) => (2, Err(message)),
        },
        Command::Bol(arguments) => match numbered(&arguments).await {
            Ok((text, is_well)) => (u8::from(!is_well), Ok(text)),
            Err(Failure::Refused(message)) => (1, Err(message)),
            Err(Failure::Failed(message)) => (2, Err(message)),
        },
        Command::Quarantine(arguments) => match quarantined(&arguments).await {
            Ok(text) => (0, Ok(text)),
            Err(Failure::Refused(message)) => (1, Err(message)),
            Err(Failure::Failed(message)) => (2, Err(message)),
        },
        Command::Replay(arguments) => match replayed(&arguments).await {
            Ok(is_done) => (u8::from(!is_done), Ok(String::new())),
            Err(Failure::Refused(message)) => (1, Err(message)),
            Err(Failure::Failed(message)) => (2, Err(message)),
        },
        Command::Tables(arguments) => match tabled(&arguments).await {
            Ok(done) => {
                for note in done.notes {
                    eprintln!("casefile: {note}");
                }
                (done.code, Ok(done.out))
            }
            Err(Failure::Refused(message)) => (1, Err(message)),
            Err(Failure::Failed(message)) => (2, Err(message)),
        },
        Command::Migrate(arguments) => match migrated(&arguments).await {
            Ok((text, code)) => (code, Ok(text)),
            Err(Failure::Refused(message)) => (1, Err(message)),
            Err(Failure::Failed(message)) => (2, Err(message)),
        },
        Command::Doctor(arguments) => match examined(&arguments).await {
            Ok((text, holds)) => (u8::from(!holds), Ok(text)),
            Err(failure) => (2, Err(failure.to_string())),
        },
    };
    match shown {
        Ok(text) => print!("{text}"),
        Err(message) => eprintln!("casefile: {message}"),
    }
    ExitCode::from(code)
}

async fn numbered(arguments: &bol::Arguments) -> Result<(String, bool), Failure> {
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
    let clock = jiff::Timestamp::now;
    bol::run(
        arguments,
        Env::from_process(),
        clock,
        casefile::id::system_entropy,
    )
    .await
}

async fn quarantined(arguments: &quarantine::Arguments) -> Result<String, Failure> {
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
    quarantine::run(
        arguments,
        Env::from_process(),
        jiff::Timestamp::now,
        casefile::id::system_entropy,
    )
    .await
}

async fn replayed(arguments: &replay::Arguments) -> Result<bool, Failure> {
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
    let clock = jiff::Timestamp::now;
    replay::run(
        arguments,
        Env::from_process(),
        clock,
        casefile::id::system_entropy,
        |report| print!("{report}"),
    )
    .await
}

async fn tabled(arguments: &tables::Arguments) -> Result<tables::Done, Failure> {
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
    tables::run(
        arguments,
        Env::from_process(),
        jiff::Timestamp::now,
        casefile::id::system_entropy,
    )
    .await
}

async fn migrated(arguments: &migrate::Arguments) -> Result<(String, u8), Failure> {
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
    migrate::run(
        arguments,
        Env::from_process(),
        jiff::Timestamp::now,
        casefile::id::system_entropy,
    )
    .await
}

async fn examined(arguments: &doctor::Arguments) -> Result<(String, bool), Failure> {
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
    doctor::run(
        arguments,
        Env::from_process(),
        jiff::Timestamp::now,
        casefile::id::system_entropy,
    )
    .await
}

/// The folder as a tree, and whether everything holds.
async fn verify(
    folder: &FolderName,
    bucket: Option<String>,
    base: Option<BasePath>,
) -> Result<(String, bool), String> {
    let mut env = Env::from_process();
    let bucket = bucket.or_else(|| env.required("S3_BUCKET_NAME", bucket_name));
    let base = base
        .or_else(|| env.optional("S3_BASE_PATH", BasePath::parse))
        .unwrap_or_default();
    let settings = env.s3();
    let (bucket, settings) = env
        .finish(bucket.zip(settings))
        .map_err(|error| error.to_string())?;
    let bucket = Bucket::new(settings.client(), bucket);
    let prefix = session_prefix(&base, folder);
    let verification = verify_session(&bucket, &base, folder)
        .await
        .map_err(|error| match error {
            StoreError::NotFound => {
                format!("there is no complete session in s3://{}/{prefix}", bucket.name())
            }
            error => error.to_string(),
        })?;
    Ok((tree::render(&prefix, &verification), verification.holds()))
}
