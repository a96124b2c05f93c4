//! The function's configuration, from environment variables.

use std::sync::Arc;

use casefile::client::S3Settings;
use casefile::config::{ConfigError, Env, bucket_name, queue_url};
use casefile::key::BasePath;
use casefile::link::settings::default_tenant;
use casefile::name::TenantId;

use crate::clients::Clients;
use crate::notify::Topic;
use crate::summary;

/// Everything that post-process is told by its environment.
#[derive(Debug)]
pub struct Config {
    /// `S3_BUCKET_NAME`: where objects arrive.
    pub bucket: String,
    /// `S3_BASE_PATH`: what comes before a session's folder; `tara/` where it isn't set.
    pub base_path: BasePath,
    /// `QUARANTINE_BUCKET_NAME`: where what was rejected goes.
    pub quarantine_bucket: String,
    /// `DEFAULT_TENANT`: whose is what devices deliver; `default` where it isn't set.
    pub default_tenant: TenantId,
    /// `DEAD_LETTER_QUEUE_URL`: where messages go that no repetition helps.
    pub dead_letter_queue_url: Option<String>,
    /// `TOPIC_ARN`: who is told; nobody where it isn't set.
    pub topic: Option<Topic>,
    /// `BEDROCK_MODEL_ID` and what goes with it; without it nothing is summarised.
    pub summary: Option<summary::Settings>,
    /// How to reach S3.
    pub s3: S3Settings,
    /// How to reach the other services.
    pub clients: Arc<Clients>,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Everything that is wrong, each with its variable's name.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let config = Self::read(&mut env);
        env.finish(config)
    }

    fn read(env: &mut Env) -> Option<Self> {
        // First, for what follows asks the collections.
        casefile::collection::read(env);
        let bucket = env.required("S3_BUCKET_NAME", bucket_name);
        let base_path = env.optional("S3_BASE_PATH", BasePath::parse).unwrap_or_default();
        let quarantine_bucket = env.required("QUARANTINE_BUCKET_NAME", bucket_name);
        if bucket.is_some() && bucket == quarantine_bucket {
            env.refuse(
                "QUARANTINE_BUCKET_NAME",
                "must be another bucket than S3_BUCKET_NAME",
            );
        }
        let default_tenant = default_tenant(env);
        let dead_letter_queue_url = env.optional("DEAD_LETTER_QUEUE_URL", queue_url);
        let topic = Topic::read(env);
        let summary = summary::Settings::read(env);
        let s3 = env.s3();
        let clients = s3.as_ref().map(|s3| Arc::new(Clients::read(env, s3)));
        Some(Self {
            bucket: bucket?,
            base_path,
            quarantine_bucket: quarantine_bucket?,
            default_tenant: default_tenant?,
            dead_letter_queue_url,
            topic,
            summary,
            s3: s3?,
            clients: clients?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_wrong_variables_are_named_at_once() {
        let env = Env::of([
            ("S3_BUCKET_NAME", "files"),
            ("QUARANTINE_BUCKET_NAME", "files"),
            ("DEFAULT_TENANT", "../x"),
            ("DEAD_LETTER_QUEUE_URL", "name"),
            ("TOPIC_ARN", "topic"),
            ("BEDROCK_MODEL_ID", "model"),
            ("BEDROCK_MAX_TOKENS", "none"),
        ]);
        let error = Config::from_env(env).unwrap_err().to_string();
        for name in [
            "QUARANTINE_BUCKET_NAME must be another bucket",
            "DEFAULT_TENANT",
            "DEAD_LETTER_QUEUE_URL",
            "TOPIC_ARN",
            "BEDROCK_MAX_TOKENS",
            "AWS_REGION",
        ] {
            assert!(error.contains(name), "{name}: {error}");
        }
    }
}
