//! `GetObjectAttributes`.

use s3s::dto::{
    Checksum, ChecksumType, ETag, GetObjectAttributesInput, GetObjectAttributesOutput,
    GetObjectAttributesParts, ObjectPart, StorageClass,
};
use s3s::{S3Request, S3Response, S3Result};

use super::super::store::{Content, Store, s3_time};
use super::set_checksum;

/// Also how many parts an answer lists at most.
const MAX_PARTS: usize = 1000;

pub(super) fn get(
    store: &Store,
    request: S3Request<GetObjectAttributesInput>,
) -> S3Result<S3Response<GetObjectAttributesOutput>> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let (stored, content) = bucket.read(|state| state.find(&input.key, input.version_id.as_deref()))?;
    // One header may hold several names.
    let wanted: Vec<&str> = input
        .object_attributes
        .iter()
        .flat_map(|names| names.as_str().split(','))
        .map(str::trim)
        .collect();
    let wants = |name| wanted.contains(&name);
    let class = content
        .attributes
        .storage_class
        .clone()
        .unwrap_or_else(|| "STANDARD".to_owned());
    let first = usize::try_from(input.part_number_marker.unwrap_or_default()).unwrap_or_default();
    let limit = input
        .max_parts
        .and_then(|max| usize::try_from(max).ok())
        .unwrap_or(MAX_PARTS)
        .min(MAX_PARTS);
    Ok(S3Response::new(GetObjectAttributesOutput {
        e_tag: wants("ETag").then(|| ETag::Strong(content.etag.clone())),
        checksum: wants("Checksum").then(|| checksum(&content)),
        object_parts: (wants("ObjectParts") && !content.parts.is_empty())
            .then(|| parts(&content, first, limit)),
        object_size: wants("ObjectSize").then(|| i64::try_from(content.size).unwrap_or(i64::MAX)),
        storage_class: wants("StorageClass").then(|| StorageClass::from(class)),
        last_modified: Some(s3_time(stored.version().modified)),
        version_id: stored.shown_id(),
        ..GetObjectAttributesOutput::default()
    }))
}

fn checksum(content: &Content) -> Checksum {
    let mut answer = Checksum {
        checksum_type: Some(ChecksumType::from_static(content.checksum.kind.name())),
        ..Checksum::default()
    };
    set_checksum!(answer, &content.checksum);
    answer
}

fn parts(content: &Content, marker: usize, limit: usize) -> GetObjectAttributesParts {
    let listed: Vec<_> = content.parts.iter().skip(marker).take(limit).collect();
    let next = marker + listed.len();
    let parts = listed.iter().map(|part| {
        let mut answer = ObjectPart {
            part_number: Some(part.number),
            size: i64::try_from(part.size).ok(),
            ..ObjectPart::default()
        };
        set_checksum!(answer, &part.checksum);
        answer
    });
    GetObjectAttributesParts {
        parts: Some(parts.collect()),
        is_truncated: Some(next < content.parts.len()),
        max_parts: i32::try_from(limit).ok(),
        next_part_number_marker: i32::try_from(next).ok(),
        part_number_marker: i32::try_from(marker).ok(),
        total_parts_count: i32::try_from(content.parts.len()).ok(),
    }
}
