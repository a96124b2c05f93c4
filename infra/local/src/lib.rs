//! The whole of Casefile on one machine: an embedded S3, queues and topics, a Lambda emulator and an HTTP gateway, wired
//! as `template.yaml` says. The functions are the very programs that are deployed, each in processes of its own.
//!
//! Nothing here is part of what is deployed.

pub mod bedrock;
pub mod build;
mod chaos;
pub mod client;
mod deliveries;
pub mod demo;
pub mod gateway;
pub mod lambda;
pub mod progress;
pub mod s3;
pub mod sample;
mod schedules;
mod service;
pub mod sns;
pub mod sqs;
pub mod stack;
pub mod stop;
pub mod template;
pub mod token;

pub use chaos::Chaos;
pub use service::Outage;
