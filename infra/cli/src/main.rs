//! `casefile`, the tool of operators, analysts and devices.

use std::io::{self, Write as _};
use std::process::ExitCode;

use casefile::id::system_entropy;
use casefile_cli::command::{Cli, run};
use casefile_cli::failure::Failure;
use clap::Parser as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
    let done = run(
        &cli,
        jiff::Timestamp::now,
        system_entropy,
        |text| drop(say(text)),
        warn,
    )
    .await;
    match done {
        Ok(done) => {
            for note in &done.notes {
                warn(note);
            }
            match say(&done.out) {
                Ok(()) => ExitCode::from(done.code),
                Err(error) => {
                    warn(&format!("standard output can't be written: {error}"));
                    ExitCode::from(2)
                }
            }
        }
        Err(failure) => {
            warn(&failure.to_string());
            ExitCode::from(match failure {
                Failure::Refused(_) => 1,
                Failure::Failed(_) => 2,
            })
        }
    }
}

/// To standard output. Whoever reads no further, as `head` does, has what they want.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let said = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match said {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// To standard error. When nobody reads it, nobody can be told.
fn warn(note: &str) {
    let _ = writeln!(io::stderr(), "casefile: {note}");
}
