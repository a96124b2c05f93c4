//! `casefile`, the tool of operators, analysts and devices.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person")]

use std::process::ExitCode;

use casefile::id::system_entropy;
use casefile_cli::command::{Cli, run};
use casefile_cli::failure::Failure;
use clap::Parser as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
    let done = run(&cli, jiff::Timestamp::now, system_entropy, |text| {
        print!("{text}");
    })
    .await;
    match done {
        Ok(done) => {
            for note in &done.notes {
                eprintln!("casefile: {note}");
            }
            print!("{}", done.out);
            ExitCode::from(done.code)
        }
        Err(failure) => {
            eprintln!("casefile: {failure}");
            ExitCode::from(match failure {
                Failure::Refused(_) => 1,
                Failure::Failed(_) => 2,
            })
        }
    }
}
