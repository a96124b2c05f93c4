//! `casefile migrate`, as an operator runs it: a folder of files becomes what exports would have made of it.

mod applied;
mod changed;
mod edited;
mod failures;
mod killed;
mod large;
mod meanwhile;
mod numbers;
mod planned;
mod refused;
mod requests;
mod twins;
mod verified;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use casefile::bol::{NumberFormat, Numbers};
use casefile::caller::Origin;
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::http::Request;
use casefile::id::system_entropy;
use casefile::key::BasePath;
use casefile::link::Asking;
use casefile_local::stack::{ACCESS_KEY, REGION, SECRET_KEY};
use jiff::Timestamp;
use serde_json::{Value, json};
use signed_download::documents;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::support::{AUDIT_BUCKET, BUCKET, Harness, caller, links, operators_tool};

/// The keys of the first three bills of lading of [`Site::with_bols`].
const BOLS: [&str; 3] = [
    "bols/2025/PRT-2025-0007.pdf",
    "bols/2025/PRT-2025-0041.pdf",
    "bols/2025/PRT-2025-0042.pdf",
];

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            // Killed: none.
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it shows to programs; on standard error is nothing, for that is no terminal.
    fn json(&self) -> Value {
        assert_eq!(self.err, "");
        serde_json::from_str(&self.out).unwrap()
    }

    /// That it has failed, with this code, and says all of this.
    fn assert_failed(&self, code: i32, said: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{}", self.err);
        for said in said {
            assert!(self.err.contains(said), "{said}: {}", self.err);
        }
    }
}

/// S3, and a folder of files.
struct Site {
    harness: Harness,
    folder: TempDir,
}

/// A PDF, as far as anybody looks.
fn pdf(text: &str) -> Vec<u8> {
    format!("%PDF-1.7\n{text}\n%%EOF\n").into_bytes()
}

impl Site {
    async fn start() -> Self {
        let harness = Harness::start().await;
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("files")).unwrap();
        Self { harness, folder }
    }

    /// With three bills of lading.
    async fn with_bols() -> Self {
        let site = Self::start().await;
        for number in ["0007", "0041", "0042"] {
            site.write(&format!("PRT-2025-{number}.pdf"), pdf(number));
        }
        site
    }

    fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        let at = self.at(file);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, content).unwrap();
    }

    /// Where a file lies.
    fn at(&self, file: &str) -> PathBuf {
        self.folder.path().join("files").join(file)
    }

    /// Something beside the files.
    fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.beside(name)).unwrap()
    }

    async fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(operators_tool().await);
        command.arg("migrate").args(arguments).env_clear();
        command.current_dir(self.folder.path());
        let endpoint = self.harness.s3.endpoint();
        command.envs([
            ("AWS_ENDPOINT_URL_S3", endpoint.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("S3_BUCKET_NAME", BUCKET),
            ("AUDIT_BUCKET_NAME", AUDIT_BUCKET),
            ("DEFAULT_TENANT", "acme"),
            ("USER", "olga"),
        ]);
        command
    }

    /// Runs it on a thread of its own, for S3 is served by this process.
    async fn run(&self, arguments: &[&str]) -> Said {
        let mut command = self.command(arguments).await;
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        Said::of(output.await.unwrap())
    }

    /// Makes the plan `x.plan` of the folder.
    async fn plan(&self, collection: &str, more: &[&str]) -> Said {
        for file in ["x.plan", "x.plan.journal"] {
            let _ = fs::remove_file(self.beside(file));
        }
        let arguments = [
            "plan",
            "--collection",
            collection,
            "--from",
            "files",
            "--out",
            "x.plan",
        ];
        self.run(&[arguments.as_slice(), more].concat()).await
    }

    /// Makes a plan without anything to look at, and applies it; what that shows.
    async fn moved(&self, collection: &str, more: &[&str]) -> Value {
        let planned = self.plan(collection, more).await;
        assert_eq!(planned.code, 0, "{}{}", planned.out, planned.err);
        let applied = self.run(&["apply", "x.plan", "--json"]).await;
        assert_eq!(applied.code, 0, "{}{}", applied.out, applied.err);
        applied.json()
    }

    /// What the plan says of each file: the action, the reason, and the key.
    fn entries(&self) -> BTreeMap<String, (String, String, String)> {
        let text = self.text("x.plan");
        let entries = text.lines().skip(1).map(|line| {
            let entry: Value = serde_json::from_str(line).unwrap();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let said = (
                text(&entry["action"]),
                text(&entry["reason"]),
                text(&entry["to"]["key"]),
            );
            (text(&entry["file"]), said)
        });
        entries.collect()
    }

    /// The rows of the mapping, by file.
    fn mapping(&self) -> Vec<Vec<String>> {
        let text = self.text("x.plan.csv");
        let rows = text.lines().skip(1);
        rows.map(|row| row.split(',').map(str::to_owned).collect())
            .collect()
    }

    async fn keys(&self, prefix: &str) -> Vec<String> {
        self.harness.bucket().keys(prefix).await.unwrap()
    }

    /// Stores an object as somebody might who knows nothing of Casefile.
    async fn put(&self, key: &str, content: &[u8], metadata: &[(&str, &str)]) {
        let mut put = self.harness.client.put_object().bucket(BUCKET).key(key);
        for (name, value) in metadata {
            put = put.metadata(*name, *value);
        }
        let put = put.checksum_sha256(Sha256::of(content).to_base64());
        put.body(content.to_vec().into()).send().await.unwrap();
    }

    /// Hides an object, as a rejection does.
    async fn delete(&self, key: &str) {
        let delete = self.harness.client.delete_object().bucket(BUCKET).key(key);
        delete.send().await.unwrap();
    }

    /// Has a number of 2025 declared void.
    async fn void(&self, number: u32) {
        let void = json!({"number": number, "reason": "x", "by": "olga", "at": "2025-11-14T14:25:10Z"});
        let state = json!({"width": 4, "next": 43, "changes": 1, "former": [], "open": [], "void": [void]});
        self.put("_casefile/bols/PRT-2025.json", state.to_string().as_bytes(), &[])
            .await;
    }

    /// The paths that a collection's list shows to staff.
    async fn list(&self, collection: Collection) -> Vec<String> {
        let (links, caller) = (
            links(self.harness.client.clone(), Timestamp::now),
            caller("dana", &["office"], "acme"),
        );
        let origin = Origin::default();
        let event = json!({"rawQueryString": "limit=200", "requestContext": {"http": {"method": "GET"}}});
        let request = Request::read(&event.to_string()).unwrap();
        let asking = Asking {
            caller: &caller,
            origin: &origin,
            base_url: None,
            kept_at: None,
        };
        let list = Box::pin(documents::list(&links, &asking, &request, collection.name()));
        let response = serde_json::to_value(list.await.unwrap()).unwrap();
        let body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
        let shown = body["documents"].as_array().unwrap().iter();
        let mut paths: Vec<_> = shown
            .map(|entry| entry["path"].as_str().unwrap().to_owned())
            .collect();
        paths.sort();
        paths
    }

    /// The number that the next bill of lading of 2025 gets.
    async fn next_number(&self) -> String {
        let (bucket, base) = (self.harness.bucket(), BasePath::default());
        let format = NumberFormat::shipped().unwrap();
        let numbers = Numbers {
            bucket: &bucket,
            base: &base,
            format: format.clone(),
            clock: Timestamp::now,
            entropy: system_entropy,
            until: Instant::now() + std::time::Duration::from_secs(20),
        };
        let series = format.series(2025).unwrap();
        let taken = numbers.take(Sha256::of(b"another"), &series, &[]).await.unwrap();
        taken.number.to_string()
    }

    /// What the audit log has, by activity and outcome.
    async fn trail(&self) -> Vec<(String, String)> {
        let audit = casefile::bucket::Bucket::new(self.harness.client.clone(), AUDIT_BUCKET.to_owned());
        let mut trail = Vec::new();
        for key in audit.keys("audit/").await.unwrap() {
            let record: Value = serde_json::from_slice(&audit.read(&key, 100_000).await.unwrap()).unwrap();
            let text = |name: &str| record[name].as_str().unwrap().to_owned();
            if text("activity_name") != "List" {
                trail.push((text("activity_name"), text("status")));
            }
        }
        trail
    }

    /// That each bill of lading is stored once, is listed once, and that its number is nobody else's.
    async fn assert_bols_moved(&self, case: &str) {
        assert_eq!(self.keys("bols/").await, BOLS, "{case}");
        let versions = crate::files::versions(&self.harness.client, BUCKET, "bols/").await;
        assert_eq!(versions.len(), BOLS.len(), "{case}: {versions:?}");
        let paths: Vec<_> = BOLS.iter().map(|key| key.trim_start_matches("bols/")).collect();
        assert_eq!(self.list(Collection::bols()).await, paths, "{case}");
        let verified = self.run(&["verify", "x.plan", "--strict"]).await;
        assert_eq!(
            (verified.code, verified.err.as_str()),
            (0, ""),
            "{case}: {}",
            verified.out
        );
        let mapping = self.mapping();
        let keys: Vec<_> = mapping.iter().map(|row| row[2].as_str()).collect();
        assert_eq!(keys, BOLS, "{case}");
        for (row, version) in mapping.iter().zip(&versions) {
            assert_eq!(row[3], version.id, "{case}");
        }
        assert_eq!(self.next_number().await, "PRT-2025-0043", "{case}");
    }
}
