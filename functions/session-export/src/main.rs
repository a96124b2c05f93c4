//! session-export as a Lambda function: wiring only.

use std::process::ExitCode;

use casefile::config::Env;
use lambda_runtime::service_fn;
use session_export::config::Config;
use session_export::handler::SessionExport;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::INFO)
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "session-export can't start");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), lambda_runtime::Error> {
    let config = Config::from_env(Env::from_process())?;
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
    let function = &SessionExport::new(config, jiff::Timestamp::now)?;
    lambda_runtime::run(service_fn(async |event| function.handle(event).await)).await
}
