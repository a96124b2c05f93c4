mod asynchronous;
mod calls;
mod failures;
mod invoke_api;
mod processes;

use serde_json::Value;

use super::testing::call;
use super::{FunctionError, Lambda};

/// How a call that must fail fails.
async fn error(lambda: &Lambda, event: Value) -> FunctionError {
    call(lambda, event).await.unwrap().result.unwrap_err()
}

/// Whether a process with this id exists.
fn exists(pid: &Value) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}
