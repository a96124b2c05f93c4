//! Lambda on this machine: every function is a process of its own that speaks the Lambda Runtime API.
//!
//! What is the same as in Lambda:
//! - One process takes one call at a time. It is kept and used again; a call that finds all of them busy
//!   starts another, up to the function's concurrency. If one of them is free sooner, it takes the call.
//! - A process sees Lambda's environment variables, its function's own, and nothing else of this machine.
//! - A call that takes longer than the function's timeout ends its process. A process that exits, or that
//!   never asks for work, fails the call that it was started for; it is not started again by itself.
//! - Requests are at most 6,291,456 bytes, answers 6,291,556.
//! - A call runs to its end although the caller stopped waiting.
//! - An asynchronous call that fails is made twice more, with shorter waits than Lambda's.
//!
//! What is not: no more processes start at once than the machine has cores for, a process is never frozen between
//! calls, memory is not limited, and callers wait a little before they are throttled. Asynchronous calls are kept in
//! memory alone, and have no dead-letter queue and no destination. Extensions, layers and streamed answers do not
//! exist.
//!
//! Nothing is left behind. [`Lambda::shutdown`] ends every process and waits for it. If this process is killed
//! instead, the connection on which a function waits for its next call breaks; `lambda_runtime` then returns an
//! error from `run`, and the process exits. A busy function does the same when it reports its answer.
//!
//! Sources: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes", "Defined runtime
//! environment variables", "Understanding the Lambda execution environment lifecycle", "Lambda quotas"; Lambda
//! API Reference, "Invoke".

mod answer;
mod asynchronous;
mod body;
mod config;
mod emulator;
mod environment;
mod error;
mod function;
mod ids;
mod invoke_api;
mod logs;
mod process;
mod runtime_api;
mod server;
mod variables;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub(crate) use answer::json as json_answer;
pub use body::{RESPONSE_LIMIT, SYNC_REQUEST_LIMIT, TooLarge, read_limited};
pub use config::{Credentials, FunctionSpec, LambdaConfig, LogFormat, SpecError};
pub use emulator::Lambda;
pub use error::{FunctionError, Invocation, InvokeError};
pub use ids::Ids;
pub use logs::{LogLine, LogSink, LogStream};
pub use server::{Listener, Server};
