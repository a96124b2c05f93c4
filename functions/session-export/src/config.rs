//! The function's configuration, from environment variables.

use casefile::config::{ConfigError, Env};
use casefile::link::settings::LinkSettings;

use crate::review::readable::ReportTemplate;

/// Everything that session-export is told by its environment.
#[derive(Debug)]
pub struct Config {
    /// Buckets, tenant and public address.
    pub links: LinkSettings,
    /// `REPORT_TEMPLATE_FILE`: a template of the deployment's own for `readable_report.txt`.
    pub report_template: Option<String>,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Everything that is wrong, each with its variable's name.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let report_template = env.optional("REPORT_TEMPLATE_FILE", read_template);
        let links = LinkSettings::read(&mut env);
        env.finish(links.map(|links| Self {
            links,
            report_template,
        }))
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
