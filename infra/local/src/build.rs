//! Builds the functions, as `cargo lambda build` does for a deployment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use tokio::process::Command;

/// Why the functions' programs aren't there.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo can't be started.
    #[error("cargo can't be started: {0}")]
    Cargo(#[from] std::io::Error),
    /// Cargo has said why, on standard error.
    #[error("cargo build failed")]
    Failed,
    /// The build made no such program.
    #[error("cargo build made no program called {0}; template.yaml and the function's Cargo.toml must agree")]
    Missing(String),
}

#[derive(Deserialize)]
struct Message<'a> {
    reason: &'a str,
    #[serde(default)]
    executable: Option<PathBuf>,
}

/// Builds the programs of the workspace at `root` in the dev profile and tells where each lies. What Cargo has to
/// say goes to standard error.
///
/// # Errors
/// When Cargo fails or makes no program of a name.
pub async fn build(
    root: &Path,
    binaries: &BTreeSet<String>,
) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--message-format=json-render-diagnostics"]);
    // By name alone, from the root: so the features are the whole workspace's, and nothing is built twice.
    for binary in binaries {
        cargo.args(["--bin", binary]);
    }
    let cargo = cargo
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let output = cargo.stdout(Stdio::piped()).spawn()?.wait_with_output().await?;
    if !output.status.success() {
        return Err(BuildError::Failed);
    }
    let programs = executables(&String::from_utf8_lossy(&output.stdout));
    let find = |name: &String| {
        let program = programs
            .iter()
            .find(|path| path.file_stem().is_some_and(|stem| stem == name.as_str()));
        program
            .map(|path| (name.clone(), path.clone()))
            .ok_or_else(|| BuildError::Missing(name.clone()))
    };
    binaries.iter().map(find).collect()
}

fn executables(messages: &str) -> Vec<PathBuf> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message<'_>>(line).ok());
    messages
        .filter(|message| message.reason == "compiler-artifact")
        .filter_map(|message| message.executable)
        .collect()
}
