use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::error::BenchError;

/// The programs that are compared.
#[derive(Debug)]
pub(crate) struct Binaries {
    pub(crate) hello_world: PathBuf,
    pub(crate) session_export: PathBuf,
    pub(crate) signed_download: PathBuf,
    pub(crate) verify: PathBuf,
}

/// The workspace's root.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Builds all as they are deployed: alone, so that no other package's features come along.
pub(crate) fn build() -> Result<Binaries, BenchError> {
    let hello_world = [
        "--package",
        "casefile-bench",
        "--bin",
        "hello-world",
        "--no-default-features",
    ];
    let verify = [
        "--package",
        "casefile-bench",
        "--bin",
        "verify",
        "--no-default-features",
        "--features",
        "verify",
    ];
    Ok(Binaries {
        hello_world: build_one("hello-world", &hello_world)?,
        session_export: build_one("session-export", &["--package", "session-export"])?,
        signed_download: build_one("signed-download", &["--package", "signed-download"])?,
        verify: build_one("verify", &verify)?,
    })
}

fn build_one(name: &'static str, arguments: &[&str]) -> Result<PathBuf, BenchError> {
    let output = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--quiet",
            "--message-format=json-render-diagnostics",
        ])
        .args(arguments)
        .current_dir(workspace())
        .stderr(Stdio::inherit())
        .output()?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = messages.lines().find_map(|line| executable(line, name));
    executable
        .filter(|_| output.status.success())
        .ok_or(BenchError::Build(name))
}

/// The program's path in one of cargo's messages.
fn executable(message: &str, name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_target = message.pointer("/target/name")?.as_str()? == name;
    let path = message.get("executable")?.as_str()?;
    is_target.then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_where_the_program_is() {
        let library = r#"{"reason":"compiler-artifact","target":{"name":"f"},"executable":null}"#;
        assert_eq!(executable(library, "f"), None);
        let program = r#"{"reason":"compiler-artifact","target":{"name":"f"},"executable":"/t/f"}"#;
        assert_eq!(executable(program, "f"), Some(PathBuf::from("/t/f")));
        assert_eq!(executable(program, "g"), None);
        assert_eq!(executable("not json", "f"), None);
    }
}
