//! From S3 by the queue to post-process, and what it makes there: the deployed stack as `template.yaml` wires it, with the
//! functions as processes.

mod batch;
mod deliveries;
mod exports;
mod metrics;
mod outages;
mod plant;
mod recorded;
mod summaries;
