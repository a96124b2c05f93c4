use std::ops::RangeInclusive;
use std::time::Duration;

use super::at::At;
use super::error::TemplateError;
use super::model::{Queue, QueueTrigger, Redrive};
use super::resolve::Resolver;

/// Reads an `AWS::SQS::Queue`.
pub(super) fn read<'a>(resolver: &Resolver<'a>, id: &str, resource: &At<'a>) -> Result<Queue, TemplateError> {
    let property = |key: &str| resource.find(&["Properties", key]);
    for key in ["FifoQueue", "DelaySeconds"] {
        if let Some(setting) = property(key)
            && resolver
                .text(&setting)?
                .is_some_and(|value| value != "false" && value != "0")
        {
            return Err(setting.error("only standard queues without a delay run on this machine"));
        }
    }
    let visibility = property("VisibilityTimeout");
    let visibility = visibility
        .map(|at| number(resolver, &at, 0..=43_200))
        .transpose()?;
    let redrive = property("RedrivePolicy");
    Ok(Queue {
        logical_id: id.to_owned(),
        name: resolver.physical_name(id, resource, resource)?,
        arn: resolver.attribute(id, "Arn", resource)?,
        url: resolver.attribute(id, "QueueUrl", resource)?,
        visibility: Duration::from_secs(visibility.flatten().unwrap_or(30).into()),
        redrive: redrive.map(|policy| redrive_to(resolver, &policy)).transpose()?,
    })
}

/// Source: Amazon SQS Developer Guide, "Using dead-letter queues in Amazon SQS".
fn redrive_to<'a>(resolver: &Resolver<'a>, policy: &At<'a>) -> Result<Redrive, TemplateError> {
    let most = policy.require("maxReceiveCount")?;
    let max_receives = number(resolver, &most, 1..=1000)?;
    Ok(Redrive {
        queue: by_arn(resolver, &policy.require("deadLetterTargetArn")?)?,
        max_receives: max_receives.ok_or_else(|| most.error("must have a value"))?,
    })
}

/// Reads an event of type `SQS`; nothing for one that is switched off. Source: AWS SAM Developer Guide, event source
/// type `SQS`.
pub(super) fn trigger<'a>(
    resolver: &Resolver<'a>,
    properties: &At<'a>,
) -> Result<Option<QueueTrigger>, TemplateError> {
    for key in ["FilterCriteria", "ProvisionedPollerConfig"] {
        if let Some(setting) = properties.get(key) {
            return Err(setting.error("is not held to on this machine"));
        }
    }
    let queue = by_arn(resolver, &properties.require("Queue")?)?;
    let enabled = properties.get("Enabled");
    let enabled = enabled.map(|at| resolver.text(&at)).transpose()?.flatten();
    if enabled.is_some_and(|enabled| enabled == "false") {
        return Ok(None);
    }
    let setting = |keys: &[&str], range| match properties.find(keys) {
        Some(at) => number(resolver, &at, range),
        None => Ok(None),
    };
    let window = setting(&["MaximumBatchingWindowInSeconds"], 0..=300)?.unwrap_or(0);
    // Above ten only with a window, says Lambda.
    let most = if window == 0 { 10 } else { 10_000 };
    let concurrency = setting(&["ScalingConfig", "MaximumConcurrency"], 2..=1000)?;
    Ok(Some(QueueTrigger {
        queue,
        batch_size: setting(&["BatchSize"], 1..=most)?.unwrap_or(10) as usize,
        window: Duration::from_secs(window.into()),
        reports_failures: reports_failures(resolver, properties)?,
        max_concurrency: concurrency.map(|calls| calls as usize),
    }))
}

fn reports_failures<'a>(resolver: &Resolver<'a>, properties: &At<'a>) -> Result<bool, TemplateError> {
    let Some(types) = properties.get("FunctionResponseTypes") else {
        return Ok(false);
    };
    for kind in types.items()? {
        if resolver.required_text(&kind)? != "ReportBatchItemFailures" {
            return Err(kind.error("must be ReportBatchItemFailures"));
        }
    }
    Ok(!types.items()?.is_empty())
}

/// The name of the queue of this template that an ARN says.
pub(super) fn by_arn<'a>(resolver: &Resolver<'a>, at: &At<'a>) -> Result<String, TemplateError> {
    let arn = resolver.required_text(at)?;
    for (id, resource) in resolver.resources()? {
        if resource.require("Type")?.text()? == "AWS::SQS::Queue" && resolver.attribute(id, "Arn", at)? == arn
        {
            return resolver.physical_name(id, &resource, at);
        }
    }
    Err(at.error("must be the Arn of an AWS::SQS::Queue of this template"))
}

fn number<'a>(
    resolver: &Resolver<'a>,
    at: &At<'a>,
    range: RangeInclusive<u32>,
) -> Result<Option<u32>, TemplateError> {
    let Some(text) = resolver.text(at)? else {
        return Ok(None);
    };
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => {
            let (first, last) = range.into_inner();
            Err(at.error(format!("must be a whole number from {first} to {last}")))
        }
    }
}
