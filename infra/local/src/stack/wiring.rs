//! What the template's resources become on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::fallback;
use super::services::Services;
use super::{ACCESS_KEY, REGION, SECRET_KEY, StackConfig};
use crate::build::BuildError;
use crate::lambda::{Credentials, FunctionSpec, Lambda, LambdaConfig, LogFormat};
use crate::s3::{S3Config, S3Server, SessionCredentials, StartError};
use crate::schedules::Scheduled;
use crate::sqs::{EventSource, Queues};
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
        s3.settings.insert(bucket.name.clone(), bucket.settings.clone());
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
    /// The variables that say where AWS's services are.
    pub(super) endpoints: Vec<(&'static str, String)>,
    /// Where the gateway answers.
    pub(super) public_url: String,
    /// The queues' URLs in AWS, and here.
    pub(super) queue_urls: Vec<(String, String)>,
    /// Whether a function that may ask a model asks the stand-in.
    pub(super) summaries: bool,
    /// Other collections than those that the functions were built with.
    pub(super) collections: Option<PathBuf>,
    /// Where what can't reach S3 is kept.
    pub(super) fallback: Option<PathBuf>,
}

/// The id of the stand-in's model, which has what makes ids difficult.
const MODEL_ID: &str = "casefile.stand-in-v1:0";

/// The variables that say where AWS's services are on this machine.
pub(super) fn endpoints(s3: &S3Server, services: &Services) -> Vec<(&'static str, String)> {
    let s3 = [("AWS_ENDPOINT_URL_S3", s3.endpoint())];
    s3.into_iter().chain(services.endpoints()).collect()
}

/// What calls the template's functions with messages.
pub(super) fn event_sources(
    config: &StackConfig,
    template: &Template,
    queues: &Queues,
    lambda: &Lambda,
) -> Vec<EventSource> {
    let functions = template.functions.iter();
    let triggers = functions.flat_map(|function| {
        let triggers = function.queue_triggers.iter();
        triggers.map(|trigger| (function.name.clone(), trigger.clone()))
    });
    triggers
        .filter_map(|(function, trigger)| {
            Some(EventSource {
                queue: Arc::clone(queues.get(&trigger.queue)?),
                function,
                trigger,
                lambda: lambda.clone(),
                region: REGION.to_owned(),
                redelivery: config.redelivery,
            })
        })
        .collect()
}

/// What calls the template's functions by the clock.
pub(super) fn schedules(config: &StackConfig, template: &Template, lambda: &Lambda) -> Vec<Scheduled> {
    let functions = template.functions.iter();
    let schedules = functions.flat_map(|function| {
        let schedules = function.schedules.iter();
        schedules.map(|schedule| Scheduled {
            function: function.name.clone(),
            input: Bytes::from(schedule.input.clone()),
            every: config.schedules.unwrap_or(schedule.every),
            lambda: lambda.clone(),
        })
    });
    schedules.collect()
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
    for value in spec.environment.values_mut() {
        let mut urls = surroundings.queue_urls.iter();
        if let Some((_, here)) = urls.find(|(deployed, _)| deployed == value) {
            value.clone_from(here);
        }
    }
    let endpoints = surroundings.endpoints.iter();
    let endpoints = endpoints.map(|(name, value)| ((*name).to_owned(), value.clone()));
    spec.environment.extend(endpoints);
    if let Some(model) = spec.environment.get_mut("BEDROCK_MODEL_ID")
        && model.is_empty()
        && surroundings.summaries
    {
        MODEL_ID.clone_into(model);
    }
    let collections = surroundings.collections.iter();
    let collections = collections.map(|path| ("COLLECTIONS_FILE".to_owned(), path.display().to_string()));
    spec.environment.extend(collections);
    if let Some(folder) = spec.environment.get_mut(fallback::VARIABLE) {
        let here = surroundings.fallback.as_ref();
        *folder = here.map_or_else(String::new, |path| path.display().to_string());
    }
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
