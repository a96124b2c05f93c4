//! `casefile tables`, as an analyst runs it.

mod at_once;
mod get;
mod large;
mod list;
mod outages;
mod refusals;
mod sync;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bytes::Bytes;
use casefile::digest::Sha256;
use casefile_local::sample::workspace;
use casefile_local::stack::{ACCESS_KEY, REGION, SECRET_KEY};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{BUCKET, Harness, operators_tool};

const TABLE: &str = "demographics_maindata";
const OTHER: &str = "encounter_maindata";

/// One of the sample tables.
fn sample(table: &str) -> Bytes {
    let path = workspace()
        .join("tests/fixtures/clinical")
        .join(format!("{table}.parquet"));
    fs::read(path).unwrap().into()
}

fn key(table: &str) -> String {
    format!("parquet/{table}.parquet")
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }

    /// The path that is all of its standard output.
    fn path(&self) -> &Path {
        assert_eq!(self.code, 0, "{}", self.err);
        let path = Path::new(self.out.strip_suffix('\n').unwrap());
        assert!(path.is_absolute() && path.is_file(), "{}", self.out);
        path
    }

    /// That it has failed, with this code, and says all of this.
    fn assert_failed(&self, code: i32, said: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{}", self.err);
        for said in said {
            assert!(self.err.contains(said), "{said}: {}", self.err);
        }
    }
}

/// S3 with tables, and an analyst's folder.
struct Lab {
    harness: Harness,
    folder: TempDir,
}

impl Lab {
    async fn start() -> Self {
        let harness = Harness::start().await;
        let folder = TempDir::new().unwrap();
        Self { harness, folder }
    }

    /// With the sample tables.
    async fn with_samples() -> Self {
        let lab = Self::start().await;
        for table in [TABLE, OTHER] {
            lab.put(table, sample(table)).await;
        }
        lab
    }

    /// Stores a version of a table, with its digest; its id.
    async fn put(&self, table: &str, content: Bytes) -> String {
        let put = self.harness.client.put_object().bucket(BUCKET).key(key(table));
        let put = put.checksum_sha256(Sha256::of(&content).to_base64());
        put.body(content.into()).send().await.unwrap().version_id.unwrap()
    }

    async fn delete(&self, table: &str) {
        let delete = self.harness.client.delete_object().bucket(BUCKET).key(key(table));
        delete.send().await.unwrap();
    }

    async fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, &[]).await
    }

    /// Runs it on a thread of its own, for S3 is served by this process.
    async fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut command = Command::new(operators_tool().await);
        command.arg("tables").args(arguments).env_clear();
        for (name, value) in [
            ("AWS_ENDPOINT_URL_S3", self.harness.s3.endpoint().as_str()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("S3_BUCKET_NAME", BUCKET),
            ("CASEFILE_TABLES_DIR", self.folder.path().to_str().unwrap()),
        ]
        .iter()
        .chain(variables)
        {
            command.env(name, value);
        }
        let output: Output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Gets a table that must be there; its content.
    async fn get(&self, table: &str) -> Vec<u8> {
        let said = self.run(&["get", table]).await;
        assert_eq!(said.err, "");
        fs::read(said.path()).unwrap()
    }

    /// Counts what is asked of S3 from now on.
    fn watch(&self) {
        let requests = self.harness.s3.requests();
        requests.record(true);
        requests.take();
    }

    /// How many requests of an operation there were since the last time that somebody asked.
    fn asked(&self, operation: &str) -> usize {
        let asked = self.harness.s3.requests().take();
        asked
            .iter()
            .filter(|record| record.operation == operation)
            .count()
    }

    fn copy(&self, table: &str) -> PathBuf {
        self.folder.path().join(format!("{table}.parquet"))
    }

    /// The analyst's files, records and all.
    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let mut files: Vec<_> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        files
    }

    fn assert_only_copies_of(&self, tables: &[&str]) {
        let mut expected: Vec<_> = tables
            .iter()
            .flat_map(|table| [format!(".{table}.parquet.json"), format!("{table}.parquet")])
            .collect();
        expected.sort();
        assert_eq!(self.files(), expected);
    }
}

/// Where nothing listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
