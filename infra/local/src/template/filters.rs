use super::at::At;
use super::error::TemplateError;
use super::model::S3Trigger;
use super::resolve::Resolver;
use crate::s3::EventName;

/// These events of a bucket, for the keys that the `Filter` of `owner` lets through.
pub(super) fn read<'a>(
    resolver: &Resolver<'a>,
    bucket: &str,
    events: Vec<String>,
    owner: &At<'a>,
) -> Result<S3Trigger, TemplateError> {
    let mut trigger = S3Trigger {
        bucket: bucket.to_owned(),
        events,
        prefix: String::new(),
        suffix: String::new(),
    };
    let Some(rules) = owner.find(&["Filter", "S3Key", "Rules"]) else {
        return Ok(trigger);
    };
    for rule in rules.items()? {
        let name = rule.require("Name")?;
        let value = resolver.required_text(&rule.require("Value")?)?;
        match resolver.required_text(&name)?.to_lowercase().as_str() {
            "prefix" => trigger.prefix = value,
            "suffix" => trigger.suffix = value,
            _ => return Err(name.error("must be prefix or suffix")),
        }
    }
    Ok(trigger)
}

/// Whether this machine's S3 sends any event that a configuration names.
pub(super) fn is_sent(configured: &str) -> bool {
    EventName::ALL
        .into_iter()
        .any(|event| event.is_included_in(configured))
}

/// Whether one event could go both ways, which S3 doesn't allow.
pub(super) fn overlap(one: &S3Trigger, other: &S3Trigger) -> bool {
    let either = |a: &str, b: &str| a.starts_with(b) || b.starts_with(a);
    let ends = one.suffix.ends_with(&other.suffix) || other.suffix.ends_with(&one.suffix);
    let takes = |trigger: &S3Trigger, event: EventName| {
        let mut configured = trigger.events.iter();
        configured.any(|configured| event.is_included_in(configured))
    };
    let mut names = EventName::ALL.into_iter();
    either(&one.prefix, &other.prefix) && ends && names.any(|event| takes(one, event) && takes(other, event))
}
