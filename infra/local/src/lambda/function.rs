use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::config::{FunctionSpec, LambdaConfig};
use super::environment::{Environment, Outcome};
use super::error::{FunctionError, Invocation, InvokeError};
use super::ids::Ids;
use super::process::Process;
use super::runtime_api::{RuntimeApi, Work};

/// How long processes have between SIGTERM and SIGKILL.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(500);

/// One function: its processes, and who may use them.
pub(super) struct Function {
    pub(super) config: Arc<LambdaConfig>,
    pub(super) ids: Arc<Ids>,
    pub(super) spec: FunctionSpec,
    /// As many as processes may run.
    slots: Semaphore,
    /// As many as processes may start at once, of all functions.
    starts: Arc<Semaphore>,
    /// A process has finished its call.
    freed: Notify,
    queued: AtomicUsize,
    pool: Mutex<Pool>,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Environment>,
    /// Every process that was started and has not been seen to end.
    running: Vec<Process>,
    closed: bool,
}

impl Function {
    pub(super) fn new(
        config: Arc<LambdaConfig>,
        ids: Arc<Ids>,
        starts: Arc<Semaphore>,
        spec: FunctionSpec,
    ) -> Self {
        let slots = Semaphore::new(spec.max_concurrency.clamp(1, Semaphore::MAX_PERMITS));
        Self {
            config,
            ids,
            spec,
            slots,
            starts,
            freed: Notify::new(),
            queued: AtomicUsize::new(0),
            pool: Mutex::default(),
        }
    }

    pub(super) fn arn(&self) -> String {
        let LambdaConfig {
            region, account_id, ..
        } = &*self.config;
        format!("arn:aws:lambda:{region}:{account_id}:function:{}", self.spec.name)
    }

    /// Runs one call in a process that is free, or in a new one.
    pub(super) async fn invoke(&self, payload: Bytes) -> Result<Invocation, InvokeError> {
        let request_id = self.ids.request_id();
        let result = self.attempt(&request_id, payload).await?;
        Ok(Invocation { request_id, result })
    }

    /// Runs one call under an id.
    pub(super) async fn attempt(
        &self,
        request_id: &str,
        payload: Bytes,
    ) -> Result<Result<Bytes, FunctionError>, InvokeError> {
        let _slot = self.slot().await?;
        let mut work = self.work(request_id, payload);
        loop {
            let environment = match self.environment(request_id).await? {
                Ok(environment) => environment,
                Err(error) => return Ok(Err(error)),
            };
            match self.run(environment, work).await {
                Ok(result) => return Ok(result),
                Err(untouched) => work = untouched,
            }
        }
    }

    /// Runs one call in this environment; the call comes back if the process had ended before it took it.
    async fn run(
        &self,
        mut environment: Environment,
        mut work: Work,
    ) -> Result<Result<Bytes, FunctionError>, Work> {
        // Only now: the time that a new process takes to start is not the call's.
        work.deadline_ms = self.deadline_ms();
        match environment.run(work, self.spec.timeout).await {
            Outcome::Finished(result) => {
                self.keep(environment);
                Ok(result)
            }
            Outcome::Broken(error) => {
                environment.close().await;
                Ok(Err(error))
            }
            Outcome::Untouched(work) => {
                environment.close().await;
                Err(work)
            }
        }
    }

    /// The right to use one process; waits for it in a queue of bounded length.
    async fn slot(&self) -> Result<SemaphorePermit<'_>, InvokeError> {
        if let Ok(slot) = self.slots.try_acquire() {
            return Ok(slot);
        }
        let place = Place::take(&self.queued, self.config.max_queued);
        if place.is_none() {
            return Err(self.unless_closed(InvokeError::Throttled(self.spec.name.clone())));
        }
        self.slots.acquire().await.map_err(|_| InvokeError::ShuttingDown)
    }

    fn deadline_ms(&self) -> i64 {
        let timeout_ms = i64::try_from(self.spec.timeout.as_millis()).unwrap_or(i64::MAX);
        (self.config.clock)().as_millisecond().saturating_add(timeout_ms)
    }

    fn work(&self, request_id: &str, payload: Bytes) -> Work {
        Work {
            request_id: request_id.to_owned(),
            payload,
            deadline_ms: self.deadline_ms(),
            function_arn: self.arn(),
            trace_header: self.ids.trace_header(),
        }
    }

    /// The environment that was used last, if its process still lives.
    fn idle(&self) -> Option<Environment> {
        let mut pool = self.pool();
        while let Some(environment) = pool.idle.pop() {
            if environment.process().is_running() {
                return Some(environment);
            }
        }
        None
    }

    /// An environment that is free, or else a new one. Who waits for the turn to start one takes what becomes free
    /// meanwhile.
    async fn environment(&self, request_id: &str) -> Result<Result<Environment, FunctionError>, InvokeError> {
        let _turn = loop {
            if let Some(environment) = self.idle() {
                return Ok(Ok(environment));
            }
            tokio::select! {
                turn = self.starts.acquire() => break turn.map_err(|_| InvokeError::ShuttingDown)?,
                () = self.freed.notified() => {}
            }
        };
        match self.idle() {
            Some(environment) => Ok(Ok(environment)),
            None => self.start(request_id).await,
        }
    }

    /// A new environment that has asked for work, or the error with which its process failed to start.
    async fn start(&self, request_id: &str) -> Result<Result<Environment, FunctionError>, InvokeError> {
        let api = RuntimeApi::start().await?;
        let mut environment = match self.spawn(api)? {
            Ok(environment) => environment,
            Err(error) => return Ok(Err(FunctionError::not_executable(request_id, &error))),
        };
        match environment.initialise(request_id).await {
            Ok(()) => Ok(Ok(environment)),
            Err(error) => {
                environment.close().await;
                Ok(Err(error))
            }
        }
    }

    /// Starts a process and makes it known to [`Self::kill`] and [`Self::shutdown`] in one step, so that none
    /// escapes them.
    fn spawn(&self, api: RuntimeApi) -> Result<io::Result<Environment>, InvokeError> {
        let stream = self.ids.log_stream();
        let mut pool = self.pool();
        if pool.closed {
            return Err(InvokeError::ShuttingDown);
        }
        let environment = Environment::spawn(&self.config, &self.spec, api, stream);
        if let Ok(environment) = &environment {
            pool.running.retain(Process::is_running);
            pool.running.push(environment.process().clone());
        }
        Ok(environment)
    }

    fn keep(&self, environment: Environment) {
        let mut pool = self.pool();
        if pool.closed {
            environment.process().kill();
        } else {
            pool.idle.push(environment);
            self.freed.notify_one();
        }
    }

    pub(super) fn processes(&self) -> usize {
        self.pool()
            .running
            .iter()
            .filter(|process| process.is_running())
            .count()
    }

    /// SIGKILLs every process, and returns how many when they are gone.
    pub(super) async fn kill(&self) -> usize {
        let processes = self.running();
        processes.iter().for_each(Process::kill);
        wait_for(&processes).await;
        self.pool()
            .idle
            .retain(|environment| environment.process().is_running());
        processes.len()
    }

    /// Refuses new calls. [`Self::shutdown`] ends the ones under way.
    pub(super) fn close(&self) {
        self.pool().closed = true;
        self.slots.close();
    }

    /// SIGTERM to every process, SIGKILL to those that are left after a moment; returns when all are gone.
    pub(super) async fn shutdown(&self) {
        let processes = self.running();
        processes.iter().for_each(Process::terminate);
        if timeout(SHUTDOWN_GRACE, wait_for(&processes)).await.is_err() {
            processes.iter().for_each(Process::kill);
            wait_for(&processes).await;
        }
        self.pool().idle.clear();
    }

    fn running(&self) -> Vec<Process> {
        let mut pool = self.pool();
        pool.running.retain(Process::is_running);
        pool.running.clone()
    }

    fn unless_closed(&self, error: InvokeError) -> InvokeError {
        if self.pool().closed {
            InvokeError::ShuttingDown
        } else {
            error
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn wait_for(processes: &[Process]) {
    for process in processes {
        process.exited().await;
    }
}

/// A place in the queue, given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(queued: &'a AtomicUsize, limit: usize) -> Option<Self> {
        let place = Self(queued);
        // A place that was one too many is given back at once.
        (queued.fetch_add(1, Ordering::Relaxed) < limit).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
