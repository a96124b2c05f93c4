use std::net::SocketAddr;
use std::path::Path;

use super::config::{Credentials, FunctionSpec, LambdaConfig, LogFormat};

/// Variables that a function's configuration may not set. Source: "Defined runtime environment variables".
const RESERVED: [&str; 19] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

pub(super) fn is_valid_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// All variables of one process: Lambda's, as for the runtime `provided.al2023`, and the function's own.
///
/// `AWS_EXECUTION_ENV` and `_X_AMZN_TRACE_ID` are absent, as Lambda documents for runtimes that consist of the
/// operating system only.
pub(super) fn for_process(
    config: &LambdaConfig,
    spec: &FunctionSpec,
    runtime_api: SocketAddr,
    log_stream: String,
) -> Vec<(String, String)> {
    let lambdas = lambdas(config, spec, runtime_api, log_stream);
    let lambdas = lambdas.into_iter().map(|(name, value)| (name.to_owned(), value));
    let own = spec
        .environment
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    lambdas.chain(own).collect()
}

fn lambdas(
    config: &LambdaConfig,
    spec: &FunctionSpec,
    runtime_api: SocketAddr,
    log_stream: String,
) -> Vec<(&'static str, String)> {
    let Credentials {
        access_key_id,
        secret_access_key,
        session_token,
    } = config.credentials.clone();
    let mut variables = vec![
        ("_HANDLER", "bootstrap".to_owned()),
        ("AWS_ACCESS_KEY_ID", access_key_id),
        ("AWS_DEFAULT_REGION", config.region.clone()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", spec.memory_mb.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", spec.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT", log_format(spec.log_format).to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", spec.name)),
        ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream),
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("AWS_REGION", config.region.clone()),
        ("AWS_SECRET_ACCESS_KEY", secret_access_key),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
        ("LAMBDA_TASK_ROOT", task_root(spec).display().to_string()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ];
    variables.extend(session_token.map(|token| ("AWS_SESSION_TOKEN", token)));
    variables.extend(
        spec.log_level
            .clone()
            .map(|level| ("AWS_LAMBDA_LOG_LEVEL", level)),
    );
    variables
}

/// The folder that the program lies in: a function's working directory.
pub(super) fn task_root(spec: &FunctionSpec) -> &Path {
    match spec.executable.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn log_format(format: LogFormat) -> &'static str {
    match format {
        LogFormat::Text => "Text",
        LogFormat::Json => "JSON",
    }
}
