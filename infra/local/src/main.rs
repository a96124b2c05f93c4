//! `cargo local`: the whole stack on this machine.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use casefile_local::demo;
use casefile_local::progress::Progress;
use casefile_local::sample::workspace;
use casefile_local::stack::{Stack, StackConfig};
use clap::{Parser, Subcommand};

/// Runs Casefile on this machine: functions, gateway and an embedded S3, until Ctrl-C.
#[derive(Parser)]
#[command(name = "cargo local", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Where the HTTP API listens, on 127.0.0.1.
    #[arg(long, global = true, default_value_t = 3000)]
    port: u16,
    /// Where S3 listens, on 127.0.0.1.
    #[arg(long, global = true, default_value_t = 9000)]
    s3_port: u16,
    /// Where S3 keeps its objects; without it, .casefile in the workspace.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Exports the sample review, reads it back, shows it, and ends.
    Demo,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Some(Command::Demo) => interruptible(demo(&cli)).await,
        None => serve(&cli).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo local: {error}");
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn demo(cli: &Cli) -> Outcome {
    Ok(demo::run(config(cli)).await?)
}

async fn serve(cli: &Cli) -> Outcome {
    let mut config = config(cli);
    config.gateway = SocketAddr::from((Ipv4Addr::LOCALHOST, cli.port));
    config.s3 = SocketAddr::from((Ipv4Addr::LOCALHOST, cli.s3_port));
    let progress = Progress::new();
    progress.step("building the functions");
    let stack = tokio::select! {
        stack = Stack::start(&config) => stack?,
        _ = tokio::signal::ctrl_c() => return Err("interrupted".into()),
    };
    progress.finish();
    print_addresses(&stack);
    tokio::signal::ctrl_c().await?;
    println!("stopping");
    stack.stop().await;
    Ok(())
}

/// Ends the work at Ctrl-C; what it started ends with it.
async fn interruptible(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::select! {
        outcome = work => outcome,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    }
}

fn config(cli: &Cli) -> StackConfig {
    let workspace = workspace();
    let data = cli.data.clone().unwrap_or_else(|| workspace.join(".casefile"));
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
    let clock = jiff::Timestamp::now;
    StackConfig::new(workspace, data, Arc::new(|line| eprintln!("{line}")), clock)
}

fn print_addresses(stack: &Stack) {
    println!("HTTP API    http://{}", stack.gateway());
    println!("Invoke API  http://{}", stack.invoke_api());
    println!(
        "S3          {}, bucket {}",
        stack.s3.endpoint(),
        stack.artifacts_bucket().unwrap_or("(none)")
    );
    println!();
    println!("For AWS's own tools, and for `cargo lambda watch`:");
    for (name, value) in stack.s3_environment() {
        println!("  export {name}={value}");
    }
    if let Some(bucket) = stack.artifacts_bucket() {
        println!("  export S3_BUCKET_NAME={bucket}");
    }
    println!("\nCtrl-C stops everything; what S3 holds stays.");
}
