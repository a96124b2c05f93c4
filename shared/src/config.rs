//! Configuration from environment variables: read once, typed, all errors at once, each naming its variable.

use std::collections::HashMap;
use std::fmt::Display;

use crate::client::S3Settings;

/// The environment, with the errors found in it so far.
#[derive(Debug, Default)]
pub struct Env {
    variables: HashMap<String, String>,
    errors: Vec<String>,
}

/// Everything that is wrong with the configuration, each line naming its variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is wrong: {}", .0.join("; "))]
pub struct ConfigError(Vec<String>);

impl Env {
    /// The process's environment. Variables that aren't Unicode count as absent.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub fn from_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            variables,
            errors: Vec::new(),
        }
    }

    /// An environment of the given variables.
    pub fn of<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self {
            variables,
            errors: Vec::new(),
        }
    }

    /// The same with these where nothing is set.
    #[must_use]
    pub fn with_defaults<N: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        for (name, value) in variables {
            let name = name.into();
            if self.text(&name).is_none() {
                self.variables.insert(name, value.into());
            }
        }
        self
    }

    /// The variable's text; empty counts as absent.
    pub fn text(&self, name: &str) -> Option<String> {
        self.variables
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
    }

    /// The variable's value, if it is set.
    pub fn optional<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name)?;
        parse(&text).map_err(|error| self.refuse(name, error)).ok()
    }

    /// The variable's value; that it isn't set is an error.
    pub fn required<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if self.text(name).is_none() {
            self.refuse(name, "is not set");
        }
        self.optional(name, parse)
    }

    /// Notes that a variable is wrong.
    pub fn refuse(&mut self, name: &str, why: impl Display) {
        self.errors.push(format!("{name} {why}"));
    }

    /// How to reach S3.
    pub fn s3(&mut self) -> Option<S3Settings> {
        S3Settings::read(self)
    }

    /// `config`, if nothing was wrong.
    ///
    /// # Errors
    /// Everything that was wrong.
    pub fn finish<T>(self, config: Option<T>) -> Result<T, ConfigError> {
        match config {
            Some(config) if self.errors.is_empty() => Ok(config),
            _ => Err(ConfigError(self.errors)),
        }
    }
}

/// A bucket's name by S3's rules: 3 to 63 lower-case letters, digits, `.` and `-`.
///
/// # Errors
/// When it isn't.
pub fn bucket_name(text: &str) -> Result<String, &'static str> {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    let is_edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_name = (3..=63).contains(&text.len())
        && text.chars().all(is_inner)
        && is_edge(text.chars().next())
        && is_edge(text.chars().last());
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("is not a bucket name: 3 to 63 lower-case letters, digits, '.' and '-'")
    }
}

/// A queue's URL, as SQS gives it.
///
/// # Errors
/// When it is no URL.
pub fn queue_url(text: &str) -> Result<String, &'static str> {
    if text.starts_with("https://") || text.starts_with("http://") {
        Ok(text.to_owned())
    } else {
        Err("must be a queue's URL, such as https://sqs.eu-west-1.amazonaws.com/123456789012/name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_is_taken_where_nothing_or_an_empty_text_is_set() {
        let env = Env::of([("A", "own"), ("B", "")]).with_defaults([("A", "x"), ("B", "y"), ("C", "z")]);
        let texts = ["A", "B", "C", "D"].map(|name| env.text(name));
        assert_eq!(
            texts,
            [Some("own".into()), Some("y".into()), Some("z".into()), None]
        );
    }

    #[test]
    fn every_error_names_its_variable() {
        let mut env = Env::of([("S3_BUCKET_NAME", "My_Bucket"), ("PORT", "x"), ("EMPTY", "")]);
        let bucket = env.required("S3_BUCKET_NAME", bucket_name);
        let port = env.optional("PORT", str::parse::<u16>);
        let empty = env.required("EMPTY", bucket_name);
        assert_eq!((&bucket, port, &empty), (&None, None, &None));
        let error = env.finish(bucket).unwrap_err().to_string();
        assert_eq!(
            error,
            "the configuration is wrong: S3_BUCKET_NAME is not a bucket name: 3 to 63 lower-case letters, digits, '.' \
             and '-'; PORT invalid digit found in string; EMPTY is not set"
        );
    }
}
