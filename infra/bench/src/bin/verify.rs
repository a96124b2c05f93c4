//! Verifies one object as post-process does, and says how long it took and what memory it needed.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use casefile::bucket::Bucket;
use casefile::config::Env;
use casefile::digest::Sha256;
use lambda_runtime::Error;
use post_process::check::{Expected, Schema, Status, check};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Env::from_process()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(std::io::stderr(), "verify: {error}").unwrap_or_default();
            ExitCode::FAILURE
        }
    }
}

async fn run(mut env: Env) -> Result<(), Error> {
    let text = |value: &str| Ok::<_, &str>(value.to_owned());
    let settings = env.s3();
    let key = env.required("VERIFY_KEY", text);
    let sha256 = env.required("VERIFY_SHA256", |hex| {
        Sha256::from_hex(hex).ok_or("is no SHA-256")
    });
    let all = settings.zip(key).zip(sha256);
    let ((settings, key), sha256) = env.finish(all)?;
    let bucket = Bucket::new(settings.client(), "artifacts".to_owned());
    let expected = Expected {
        sha256: Some(sha256),
        size: None,
        schema: Schema::None,
        name: &key,
    };
    let started = Instant::now();
    let checked = check(&bucket, &key, None, &expected).await?;
    let answer = json!({
        "is_verified": checked.status == Status::Verified,
        "nanoseconds": u64::try_from(started.elapsed().as_nanos())?,
        "peak_memory": peak_memory()?,
    });
    writeln!(std::io::stdout(), "{answer}")?;
    Ok(())
}

/// The most memory that this process has had, in bytes.
fn peak_memory() -> Result<u64, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: u64 = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .ok_or("/proc/self/status has no VmHWM")?
        .parse()?;
    Ok(kilobytes * 1024)
}
