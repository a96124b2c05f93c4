//! The embedded S3 by itself, for measuring what talks to it: with a delay before every request, as a network has one.
//!
//! Prints its address, and when it is told to stop, how many requests of which operation there were, as JSON.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use casefile_local::s3::{Fault, FaultRule, S3Config, S3Server, When};
use casefile_local::stop::Stop;
use clap::Parser;

/// Runs an S3 on 127.0.0.1, with buckets that keep versions.
#[derive(Parser)]
struct Cli {
    /// Where it keeps its objects.
    data: PathBuf,
    /// Buckets that are to exist.
    #[arg(long = "bucket")]
    buckets: Vec<String>,
    /// How long each request waits before it takes effect, in milliseconds.
    #[arg(long, default_value_t = 20)]
    delay: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    let stop = Stop::on_signals()?;
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
    let config = S3Config {
        buckets: cli.buckets,
        ..S3Config::new(cli.data, jiff::Timestamp::now)
    };
    let server = S3Server::start(config).await?;
    let delay = Fault::Delay(Duration::from_millis(cli.delay));
    let _kept = server.faults().inject(FaultRule::any(), When::Before, delay);
    server.requests().record(true);
    say(&server.endpoint())?;
    stop.told().await;
    let mut counts = BTreeMap::<_, u64>::new();
    for request in server.requests().take() {
        *counts.entry(request.operation).or_default() += 1;
    }
    server.stop().await;
    say(&serde_json::to_string(&counts)?)?;
    Ok(())
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
