//! What the template's resources become on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{ACCESS_KEY, REGION, SECRET_KEY, StackConfig};
use crate::build::BuildError;
use crate::lambda::{Credentials, FunctionSpec, LambdaConfig, LogFormat};
use crate::s3::{S3Config, S3Server, SessionCredentials, StartError};
use crate::template::{Function, Template};

/// Processes of one function at once: the sample's twins, and twice as many again.
const MAX_CONCURRENCY: usize = 64;
/// The functions' key, which goes with a session token, as a role's in Lambda.
const FUNCTION_ACCESS_KEY: &str = "casefile-functions";
const FUNCTION_SECRET_KEY: &str = "casefile-functions-local-secret";
pub(super) const FUNCTION_SESSION_TOKEN: &str = "casefile-functions-local-session-token";

/// An S3 with the template's buckets.
pub(super) async fn start_s3(config: &StackConfig, template: &Template) -> Result<S3Server, StartError> {
    let mut s3 = S3Config::new(&config.data, config.clock);
    for bucket in &template.buckets {
        let wanted = if bucket.versioned {
            &mut s3.buckets
        } else {
            &mut s3.unversioned_buckets
        };
        wanted.push(bucket.name.clone());
        let retention = bucket.retention.map(|retention| (bucket.name.clone(), retention));
        s3.retention.extend(retention);
    }
    ACCESS_KEY.clone_into(&mut s3.access_key);
    SECRET_KEY.clone_into(&mut s3.secret_key);
    s3.sessions = vec![SessionCredentials {
        access_key: FUNCTION_ACCESS_KEY.to_owned(),
        secret_key: FUNCTION_SECRET_KEY.to_owned(),
        session_token: FUNCTION_SESSION_TOKEN.to_owned(),
    }];
    REGION.clone_into(&mut s3.region);
    s3.listen = config.s3;
    S3Server::start(s3).await
}

pub(super) fn lambda_config(config: &StackConfig) -> LambdaConfig {
    let mut lambda = LambdaConfig::new(config.clock, config.log.clone());
    REGION.clone_into(&mut lambda.region);
    lambda.credentials = Credentials {
        access_key_id: FUNCTION_ACCESS_KEY.to_owned(),
        secret_access_key: FUNCTION_SECRET_KEY.to_owned(),
        session_token: Some(FUNCTION_SESSION_TOKEN.to_owned()),
    };
    lambda
}

/// What a function finds around it.
pub(super) struct Surroundings {
    pub(super) s3_endpoint: String,
    /// Where the gateway answers.
    pub(super) public_url: String,
}

/// The template's functions as Lambda runs them.
///
/// # Errors
/// When there is no program of a name.
pub(super) fn specs(
    template: &Template,
    programs: &BTreeMap<String, PathBuf>,
    surroundings: &Surroundings,
) -> Result<Vec<FunctionSpec>, BuildError> {
    let specs = template.functions.iter().map(|function| {
        let program = programs
            .get(&function.binary)
            .ok_or_else(|| BuildError::Missing(function.binary.clone()))?;
        Ok(spec(function, program, surroundings))
    });
    specs.collect()
}

fn spec(function: &Function, program: &Path, surroundings: &Surroundings) -> FunctionSpec {
    let mut spec = FunctionSpec::new(&function.name, program);
    spec.memory_mb = function.memory_mb;
    spec.timeout = function.timeout;
    spec.environment = function.environment.clone();
    spec.environment
        .insert("AWS_ENDPOINT_URL_S3".to_owned(), surroundings.s3_endpoint.clone());
    // Deployed, links may have a domain of their own.
    let public_url = spec.environment.entry("PUBLIC_URL".to_owned()).or_default();
    if public_url.is_empty() {
        public_url.clone_from(&surroundings.public_url);
    }
    spec.max_concurrency = function
        .reserved_concurrency
        .map_or(MAX_CONCURRENCY, |limit| (limit as usize).min(MAX_CONCURRENCY));
    spec.log_format = if function.json_logs {
        LogFormat::Json
    } else {
        LogFormat::Text
    };
    spec.log_level.clone_from(&function.log_level);
    spec
}
