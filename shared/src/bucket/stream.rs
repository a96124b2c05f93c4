//! Reading objects of any size: piece by piece, or only a part of one.

use std::ops::Range;

use aws_sdk_s3::config::{Config, ResponseChecksumValidation};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use jiff::Timestamp;

use super::{Bucket, Head};
use crate::digest::Sha256;
use crate::store_error::{Cause, StoreError, classify, status};

/// How often a read is taken up again where it broke off. Gigabytes seldom come in one answer.
const RESUMES: u32 = 3;

/// An object that is being read, and what S3 said of it at the beginning.
#[derive(Debug)]
pub struct Streamed {
    /// What a HEAD would have said.
    pub head: Head,
    bucket: Bucket,
    key: String,
    body: ByteStream,
    /// Bytes given out so far.
    given: u64,
    resumes: u32,
}

impl Bucket {
    /// Begins to read an object, or one version of it. Nothing is held of it but the piece that is under way.
    ///
    /// S3's checksum is in the answer, and not compared while reading: whoever needs certainty hashes what comes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn stream(&self, key: &str, version_id: Option<&str>) -> Result<Streamed, StoreError> {
        let mut object = self.get(key, version_id, None, None).await?;
        let body = std::mem::take(&mut object.body);
        Ok(Streamed {
            head: head(object)?,
            bucket: self.clone(),
            key: key.to_owned(),
            body,
            given: 0,
            resumes: 0,
        })
    }

    /// Reads some bytes of an object, or of one version of it, all of which must be there.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the object ends before the range does; [`StoreError::NotFound`],
    /// [`StoreError::Unavailable`], [`StoreError::Refused`].
    pub async fn range(
        &self,
        key: &str,
        version_id: Option<&str>,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError> {
        self.part(key, version_id, None, range).await
    }

    /// The same of just the object that was looked at: of its version, and of its content even where the bucket keeps no
    /// versions (`If-Match`). So that what is read in many ranges is one object.
    ///
    /// # Errors
    /// As for [`Bucket::range`]; [`StoreError::Damaged`] also when another object lies there.
    pub async fn range_of(&self, key: &str, head: &Head, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.part(key, head.version_id.as_deref(), head.etag.clone(), range)
            .await
    }

    async fn part(
        &self,
        key: &str,
        version_id: Option<&str>,
        etag: Option<String>,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError> {
        let length = range.end.saturating_sub(range.start);
        if length == 0 {
            return Ok(Bytes::new());
        }
        let asked = format!("bytes={}-{}", range.start, range.end - 1);
        let object = self.get(key, version_id, Some(asked), etag).await?;
        let bytes = Self::collect(object.body, length).await;
        match bytes {
            Ok(bytes) if bytes.len() as u64 == length => Ok(bytes),
            Ok(_) | Err(StoreError::TooLarge { .. }) => Err(OTHER_LENGTH),
            Err(error) => Err(error),
        }
    }

    async fn get(
        &self,
        key: &str,
        version_id: Option<&str>,
        range: Option<String>,
        etag: Option<String>,
    ) -> Result<GetObjectOutput, StoreError> {
        let get = self.client.get_object().bucket(&self.name).key(key);
        let get = get
            .set_version_id(version_id.map(str::to_owned))
            .set_range(range)
            .set_if_match(etag)
            .customize()
            // The SDK would hash everything once more to compare S3's checksum, at half the speed; the header is asked
            // for all the same.
            .config_override(
                Config::builder().response_checksum_validation(ResponseChecksumValidation::WhenRequired),
            )
            .mutate_request(|request| {
                request.headers_mut().insert("x-amz-checksum-mode", "ENABLED");
            });
        get.send().await.map_err(|error| match status(&error) {
            // The range begins behind the object's end, or it is no longer the same object.
            Some(412 | 416) => OTHER_LENGTH,
            _ => classify("GetObject", &error),
        })
    }
}

const OTHER_LENGTH: StoreError = StoreError::Damaged("it is not the object that was looked at");

impl Streamed {
    /// The next piece; `None` at the end, when all bytes have been given out. An answer that breaks off is taken up
    /// again where it was, up to three times, and only for the very same content.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`]; [`StoreError::NotFound`] or [`StoreError::Damaged`] when
    /// the object is gone or replaced meanwhile.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        loop {
            match self.body.next().await {
                Some(Ok(piece)) => {
                    self.given += piece.len() as u64;
                    return Ok(Some(piece));
                }
                None if self.given == self.head.size => return Ok(None),
                Some(Err(_)) | None => self.resume().await?,
            }
        }
    }

    async fn resume(&mut self) -> Result<(), StoreError> {
        // Without a tag nobody knows whether it is the same content.
        let Some(etag) = self.head.etag.clone().filter(|_| self.resumes < RESUMES) else {
            return Err(StoreError::Unavailable(Cause::cut_off("GetObject")));
        };
        if self.given >= self.head.size {
            return Err(OTHER_LENGTH);
        }
        self.resumes += 1;
        let rest = Some(format!("bytes={}-", self.given));
        let version_id = self.head.version_id.as_deref();
        let object = self.bucket.get(&self.key, version_id, rest, Some(etag)).await?;
        self.body = object.body;
        Ok(())
    }
}

fn head(object: GetObjectOutput) -> Result<Head, StoreError> {
    let size = object.content_length.and_then(|size| u64::try_from(size).ok());
    Ok(Head {
        size: size.ok_or(StoreError::Damaged("it has no length"))?,
        checksum: object.checksum_sha256().and_then(Sha256::from_base64),
        version_id: object.version_id,
        etag: object.e_tag,
        content_type: object.content_type,
        last_modified: object
            .last_modified
            .and_then(|time| Timestamp::new(time.secs(), 0).ok()),
        // What is archived can't be opened.
        is_archived: false,
        metadata: object.metadata.unwrap_or_default(),
    })
}
