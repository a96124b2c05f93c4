//! Copies inside S3: no byte passes through the function.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, MetadataDirective, TaggingDirective,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::head::SHA256;
use super::{Bucket, Content, CreateError, Created, Metadata, Replaced, metadata_of, patient};
use crate::digest::Sha256;
use crate::store_error::{Cause, StoreError, classify, status};

/// What goes in one `CopyObject`, which could take 5 GB (S3 user guide, *Copying objects*): S3 copies some 100 MB a
/// second, so a larger copy in one piece would outlast its caller.
const MAX_SINGLE_COPY: u64 = 128 * 1024 * 1024;
const PART_BYTES: u64 = 128 * 1024 * 1024;
/// The most parts that there may be (S3 user guide, *Multipart upload limits*).
const MAX_PARTS: u64 = 10_000;
const PARTS_AT_ONCE: usize = 16;

/// Everything but what a key may hold as it is in the header `x-amz-copy-source`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

/// What is copied: one version, as it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Of the object.
    pub key: String,
    /// Of the version, in a bucket that keeps versions.
    pub version_id: Option<String>,
    /// In bytes.
    pub size: u64,
    /// Of the content.
    pub sha256: Sha256,
}

/// Where a copy goes.
#[derive(Debug, Clone)]
pub struct Target {
    /// Of the new object.
    pub key: String,
    /// The media type.
    pub content_type: &'static str,
    /// What S3 keeps with the object.
    pub metadata: Metadata,
}

impl Bucket {
    /// Copies one version of an object to a key; nothing is ever overwritten. Above 128 MiB it goes in parts, and
    /// `target` appears when all of them are there. The copy carries the source's digest in its metadata. When the key
    /// is taken, what lies there is compared, as for [`Bucket::create`].
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the source is gone; [`StoreError::AlreadyExists`] when other content lies at the
    /// target; [`StoreError::Unavailable`], after which the copy may be there; [`StoreError::Refused`].
    pub async fn copy(&self, source: &Source, target: &Target) -> Result<Created, StoreError> {
        self.copy_in_parts_above(MAX_SINGLE_COPY, PART_BYTES, source, target)
            .await
    }

    /// The same from another bucket of the account.
    ///
    /// # Errors
    /// As for [`Bucket::copy`].
    pub async fn copy_from(
        &self,
        from: &Self,
        source: &Source,
        target: &Target,
    ) -> Result<Created, StoreError> {
        let copying = Copying::new(from, source, target, PART_BYTES);
        self.copy_unless_there(MAX_SINGLE_COPY, &copying).await
    }

    /// [`Bucket::replace`] by a copy of one version of an object.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the source is gone; [`StoreError::Unavailable`], after which the change may have
    /// taken effect; [`StoreError::Refused`].
    pub async fn replace_by_copy(
        &self,
        source: &Source,
        target: &Target,
        etag: &str,
    ) -> Result<Replaced, StoreError> {
        let copying = Copying {
            replaces: Some(etag),
            ..Copying::new(self, source, target, PART_BYTES)
        };
        let copied = if source.size <= MAX_SINGLE_COPY {
            self.copy_at_once(&copying).await
        } else {
            self.copy_in_parts(&copying).await
        };
        match copied {
            Ok(created) => Ok(Replaced::Now(created.version_id)),
            Err(CreateError::Conflict | CreateError::Taken) => Ok(Replaced::Changed),
            Err(CreateError::Other(error)) => Err(error),
        }
    }

    /// [`Bucket::copy`] with other sizes, for whoever has no large object at hand.
    ///
    /// # Errors
    /// As for [`Bucket::copy`].
    pub async fn copy_in_parts_above(
        &self,
        single: u64,
        part: u64,
        source: &Source,
        target: &Target,
    ) -> Result<Created, StoreError> {
        let copying = Copying::new(self, source, target, part);
        self.copy_unless_there(single, &copying).await
    }

    async fn copy_unless_there(&self, single: u64, copying: &Copying<'_>) -> Result<Created, StoreError> {
        Self::past_conflicts("CopyObject", async || {
            let copied = if copying.source.size <= single {
                self.copy_at_once(copying).await
            } else {
                self.copy_in_parts_once(copying).await
            };
            match copied {
                Err(CreateError::Taken) => self.compare(&copying.target.key, copying.wanted()).await,
                copied => copied,
            }
        })
        .await
    }

    /// A repeat doesn't copy again what is there.
    async fn copy_in_parts_once(&self, copying: &Copying<'_>) -> Result<Created, CreateError> {
        match self.compare(&copying.target.key, copying.wanted()).await {
            Err(CreateError::Conflict) => self.copy_in_parts(copying).await,
            found => found,
        }
    }

    async fn copy_at_once(&self, copying: &Copying<'_>) -> Result<Created, CreateError> {
        let target = &copying.target;
        let copy = self
            .client
            .copy_object()
            .bucket(&self.name)
            .key(&target.key)
            .copy_source(copying.copy_source())
            .set_if_none_match(copying.if_none_match())
            .set_if_match(copying.replaces.map(str::to_owned))
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .metadata_directive(MetadataDirective::Replace)
            // A source's tags say what was found of it, or what somebody claims: they stay behind.
            .tagging_directive(TaggingDirective::Replace)
            .content_type(target.content_type)
            .set_metadata(metadata_of(&target.metadata))
            .customize()
            .config_override(patient());
        match copy.send().await {
            Ok(copied) => Ok(Created {
                is_new: true,
                version_id: copied.version_id,
            }),
            Err(error) => Err(refused("CopyObject", &error)),
        }
    }

    async fn copy_in_parts(&self, copying: &Copying<'_>) -> Result<Created, CreateError> {
        let target = &copying.target;
        let upload = self
            .client
            .create_multipart_upload()
            .bucket(&self.name)
            .key(&target.key)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .content_type(target.content_type)
            .set_metadata(metadata_of(&target.metadata));
        let upload = upload
            .send()
            .await
            .map_err(|error| refused("CreateMultipartUpload", &error))?;
        let id = upload
            .upload_id
            .ok_or(CreateError::Other(StoreError::Damaged("S3 gave no upload id")))?;
        let copied = self.copy_parts(copying, &id).await;
        if copied.is_err() {
            // What it leaves otherwise, the bucket's lifecycle removes.
            let abort = self.client.abort_multipart_upload();
            let abort = abort.bucket(&self.name).key(&target.key).upload_id(&id);
            let _ = abort.send().await;
        }
        copied
    }

    async fn copy_parts(&self, copying: &Copying<'_>, upload_id: &str) -> Result<Created, CreateError> {
        let part = usize::try_from(copying.part).unwrap_or(usize::MAX);
        let starts = (0..copying.source.size).step_by(part);
        let parts: Vec<_> = stream::iter((1..).zip(starts))
            .map(|(number, start)| self.copy_part(copying, upload_id, number, start))
            .buffered(PARTS_AT_ONCE)
            .try_collect()
            .await
            .map_err(CreateError::Other)?;
        let complete = self
            .client
            .complete_multipart_upload()
            .bucket(&self.name)
            .key(&copying.target.key)
            .upload_id(upload_id)
            .set_if_none_match(copying.if_none_match())
            .set_if_match(copying.replaces.map(str::to_owned))
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .customize()
            .config_override(patient());
        match complete.send().await {
            Ok(complete) => Ok(Created {
                is_new: true,
                version_id: complete.version_id,
            }),
            // It took effect, and its answer was lost: what lies there tells.
            Err(error) if status(&error) == Some(404) => Err(CreateError::Taken),
            Err(error) => Err(refused("CompleteMultipartUpload", &error)),
        }
    }

    async fn copy_part(
        &self,
        copying: &Copying<'_>,
        upload_id: &str,
        number: i32,
        start: u64,
    ) -> Result<CompletedPart, StoreError> {
        let last = (start + copying.part).min(copying.source.size) - 1;
        let copy = self
            .client
            .upload_part_copy()
            .bucket(&self.name)
            .key(&copying.target.key)
            .upload_id(upload_id)
            .part_number(number)
            .copy_source(copying.copy_source())
            .copy_source_range(format!("bytes={start}-{last}"))
            .customize()
            .config_override(patient());
        let copied = copy
            .send()
            .await
            .map_err(|error| classify("UploadPartCopy", &error))?;
        let part = copied
            .copy_part_result
            .ok_or_else(|| StoreError::Unavailable(Cause::cut_off("UploadPartCopy")))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(part.e_tag)
            .set_checksum_sha256(part.checksum_sha256)
            .build())
    }
}

/// A copy that is to be made.
struct Copying<'a> {
    from: &'a Bucket,
    source: &'a Source,
    target: Target,
    /// In bytes, where it goes in parts.
    part: u64,
    /// The tag of what the target has now; nothing may lie there otherwise.
    replaces: Option<&'a str>,
}

impl<'a> Copying<'a> {
    fn new(from: &'a Bucket, source: &'a Source, target: &Target, part: u64) -> Self {
        let mut target = target.clone();
        target.metadata.push((SHA256, source.sha256.to_string()));
        Self {
            from,
            source,
            target,
            part: part.max(source.size.div_ceil(MAX_PARTS)),
            replaces: None,
        }
    }

    fn if_none_match(&self) -> Option<String> {
        self.replaces.is_none().then(|| "*".to_owned())
    }

    fn wanted(&self) -> Content {
        Content {
            size: self.source.size,
            sha256: self.source.sha256,
        }
    }

    fn copy_source(&self) -> String {
        let bucket = &self.from.name;
        let key = utf8_percent_encode(&self.source.key, ESCAPED);
        match &self.source.version_id {
            Some(version) => format!(
                "{bucket}/{key}?versionId={}",
                utf8_percent_encode(version, ESCAPED)
            ),
            None => format!("{bucket}/{key}"),
        }
    }
}

fn refused<E: ProvideErrorMetadata>(
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> CreateError {
    // S3 may begin an answer with 200 and end it with an error (API reference, *CopyObject*).
    match (status(error), error.code()) {
        (Some(409), _) | (_, Some("ConditionalRequestConflict")) => CreateError::Conflict,
        (Some(412), _) | (_, Some("PreconditionFailed")) => CreateError::Taken,
        _ => CreateError::Other(classify(operation, error)),
    }
}
