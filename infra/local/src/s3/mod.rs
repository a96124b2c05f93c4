//! An S3 for one machine: the protocol by `s3s`, the storage here.
//!
//! It does what the functions rely on exactly as Amazon S3 documents it: signatures and presigned URLs with
//! their expiry, conditional writes under races, versions and delete markers, pinned reads and copies, tags,
//! user metadata, checksums, multipart uploads, paginated lists, event notifications. Reads see the last
//! finished write ("Amazon S3 data consistency model").
//!
//! # On disk
//!
//! ```text
//! {root}/{bucket}/bucket.json     when it was created, whether it keeps versions
//!                 objects/        the current objects, as plain files, for people to look at
//!                 meta/{nn}/      every version: {id}.json says what it is, {id}.data holds its bytes
//!                 uploads/{id}/   multipart uploads that are under way
//!                 tmp/            what is being received; emptied at start
//!                 broken/         records that could not be read, and what belongs to them; there only if there are any
//! ```
//!
//! `meta/` is the truth. A version exists from the moment its `.json` is renamed into place, and that is the
//! one step that commits a write: a crash before it leaves nothing a reader could see, and what lies in `tmp/`
//! or has no `.json` is swept at the next start. `objects/` is a view made of hard links: the files are
//! read-only, deleting one deletes no object, and a view that disagrees is rebuilt at start. How a key becomes
//! a path there is written at `key_path`.
//!
//! # Not here
//!
//! Object Lock but for a bucket's default retention, lifecycle rules, bucket and IAM policies, ACLs, encryption with customer keys, and
//! virtual-hosted addresses (`bucket.host`); browsers' POST uploads answer `NotImplemented`.

mod config;
mod connection;
mod events;
mod faults;
mod gate;
mod ops;
mod plug;
mod requests;
mod server;
mod signed;
mod store;
mod tls;

#[cfg(test)]
mod tests;

pub use config::{BucketSettings, LockMode, PublicAccessBlock, S3Config, SessionCredentials, TlsIdentity};
pub(crate) use events::test_event;
pub use events::{EventName, ObjectEvent, event_record};
pub use faults::{Fault, FaultHandle, FaultRule, Faults, Held, PausePoint, Throttle, When};
pub use plug::Unplugged;
pub use requests::{RequestRecord, Requests};
pub use server::{S3Server, StartError};
pub(crate) use store::hex;
