//! What a person meets: `cargo local`, its demo, and a function that isn't set up.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use casefile_local::client::post_json;

use crate::support::{office, programs, sample};

async fn demo(data: &std::path::Path) -> Output {
    let program = &programs().await["casefile-local"];
    Command::new(program)
        .args(["demo", "--data"])
        .arg(data)
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shows_the_folder_and_the_audit_trail_and_can_be_repeated() {
    let data = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let output = demo(data.path()).await;
        let shown = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        for line in [
            "├── documents/\n│   ├── before_write-up TR-20417.docx",
            "every file read back and found as the manifest says\n",
        ] {
            assert!(shown.contains(line), "{line}: {shown}");
        }
        // The export's own link, the direct one and the share link; two uses of it, and one too many. None of the
        // earlier run's.
        for (records, what) in [
            (3, "local@localhost  Share     success"),
            (2, "link's holder    Download  success"),
            (1, "link's holder    Download  refused (used_up)"),
        ] {
            assert_eq!(shown.matches(what).count(), records, "{what}: {shown}");
        }
        // A device's report, its metrics, what its collection doesn't take, and a broken one; and the session.
        for (rows, what) in [
            (2, "  verified  ecg-reports/"),
            (1, "  skipped   inbox, until it expires"),
            (1, "  rejected  quarantine"),
            (1, "  1 page"),
            (1, "session  verified  16"),
        ] {
            assert_eq!(shown.matches(what).count(), rows, "{what}: {shown}");
        }
        assert!(shown.contains("Casefile: ecg-reports file rejected"), "{shown}");
        // One file of each other kind, found by list, link and index; and a snapshot.
        for (rows, what) in [
            (1, "  listed  share   verified"),
            (4, "  listed  direct  verified"),
            (1, "bols           2025/PRT-2025-0001.pdf"),
        ] {
            assert_eq!(shown.matches(what).count(), rows, "{what}: {shown}");
        }
        for line in [
            "exporting the sample review",
            "the very same body but for its instance",
        ] {
            assert!(said.contains(line), "{line}: {said}");
        }
        assert!(shown.lines().all(|line| line.chars().count() <= 110), "{shown}");
        for secret in ["\u{1b}", "X-Amz-", "/v1/s/", "eyJ"] {
            assert!(
                !said.contains(secret) && !shown.contains(secret),
                "{secret}: {said}{shown}"
            );
        }
    }
}

/// A running `cargo local`, and where it says that it listens. Killed when a test fails.
struct Local {
    process: Child,
    listening: Vec<SocketAddr>,
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Local {
    async fn start(data: &std::path::Path) -> Self {
        let program = &programs().await["casefile-local"];
        let mut process = Command::new(program)
            .args(["--port", "0", "--s3-port", "0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut listening = Vec::new();
        for line in lines.map(Result::unwrap) {
            if let Some((_, address)) = line.split_once(" http://") {
                listening.push(address.split(',').next().unwrap().parse().unwrap());
            }
            if line.contains("Ctrl-C stops") {
                break;
            }
        }
        Self { process, listening }
    }

    /// The processes that it started and that live, the functions' among them.
    fn children(&self) -> Vec<PathBuf> {
        let id = self.process.id().to_string();
        let all = std::fs::read_dir("/proc")
            .unwrap()
            .map(|entry| entry.unwrap().path());
        all.filter(|process| {
            let stat = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
            let fields = stat.rsplit_once(") ").map(|(_, fields)| fields);
            fields.and_then(|fields| fields.split(' ').nth(1)) == Some(&id)
        })
        .collect()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.process.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    fn exit_code(&mut self) -> Option<i32> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(20) {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not stop");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_stops_everything_and_leaves_nothing_behind() {
    for signal in ["INT", "TERM", "HUP"] {
        let data = tempfile::tempdir().unwrap();
        let mut local = Local::start(data.path()).await;
        assert_eq!(
            local.listening.len(),
            6,
            "gateway, Invoke API, S3, SQS, SNS and Bedrock"
        );
        let request = Bytes::from(sample(signal).to_string());
        let answer = post_json(local.listening[0], "/v1/reviews", request, Some(&office("acme")))
            .await
            .unwrap();
        assert_eq!(answer.status(), 201);
        let functions = local.children();
        assert!(!functions.is_empty());
        local.signal(signal);
        assert_eq!(local.exit_code(), Some(0), "{signal}");
        for address in &local.listening {
            assert!(
                TcpStream::connect(address).is_err(),
                "{signal}: {address} is open"
            );
        }
        for function in functions {
            assert!(!function.exists(), "{signal}: {} is left", function.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_told_with_the_cause_and_the_remedy() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let program = &programs().await["casefile-local"];
    for (taken, free) in [("--port", "--s3-port"), ("--s3-port", "--port")] {
        let data = tempfile::tempdir().unwrap();
        let output = Command::new(program)
            .args([taken, &port, free, "0", "--data"])
            .arg(data.path())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(taken) && said.contains("Address already in use"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_is_not_set_up_says_everything_that_is_missing() {
    let program = &programs().await["session-export"];
    let output = Command::new(program)
        .env_clear()
        .env("S3_BASE_PATH", "a b")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    for name in [
        "S3_BUCKET_NAME",
        "S3_BASE_PATH",
        "AUDIT_BUCKET_NAME",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        assert!(said.contains(name), "{name}: {said}");
    }
}
