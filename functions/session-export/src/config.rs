//! The function's configuration, from environment variables.

use casefile::client::S3Settings;
use casefile::config::{ConfigError, Env, bucket_name};
use casefile::key::BasePath;

use crate::review::readable::ReportTemplate;

/// Everything that session-export is told by its environment.
#[derive(Debug)]
pub struct Config {
    /// `S3_BUCKET_NAME`: where exports go.
    pub bucket: String,
    /// `S3_BASE_PATH`: what comes before a session's folder; `tara/` where it isn't set.
    pub base_path: BasePath,
    /// `REPORT_TEMPLATE_FILE`: a template of the deployment's own for `readable_report.txt`.
    pub report_template: Option<String>,
    /// How to reach S3.
    pub s3: S3Settings,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Everything that is wrong, each with its variable's name.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let bucket = env.required("S3_BUCKET_NAME", bucket_name);
        let base_path = env.optional("S3_BASE_PATH", BasePath::parse).unwrap_or_default();
        let report_template = env.optional("REPORT_TEMPLATE_FILE", read_template);
        let s3 = env.s3();
        let config = bucket.zip(s3).map(|(bucket, s3)| Self {
            bucket,
            base_path,
            report_template,
            s3,
        });
        env.finish(config)
    }
}

fn read_template(path: &str) -> Result<String, String> {
    let source =
        std::fs::read_to_string(path).map_err(|error| format!("names a file that can't be read: {error}"))?;
    match ReportTemplate::new(Some(source.clone())) {
        Ok(_) => Ok(source),
        Err(error) => Err(format!("names a template that can't be parsed: {error}")),
    }
}
