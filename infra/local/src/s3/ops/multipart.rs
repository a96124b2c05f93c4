//! Multipart uploads, up to their completion.
//!
//! Source: "Uploading and copying objects using multipart upload" (user guide).

use std::ops::Bound;

use hyper::HeaderMap;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag, ListPartsInput, ListPartsOutput,
    StorageClass, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::super::store::{
    Algorithm, Checksum, Kind, Part, Spooled, Store, Upload, blocking, hex, receive, s3_time,
};
use super::attributes::{attributes, header};
use super::buckets::owner;
use super::checksums::Expected;
use super::list::limit;
use super::put::{check_length, check_received, encryption};
use super::set_checksum;

pub(super) async fn create(
    store: &Store,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let bucket = store.bucket(&request.input.bucket)?;
    let attributes = attributes(&request.headers, request.input.metadata)?;
    let (algorithm, kind) = asked_checksum(&request.headers)?;
    let encryption = encryption(&attributes);
    let upload =
        blocking(move || bucket.start_upload(request.input.key, attributes, algorithm, kind)).await?;
    Ok(S3Response::new(CreateMultipartUploadOutput {
        bucket: Some(request.input.bucket),
        key: Some(upload.key),
        upload_id: Some(upload.id),
        checksum_algorithm: algorithm.map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: algorithm.map(|_| ChecksumType::from_static(kind.name())),
        server_side_encryption: Some(encryption),
        ..CreateMultipartUploadOutput::default()
    }))
}

/// CRC64NVME is always of the full object, a SHA always composite, the others either, and composite unless
/// asked otherwise.
fn asked_checksum(headers: &HeaderMap) -> S3Result<(Option<Algorithm>, Kind)> {
    let invalid = |what: &str| s3_error!(InvalidRequest, "Value for {what} header is invalid.");
    let algorithm = header(headers, "x-amz-checksum-algorithm")
        .map(|name| Algorithm::from_name(&name).ok_or_else(|| invalid("x-amz-checksum-algorithm")))
        .transpose()?;
    let kind = header(headers, "x-amz-checksum-type");
    let fits = |kind| match (algorithm, kind) {
        (None | Some(Algorithm::Crc64Nvme), Kind::Composite) => false,
        (Some(algorithm), Kind::FullObject) => algorithm.is_crc(),
        _ => true,
    };
    let kind = match kind.as_deref() {
        Some("COMPOSITE") => Kind::Composite,
        Some("FULL_OBJECT") => Kind::FullObject,
        Some(_) => return Err(invalid("x-amz-checksum-type")),
        None if fits(Kind::Composite) => Kind::Composite,
        None => Kind::FullObject,
    };
    if fits(kind) {
        return Ok((algorithm, kind));
    }
    let named = algorithm.map_or("null", Algorithm::name);
    Err(s3_error!(
        InvalidRequest,
        "The {} checksum type cannot be used with the {named} checksum algorithm.",
        kind.name()
    ))
}

pub(super) async fn upload_part(
    store: &Store,
    request: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let UploadPartInput {
        bucket,
        key,
        upload_id,
        part_number,
        body,
        content_length,
        ..
    } = request.input;
    let bucket = store.bucket(&bucket)?;
    check_number(part_number)?;
    check_length(content_length)?;
    let expected = Expected::from_headers(&request.headers)?;
    bucket.read(|state| check_algorithm(state.upload(&upload_id, &key)?, expected.given))?;
    let body = receive(body, bucket.temp(), expected.algorithm(), store.shared.sync).await?;
    check_received(content_length, &body)?;
    let checksum = expected.verify(&body, request.trailing_headers.as_ref())?;
    let (part, bytes) = part(part_number, body, checksum);
    let part = blocking(move || bucket.put_part(&upload_id, &key, part, &bytes)).await?;
    let mut answer = UploadPartOutput {
        e_tag: Some(ETag::Strong(part.etag)),
        ..UploadPartOutput::default()
    };
    set_checksum!(answer, &part.checksum);
    Ok(S3Response::new(answer))
}

/// A part as it is stored; the store dates and numbers it.
pub(super) fn part(number: i32, body: Spooled, checksum: Checksum) -> (Part, super::super::store::TempFile) {
    let Spooled { temp, size, md5, .. } = body;
    let modified = jiff::Timestamp::UNIX_EPOCH;
    (
        Part {
            number,
            size,
            etag: hex(&md5),
            modified,
            checksum,
            seq: 0,
        },
        temp,
    )
}

pub(super) fn check_number(number: i32) -> S3Result<()> {
    if (1..=10_000).contains(&number) {
        Ok(())
    } else {
        Err(s3_error!(
            InvalidArgument,
            "Part number must be an integer between 1 and 10000, inclusive"
        ))
    }
}

/// An upload that was created for one algorithm takes no other.
fn check_algorithm(upload: &Upload, given: Option<Algorithm>) -> S3Result<()> {
    match upload.algorithm {
        Some(algorithm) if given != Some(algorithm) => Err(s3_error!(
            InvalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            algorithm.name().to_lowercase(),
            given.map_or("null".to_owned(), |given| given.name().to_lowercase())
        )),
        _ => Ok(()),
    }
}

pub(super) async fn abort(
    store: &Store,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    blocking(move || bucket.abort_upload(&input.upload_id, &input.key)).await?;
    Ok(S3Response::with_status(
        AbortMultipartUploadOutput::default(),
        hyper::StatusCode::NO_CONTENT,
    ))
}

pub(super) fn list_parts(
    store: &Store,
    request: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let (max_parts, limit) = limit(input.max_parts)?;
    let marker = input.part_number_marker.unwrap_or_default();
    let upload = bucket.read(|state| state.upload(&input.upload_id, &input.key).cloned())?;
    let mut parts = upload
        .parts
        .range((Bound::Excluded(marker), Bound::Unbounded))
        .map(|(_, part)| part);
    let listed: Vec<s3s::dto::Part> = parts.by_ref().take(limit).map(listed_part).collect();
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        max_parts: Some(max_parts),
        part_number_marker: Some(marker),
        next_part_number_marker: listed.last().and_then(|part| part.part_number),
        is_truncated: Some(parts.next().is_some()),
        parts: Some(listed),
        checksum_algorithm: upload
            .algorithm
            .map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: upload
            .algorithm
            .map(|_| ChecksumType::from_static(upload.kind.name())),
        owner: Some(owner(store)),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        ..ListPartsOutput::default()
    }))
}

fn listed_part(part: &Part) -> s3s::dto::Part {
    let mut answer = s3s::dto::Part {
        part_number: Some(part.number),
        size: i64::try_from(part.size).ok(),
        e_tag: Some(ETag::Strong(part.etag.clone())),
        last_modified: Some(s3_time(part.modified)),
        ..s3s::dto::Part::default()
    };
    set_checksum!(answer, &part.checksum);
    answer
}
