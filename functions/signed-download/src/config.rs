//! The function's configuration, from environment variables.

use casefile::config::{ConfigError, Env};
use casefile::link::settings::LinkSettings;

/// Everything that signed-download is told by its environment.
#[derive(Debug)]
pub struct Config {
    /// Buckets, tenant and public address.
    pub links: LinkSettings,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Everything that is wrong, each with its variable's name.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let links = LinkSettings::read(&mut env);
        env.finish(links.map(|links| Self { links }))
    }
}
