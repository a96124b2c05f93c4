use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;

use super::logs::LogSink;
use super::variables;

/// What all functions of one emulator have in common.
#[derive(Clone)]
pub struct LambdaConfig {
    /// `AWS_REGION` of the functions, and the region in their ARNs.
    pub region: String,
    /// The account in the functions' ARNs, twelve digits.
    pub account_id: String,
    /// What the functions sign their requests with.
    pub credentials: Credentials,
    /// How many callers may wait for one function when all its processes are busy. One more is throttled.
    pub max_queued: usize,
    /// How long a failed asynchronous call waits before each time it is made again. Lambda waits one minute, then two.
    pub retry_waits: Vec<Duration>,
    /// Receives every line that a function prints, and what becomes of its asynchronous calls.
    pub log: LogSink,
    /// The time: deadlines, log stream names and request ids follow it.
    pub clock: fn() -> Timestamp,
}

impl LambdaConfig {
    /// Region `us-east-1`, account `000000000000`, credentials `local`, 64 waiting callers a function, and two more
    /// attempts at an asynchronous call, after one second and two.
    pub fn new(clock: fn() -> Timestamp, log: LogSink) -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            credentials: Credentials::local(),
            max_queued: 64,
            retry_waits: vec![Duration::from_secs(1), Duration::from_secs(2)],
            log,
            clock,
        }
    }
}

/// AWS credentials, as a function finds them in its environment. `Debug` shows the access key's id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`; without one the variable is not set.
    pub session_token: Option<String>,
}

impl Credentials {
    /// Access key `local` with the secret `local` and no session token.
    pub fn local() -> Self {
        Self {
            access_key_id: "local".to_owned(),
            secret_access_key: "local".to_owned(),
            session_token: None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// One function: the program and its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSpec {
    /// The function's name, by which it is called.
    pub name: String,
    /// The program. It runs in the folder that it lies in.
    pub executable: PathBuf,
    /// `MemorySize` in MB. The process is told; it is not held to it.
    pub memory_mb: u32,
    /// How long one call may take.
    pub timeout: Duration,
    /// The function's own variables.
    pub environment: BTreeMap<String, String>,
    /// How many processes may run at once; at least 1 is used.
    pub max_concurrency: usize,
    /// `AWS_LAMBDA_LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `AWS_LAMBDA_LOG_LEVEL`; without one the variable is not set.
    pub log_level: Option<String>,
}

impl FunctionSpec {
    /// A function with Lambda's defaults (128 MB, 3 seconds, text logs), no variables, and at most ten processes.
    pub fn new(name: impl Into<String>, executable: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            executable: executable.into(),
            memory_mb: 128,
            timeout: Duration::from_secs(3),
            environment: BTreeMap::new(),
            max_concurrency: 10,
            log_format: LogFormat::Text,
            log_level: None,
        }
    }

    /// Checks what Lambda checks when a function is created.
    pub(super) fn validate(&self) -> Result<(), SpecError> {
        let name = || self.name.clone();
        if self.name.is_empty() || !self.name.bytes().all(is_name_byte) {
            return Err(SpecError::Name(name()));
        }
        if let Some(variable) = self.environment.keys().find(|key| variables::is_reserved(key)) {
            return Err(SpecError::ReservedVariable {
                function: name(),
                variable: variable.clone(),
            });
        }
        match self.environment.keys().find(|key| !variables::is_valid_name(key)) {
            Some(variable) => Err(SpecError::VariableName {
                function: name(),
                variable: variable.clone(),
            }),
            None => Ok(()),
        }
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// How a function is asked to log. Source: "Advanced logging controls".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines of text.
    Text,
    /// One JSON object a line.
    Json,
}

/// A function that Lambda would not create.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SpecError {
    /// Names consist of ASCII letters, digits, `-` and `_`.
    #[error("{0:?} is not a function name: use letters, digits, '-' and '_'")]
    Name(String),
    /// Two functions have one name.
    #[error("two functions are called {0:?}")]
    Duplicate(String),
    /// Lambda sets this variable itself.
    #[error("function {function:?} sets {variable}, which Lambda reserves")]
    ReservedVariable {
        /// The function.
        function: String,
        /// The variable.
        variable: String,
    },
    /// Names of variables start with a letter and go on with letters, digits and `_`.
    #[error("function {function:?} sets {variable:?}, which is not a variable's name")]
    VariableName {
        /// The function.
        function: String,
        /// The variable.
        variable: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_variable_is_refused_by_name() {
        let mut spec = FunctionSpec::new("f", "/bin/true");
        spec.environment
            .insert("AWS_REGION".to_owned(), "eu-west-1".to_owned());
        let error = spec.validate().unwrap_err();
        assert_eq!(
            error.to_string(),
            "function \"f\" sets AWS_REGION, which Lambda reserves"
        );
    }

    #[test]
    fn variables_that_configure_the_sdk_are_not_reserved() {
        let mut spec = FunctionSpec::new("f", "/bin/true");
        for name in ["AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE", "RUST_LOG"] {
            spec.environment.insert(name.to_owned(), "x".to_owned());
        }
        assert_eq!(spec.validate(), Ok(()));
    }

    #[test]
    fn a_name_that_would_break_an_arn_or_a_path_is_refused() {
        for name in ["", "a/b", "a:b", "a b"] {
            let spec = FunctionSpec::new(name, "/bin/true");
            assert_eq!(spec.validate(), Err(SpecError::Name(name.to_owned())));
        }
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let credentials = Credentials {
            access_key_id: "AKID".to_owned(),
            secret_access_key: "hidden-key".to_owned(),
            session_token: Some("hidden-token".to_owned()),
        };
        let shown = format!("{credentials:?}");
        assert!(shown.contains("AKID"));
        assert!(!shown.contains("hidden"));
    }
}
