//! Where a file comes from: by a link of the API, or straight from S3. Either says before the first byte what it is to be.

use aws_sdk_s3::primitives::SdkBody;
use bytes::Bytes;
use casefile::bucket::{Bucket, Streamed};
use casefile::collection::{self, Collection};
use casefile::config::Env;
use casefile::digest::Sha256;
use casefile::document::{Unverified, look};
use casefile::key::BasePath;
use casefile::store_error::StoreError;
use http::{Method, Request};
use serde::Deserialize;

use super::arguments::Arguments;
use crate::failure::Failure;
use crate::web::{Answer, Api, encoded, next, time_for};

/// Where files come from.
#[derive(Debug)]
pub(super) enum Source {
    Api(Api),
    S3(Bucket, BasePath),
}

/// What a file is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) file_name: String,
    pub(super) content_type: String,
    /// In bytes.
    pub(super) size: u64,
    /// `None` where nobody knows it.
    pub(super) sha256: Option<Sha256>,
}

/// A file that is about to come.
pub(super) struct Incoming {
    pub(super) expected: Expected,
    body: Body,
}

enum Body {
    Http(Box<SdkBody>),
    S3(Box<Streamed>),
}

#[derive(Deserialize)]
struct Link {
    url: String,
    file_name: String,
    content_type: String,
    size: u64,
    sha256: Option<Sha256>,
}

impl Source {
    /// The API where one is named and `--direct` isn't given, else S3.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub(super) fn read(arguments: &Arguments, mut env: Env) -> Result<Self, Failure> {
        collection::read(&mut env);
        let source = if arguments.way.is_api(&env) {
            let url = arguments.way.api(&mut env);
            Api::read(url, arguments.way.token_file.as_deref(), &mut env).map(Self::Api)
        } else {
            by_s3(arguments, &mut env)
        };
        env.finish(source)
            .map_err(|error| Failure::Failed(error.to_string()))
    }

    /// Begins to get a file.
    ///
    /// # Errors
    /// Why it can't be had.
    pub(super) async fn open(&self, collection: &str, path: &str) -> Result<Incoming, Failure> {
        match self {
            Self::Api(api) => by_link(api, collection, path).await,
            Self::S3(bucket, base) => from_bucket(bucket, base, collection, path).await,
        }
    }
}

fn by_s3(arguments: &Arguments, env: &mut Env) -> Option<Source> {
    let bucket = arguments.way.bucket(env);
    let base = env.optional("S3_BASE_PATH", BasePath::parse).unwrap_or_default();
    let settings = env.s3();
    Some(Source::S3(Bucket::new(settings?.client(), bucket?), base))
}

async fn by_link(api: &Api, collection: &str, path: &str) -> Result<Incoming, Failure> {
    // A share link may be counted, or be for somebody else's network.
    let target = format!("/v1/links/{}/{}?kind=direct", encoded(collection), encoded(path));
    let answer = api
        .call(&Method::GET, &target, &Bytes::new())
        .await
        .map_err(|outage| Failure::Failed(outage.to_string()))?;
    let link: Link = match answer.status {
        200 | 201 => answer
            .json()
            .ok_or_else(|| Failure::Failed("the API's link can't be read".to_owned()))?,
        _ => return Err(refused(&answer)),
    };
    let request = Request::get(&link.url).body(SdkBody::empty());
    let request = request.map_err(|_| Failure::Failed("the API's link is no address".to_owned()))?;
    let object = api.http.send(request, time_for(0)).await;
    let object = object.map_err(|error| Failure::Failed(format!("S3 can't be reached: {error}")))?;
    if object.status().as_u16() != 200 {
        let why = format!("S3 refuses the API's link: status {}", object.status().as_u16());
        return Err(Failure::Failed(why));
    }
    Ok(Incoming {
        expected: Expected {
            file_name: link.file_name,
            content_type: link.content_type,
            size: link.size,
            sha256: link.sha256,
        },
        body: Body::Http(Box::new(object.into_body())),
    })
}

fn refused(answer: &Answer) -> Failure {
    match answer.status {
        401 | 403 => Failure::Failed(answer.problem()),
        400..500 => Failure::Refused(answer.problem()),
        _ => Failure::Failed(answer.problem()),
    }
}

/// What a link would lead to, and nothing else: what was rejected isn't there.
async fn from_bucket(bucket: &Bucket, base: &BasePath, name: &str, path: &str) -> Result<Incoming, Failure> {
    let collection = Collection::parse(name).ok_or_else(|| {
        let all: Vec<_> = Collection::all().map(Collection::name).collect();
        Failure::Refused(format!(
            "there is no collection {name}; there are {}",
            all.join(", ")
        ))
    })?;
    let found = Box::pin(look(bucket, base, collection, path))
        .await
        .map_err(explained)?;
    let found =
        found.ok_or_else(|| Failure::Refused(format!("there is no {path} in {name}, or it was rejected")))?;
    let why = match found.unverified() {
        None => None,
        Some(Unverified::Yet) => Some("it isn't verified yet: ask again in a minute"),
        Some(Unverified::Ever) => Some("it can't be verified; an operator may release it"),
        Some(Unverified::Archived) => {
            Some("it lies in an archive, from which an operator has to restore it first")
        }
    };
    if let Some(why) = why {
        return Err(Failure::Refused(format!("{path}: {why}")));
    }
    let document = found.document;
    let version = document.version_id.as_deref();
    let object = bucket.stream(&document.key, version).await.map_err(explained)?;
    Ok(Incoming {
        expected: Expected {
            file_name: document.file_name,
            content_type: document.content_type,
            size: document.size,
            sha256: document.sha256,
        },
        body: Body::S3(Box::new(object)),
    })
}

fn explained(error: StoreError) -> Failure {
    match &error {
        StoreError::Refused(cause) => match cause.set_up() {
            Some(fault) => Failure::Failed(format!("{error}: {}", fault.advice())),
            None => error.into(),
        },
        _ => error.into(),
    }
}

impl Incoming {
    /// The next piece; nothing at the end.
    ///
    /// # Errors
    /// When it breaks off.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        match &mut self.body {
            Body::S3(object) => Ok(object.next().await?),
            Body::Http(body) => match tokio::time::timeout(time_for(0), next(body)).await {
                Ok(None) => Ok(None),
                Ok(Some(Ok(piece))) => Ok(Some(piece)),
                Ok(Some(Err(()))) | Err(_) => Err(Failure::Failed(
                    "the download broke off; nothing was kept of it".to_owned(),
                )),
            },
        }
    }
}
