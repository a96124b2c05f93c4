use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::body::SYNC_REQUEST_LIMIT;
use super::config::{FunctionSpec, LambdaConfig, SpecError};
use super::error::{Invocation, InvokeError};
use super::function::Function;
use super::ids::Ids;
use super::invoke_api;
use super::server::{Listener, Server};

/// The functions of this machine. Clones share them.
///
/// When the last clone is gone, the processes are killed; [`Lambda::shutdown`] ends them in order.
#[derive(Clone)]
pub struct Lambda {
    functions: Arc<BTreeMap<String, Arc<Function>>>,
}

impl Lambda {
    /// Takes the functions in; nothing is started before the first call.
    ///
    /// # Errors
    /// For what Lambda would not create: a name or a variable that it does not allow, or two functions of one
    /// name.
    pub fn new(
        config: LambdaConfig,
        functions: impl IntoIterator<Item = FunctionSpec>,
    ) -> Result<Self, SpecError> {
        let ids = Arc::new(Ids::new(config.clock));
        let starts = Arc::new(Semaphore::new(starts_at_once()));
        let config = Arc::new(config);
        let mut by_name = BTreeMap::new();
        for spec in functions {
            spec.validate()?;
            let name = spec.name.clone();
            let (config, ids, starts) = (Arc::clone(&config), Arc::clone(&ids), Arc::clone(&starts));
            let function = Function::new(config, ids, starts, spec);
            if by_name.insert(name.clone(), Arc::new(function)).is_some() {
                return Err(SpecError::Duplicate(name));
            }
        }
        Ok(Self {
            functions: Arc::new(by_name),
        })
    }

    /// Calls a function and waits for its answer.
    ///
    /// The call runs to its end although the returned future is dropped. `payload` should be JSON; the function
    /// gets it as it is.
    ///
    /// # Errors
    /// When the function was not reached: [`InvokeError`]. A function that was reached and failed is an
    /// [`Invocation`] whose result is an error.
    pub async fn invoke(&self, function: &str, payload: Bytes) -> Result<Invocation, InvokeError> {
        let function = self.function(function)?;
        if payload.len() > SYNC_REQUEST_LIMIT {
            return Err(InvokeError::RequestTooLarge {
                size: payload.len(),
                limit: SYNC_REQUEST_LIMIT,
            });
        }
        let function = Arc::clone(function);
        let call = tokio::spawn(async move { function.invoke(payload).await });
        call.await
            .unwrap_or_else(|error| Err(InvokeError::Emulator(io::Error::other(error))))
    }

    /// Serves the Invoke API, `POST /2015-03-31/functions/{name}/invocations`, for SDKs and tools.
    ///
    /// Requests need not be signed: whoever reaches the address can call every function.
    ///
    /// # Errors
    /// When the address cannot be bound, or is not of this machine alone.
    pub async fn serve_invoke_api(&self, address: SocketAddr) -> io::Result<Server> {
        let listener = Listener::bind(address).await?;
        Ok(Server::start(listener, invoke_api::router(self.clone())))
    }

    /// How many processes of a function are running.
    pub fn processes(&self, function: &str) -> usize {
        self.functions
            .get(function)
            .map_or(0, |function| function.processes())
    }

    /// Kills all processes of a function (SIGKILL) and returns how many there were, when they are gone.
    ///
    /// Calls under way fail with `Runtime.ExitError`; the next call starts a new process.
    pub async fn kill(&self, function: &str) -> usize {
        match self.functions.get(function) {
            Some(function) => function.kill().await,
            None => 0,
        }
    }

    /// Refuses new calls and ends all processes: SIGTERM, and SIGKILL half a second later.
    ///
    /// Calls under way fail. Returns when no process is left.
    pub async fn shutdown(&self) {
        self.functions.values().for_each(|function| function.close());
        let mut ending = tokio::task::JoinSet::new();
        for function in self.functions.values() {
            let function = Arc::clone(function);
            ending.spawn(async move { function.shutdown().await });
        }
        while ending.join_next().await.is_some() {}
    }

    pub(super) fn function(&self, name: &str) -> Result<&Arc<Function>, InvokeError> {
        self.functions
            .get(name)
            .ok_or_else(|| InvokeError::UnknownFunction(name.to_owned()))
    }
}

/// Lambda gives each process that starts a core of its own, and ten seconds. Here they share the cores: two a core,
/// for they wait, too, leave each of them time enough, however many are to start.
fn starts_at_once() -> usize {
    2 * std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
