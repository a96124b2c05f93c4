//! `PutObject`.

use s3s::dto::{ChecksumType, ETag, PutObjectInput, PutObjectOutput, ServerSideEncryption};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::super::events::EventName;
use super::super::store::{
    Attributes, Content, Draft, Spooled, Store, WriteCondition, blocking, hex, receive,
};
use super::attributes::attributes;
use super::checksums::Expected;
use super::{origin, set_checksum};

/// What S3 takes in one PUT, and in one part.
pub(super) const MAX_BODY: u64 = 5 * 1024 * 1024 * 1024;

pub(super) async fn put_object(
    store: &Store,
    request: S3Request<PutObjectInput>,
) -> S3Result<S3Response<PutObjectOutput>> {
    let bucket = store.bucket(&request.input.bucket)?;
    let origin = origin(&request);
    let condition = WriteCondition::from_headers(&request.headers)?;
    let expected = Expected::from_headers(&request.headers)?;
    if bucket.read(|state| state.retention.is_some()) && !expected.is_checked() {
        return Err(s3_error!(
            InvalidRequest,
            "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"
        ));
    }
    let PutObjectInput {
        key,
        body,
        metadata,
        content_length,
        ..
    } = request.input;
    let attributes = attributes(&request.headers, metadata)?;
    check_length(content_length)?;
    let body = receive(body, bucket.temp(), expected.algorithm(), store.shared.sync).await?;
    check_received(content_length, &body)?;
    let checksum = expected.verify(&body, request.trailing_headers.as_ref())?;
    let content = Content {
        size: body.size,
        etag: hex(&body.md5),
        checksum,
        attributes,
        parts: Vec::new(),
    };
    let mut answer = answer(&content);
    let draft = Draft {
        key,
        content,
        bytes: body.temp,
        condition,
        event: EventName::Put,
        origin,
        upload: None,
    };
    let (version, versioning) = blocking(move || bucket.put(draft)).await?;
    answer.version_id = version.shown_id(versioning);
    Ok(S3Response::new(answer))
}

fn answer(content: &Content) -> PutObjectOutput {
    let mut answer = PutObjectOutput {
        e_tag: Some(ETag::Strong(content.etag.clone())),
        checksum_type: Some(ChecksumType::from_static(content.checksum.kind.name())),
        server_side_encryption: Some(encryption(&content.attributes)),
        ssekms_key_id: content.attributes.kms_key.clone(),
        ..PutObjectOutput::default()
    };
    set_checksum!(answer, &content.checksum);
    answer
}

/// S3 encrypts everything, with its own keys unless others are named.
pub(super) fn encryption(attributes: &Attributes) -> ServerSideEncryption {
    let named = attributes.encryption.clone().map(ServerSideEncryption::from);
    named.unwrap_or_else(|| ServerSideEncryption::from_static(ServerSideEncryption::AES256))
}

pub(super) fn check_length(content_length: Option<i64>) -> S3Result<()> {
    match content_length.map(u64::try_from) {
        Some(Ok(length)) if length > MAX_BODY => Err(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed size"
        )),
        _ => Ok(()),
    }
}

/// Both ends count: a body that broke off is not stored.
pub(super) fn check_received(content_length: Option<i64>, body: &Spooled) -> S3Result<()> {
    match content_length.map(u64::try_from) {
        Some(Ok(length)) if length != body.size => Err(s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header."
        )),
        _ => Ok(()),
    }
}
