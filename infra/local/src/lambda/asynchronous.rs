use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::body::ASYNC_REQUEST_LIMIT;
use super::emulator::Lambda;
use super::error::InvokeError;
use super::function::Function;
use super::logs::{LogLine, LogStream};

/// How long a throttled call waits before it asks for a process again.
const THROTTLED: Duration = Duration::from_millis(200);

/// Calls that nobody waits for. Source: AWS Lambda Developer Guide, "Understanding retry behavior in Lambda",
/// "How Lambda handles errors and retries with asynchronous invocation".
impl Lambda {
    /// Starts a call that nobody waits for. A failed one is made again after each of
    /// [`LambdaConfig::retry_waits`](super::LambdaConfig::retry_waits), under the same id; what fails to the end is
    /// logged and dropped. A throttled one waits for as long as it takes.
    ///
    /// # Errors
    /// When there is no such function, or the payload has more than 1 MB.
    pub fn invoke_async(&self, function: &str, payload: Bytes) -> Result<(), InvokeError> {
        self.begin(function, payload).map(drop)
    }

    /// The same for who wants to know when the call has come to its end, well or not. It does so also when the returned
    /// future is dropped.
    ///
    /// # Errors
    /// As [`Lambda::invoke_async`].
    pub(crate) async fn deliver(&self, function: &str, payload: Bytes) -> Result<(), InvokeError> {
        let call = self.begin(function, payload)?;
        call.await
            .map_err(|error| InvokeError::Emulator(io::Error::other(error)))
    }

    fn begin(&self, function: &str, payload: Bytes) -> Result<JoinHandle<()>, InvokeError> {
        let function = Arc::clone(self.function(function)?);
        if payload.len() > ASYNC_REQUEST_LIMIT {
            return Err(InvokeError::RequestTooLarge {
                size: payload.len(),
                limit: ASYNC_REQUEST_LIMIT,
            });
        }
        Ok(tokio::spawn(async move { function.deliver(payload).await }))
    }
}

impl Function {
    async fn deliver(&self, payload: Bytes) {
        let request_id = self.ids.request_id();
        let mut waits = self.config.retry_waits.iter();
        loop {
            let failure = match self.attempt(&request_id, payload.clone()).await {
                Ok(Ok(_)) => return,
                Err(InvokeError::Throttled(_)) => {
                    sleep(THROTTLED).await;
                    continue;
                }
                Err(error @ InvokeError::ShuttingDown) => {
                    return self.log(format!("asynchronous call {request_id} is dropped: {error}"));
                }
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            let Some(wait) = waits.next() else {
                return self.log(format!(
                    "asynchronous call {request_id} failed and is dropped: {failure}"
                ));
            };
            self.log(format!(
                "asynchronous call {request_id} failed and is made again: {failure}"
            ));
            sleep(*wait).await;
        }
    }

    fn log(&self, text: String) {
        (self.config.log)(LogLine {
            function: Arc::from(self.spec.name.as_str()),
            stream: LogStream::Stderr,
            text,
        });
    }
}
