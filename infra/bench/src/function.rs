use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::BenchError;
use crate::runtime_api::RuntimeApi;

/// Longer than any call takes.
const LIMIT: Duration = Duration::from_secs(30);

/// A program that is measured.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    pub(crate) name: &'static str,
    pub(crate) path: &'a Path,
    pub(crate) variables: Vec<(&'static str, String)>,
}

/// A process of it. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Function {
    name: &'static str,
    pub(crate) started: Instant,
    child: Child,
    pub(crate) api: RuntimeApi,
    given: usize,
}

impl Function {
    /// Starts a process with the variables that Lambda sets, and nothing else.
    pub(crate) fn start(program: &Program<'_>) -> io::Result<Self> {
        let api = RuntimeApi::start()?;
        let mut command = Command::new(program.path);
        command
            .env_clear()
            .envs(lambda_variables(&api))
            .envs(program.variables.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let started = Instant::now();
        let child = command.spawn()?;
        Ok(Self {
            name: program.name,
            started,
            child,
            api,
            given: 0,
        })
    }

    /// Lays an event out.
    pub(crate) fn give(&mut self, event: Vec<u8>) {
        self.given += 1;
        self.api.give(event);
    }

    /// Waits until every event is answered, and checks that the last answer is a good one.
    pub(crate) fn finish(&self) -> Result<(), BenchError> {
        let log = self.api.wait_for(self.given, LIMIT);
        let no_answer = |reason: String| BenchError::NoAnswer {
            program: self.name,
            reason,
        };
        if let Some(reason) = &log.failed {
            return Err(no_answer(reason.clone()));
        }
        let last = log
            .answered
            .get(self.given.saturating_sub(1))
            .map(|(_, answer)| answer);
        let answer = last.ok_or_else(|| no_answer("it took too long, or has ended".to_owned()))?;
        if is_good(answer) {
            Ok(())
        } else {
            let answer = String::from_utf8_lossy(answer).into_owned();
            Err(BenchError::Refused {
                program: self.name,
                answer,
            })
        }
    }

    /// The CPU time that its threads have used, in user mode and in the kernel's.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let mut sum = Duration::ZERO;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // A thread may have ended since it was listed.
            if let Ok(schedstat) = std::fs::read_to_string(thread?.path().join("schedstat")) {
                sum += cpu(&schedstat).ok_or_else(|| malformed("/proc/PID/task/TID/schedstat"))?;
            }
        }
        Ok(sum)
    }

    /// The most memory that it has had, in bytes.
    pub(crate) fn peak_memory(&self) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        peak_memory(&status).ok_or_else(|| malformed("/proc/PID/status"))
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

fn lambda_variables(api: &RuntimeApi) -> [(&'static str, String); 11] {
    [
        ("AWS_LAMBDA_RUNTIME_API", api.address.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench".to_owned()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2025/11/14/[$LATEST]0".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "bench".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "bench".to_owned()),
        // As long as a role's.
        ("AWS_SESSION_TOKEN", "t".repeat(900)),
    ]
}

/// Whether an answer to API Gateway says that the request succeeded.
fn is_good(answer: &[u8]) -> bool {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    answer
        .get("statusCode")
        .and_then(Value::as_u64)
        .is_some_and(|status| (200..300).contains(&status))
}

/// The CPU time that the calling thread has used.
pub(crate) fn own_cpu() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    cpu(&schedstat).unwrap_or_default()
}

/// A thread's time on a CPU: the first number, in nanoseconds; `/proc/PID/stat` counts in hundredths of a second.
/// Source: the kernel's documentation, *Scheduler statistics*.
fn cpu(schedstat: &str) -> Option<Duration> {
    let nanoseconds = schedstat.split_ascii_whitespace().next()?;
    nanoseconds.parse().ok().map(Duration::from_nanos)
}

fn malformed(file: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, file)
}

/// `VmHWM` in bytes. Source: proc(5).
fn peak_memory(status: &str) -> Option<u64> {
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    kibibytes
        .trim()
        .strip_suffix(" kB")?
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_in_nanoseconds() {
        assert_eq!(cpu("96281 65512 1\n"), Some(Duration::from_nanos(96_281)));
        assert_eq!(cpu(""), None);
    }

    #[test]
    fn a_thread_knows_its_own_cpu_time() {
        let before = own_cpu();
        while own_cpu() == before {}
    }

    #[test]
    fn peak_memory_is_read_in_bytes() {
        assert_eq!(
            peak_memory("VmPeak:\t 9 kB\nVmHWM:\t    2800 kB\n"),
            Some(2_867_200)
        );
        assert_eq!(peak_memory("VmPeak:\t 9 kB\n"), None);
    }

    #[test]
    fn only_success_is_a_good_answer() {
        assert!(is_good(br#"{"statusCode":201}"#));
        assert!(!is_good(br#"{"statusCode":422}"#));
        assert!(!is_good(b"null"));
    }
}
