//! The storage contract: what the functions rely on, of S3 as AWS documents it.
//!
//! Every test runs against the embedded S3, and against the one at `CASEFILE_S3_CONTRACT_ENDPOINT` when that
//! is set (`tests/judges/localstack.sh` sets it). Where that one is known to be lax, [`Lax`] says so, and who
//! is right.

mod checksums;
mod conditional_writes;
mod copies;
mod credentials;
mod deletes;
mod embedded;
mod faults;
mod http;
mod keys;
mod lists;
mod metadata;
mod multipart;
mod multipart_checksums;
mod notifications;
mod puts;
mod reads;
mod signatures;
mod signed_urls;
mod tags;
mod target;
mod unplugged;
mod versions;

use target::{Lax, Target, bytes_of, on_each_s3, on_each_s3_but, refusal};
