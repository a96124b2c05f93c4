//! `CompleteMultipartUpload`.

use std::sync::Arc;

use hyper::HeaderMap;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{
    ChecksumType, CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, ETag,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::super::events::EventName;
use super::super::store::{
    Algorithm, Bucket, Checksum, Content, Draft, Kind, Part, Store, TempFile, Upload, WriteCondition,
    blocking, hex, reread,
};
use super::attributes::header;
use super::checksums::bad_digest;
use super::put::encryption;
use super::{origin, set_checksum};

/// Every part but the last has at least this many bytes.
const MIN_PART: u64 = 5 * 1024 * 1024;

/// Joins the parts, and commits the result like any other write. The upload stays when this is refused.
pub(super) async fn complete(
    store: &Store,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let bucket = store.bucket(&request.input.bucket)?;
    let origin = origin(&request);
    let condition = WriteCondition::from_headers(&request.headers)?;
    let CompleteMultipartUploadInput {
        bucket: bucket_name,
        key,
        upload_id,
        multipart_upload,
        mpu_object_size,
        ..
    } = request.input;
    let upload = bucket.read(|state| state.upload(&upload_id, &key).cloned())?;
    let listed = multipart_upload
        .and_then(|listed| listed.parts)
        .unwrap_or_default();
    let parts = chosen(&upload, &listed)?;
    check_size(&parts, mpu_object_size)?;
    let (content, bytes) = join(&bucket, upload, parts, &request.headers, store.shared.sync).await?;
    let mut answer = answer(&content, bucket_name, key.clone());
    let draft = Draft {
        key,
        content,
        bytes,
        condition,
        event: EventName::CompleteMultipartUpload,
        origin,
        upload: Some(upload_id),
    };
    let (version, versioning) = blocking(move || bucket.put(draft)).await?;
    answer.version_id = version.shown_id(versioning);
    Ok(S3Response::new(answer))
}

/// The parts' bytes in one file, and what is known of them.
async fn join(
    bucket: &Arc<Bucket>,
    upload: Upload,
    parts: Vec<Part>,
    headers: &HeaderMap,
    sync: bool,
) -> S3Result<(Content, TempFile)> {
    let full = full_algorithm(&upload);
    let (sources, joined, id) = (Arc::clone(bucket), parts.clone(), upload.id.clone());
    let body = blocking(move || reread(sources.open_parts(&id, &joined), sources.temp(), full, sync)).await?;
    let checksum = checksum(&upload, &parts, body.checksum);
    check_given(headers, &checksum)?;
    let content = Content {
        size: body.size,
        etag: etag(&parts),
        checksum,
        attributes: upload.attributes,
        parts,
    };
    Ok((content, body.temp))
}

fn answer(content: &Content, bucket: String, key: String) -> CompleteMultipartUploadOutput {
    let mut answer = CompleteMultipartUploadOutput {
        location: Some(format!("/{bucket}/{key}")),
        bucket: Some(bucket),
        key: Some(key),
        e_tag: Some(ETag::Strong(content.etag.clone())),
        checksum_type: Some(ChecksumType::from_static(content.checksum.kind.name())),
        server_side_encryption: Some(encryption(&content.attributes)),
        ..CompleteMultipartUploadOutput::default()
    };
    set_checksum!(answer, &content.checksum);
    answer
}

/// The parts that the request lists, as they were uploaded.
fn chosen(upload: &Upload, listed: &[CompletedPart]) -> S3Result<Vec<Part>> {
    if listed.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    let numbers = listed.iter().map(|part| part.part_number);
    if !numbers.clone().zip(numbers.skip(1)).all(|(one, next)| one < next) {
        return Err(s3_error!(
            InvalidPartOrder,
            "The list of parts was not in ascending order."
        ));
    }
    let parts = listed
        .iter()
        .map(|listed| chosen_part(upload, listed))
        .collect::<S3Result<Vec<_>>>()?;
    match parts.split_last() {
        Some((_, others)) if others.iter().any(|part| part.size < MIN_PART) => Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        )),
        _ => Ok(parts),
    }
}

fn chosen_part(upload: &Upload, listed: &CompletedPart) -> S3Result<Part> {
    let number = listed.part_number.unwrap_or_default();
    let part = upload.parts.get(&number);
    let same = part.filter(|part| {
        listed
            .e_tag
            .as_ref()
            .is_some_and(|etag| etag.value() == part.etag)
            && given(listed)
                .is_none_or(|(algorithm, value)| part.checksum.of(algorithm).is_none_or(|own| own == value))
    });
    let Some(part) = same else {
        return Err(s3_error!(
            InvalidPart,
            "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
        ));
    };
    if let (Some(algorithm), Kind::Composite, None) = (upload.algorithm, upload.kind, given(listed)) {
        let name = algorithm.name().to_lowercase();
        return Err(s3_error!(
            InvalidRequest,
            "The upload was created using a {name} checksum. The complete request must include the checksum for each part. It was missing for part {number} in the request."
        ));
    }
    Ok(part.clone())
}

fn given(listed: &CompletedPart) -> Option<(Algorithm, String)> {
    let value = |algorithm| match algorithm {
        Algorithm::Crc32 => listed.checksum_crc32.clone(),
        Algorithm::Crc32c => listed.checksum_crc32c.clone(),
        Algorithm::Crc64Nvme => listed.checksum_crc64nvme.clone(),
        Algorithm::Sha1 => listed.checksum_sha1.clone(),
        Algorithm::Sha256 => listed.checksum_sha256.clone(),
    };
    Algorithm::ALL
        .into_iter()
        .find_map(|algorithm| value(algorithm).map(|value| (algorithm, value)))
}

fn check_size(parts: &[Part], expected: Option<i64>) -> S3Result<()> {
    let size: u64 = parts.iter().map(|part| part.size).sum();
    match expected {
        Some(expected) if u64::try_from(expected) != Ok(size) => Err(s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header does not match what was uploaded."
        )),
        _ => Ok(()),
    }
}

/// What to compute over all bytes; a composite checksum needs only the parts'.
fn full_algorithm(upload: &Upload) -> Algorithm {
    match upload.kind {
        Kind::FullObject => upload.part_algorithm(),
        Kind::Composite => Algorithm::DEFAULT,
    }
}

fn checksum(upload: &Upload, parts: &[Part], full: String) -> Checksum {
    match upload.kind {
        Kind::FullObject => Checksum {
            algorithm: full_algorithm(upload),
            kind: Kind::FullObject,
            value: full,
        },
        Kind::Composite => Checksum::composite(
            upload.part_algorithm(),
            parts.iter().map(|part| part.checksum.value.as_str()),
        ),
    }
}

/// The whole object's checksum, when the client sends it along.
fn check_given(headers: &HeaderMap, checksum: &Checksum) -> S3Result<()> {
    if header(headers, "x-amz-checksum-type").is_some_and(|kind| kind != checksum.kind.name()) {
        return Err(s3_error!(
            InvalidRequest,
            "The checksum type does not match that of the upload."
        ));
    }
    match header(headers, checksum.algorithm.header()) {
        Some(given) if given != checksum.value => Err(bad_digest(checksum.algorithm)),
        _ => Ok(()),
    }
}

/// The MD5 of the parts' MD5s, and how many they are.
fn etag(parts: &[Part]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(&unhex(&part.etag));
    }
    format!("{}-{}", hex(&md5.finalize()), parts.len())
}

fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| std::str::from_utf8(pair).ok());
    pairs
        .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
        .collect()
}
