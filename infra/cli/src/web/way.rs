//! By which way files go and come: through the API, or straight to S3 and from it.

#![expect(
    clippy::doc_markdown,
    reason = "the comments on arguments are the help text, which has no markup"
)]

use std::path::PathBuf;

use casefile::config::{Env, bucket_name};
use clap::Args;

use super::api::address;

/// What a person says about the way; the variables say the rest.
#[derive(Debug, Args)]
pub(crate) struct Way {
    /// The API's address; without it, CASEFILE_API_URL.
    #[arg(long, value_name = "URL", conflicts_with_all = ["direct", "bucket"])]
    api: Option<String>,
    /// A file with the token for the API; without it, CASEFILE_TOKEN.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["direct", "bucket"])]
    pub(crate) token_file: Option<PathBuf>,
    /// Straight to S3, or from it, although an API is named. What is sent goes into the inbox of a collection that has one, and
    /// training logs into their place.
    #[arg(long)]
    direct: bool,
    /// The bucket; without it, S3_BUCKET_NAME. Whoever names one means S3, although an API is named by CASEFILE_API_URL.
    #[arg(long, value_parser = bucket_name)]
    bucket: Option<String>,
}

impl Way {
    /// Whether it says which bucket.
    pub(crate) fn names_bucket(&self) -> bool {
        self.bucket.is_some()
    }

    /// Whether the API is meant, and not S3.
    pub(crate) fn is_api(&self, env: &Env) -> bool {
        let is_named = self.api.is_some() || env.text("CASEFILE_API_URL").is_some();
        is_named && !self.direct && self.bucket.is_none()
    }

    /// The API that is named, else `CASEFILE_API_URL`'s. What is wrong is noted in the environment.
    pub(crate) fn api(&self, env: &mut Env) -> Option<String> {
        match &self.api {
            Some(url) => address(url).map_err(|why| env.refuse("--api", why)).ok(),
            None => env.optional("CASEFILE_API_URL", address),
        }
    }

    /// The bucket, where no API is meant: the one that is named, else `S3_BUCKET_NAME`'s. What is wrong is noted in the
    /// environment, and so is a token, which nobody would look at.
    pub(crate) fn bucket(&self, env: &mut Env) -> Option<String> {
        if self.token_file.is_some() {
            env.refuse(
                "--token-file",
                "is for the API: name one by --api or CASEFILE_API_URL",
            );
        }
        match &self.bucket {
            Some(bucket) => Some(bucket.clone()),
            None if env.text("S3_BUCKET_NAME").is_none() => {
                let why = "and S3_BUCKET_NAME are both not set: one of them says where Casefile is";
                env.refuse("CASEFILE_API_URL", why);
                None
            }
            None => env.required("S3_BUCKET_NAME", bucket_name),
        }
    }
}
