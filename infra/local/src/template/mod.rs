//! `template.yaml` as this machine needs it: functions, what calls them, buckets, queues and topics.
//!
//! Reads a SAM template (`CloudFormation` with `AWS::Serverless-2016-10-31`). Only what is used here is read;
//! whether the rest is right is for `sam validate` to say. What would route or trigger in a way that this machine
//! can't is an error, or, where a function's event is of a type that isn't delivered here, named to the person who
//! starts the stack. Intrinsic functions are resolved where a value is
//! needed: `Ref`, `Sub`, `GetAtt`, `If` and `Join`, with the parameters' defaults or what [`Settings`] gives. What
//! cannot be resolved is an error that says where it stands.
//!
//! A function's program is the Cargo binary that its `Metadata` names (`BuildMethod: rust-cargolambda`,
//! `BuildProperties: {Binary: …}`), or, without a name, the one called like the folder in `CodeUri`.
//!
//! YAML is read by `saphyr-parser`: it keeps the tags (`!Ref`) and the lines, which serde-based readers drop.
//! Aliases are refused, as `CloudFormation` does.

mod at;
mod buckets;
mod conditions;
mod error;
mod events;
mod filters;
mod functions;
mod http_api;
mod model;
mod node;
mod queues;
mod references;
mod resolve;
mod schedules;
mod texts;
mod topics;

#[cfg(test)]
mod tests;

pub use error::{LoadError, TemplateError};
pub use model::{
    Bucket, Function, Queue, QueueNotification, QueueTrigger, Redrive, Route, S3Trigger, Schedule, Settings,
    Template, Topic,
};
