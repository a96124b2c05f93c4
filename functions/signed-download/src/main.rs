//! signed-download as a Lambda function: wiring only.

use std::process::ExitCode;

use casefile::config::Env;
use casefile::metrics::Metrics;
use lambda_runtime::service_fn;
use signed_download::config::Config;
use signed_download::handler::SignedDownload;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Env::from_process()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "signed-download can't start");
            ExitCode::FAILURE
        }
    }
}

async fn run(env: Env) -> Result<(), lambda_runtime::Error> {
    casefile::logging::start(&env, "signed_download")?;
    let metrics = Metrics::start(&env, "signed-download")?;
    let config = Config::from_env(env)?;
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
    let function = &SignedDownload::new(config, jiff::Timestamp::now, casefile::id::system_entropy)?;
    lambda_runtime::run(service_fn(async |event| {
        metrics.after(function.handle(event)).await
    }))
    .await
}
