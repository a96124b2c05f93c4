//! What surrounds a stack: where things are, and what programs have to be told to find them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use casefile::bucket::Bucket;
use casefile::config::{ConfigError, Env, bucket_name};
use casefile::key::BasePath;

use super::{ACCESS_KEY, REGION, SECRET_KEY, Stack, fallback};

impl Stack {
    /// The HTTP API's base URL, without a slash at its end: what the functions find in `PUBLIC_URL` unless the template
    /// says another.
    pub fn public_url(&self) -> String {
        public_url(self.gateway())
    }

    /// The bucket that exports go to.
    pub fn artifacts_bucket(&self) -> Option<&str> {
        self.setting("S3_BUCKET_NAME")
    }

    /// The bucket that audit records go to.
    pub fn audit_bucket(&self) -> Option<&str> {
        self.setting("AUDIT_BUCKET_NAME")
    }

    /// The bucket that exports go to, reached as any client of S3 would, and what comes before a session's folder.
    ///
    /// # Errors
    /// When the template names no bucket, or no base path that is one.
    pub fn artifacts(&self) -> Result<(Bucket, BasePath), ConfigError> {
        let mut env = self.settings();
        let base = env.optional("S3_BASE_PATH", BasePath::parse).unwrap_or_default();
        Ok((open_bucket(env, "S3_BUCKET_NAME")?, base))
    }

    /// The bucket that audit records go to, reached as any client of S3 would.
    ///
    /// # Errors
    /// When the template names none.
    pub fn audit(&self) -> Result<Bucket, ConfigError> {
        open_bucket(self.settings(), "AUDIT_BUCKET_NAME")
    }

    /// The bucket that rejected files go to, reached as any client of S3 would.
    ///
    /// # Errors
    /// When the template names none.
    pub fn quarantine(&self) -> Result<Bucket, ConfigError> {
        open_bucket(self.settings(), "QUARANTINE_BUCKET_NAME")
    }

    /// What the functions are told, and a person's own tools need to be: the buckets, the base URL, the topic, the queues,
    /// and the folder for what can't reach S3.
    pub fn own_environment(&self) -> Vec<(String, String)> {
        let functions = self.template.functions.iter();
        let all = functions.flat_map(|function| &function.environment);
        let buckets = all.filter(|(name, _)| name.ends_with("_BUCKET_NAME"));
        let buckets: BTreeMap<_, _> = buckets.collect();
        let buckets = buckets
            .into_iter()
            .map(|(name, value)| (name.clone(), value.clone()));
        let public_url = ("PUBLIC_URL".to_owned(), self.public_url());
        let topic = self.setting("TOPIC_ARN");
        let topic = topic.map(|topic| ("TOPIC_ARN".to_owned(), topic.to_owned()));
        let dead_letters = self.dead_letter_queue_url();
        let dead_letters = dead_letters.map(|url| ("DEAD_LETTER_QUEUE_URL".to_owned(), url));
        let arrivals = self.arrivals_queue_url();
        let arrivals = arrivals.map(|url| ("ARRIVALS_QUEUE_URL".to_owned(), url));
        let fallback = self.fallback_dir();
        let fallback = fallback.map(|path| (fallback::VARIABLE.to_owned(), path.display().to_string()));
        buckets
            .chain([public_url])
            .chain(topic)
            .chain(dead_letters)
            .chain(arrivals)
            .chain(fallback)
            .collect()
    }

    /// Where the queue that S3 sends its events to is on this machine: the one that is not for dead letters.
    fn arrivals_queue_url(&self) -> Option<String> {
        let dead_letters = self.setting("DEAD_LETTER_QUEUE_URL");
        let mut urls = self.services.queue_urls(&self.template).into_iter();
        urls.find_map(|(url, here)| (Some(url.as_str()) != dead_letters).then_some(here))
    }

    /// Where the dead letters' queue is on this machine.
    fn dead_letter_queue_url(&self) -> Option<String> {
        let deployed = self.setting("DEAD_LETTER_QUEUE_URL")?;
        let mut urls = self.services.queue_urls(&self.template).into_iter();
        urls.find_map(|(url, here)| (url == deployed).then_some(here))
    }

    /// The value of a variable in the first function that has it: in all functions one name means one thing.
    fn setting(&self, name: &str) -> Option<&str> {
        let mut functions = self.template.functions.iter();
        functions.find_map(|function| function.environment.get(name).map(String::as_str))
    }

    /// Every variable of the functions, with what reaches S3.
    fn settings(&self) -> Env {
        let names = self.template.functions.iter();
        let names = names.flat_map(|function| function.environment.keys());
        let own = names.filter_map(|name| Some((name.clone(), self.setting(name)?.to_owned())));
        let s3 = self.s3_environment();
        Env::of(own.chain(s3.map(|(name, value)| (name.to_owned(), value))))
    }

    /// The environment in which AWS's tools reach the embedded S3.
    pub fn s3_environment(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL_S3", self.s3.endpoint()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ]
    }

    /// The endpoints of SQS, SNS and Bedrock, for AWS's tools. Key and secret are those of S3; they aren't verified.
    pub fn service_environment(&self) -> [(&'static str, String); 3] {
        self.services.endpoints()
    }

    /// Whether a function has a model to ask.
    pub fn summarises(&self) -> bool {
        self.summaries
            || self
                .setting("BEDROCK_MODEL_ID")
                .is_some_and(|model| !model.is_empty())
    }
}

pub(super) fn public_url(gateway: SocketAddr) -> String {
    format!("http://{gateway}")
}

/// The bucket that a variable names.
fn open_bucket(mut env: Env, variable: &str) -> Result<Bucket, ConfigError> {
    let name = env.required(variable, bucket_name);
    let settings = env.s3();
    let (name, settings) = env.finish(name.zip(settings))?;
    Ok(Bucket::new(settings.client(), name))
}
