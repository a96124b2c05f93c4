use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::at::At;
use super::buckets;
use super::error::{LoadError, TemplateError};
use super::functions;
use super::http_api;
use super::node;
use super::queues;
use super::resolve::Resolver;
use super::topics;
use crate::s3::BucketSettings;

/// What this machine stands in for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Values for parameters, instead of their defaults.
    pub parameters: BTreeMap<String, String>,
    /// `AWS::Region`.
    pub region: String,
    /// `AWS::AccountId`, twelve digits.
    pub account_id: String,
    /// `AWS::StackName`: resources that the template does not name are called after it.
    pub stack_name: String,
}

impl Default for Settings {
    /// Region `us-east-1`, account `000000000000`, stack `casefile-local`, and every parameter's default.
    fn default() -> Self {
        Self {
            parameters: BTreeMap::new(),
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            stack_name: "casefile-local".to_owned(),
        }
    }
}

/// What a template deploys, as far as it runs on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The parameters that have a value.
    pub parameters: BTreeMap<String, String>,
    /// The functions, in the template's order.
    pub functions: Vec<Function>,
    /// The buckets, in the template's order.
    pub buckets: Vec<Bucket>,
    /// The queues, in the template's order.
    pub queues: Vec<Queue>,
    /// The topics, in the template's order.
    pub topics: Vec<Topic>,
    /// Subscriptions, to which nothing is sent on this machine.
    pub subscriptions: Vec<String>,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its key under `Resources`.
    pub logical_id: String,
    /// Its name, by which it is called.
    pub name: String,
    /// The Cargo binary that it runs.
    pub binary: String,
    /// `MemorySize` in MB.
    pub memory_mb: u32,
    /// `Timeout`.
    pub timeout: Duration,
    /// Its variables, with those of `Globals`.
    pub environment: BTreeMap<String, String>,
    /// `ReservedConcurrentExecutions`.
    pub reserved_concurrency: Option<u32>,
    /// Whether `LoggingConfig` asks for JSON.
    pub json_logs: bool,
    /// `ApplicationLogLevel`.
    pub log_level: Option<String>,
    /// The routes of the HTTP API that lead to it.
    pub routes: Vec<Route>,
    /// The changes of objects that call it.
    pub s3_triggers: Vec<S3Trigger>,
    /// The queues whose messages call it.
    pub queue_triggers: Vec<QueueTrigger>,
    /// What calls it at regular intervals.
    pub schedules: Vec<Schedule>,
    /// Its other events, which this machine does not deliver, as `Name (Type)`.
    pub other_events: Vec<String>,
}

/// A route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method in upper case, or `ANY`.
    pub method: String,
    /// The path, such as `/v1/links/{collection}/{path+}`, or `$default` for whatever no other route takes.
    pub path: String,
    /// The name of the function that it leads to.
    pub function: String,
    /// Whether the caller must be known.
    pub authorized: bool,
}

/// A queue whose messages call a function, in batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueTrigger {
    /// The queue's name.
    pub queue: String,
    /// `BatchSize`: the most messages of one call.
    pub batch_size: usize,
    /// `MaximumBatchingWindowInSeconds`: how long a batch waits for more messages.
    pub window: Duration,
    /// Whether the function says which messages it failed at: `ReportBatchItemFailures`.
    pub reports_failures: bool,
    /// `ScalingConfig.MaximumConcurrency`: the most calls at once.
    pub max_concurrency: Option<usize>,
}

/// A call that is made again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// `rate(…)`: how far apart calls are.
    pub every: Duration,
    /// `Input`: the JSON that the function is called with.
    pub input: String,
}

/// Changes of a bucket's objects that call a function, or go to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Trigger {
    /// The bucket's name.
    pub bucket: String,
    /// Such as `s3:ObjectCreated:*`.
    pub events: Vec<String>,
    /// What a key must begin with.
    pub prefix: String,
    /// What a key must end with.
    pub suffix: String,
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its key under `Resources`.
    pub logical_id: String,
    /// Its name.
    pub name: String,
    /// Whether it keeps versions.
    pub versioned: bool,
    /// How long Object Lock keeps each version from being deleted.
    pub retention: Option<Duration>,
    /// What it says of itself when it is asked.
    pub settings: BucketSettings,
    /// What it sends to queues.
    pub queue_notifications: Vec<QueueNotification>,
    /// Where else it sends its events once it is deployed, and not on this machine: `TopicConfigurations`, …
    pub notifications: Vec<String>,
}

/// Events that a bucket sends to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueNotification {
    /// The queue's name.
    pub queue: String,
    /// Which events.
    pub changes: S3Trigger,
}

/// A standard queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its key under `Resources`.
    pub logical_id: String,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// What `Ref` gives: its URL in AWS.
    pub url: String,
    /// `VisibilityTimeout`.
    pub visibility: Duration,
    /// `RedrivePolicy`.
    pub redrive: Option<Redrive>,
}

/// Where a queue's messages go that nobody gets done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// The dead-letter queue's name.
    pub queue: String,
    /// How often a message is received before.
    pub max_receives: u32,
}

/// A standard topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its key under `Resources`.
    pub logical_id: String,
    /// Its ARN, which `Ref` gives.
    pub arn: String,
}

impl Template {
    /// Reads a template file.
    ///
    /// # Errors
    /// When it cannot be read, or does not say what is needed.
    pub fn load(path: &Path, settings: &Settings) -> Result<Self, LoadError> {
        let text = std::fs::read_to_string(path).map_err(|source| LoadError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, settings).map_err(|error| LoadError::Template {
            path: path.to_owned(),
            error,
        })
    }

    /// Reads a template.
    ///
    /// # Errors
    /// When it is not YAML, lacks what is needed, or refers to what this machine does not have.
    pub fn parse(text: &str, settings: &Settings) -> Result<Self, TemplateError> {
        let document = node::parse(text)?;
        let resolver = Resolver::new(At::root(&document), settings)?;
        let mut template = Self {
            parameters: resolver.parameters()?,
            functions: Vec::new(),
            buckets: Vec::new(),
            queues: Vec::new(),
            topics: Vec::new(),
            subscriptions: Vec::new(),
        };
        for (id, resource) in resolver.resources()? {
            match resource.require("Type")?.text()? {
                "AWS::Serverless::Function" => template
                    .functions
                    .push(functions::read(&resolver, id, &resource)?),
                "AWS::Serverless::HttpApi" => http_api::check(&resolver, &resource)?,
                "AWS::S3::Bucket" => template.buckets.push(buckets::read(&resolver, id, &resource)?),
                "AWS::SQS::Queue" => template.queues.push(queues::read(&resolver, id, &resource)?),
                "AWS::SNS::Topic" => template.topics.push(topics::read(&resolver, id, &resource)?),
                "AWS::SNS::Subscription" => template.subscriptions.push(id.to_owned()),
                kind if calls_functions(kind) => {
                    let problem = format!(
                        "{kind} does not run on this machine: let the Events of an AWS::Serverless::Function say what \
                         calls it"
                    );
                    return Err(resource.error(problem));
                }
                _ => {}
            }
        }
        template.check_visibility(&resolver)?;
        Ok(template)
    }

    /// Lambda doesn't take a queue whose messages would come again while the function still has them.
    fn check_visibility(&self, resolver: &Resolver<'_>) -> Result<(), TemplateError> {
        for function in &self.functions {
            for trigger in &function.queue_triggers {
                let mut queues = self.queues.iter();
                let queue = queues.find(|queue| queue.name == trigger.queue);
                if let Some(queue) = queue.filter(|queue| queue.visibility < function.timeout) {
                    let at = resolver.root.find(&["Resources", &queue.logical_id]);
                    let problem = format!(
                        "VisibilityTimeout is shorter than the timeout of {}",
                        function.logical_id
                    );
                    return Err(at.as_ref().unwrap_or(&resolver.root).error(problem));
                }
            }
        }
        Ok(())
    }

    /// What calls a function once it is deployed, and not on this machine.
    pub fn undelivered(&self) -> Vec<String> {
        let events = self.functions.iter().flat_map(|function| {
            let events = function.other_events.iter();
            events.map(|event| format!("{}: {event}", function.logical_id))
        });
        let notifications = self.buckets.iter().flat_map(|bucket| {
            let targets = bucket.notifications.iter();
            targets.map(|target| format!("{}: {target}", bucket.logical_id))
        });
        let subscriptions = self.subscriptions.iter();
        let subscriptions = subscriptions.map(|id| format!("{id}: AWS::SNS::Subscription"));
        events.chain(notifications).chain(subscriptions).collect()
    }

    /// The routes of all functions.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.functions.iter().flat_map(|function| &function.routes)
    }
}

/// Types of resources that lead requests or events to functions by another way than a function's `Events`, and
/// functions that SAM doesn't build.
fn calls_functions(kind: &str) -> bool {
    kind.starts_with("AWS::ApiGateway::")
        || kind.starts_with("AWS::ApiGatewayV2::")
        || matches!(
            kind,
            "AWS::Events::Rule"
                | "AWS::Lambda::EventSourceMapping"
                | "AWS::Lambda::Function"
                | "AWS::Lambda::Url"
                | "AWS::Scheduler::Schedule"
                | "AWS::Serverless::Api"
        )
}
