//! `casefile upload` and `casefile get`, as people and devices run them.

mod api;
mod direct;
mod get;
mod killed;
mod log;
mod queue;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use casefile_local::sample::workspace;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{TestStack, office, operators_tool};

const ECG: &str = "ECG_Report_20251028_143022.pdf";
const LOG: &str = "upload_log.json";

/// One of the sample files.
fn sample(kind: &str, name: &str) -> Vec<u8> {
    fs::read(workspace().join("tests/fixtures").join(kind).join(name)).unwrap()
}

/// A JSON document of so many bytes.
fn large_json(bytes: usize) -> Vec<u8> {
    let text: String = (0..).map(|n: u32| format!("{n:07} ")).take(bytes / 8).collect();
    format!("{text:?}").into_bytes()
}

#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it ends with, and that it says all of this.
    fn assert(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for said in said {
            assert!(
                self.out.contains(said) || self.err.contains(said),
                "{said}: {self:?}"
            );
        }
    }

    /// What became of the files, as it ends with this; on standard error is nothing, for that is no terminal.
    fn statuses(&self, code: i32) -> Vec<String> {
        assert_eq!((self.code, self.err.as_str()), (Some(code), ""), "{self:?}");
        let said: Value = serde_json::from_str(&self.out).unwrap();
        let files = said["files"].as_array().unwrap().iter();
        files
            .map(|file| file["status"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// A device's folder, and what its tool is told.
struct Device {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Device {
    fn new<N: ToString>(variables: impl IntoIterator<Item = (N, String)>) -> Self {
        let folder = TempDir::new().unwrap();
        let home = folder.path().join("home").to_str().unwrap().to_owned();
        let own = [("HOME".to_owned(), home)];
        let given = variables
            .into_iter()
            .map(|(name, value)| (name.to_string(), value));
        let variables = own.into_iter().chain(given).collect();
        Self { folder, variables }
    }

    /// Of office staff who reach the API.
    fn at(stack: &TestStack) -> Self {
        Self::with_token(stack.stack.gateway(), &office("acme"))
    }

    fn with_token(gateway: SocketAddr, token: &str) -> Self {
        let url = format!("http://{gateway}");
        Self::new([("CASEFILE_API_URL", url), ("CASEFILE_TOKEN", token.to_owned())])
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// One of the sample ECG reports.
    fn put_report(&self) -> PathBuf {
        self.put(ECG, sample("ecg", ECG))
    }

    async fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(operators_tool().await);
        command
            .args(arguments)
            .env_clear()
            .current_dir(self.folder.path());
        command.stdin(Stdio::null()).envs(self.variables.clone());
        command
    }

    async fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, &[]).await
    }

    /// On a thread of its own, for the stack is served by this process.
    async fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut command = self.command(arguments).await;
        command.envs(variables.iter().copied());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        Said::of(output.await.unwrap())
    }

    /// The entries of the upload log: status and URL.
    fn log(&self) -> Vec<(String, Option<String>)> {
        let log: Value = serde_json::from_slice(&fs::read(self.folder.path().join(LOG)).unwrap()).unwrap();
        let entries = log.as_array().unwrap().iter().map(|entry| {
            let result = &entry["result"];
            assert!(
                Path::new(entry["local_path"].as_str().unwrap()).is_absolute(),
                "{entry}"
            );
            let url = result["url"].as_str().map(str::to_owned);
            assert!(!url.as_deref().unwrap_or_default().contains("X-Amz-"), "{entry}");
            (result["status"].as_str().unwrap().to_owned(), url)
        });
        entries.collect()
    }

    /// The entries of the queue.
    fn waiting(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("home/.local/state/casefile/queue");
        let files = fs::read_dir(folder).into_iter().flatten();
        let files = files.map(|file| file.unwrap().path());
        files.filter(|path| path.extension().is_some()).collect()
    }
}

/// An address where nobody listens, yet.
fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// From now on leads from one address to another.
async fn connect(from: SocketAddr, to: SocketAddr) {
    let listener = tokio::net::TcpListener::bind(from).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut far) = tokio::net::TcpStream::connect(to).await {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    });
}
