//! Builds the functions, as `cargo lambda build` does for a deployment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

/// Why the functions' programs aren't there.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo can't be started.
    #[error("cargo can't be run")]
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
/// say goes to standard error. Dropping the future ends Cargo and its compilers.
///
/// # Errors
/// When Cargo fails or makes no program of a name.
pub async fn build(
    root: &Path,
    binaries: &BTreeSet<String>,
) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let messages = output(cargo(root, binaries)).await?;
    let programs = executables(&String::from_utf8_lossy(&messages));
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

fn cargo(root: &Path, binaries: &BTreeSet<String>) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--message-format=json-render-diagnostics"]);
    // By name alone, from the root: so the features are the whole workspace's, and nothing is built twice.
    for binary in binaries {
        cargo.args(["--bin", binary]);
    }
    #[expect(clippy::disallowed_methods, reason = "it is handed on, not read")]
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_one_package)) {
        cargo.env_remove(name);
    }
    cargo.current_dir(root);
    cargo
}

/// What `cargo run` and `cargo test` tell a program of its own package. Build scripts that watch such a variable
/// (ring's does) would run again in a build that inherits it, and all that depends on them be compiled again.
fn is_of_one_package(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_")
        || variable.starts_with("CARGO_MANIFEST_")
        || matches!(
            variable,
            "CARGO_PRIMARY_PACKAGE" | "CARGO_CRATE_NAME" | "CARGO_BIN_NAME" | "OUT_DIR"
        )
}

/// What a command prints to standard output until it ends well.
async fn output(mut command: Command) -> Result<Vec<u8>, BuildError> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .process_group(0);
    let mut group = Group(command.spawn()?);
    let mut printed = Vec::new();
    if let Some(stdout) = &mut group.0.stdout {
        stdout.read_to_end(&mut printed).await?;
    }
    if group.0.wait().await?.success() {
        Ok(printed)
    } else {
        Err(BuildError::Failed)
    }
}

/// A child that leads a process group, which is killed with it unless it has ended.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // The id is gone once the child is reaped, so it names no other process.
        let leader = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(leader) = leader.and_then(Pid::from_raw)
            && let Err(error) = kill_process_group(leader, Signal::KILL)
        {
            tracing::debug!(%error, "the build has ended already");
        }
    }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    #[test]
    fn a_build_inherits_nothing_of_the_package_that_started_it() {
        // Cargo has set these for this very test.
        let cargo = cargo(Path::new("."), &BTreeSet::new());
        let removed: BTreeSet<_> = cargo
            .as_std()
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .filter_map(|(name, _)| name.to_str())
            .collect();
        for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
            assert!(removed.contains(name), "{name}: {removed:?}");
        }
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "PATH", "RUSTFLAGS"] {
            assert!(!removed.contains(name), "{name}");
        }
    }

    #[tokio::test]
    async fn a_build_that_nobody_waits_for_ends_with_its_compilers() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("pid");
        let mut command = Command::new("/bin/sh");
        let script = format!(
            "sleep 600 & echo $! >{0}.new && mv {0}.new {0}; wait",
            note.display()
        );
        command.args(["-c", &script]);
        let started = async {
            while !note.exists() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            ended = output(command) => panic!("{ended:?}"),
            () = started => {}
        }
        let compiler = std::fs::read_to_string(&note).unwrap();
        let stat = PathBuf::from(format!("/proc/{}/stat", compiler.trim()));
        // Nobody may be there to reap it; then it stays, as a zombie.
        let lives = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        let gone = async {
            while lives() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(5), gone).await.unwrap();
    }
}
