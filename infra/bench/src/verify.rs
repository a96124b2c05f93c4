use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::BenchError;
use crate::s3::{Object, S3};
use crate::table::{Bytes, Times};
use crate::tls::Identity;

/// "A 5 GB object in 128 MB": what grows with the object would show with 1 GiB, too.
const PEAK_MEMORY: Bytes = Bytes(128_000_000);

/// What is sent again and again: text, whose kind demands no more than that it is read.
const BLOCK: usize = 1024 * 1024;
const KEY: &str = "training-logs/2025/11/large.log";

/// How fast a large object is verified, beside the tool that people use for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Verification {
    /// In bytes.
    pub(crate) size: u64,
    /// Read over TLS, hashed and judged.
    pub(crate) verify: Duration,
    /// `openssl dgst -sha256`, of the same bytes through a pipe.
    pub(crate) openssl: Duration,
    /// The most memory of the process that verifies, in bytes.
    pub(crate) peak_memory: u64,
}

/// Measures with an object of so many MiB, which exists nowhere as a whole: one block of it is sent again and again.
pub(crate) fn measure(
    program: &Path,
    mebibytes: usize,
    identity: &Identity,
) -> Result<Verification, BenchError> {
    let block = block();
    let (openssl, sha256) = openssl(&block, mebibytes)?;
    let object = Object {
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: block,
        times: mebibytes,
    };
    let s3 = S3::start(
        identity.server.clone(),
        Duration::ZERO,
        [(KEY.to_owned(), object)],
    )?;
    let output = Command::new(program)
        .env_clear()
        .envs([
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL_S3", &s3.endpoint),
            ("VERIFY_KEY", KEY),
            ("VERIFY_SHA256", &sha256),
        ])
        .env("SSL_CERT_FILE", &identity.bundle)
        .stderr(Stdio::inherit())
        .output()?;
    let (verify, peak_memory) = figures(&output.stdout).ok_or_else(|| no_answer("verify"))?;
    Ok(Verification {
        size: (BLOCK * mebibytes) as u64,
        verify,
        openssl,
        peak_memory,
    })
}

/// What the program that verifies says, if it found what it should.
fn figures(answer: &[u8]) -> Option<(Duration, u64)> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let number = |name| answer.get(name).and_then(Value::as_u64);
    let figures = (
        Duration::from_nanos(number("nanoseconds")?),
        number("peak_memory")?,
    );
    answer.get("is_verified")?.as_bool()?.then_some(figures)
}

/// How long openssl takes, and the digest.
fn openssl(block: &[u8], times: usize) -> Result<(Duration, String), BenchError> {
    let started = Instant::now();
    let mut child = Command::new("openssl")
        .args(["dgst", "-sha256", "-r"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let fed = feed(&mut child, block, times);
    let output = child.wait_with_output()?;
    fed?;
    let text = String::from_utf8_lossy(&output.stdout);
    let digest = text.split_whitespace().next().filter(|digest| digest.len() == 64);
    let digest = digest.ok_or_else(|| no_answer("openssl"))?;
    Ok((started.elapsed(), digest.to_owned()))
}

/// Its input ends with this.
fn feed(child: &mut Child, block: &[u8], times: usize) -> std::io::Result<()> {
    let Some(mut input) = child.stdin.take() else {
        return Ok(());
    };
    (0..times).try_for_each(|_| input.write_all(block))
}

fn no_answer(program: &'static str) -> BenchError {
    BenchError::NoAnswer {
        program,
        reason: "it didn't say that the object is what it must be".to_owned(),
    }
}

/// Lines of digits, by a generator that needs no seed but one (Knuth's MMIX).
fn block() -> Vec<u8> {
    let (mut state, mut block) = (1_u64, Vec::with_capacity(BLOCK + 20));
    while block.len() < BLOCK {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        block.extend_from_slice(format!("{state:016x}\n").as_bytes());
    }
    block.truncate(BLOCK);
    block
}

impl Verification {
    pub(crate) fn keeps_limit(&self) -> bool {
        Bytes(self.peak_memory) <= PEAK_MEMORY
    }

    /// How much longer than openssl it takes.
    fn ratio(&self) -> Times {
        Times(self.verify.as_secs_f64() / self.openssl.as_secs_f64())
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate is shown without decimals")]
    fn rate(&self, time: Duration) -> String {
        format!("{:.0} MB/s", self.size as f64 / 1_000_000.0 / time.as_secs_f64())
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::table::Figure as _;

        writeln!(
            f,
            "{:<26} {:>15}",
            "verifying an object of",
            Bytes(self.size).shown()
        )?;
        writeln!(f, "{:<26} {:>15}", "… over TLS", self.rate(self.verify))?;
        writeln!(
            f,
            "{:<26} {:>15}",
            "… openssl dgst -sha256",
            self.rate(self.openssl)
        )?;
        writeln!(
            f,
            "{:<26} {:>15}",
            "… time beside openssl's",
            self.ratio().shown()
        )?;
        let (peak, limit) = (Bytes(self.peak_memory).shown(), PEAK_MEMORY.shown());
        let verdict = if self.keeps_limit() {
            format!("≤ {limit}")
        } else {
            format!("> {limit} EXCEEDED")
        };
        writeln!(f, "{:<26} {peak:>15} {verdict}", "… peak memory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssl_hashes_what_it_is_fed() {
        let (time, digest) = openssl(b"ab", 2).unwrap();
        assert!(time > Duration::ZERO);
        // printf abab | sha256sum
        assert_eq!(
            digest,
            "a667282675f4876021d392aa6592f39dabf718748c4b738563cb9d5dc8f21f24"
        );
    }

    #[test]
    fn an_object_that_is_not_verified_gives_no_figures() {
        let answer =
            |is_verified| format!(r#"{{"is_verified":{is_verified},"nanoseconds":7,"peak_memory":8}}"#);
        assert_eq!(
            figures(answer(true).as_bytes()),
            Some((Duration::from_nanos(7), 8))
        );
        assert_eq!(figures(answer(false).as_bytes()), None);
        assert_eq!(figures(b""), None);
    }

    #[test]
    fn a_block_is_text_of_its_size() {
        let block = block();
        assert_eq!(block.len(), BLOCK);
        assert!(block.is_ascii() && !block.contains(&0));
    }

    #[test]
    fn figures_are_shown_beside_each_other() {
        let mut figures = Verification {
            size: 1 << 30,
            verify: Duration::from_millis(2_500),
            openssl: Duration::from_secs(2),
            peak_memory: 128_000_000,
        };
        let shown = figures.to_string();
        for part in [
            "1073.74 MB",
            "429 MB/s",
            "537 MB/s",
            "1.25 x",
            "128.00 MB ≤ 128.00 MB",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(figures.keeps_limit() && !shown.contains("EXCEEDED"));
        figures.peak_memory += 1;
        assert!(!figures.keeps_limit() && figures.to_string().contains("EXCEEDED"));
    }
}
