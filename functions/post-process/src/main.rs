//! post-process as a Lambda function: wiring only.

use std::process::ExitCode;
use std::sync::Arc;

use casefile::config::Env;
use casefile::metrics::Metrics;
use casefile::time::Clock;
use lambda_runtime::service_fn;
use post_process::arrival::ObjectArrived;
use post_process::config::Config;
use post_process::dead_letter::DeadLetters;
use post_process::handler::PostProcess;
use post_process::settle::Settling;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Env::from_process()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "post-process can't start");
            ExitCode::FAILURE
        }
    }
}

async fn run(env: Env) -> Result<(), lambda_runtime::Error> {
    casefile::logging::start(&env, "post_process")?;
    let metrics = Metrics::start(&env, "post-process")?;
    let config = Config::from_env(env)?;
    let dead_letters = DeadLetters::new(Arc::clone(&config.clients), config.dead_letter_queue_url.clone());
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is passed in")]
    let clock: Clock = jiff::Timestamp::now;
    let settling = Settling::new(config, clock, casefile::id::system_entropy);
    let work = async |arrived: &ObjectArrived| settling.settle(arrived).await;
    let function = &PostProcess::new(work, dead_letters, clock);
    lambda_runtime::run(service_fn(async |event| {
        metrics.after(function.handle(event)).await
    }))
    .await
}
