use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::config::{FunctionSpec, LambdaConfig};
use super::error::FunctionError;
use super::logs::{self, LogStream};
use super::process::{Exit, Process};
use super::runtime_api::{Report, RuntimeApi, Work};
use super::variables;

/// How long a process may take to ask for work first. Source: Lambda's initialisation phase.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// How long a function's last words may take after its process has ended.
const LAST_LINES: Duration = Duration::from_millis(100);

/// One process and its Runtime API.
#[derive(Debug)]
pub(super) struct Environment {
    process: Process,
    api: RuntimeApi,
    output: Vec<JoinHandle<()>>,
}

/// How a call went in this environment.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is finished, and the environment may take another one.
    Finished(Result<Bytes, FunctionError>),
    /// It failed, and the environment with it.
    Broken(FunctionError),
    /// The process had ended before it took the call. Nothing was done.
    Untouched(Work),
}

impl Environment {
    /// Starts a process that talks to `api`; it has not asked for work yet.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(super) fn spawn(
        config: &LambdaConfig,
        spec: &FunctionSpec,
        api: RuntimeApi,
        log_stream: String,
    ) -> io::Result<Self> {
        let mut command = Command::new(&spec.executable);
        command
            .env_clear()
            .envs(variables::for_process(config, spec, api.address(), log_stream));
        command.current_dir(variables::task_root(spec));
        let (process, stdout, stderr) = Process::spawn(&mut command)?;
        let name: Arc<str> = Arc::from(spec.name.as_str());
        let stdout = stdout.map(|pipe| {
            tokio::spawn(logs::forward(
                pipe,
                Arc::clone(&name),
                LogStream::Stdout,
                Arc::clone(&config.log),
            ))
        });
        let stderr = stderr.map(|pipe| {
            tokio::spawn(logs::forward(
                pipe,
                Arc::clone(&name),
                LogStream::Stderr,
                Arc::clone(&config.log),
            ))
        });
        Ok(Self {
            process,
            api,
            output: stdout.into_iter().chain(stderr).collect(),
        })
    }

    /// The process, for those who end it from outside.
    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// Waits until the process asks for work.
    ///
    /// # Errors
    /// When it reports an error, ends, or takes longer than ten seconds.
    pub(super) async fn initialise(&mut self, request_id: &str) -> Result<(), FunctionError> {
        let ready = async {
            loop {
                match self.api.report().await {
                    Report::Ready => return Ok(()),
                    Report::InitFailed(error) => return Err(error),
                    Report::Done(_) => {}
                }
            }
        };
        tokio::select! {
            biased;
            result = ready => result,
            exit = self.process.exited() => Err(exit_error(request_id, exit)),
            () = sleep(INIT_LIMIT) => Err(FunctionError::timed_out(request_id, INIT_LIMIT)),
        }
    }

    /// Runs one call, for at most `limit`.
    pub(super) async fn run(&mut self, work: Work, limit: Duration) -> Outcome {
        let request_id = work.request_id.clone();
        self.api.give(work).await;
        let answered = async {
            loop {
                if let Report::Done(result) = self.api.report().await {
                    return result;
                }
            }
        };
        tokio::select! {
            biased;
            result = answered => Outcome::Finished(result),
            exit = self.process.exited() => match self.api.take_back().await {
                Some(work) => Outcome::Untouched(work),
                None => Outcome::Broken(exit_error(&request_id, exit)),
            },
            () = sleep(limit) => Outcome::Broken(FunctionError::timed_out(&request_id, limit)),
        }
    }

    /// Ends the process, and returns when it is gone and what it printed is forwarded.
    pub(super) async fn close(self) {
        self.process.kill();
        self.process.exited().await;
        let forwarded = async {
            for output in self.output {
                if output.await.is_err() {
                    tracing::debug!("the forwarding of a function's output was cut off");
                }
            }
        };
        if timeout(LAST_LINES, forwarded).await.is_err() {
            tracing::debug!("something else still holds the function's output");
        }
    }
}

fn exit_error(request_id: &str, exit: Exit) -> FunctionError {
    match exit.reason() {
        Some(reason) => FunctionError::exited(request_id, &reason),
        None => FunctionError::exited_without_reason(request_id),
    }
}
