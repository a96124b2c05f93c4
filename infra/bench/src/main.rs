//! Measures session-export and signed-download as they are deployed (release builds that speak the Runtime API, with an
//! S3 behind TLS that answers at once) beside a hello-world in the same run, and says whether they keep their limits;
//! and how fast post-process verifies a large object, beside openssl.
//!
//! Run with `cargo run --profile tools --package casefile-bench`. Linux only: it reads `/proc`.

mod binaries;
mod document;
mod error;
mod event;
mod figures;
mod function;
mod http;
mod job;
mod measure;
mod parallel;
mod report;
mod runtime_api;
mod s3;
mod sample;
mod table;
mod tls;
mod trips;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use error::BenchError;
use measure::Bench;

/// Measures session-export and signed-download beside a hello-world.
#[derive(Debug, Parser)]
struct Arguments {
    /// How often each program is started.
    #[arg(long, default_value_t = 41)]
    runs: usize,
    /// How many calls a warm process gets.
    #[arg(long, default_value_t = 300)]
    calls: usize,
    /// How large an object is verified, in MiB.
    #[arg(long, default_value_t = 1_024)]
    verified_mebibytes: usize,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            writeln!(std::io::stderr(), "casefile-bench: {error}").unwrap_or_default();
            ExitCode::from(2)
        }
    }
}

/// Whether all limits are kept.
fn run(arguments: &Arguments) -> Result<bool, BenchError> {
    let bench = Bench::new(binaries::build()?, arguments.runs, arguments.calls)?;
    let report = bench.run()?;
    write!(std::io::stdout(), "{report}")?;
    let verification = bench.verify(arguments.verified_mebibytes)?;
    write!(std::io::stdout(), "\n{verification}")?;
    Ok(report.keeps_all_limits() && verification.keeps_limit())
}
