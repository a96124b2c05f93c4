//! A bucket, and what may be done with it: create-only writes, changes by If-Match, copies, reads, lists, and presigned
//! requests.

mod copy;
mod delete;
mod deliver;
mod head;
mod list;
mod outgoing;
mod presign;
mod put;
mod replace;
mod sign;
mod stream;
mod tags;
mod tops;

pub use copy::{Source, Target};
pub use delete::{Hidden, Top};
pub use deliver::Delivered;
pub use head::{Head, SHA256, Seen};
pub use list::Page;
pub use outgoing::Outgoing;
pub use presign::{PresignedPut, SignedRead, SignedUrl, SignedWrite};
pub use replace::{Replaced, Tagged};
pub use stream::Streamed;
pub use tags::{MAX_TAGS, Merged, TagSet, takes_tag};
pub use tops::{Mark, Shown, Tops};

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, Config};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;

use crate::client::S3Client;
use crate::digest::{Hasher, Sha256};
use crate::store_error::{Cause, StoreError, classify};
use put::{Answer, Condition, Put};

/// How often a create-only write is repeated that met another one of the same key under way.
const CONFLICT_ATTEMPTS: u32 = 6;
const CONFLICT_PAUSE: Duration = Duration::from_millis(25);
/// The client's own time for a call is made for bodies up to this size.
const LARGE_BODY: usize = 6 * 1024 * 1024;
/// A call's time when S3 has a lot to take or to do before it answers.
const LONG_TIMEOUT: Duration = Duration::from_secs(20);

/// The id of a version that was stored while its bucket kept none (S3 user guide, *Understanding versioning*): another
/// write without versions destroys it.
pub const NULL_VERSION: &str = "null";

/// A bucket and the client that reaches it.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: S3Client,
    name: String,
    /// What comes before a key in the URL of an object, once it is known.
    address: Arc<OnceLock<String>>,
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
    /// What S3 keeps with the object.
    pub metadata: Metadata,
}

impl NewObject {
    /// A JSON text, without metadata.
    pub fn json(key: String, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            key,
            sha256: Sha256::of(&body),
            body,
            content_type: "application/json",
            metadata: Metadata::new(),
        }
    }
}

/// An object's own metadata: ASCII names and values, 2 KB in all (S3 user guide, *Working with object metadata*).
pub type Metadata = Vec<(&'static str, String)>;

/// How a create-only write ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Whether this call wrote the object. Otherwise the very same content was there: an earlier try, a retry inside the
    /// SDK, or a twin wrote it.
    pub is_new: bool,
    /// Which version it is, in a bucket that keeps versions.
    pub version_id: Option<String>,
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
    pub fn new(client: S3Client, name: String) -> Self {
        let address = Arc::default();
        Self {
            client,
            name,
            address,
        }
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
        let put = Put::object(object, Condition::Free);
        self.create_by(&put, || object.body.clone().into()).await
    }

    /// Repeats a create-only write while another one of its key is under way.
    async fn past_conflicts<F: Future<Output = Result<Created, CreateError>>>(
        operation: &'static str,
        write: impl Fn() -> F,
    ) -> Result<Created, StoreError> {
        let mut pause = CONFLICT_PAUSE;
        for _ in 1..CONFLICT_ATTEMPTS {
            match write().await {
                Err(CreateError::Conflict) => tokio::time::sleep(pause).await,
                Err(CreateError::Taken) => return Err(StoreError::AlreadyExists),
                Err(CreateError::Other(error)) => return Err(error),
                Ok(created) => return Ok(created),
            }
            pause *= 2;
        }
        write().await.map_err(|error| match error {
            CreateError::Conflict => StoreError::Unavailable(Cause::conflict(operation)),
            CreateError::Taken => StoreError::AlreadyExists,
            CreateError::Other(error) => error,
        })
    }

    async fn create_by(&self, put: &Put<'_>, body: impl Fn() -> SdkBody) -> Result<Created, StoreError> {
        Self::past_conflicts("PutObject", async || match self.put(put, body()).await {
            Ok(Answer::Stored(version_id)) => Ok(Created {
                is_new: true,
                version_id,
            }),
            Ok(Answer::Conflict) => Err(CreateError::Conflict),
            Ok(Answer::Unfit) => self.compare(put.key, put.content).await,
            Err(error) => Err(CreateError::Other(classify("PutObject", &error))),
        })
        .await
    }

    /// What lies where something was to be created.
    async fn compare(&self, key: &str, wanted: Content) -> Result<Created, CreateError> {
        match self.identify(key).await {
            Ok((content, version_id)) if content == wanted => Ok(Created {
                is_new: false,
                version_id,
            }),
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
        Ok(self.identify(key).await?.0)
    }

    async fn identify(&self, key: &str) -> Result<(Content, Option<String>), StoreError> {
        let head = self.head(key).await?;
        let content = match head.sha256() {
            Some(sha256) => Content {
                size: head.size,
                sha256,
            },
            None => self.hash_version(key, head.version_id.as_deref()).await?,
        };
        Ok((content, head.version_id))
    }

    /// Reads an object of at most `limit` bytes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::TooLarge`], [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn read(&self, key: &str, limit: u64) -> Result<Bytes, StoreError> {
        self.read_version(key, None, limit).await
    }

    /// Reads one version of an object of at most `limit` bytes.
    ///
    /// # Errors
    /// As for [`Bucket::read`].
    pub async fn read_version(
        &self,
        key: &str,
        version_id: Option<&str>,
        limit: u64,
    ) -> Result<Bytes, StoreError> {
        let object = self.open(key, version_id).await?;
        Self::collect(object.body, limit).await
    }

    /// All of an answer's body, if it has at most `limit` bytes.
    async fn collect(body: ByteStream, limit: u64) -> Result<Bytes, StoreError> {
        let mut bytes = Vec::new();
        Self::drain(body, |chunk| {
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
        self.hash_version(key, None).await
    }

    /// The same of one version.
    ///
    /// # Errors
    /// As for [`Bucket::hash`].
    pub async fn hash_version(&self, key: &str, version_id: Option<&str>) -> Result<Content, StoreError> {
        let mut size = 0;
        let mut hasher = Hasher::default();
        let object = self.open(key, version_id).await?;
        Self::drain(object.body, |chunk| {
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

    async fn open(&self, key: &str, version_id: Option<&str>) -> Result<GetObjectOutput, StoreError> {
        let get = self.client.get_object().bucket(&self.name).key(key);
        let object = get.set_version_id(version_id.map(str::to_owned)).send().await;
        object.map_err(|error| classify("GetObject", &error))
    }

    async fn drain(
        mut body: ByteStream,
        mut take: impl FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        while let Some(chunk) = body.next().await {
            take(&chunk.map_err(|_| StoreError::Unavailable(Cause::cut_off("GetObject")))?)?;
        }
        Ok(())
    }
}

enum CreateError {
    /// 409: another conditional write of the key is under way; or it was deleted meanwhile.
    Conflict,
    /// 412: something lies there.
    Taken,
    Other(StoreError),
}

fn patient() -> Builder {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(LONG_TIMEOUT);
    Config::builder().timeout_config(timeouts.build())
}

fn metadata_of(metadata: &Metadata) -> Option<HashMap<String, String>> {
    let pairs = metadata
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    (!metadata.is_empty()).then(|| pairs.collect())
}
