use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use super::at::At;
use super::error::TemplateError;
use super::events;
use super::model::Function;
use super::resolve::Resolver;

/// Reads an `AWS::Serverless::Function`. What it leaves out comes from `Globals`, then from Lambda's defaults.
pub(super) fn read<'a>(
    resolver: &Resolver<'a>,
    id: &str,
    resource: &At<'a>,
) -> Result<Function, TemplateError> {
    let properties = Properties {
        resolver,
        own: resource.require("Properties")?,
        globals: resolver.globals("Function"),
    };
    let name = resolver.physical_name(id, resource, resource)?;
    let events = events::read(resolver, &name, &properties.own)?;
    if let Some(url) = properties.find(&["FunctionUrlConfig"]) {
        return Err(url.error("functions have no URLs on this machine: use an event of type HttpApi"));
    }
    Ok(Function {
        logical_id: id.to_owned(),
        binary: binary(&properties, resource)?,
        memory_mb: properties.number("MemorySize", 128..=10_240)?.unwrap_or(128),
        timeout: Duration::from_secs(properties.number("Timeout", 1..=900)?.unwrap_or(3).into()),
        environment: properties.environment()?,
        // None at all would be a function that never runs.
        reserved_concurrency: properties.number("ReservedConcurrentExecutions", 1..=u32::MAX)?,
        json_logs: properties.text(&["LoggingConfig", "LogFormat"])?.as_deref() == Some("JSON"),
        log_level: properties.text(&["LoggingConfig", "ApplicationLogLevel"])?,
        name,
        routes: events.routes,
        s3_triggers: events.s3_triggers,
        queue_triggers: events.queue_triggers,
        schedules: events.schedules,
        other_events: events.others,
    })
}

/// The Cargo binary. Source: AWS SAM Developer Guide, "Building Rust Lambda functions with Cargo Lambda".
fn binary<'a>(properties: &Properties<'_, 'a>, resource: &At<'a>) -> Result<String, TemplateError> {
    let metadata = resource.require("Metadata")?;
    let method = metadata.require("BuildMethod")?;
    if method.text()? != "rust-cargolambda" {
        return Err(method.error("must be rust-cargolambda: other functions do not run on this machine"));
    }
    if let Some(binary) = metadata.find(&["BuildProperties", "Binary"]) {
        return properties.resolver.required_text(&binary);
    }
    let folder = properties.text(&["CodeUri"])?.unwrap_or_default();
    match Path::new(&folder).file_name() {
        Some(name) => Ok(name.to_string_lossy().into_owned()),
        None => {
            Err(metadata.error("BuildProperties.Binary must name the program when CodeUri names no folder"))
        }
    }
}

/// A function's properties, and those of all functions.
struct Properties<'r, 'a> {
    resolver: &'r Resolver<'a>,
    own: At<'a>,
    globals: Option<At<'a>>,
}

impl<'a> Properties<'_, 'a> {
    fn find(&self, keys: &[&str]) -> Option<At<'a>> {
        self.own.find(keys).or_else(|| self.globals.as_ref()?.find(keys))
    }

    fn text(&self, keys: &[&str]) -> Result<Option<String>, TemplateError> {
        match self.find(keys) {
            Some(at) => self.resolver.text(&at),
            None => Ok(None),
        }
    }

    fn number(&self, key: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, TemplateError> {
        let Some(at) = self.find(&[key]) else {
            return Ok(None);
        };
        let Some(text) = self.resolver.text(&at)? else {
            return Ok(None);
        };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(at.error(format!(
                "must be a whole number from {} to {}",
                range.start(),
                range.end()
            ))),
        }
    }

    /// The variables of `Globals`, overridden by the function's own.
    fn environment(&self) -> Result<BTreeMap<String, String>, TemplateError> {
        let mut variables = BTreeMap::new();
        for source in self.globals.iter().chain([&self.own]) {
            let Some(declared) = source.find(&["Environment", "Variables"]) else {
                continue;
            };
            let Some(declared) = self.resolver.follow(&declared)? else {
                continue;
            };
            for (name, value) in declared.entries()? {
                match self.resolver.text(&value)? {
                    Some(value) => variables.insert(name.to_owned(), value),
                    None => variables.remove(name),
                };
            }
        }
        Ok(variables)
    }
}
