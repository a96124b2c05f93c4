//! The function's configuration, from environment variables.

use casefile::config::{ConfigError, Env};
use casefile::link::settings::LinkSettings;

use crate::fallback::FallbackSettings;
use crate::review::readable::{MAX_TEMPLATE_BYTES, ReportTemplate, TemplateKey};

/// Everything that session-export is told by its environment.
#[derive(Debug)]
pub struct Config {
    /// Buckets, tenant and public address.
    pub links: LinkSettings,
    /// `REPORT_TEMPLATE_FILE`: a template of the deployment's own for `readable_report.txt`.
    pub report_template: Option<String>,
    /// `REPORT_TEMPLATE_KEY`: the same in the artifacts bucket, where it may be replaced while the function runs.
    pub report_template_key: Option<TemplateKey>,
    /// `FALLBACK_DIR`, `FALLBACK_MAX_BYTES`: where exports go that S3 doesn't take.
    pub fallback: Option<FallbackSettings>,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Everything that is wrong, each with its variable's name.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let report_template = env.optional("REPORT_TEMPLATE_FILE", read_template);
        let report_template_key = env.optional("REPORT_TEMPLATE_KEY", TemplateKey::parse);
        if env.text("REPORT_TEMPLATE_FILE").is_some() && env.text("REPORT_TEMPLATE_KEY").is_some() {
            env.refuse(
                "REPORT_TEMPLATE_KEY",
                "and REPORT_TEMPLATE_FILE are both set: there is one template",
            );
        }
        let fallback = FallbackSettings::read(&mut env);
        let links = LinkSettings::read(&mut env);
        env.finish(links.map(|links| Self {
            links,
            report_template,
            report_template_key,
            fallback,
        }))
    }
}

fn read_template(path: &str) -> Result<String, String> {
    let source =
        std::fs::read_to_string(path).map_err(|error| format!("names a file that can't be read: {error}"))?;
    if source.len() as u64 > MAX_TEMPLATE_BYTES {
        return Err(format!(
            "names a template of more than {MAX_TEMPLATE_BYTES} bytes"
        ));
    }
    match ReportTemplate::new(Some(source.clone())) {
        Ok(_) => Ok(source),
        Err(error) => Err(format!("names a template that can't be parsed: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_template() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/review/readable_report.txt.j2");
        let key = "_casefile/templates/report.j2";
        let error = |file: &str, key: &str| {
            let variables = [("REPORT_TEMPLATE_FILE", file), ("REPORT_TEMPLATE_KEY", key)];
            Config::from_env(Env::of(variables)).unwrap_err().to_string()
        };
        let both = error(file, key);
        assert!(
            both.contains("REPORT_TEMPLATE_KEY and REPORT_TEMPLATE_FILE are both set"),
            "{both}"
        );
        for (file, key) in [(file, ""), ("", key)] {
            assert!(!error(file, key).contains("REPORT_TEMPLATE"));
        }
        let wrong = error("", "tara/x");
        assert!(
            wrong.contains("REPORT_TEMPLATE_KEY must be a key below"),
            "{wrong}"
        );
    }
}
