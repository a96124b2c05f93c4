use super::at::At;
use super::error::TemplateError;
use super::filters;
use super::http_api;
use super::model::{QueueTrigger, Route, S3Trigger, Schedule};
use super::queues;
use super::resolve::Resolver;
use super::schedules::{self, Found};

/// What calls a function.
#[derive(Default)]
pub(super) struct Events {
    pub(super) routes: Vec<Route>,
    pub(super) s3_triggers: Vec<S3Trigger>,
    pub(super) queue_triggers: Vec<QueueTrigger>,
    pub(super) schedules: Vec<Schedule>,
    /// What this machine does not deliver.
    pub(super) others: Vec<String>,
}

/// The `Events` of a function.
pub(super) fn read<'a>(
    resolver: &Resolver<'a>,
    function: &str,
    properties: &At<'a>,
) -> Result<Events, TemplateError> {
    let mut all = Events::default();
    let events = properties
        .get("Events")
        .map(|events| events.entries())
        .transpose()?;
    for (name, event) in events.unwrap_or_default() {
        match event.require("Type")?.text()? {
            "HttpApi" => all.routes.push(http_api::route(resolver, function, &event)?),
            "S3" => {
                let trigger = s3_trigger(resolver, &event.require("Properties")?)?;
                let foreign = trigger.events.iter().filter(|event| !filters::is_sent(event));
                all.others
                    .extend(foreign.map(|event| format!("{name} (S3, {event})")));
                all.s3_triggers.push(trigger);
            }
            "SQS" => {
                let trigger = queues::trigger(resolver, &event.require("Properties")?)?;
                match trigger {
                    Some(trigger) => all.queue_triggers.push(trigger),
                    None => all.others.push(format!("{name} (SQS, switched off)")),
                }
            }
            kind @ ("ScheduleV2" | "Schedule") => match schedules::read(resolver, kind, &event)? {
                Found::Kept(schedule) => all.schedules.push(schedule),
                Found::Undelivered(why) => all.others.push(format!("{name} ({kind}, {why})")),
            },
            kind => all.others.push(format!("{name} ({kind})")),
        }
    }
    Ok(all)
}

/// Reads an event of type `S3`. Source: AWS SAM Developer Guide, event source type `S3`.
fn s3_trigger<'a>(resolver: &Resolver<'a>, properties: &At<'a>) -> Result<S3Trigger, TemplateError> {
    let events = properties.require("Events")?;
    let events = match events.items() {
        Ok(events) => events,
        Err(_) => vec![events],
    };
    let events = events.iter().map(|event| resolver.required_text(event));
    let bucket = bucket(resolver, &properties.require("Bucket")?)?;
    filters::read(resolver, &bucket, events.collect::<Result<_, _>>()?, properties)
}

/// The name of a bucket that the template must declare, too.
fn bucket<'a>(resolver: &Resolver<'a>, at: &At<'a>) -> Result<String, TemplateError> {
    let Some(("Ref", target)) = at.call() else {
        return Err(at.error("must be a Ref to a bucket"));
    };
    let id = target.text()?;
    let resource = resolver
        .resource(id)
        .ok_or_else(|| at.error(format!("there is no resource {id}")))?;
    match resource.require("Type")?.text()? {
        "AWS::S3::Bucket" => resolver.physical_name(id, &resource, at),
        _ => Err(at.error(format!("{id} is not an AWS::S3::Bucket"))),
    }
}
