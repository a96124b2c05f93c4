//! `cargo local`: the whole stack on this machine.

use std::error::Error;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use casefile_local::demo::outage::Outage;
use casefile_local::progress::Progress;
use casefile_local::sample::workspace;
use casefile_local::stack::{Stack, StackConfig};
use casefile_local::stop::Stop;
use casefile_local::token::{Caller, issue};
use casefile_local::{Chaos, demo};
use clap::{Parser, Subcommand};
use jiff::Timestamp;
use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

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
    #[arg(long, global = true, default_value_t = 9100)]
    s3_port: u16,
    /// Where S3 keeps its objects; without it, .casefile in the workspace.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    /// Delivers S3's events as on a bad day: some twice, late, and in another order; which ones, the seed says.
    #[arg(long, global = true, value_name = "SEED")]
    chaos: Option<u64>,
    /// The collections that the functions go by, instead of infra/collections.toml.
    #[arg(long, global = true, value_name = "FILE")]
    collections: Option<PathBuf>,
    /// Lets sessions be summarised, by a stand-in for Bedrock that says that it is no model.
    #[arg(long, global = true)]
    summaries: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Exports the sample review, reads it back and hands it out by links; lets a device deliver files, shows verdicts,
    /// index, notices and quarantine; stores a file of each other kind and finds it again; and ends.
    Demo {
        /// Lets S3 be gone instead, for so many seconds, under a steady load of exports: counts what became of each of them,
        /// and fails when one is lost.
        #[arg(
            long,
            value_name = "SECONDS",
            num_args = 0..=1,
            default_missing_value = "60",
            value_parser = clap::value_parser!(u64).range(3..=3600)
        )]
        outage: Option<u64>,
    },
    /// Prints a token for a caller of the HTTP API, and nothing else. Nothing needs to run.
    Token(Caller),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match Box::pin(run(&cli)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("cargo local: {}", with_causes(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn Error>>;

async fn run(cli: &Cli) -> Outcome {
    match &cli.command {
        Some(Command::Token(caller)) => {
            writeln!(std::io::stdout(), "{}", issue(&caller.into(), now()))?;
            Ok(())
        }
        Some(Command::Demo { outage: None }) => {
            unless_told(&begin()?, Box::pin(demo::run(config(cli)))).await
        }
        Some(Command::Demo {
            outage: Some(seconds),
        }) => {
            let outage = Outage::of(Duration::from_secs(*seconds));
            unless_told(&begin()?, Box::pin(demo::outage::run(config(cli), outage))).await
        }
        None => serve(cli, &begin()?).await,
    }
}

/// What every stack of a person's begins with.
fn begin() -> std::io::Result<Stop> {
    show_warnings();
    Stop::on_signals()
}

/// The stack's own warnings, on standard error. Its libraries' are about single requests.
fn show_warnings() {
    let own = Targets::new().with_target("casefile_local", Level::WARN);
    let lines = tracing_subscriber::fmt::layer()
        .without_time()
        .with_target(false)
        .with_writer(std::io::stderr)
        .with_filter(own);
    tracing_subscriber::registry().with(lines).init();
}

async fn serve(cli: &Cli, stop: &Stop) -> Outcome {
    let mut config = config(cli);
    config.gateway = SocketAddr::from((Ipv4Addr::LOCALHOST, cli.port));
    config.s3 = SocketAddr::from((Ipv4Addr::LOCALHOST, cli.s3_port));
    let progress = Progress::new();
    progress.step("building the functions");
    let stack = unless_told(stop, Box::pin(Stack::start(&config))).await?;
    progress.finish();
    show(&addresses(&stack));
    stop.told().await;
    show("stopping");
    stack.stop().await;
    Ok(())
}

/// Ends the work when the process is told to stop; what it started ends with it.
async fn unless_told<T, E: Error + 'static>(
    stop: &Stop,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Box<dyn Error>> {
    tokio::select! {
        outcome = work => Ok(outcome?),
        () = stop.told() => Err("interrupted".into()),
    }
}

/// An error and what led to it, in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.extend([": ", &error.to_string()]);
        cause = error.source();
    }
    line
}

fn config(cli: &Cli) -> StackConfig {
    let workspace = workspace();
    let data = cli.data.clone().unwrap_or_else(|| workspace.join(".casefile"));
    let mut config = StackConfig::new(workspace, data, Arc::new(|line| say(&line.to_string())), now);
    config.chaos = cli.chaos.map(Chaos::new);
    config.collections.clone_from(&cli.collections);
    config.summaries = cli.summaries;
    config
}

#[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn addresses(stack: &Stack) -> String {
    let mut lines = vec![
        format!("HTTP API    http://{}", stack.gateway()),
        format!("Invoke API  http://{}", stack.invoke_api()),
        format!(
            "S3          {}, bucket {}",
            stack.s3.endpoint(),
            stack.artifacts_bucket().unwrap_or("(none)")
        ),
    ];
    let services = stack.service_environment();
    let services = services.iter().filter_map(|(name, address)| {
        let name = name.strip_prefix("AWS_ENDPOINT_URL_")?;
        Some(format!("{:<12}{address}", service(name)))
    });
    lines.extend(services);
    if !stack.summarises() {
        lines.push(
            "No session is summarised: there is no model. --summaries takes a stand-in's word.".to_owned(),
        );
    }
    let undelivered = stack.undelivered();
    let warnings = undelivered
        .iter()
        .map(|trigger| format!("warning: not delivered on this machine: {trigger}"));
    lines.extend(warnings);
    lines.push("\nA caller's token:".to_owned());
    lines.push("  cargo local token --user dana --group office --tenant acme".to_owned());
    lines.push("\nFor AWS's own tools, and for `cargo lambda watch`:".to_owned());
    let variables = stack.s3_environment().into_iter();
    let variables = variables.chain(stack.service_environment());
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    let variables = variables.chain(stack.own_environment());
    lines.extend(variables.map(|(name, value)| format!("  export {name}={}", quoted(&value))));
    lines.push("  unset AWS_SESSION_TOKEN".to_owned());
    lines.push("\nCtrl-C stops everything; what S3 holds stays.".to_owned());
    lines.join("\n")
}

/// A value as a shell takes it. Paths may have blanks in them.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// A service as its variable calls it, as people do.
fn service(name: &str) -> &str {
    match name {
        "BEDROCK_RUNTIME" => "Bedrock",
        other => other,
    }
}

/// A line for whoever reads; that nobody does, as when the terminal is gone, is no failure.
fn show(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// The same on standard error.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use std::io;

    use casefile_local::s3::StartError;
    use casefile_local::stack::StackError;

    use super::*;

    #[test]
    fn an_outage_lasts_a_minute_unless_it_is_told_otherwise() {
        for (arguments, expected) in [
            (&["cargo local", "demo"][..], Some(None)),
            (&["cargo local", "demo", "--outage"], Some(Some(60))),
            (&["cargo local", "demo", "--outage", "30"], Some(Some(30))),
            (&["cargo local", "demo", "--outage", "2"], None),
        ] {
            let parsed = Cli::try_parse_from(arguments).ok();
            let outage = parsed.map(|cli| match cli.command {
                Some(Command::Demo { outage }) => outage,
                _ => panic!("{arguments:?} is the demo"),
            });
            assert_eq!(outage, expected, "{arguments:?}");
        }
    }

    #[test]
    fn a_value_means_the_same_to_a_shell() {
        assert_eq!(quoted("http://127.0.0.1:9100/a_b"), "http://127.0.0.1:9100/a_b");
        assert_eq!(quoted("/home/o'brien/my files"), r"'/home/o'\''brien/my files'");
    }

    #[test]
    fn an_error_is_told_with_its_causes_and_each_of_them_once() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 9000));
        let taken = || io::Error::other("address in use");
        let s3 = StackError::S3(StartError::Listen(address, taken()));
        assert_eq!(
            with_causes(&s3),
            "S3 doesn't start; another port may be given with --s3-port, another folder with --data: could not \
             listen on 127.0.0.1:9000: address in use"
        );
        let gateway = StackError::Listen {
            address,
            source: taken(),
        };
        assert_eq!(
            with_causes(&gateway),
            "can't listen on 127.0.0.1:9000; another port may be given with --port: address in use"
        );
    }
}
