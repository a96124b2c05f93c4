//! A bucket, and what may be done with it: create-only writes, and reads.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use bytes::Bytes;

use crate::digest::{Hasher, Sha256};
use crate::store_error::{Cause, StoreError, classify, status};

/// How often a create-only write is repeated that met another one of the same key under way.
const CONFLICT_ATTEMPTS: u32 = 6;
const CONFLICT_PAUSE: Duration = Duration::from_millis(25);

/// A bucket and the client that reaches it.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: String,
}

/// An object to create.
#[derive(Debug, Clone)]
pub struct NewObject {
    /// Where.
    pub key: String,
    /// What. Cheap to clone.
    pub body: Bytes,
    /// The body's digest, which S3 checks on arrival.
    pub sha256: Sha256,
    /// The media type.
    pub content_type: &'static str,
}

/// How a create-only write ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// This call wrote the object.
    Now,
    /// The very same content was there: an earlier try, a retry inside the SDK, or a twin wrote it.
    Before,
}

/// An object's size and content, by its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// In bytes.
    pub size: u64,
    /// Of all bytes.
    pub sha256: Sha256,
}

impl Bucket {
    /// The bucket called `name`.
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Creates an object; nothing is ever overwritten (`If-None-Match: *`).
    ///
    /// When the key is taken, what lies there is compared: the same content counts as created. A write that meets
    /// another of the same key under way (409 `ConditionalRequestConflict`) is repeated up to six times.
    /// Source: S3 user guide, *How to prevent object overwrites with conditional writes*.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when other content lies there; [`StoreError::Unavailable`], after which the
    /// object may or may not be there; [`StoreError::Refused`].
    pub async fn create(&self, object: &NewObject) -> Result<Created, StoreError> {
        let mut pause = CONFLICT_PAUSE;
        for _ in 1..CONFLICT_ATTEMPTS {
            match self.create_once(object).await {
                Err(CreateError::Conflict) => tokio::time::sleep(pause).await,
                Err(CreateError::Other(error)) => return Err(error),
                Ok(created) => return Ok(created),
            }
            pause *= 2;
        }
        self.create_once(object).await.map_err(|error| match error {
            CreateError::Conflict => StoreError::Unavailable(Cause::conflict("PutObject")),
            CreateError::Other(error) => error,
        })
    }

    async fn create_once(&self, object: &NewObject) -> Result<Created, CreateError> {
        let Err(error) = self.put_if_none_match(object).await else {
            return Ok(Created::Now);
        };
        match status(&error) {
            Some(409) => Err(CreateError::Conflict),
            Some(412) => self.compare(object).await,
            _ => Err(CreateError::Other(classify("PutObject", &error))),
        }
    }

    async fn put_if_none_match(
        &self,
        object: &NewObject,
    ) -> Result<(), SdkError<PutObjectError, HttpResponse>> {
        self.client
            .put_object()
            .bucket(&self.name)
            .key(&object.key)
            .if_none_match("*")
            .checksum_sha256(object.sha256.to_base64())
            .content_type(object.content_type)
            .body(ByteStream::from(object.body.clone()))
            .customize()
            // The signed checksum covers the body; hashing it again for the signature would only cost time.
            .disable_payload_signing()
            .send()
            .await
            .map(drop)
    }

    async fn compare(&self, object: &NewObject) -> Result<Created, CreateError> {
        let wanted = Content {
            size: object.body.len() as u64,
            sha256: object.sha256,
        };
        match self.content(&object.key).await {
            Ok(content) if content == wanted => Ok(Created::Before),
            Ok(_) => Err(CreateError::Other(StoreError::AlreadyExists)),
            // Deleted since the 412, so the key is free again.
            Err(StoreError::NotFound) => Err(CreateError::Conflict),
            Err(error) => Err(CreateError::Other(error)),
        }
    }

    /// An object's size and digest: as S3 checked them on arrival, else by reading the object.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn content(&self, key: &str) -> Result<Content, StoreError> {
        let head = self
            .client
            .head_object()
            .bucket(&self.name)
            .key(key)
            .checksum_mode(ChecksumMode::Enabled);
        let head = head
            .send()
            .await
            .map_err(|error| classify("HeadObject", &error))?;
        let stored = head.checksum_sha256().and_then(Sha256::from_base64);
        match (stored, head.content_length().and_then(|n| u64::try_from(n).ok())) {
            (Some(sha256), Some(size)) => Ok(Content { size, sha256 }),
            _ => self.hash(key).await,
        }
    }

    /// Reads an object of at most `limit` bytes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::TooLarge`], [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn read(&self, key: &str, limit: u64) -> Result<Bytes, StoreError> {
        let mut bytes = Vec::new();
        self.stream(key, |chunk| {
            bytes.extend_from_slice(chunk);
            if bytes.len() as u64 > limit {
                Err(StoreError::TooLarge { limit })
            } else {
                Ok(())
            }
        })
        .await?;
        Ok(Bytes::from(bytes))
    }

    /// Reads an object of any size, and keeps only its size and digest.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn hash(&self, key: &str) -> Result<Content, StoreError> {
        let mut size = 0;
        let mut hasher = Hasher::default();
        self.stream(key, |chunk| {
            size += chunk.len() as u64;
            hasher.update(chunk);
            Ok(())
        })
        .await?;
        Ok(Content {
            size,
            sha256: hasher.finish(),
        })
    }

    async fn stream(
        &self,
        key: &str,
        mut take: impl FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let object = self.client.get_object().bucket(&self.name).key(key).send().await;
        let mut body = object.map_err(|error| classify("GetObject", &error))?.body;
        while let Some(chunk) = body.next().await {
            take(&chunk.map_err(|_| StoreError::Unavailable(Cause::cut_off("GetObject")))?)?;
        }
        Ok(())
    }

    /// All keys that begin with `prefix`, in order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(prefix)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify("ListObjectsV2", &error))?;
            keys.extend(
                page.contents()
                    .iter()
                    .filter_map(|object| object.key().map(str::to_owned)),
            );
        }
        Ok(keys)
    }
}

enum CreateError {
    /// 409: another conditional write of the key is under way; or it was deleted meanwhile.
    Conflict,
    Other(StoreError),
}
