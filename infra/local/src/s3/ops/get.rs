//! `GetObject` and `HeadObject`.

use std::ops::Range;

use hyper::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use s3s::dto::{
    ChecksumMode, ChecksumType, ETag, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    StorageClass, Timestamp, TimestampFormat,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::super::store::{
    Checksum, Content, Found, ReadCondition, Store, Stored, Unmet, blocking, not_modified,
    precondition_failed, s3_time,
};
use super::body::send;
use super::put::encryption;
use super::set_checksum;

/// What S3 says when nobody said what the bytes are.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

pub(super) async fn get_object(
    store: &Store,
    request: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let input = request.input;
    check_overrides([
        &input.response_cache_control,
        &input.response_content_disposition,
        &input.response_content_encoding,
        &input.response_content_language,
        &input.response_content_type,
    ])?;
    let bucket = store.bucket(&input.bucket)?;
    let (key, id) = (input.key, input.version_id);
    let Found {
        stored,
        content,
        file,
    } = blocking(move || bucket.open(&key, id.as_deref())).await?;
    let condition = ReadCondition {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        modified_since: input.if_modified_since,
        unmodified_since: input.if_unmodified_since,
    };
    check(&condition, &stored, &content)?;
    let selection = Selection::new(&content, input.range, input.part_number)?;
    let with_checksum = wants_checksum(input.checksum_mode.as_ref());
    let mut answer = describe(&stored, &content, &selection, with_checksum);
    answer.tag_count = i32::try_from(content.attributes.tags.len())
        .ok()
        .filter(|count| *count > 0);
    answer.body = Some(send(file, selection.bytes.clone()).await?);
    Ok(S3Response::new(answer))
}

pub(super) fn head_object(
    store: &Store,
    request: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let input = request.input;
    check_overrides([
        &input.response_cache_control,
        &input.response_content_disposition,
        &input.response_content_encoding,
        &input.response_content_language,
        &input.response_content_type,
    ])?;
    let bucket = store.bucket(&input.bucket)?;
    let (stored, content) = bucket.read(|state| state.find(&input.key, input.version_id.as_deref()))?;
    let condition = ReadCondition {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        modified_since: input.if_modified_since,
        unmodified_since: input.if_unmodified_since,
    };
    check(&condition, &stored, &content)?;
    let selection = Selection::new(&content, input.range, input.part_number)?;
    let with_checksum = wants_checksum(input.checksum_mode.as_ref());
    let mut described = describe(&stored, &content, &selection, with_checksum);
    replace(&mut described.cache_control, input.response_cache_control);
    replace(
        &mut described.content_disposition,
        input.response_content_disposition,
    );
    replace(&mut described.content_encoding, input.response_content_encoding);
    replace(&mut described.content_language, input.response_content_language);
    replace(&mut described.content_type, input.response_content_type);
    replace(&mut described.expires, input.response_expires);
    let mut answer = S3Response::new(head(described));
    answer.status = selection.range.is_some().then_some(StatusCode::PARTIAL_CONTENT);
    if let Some(count) = tag_count(&content) {
        answer.headers.insert("x-amz-tagging-count", count.into());
    }
    Ok(answer)
}

/// The answer's headers that a request may ask to be others.
///
/// # Errors
/// `InvalidArgument`, as S3 answers, for a value beyond Latin-1.
fn check_overrides(values: [&Option<String>; 5]) -> S3Result<()> {
    if values
        .into_iter()
        .flatten()
        .flat_map(|value| value.chars())
        .all(|c| u32::from(c) < 256)
    {
        return Ok(());
    }
    Err(s3_error!(
        InvalidArgument,
        "Header value cannot be represented using ISO-8859-1."
    ))
}

/// A header of the answer that the request asks to be another.
fn replace<T>(own: &mut Option<T>, asked: Option<T>) {
    if asked.is_some() {
        *own = asked;
    }
}

fn head(described: GetObjectOutput) -> HeadObjectOutput {
    HeadObjectOutput {
        cache_control: described.cache_control,
        content_disposition: described.content_disposition,
        content_encoding: described.content_encoding,
        content_language: described.content_language,
        content_type: described.content_type,
        expires: described.expires,
        accept_ranges: described.accept_ranges,
        checksum_crc32: described.checksum_crc32,
        checksum_crc32c: described.checksum_crc32c,
        checksum_crc64nvme: described.checksum_crc64nvme,
        checksum_sha1: described.checksum_sha1,
        checksum_sha256: described.checksum_sha256,
        checksum_type: described.checksum_type,
        content_length: described.content_length,
        content_range: described.content_range,
        e_tag: described.e_tag,
        last_modified: described.last_modified,
        metadata: described.metadata,
        parts_count: described.parts_count,
        server_side_encryption: described.server_side_encryption,
        ssekms_key_id: described.ssekms_key_id,
        storage_class: described.storage_class,
        version_id: described.version_id,
        website_redirect_location: described.website_redirect_location,
        ..HeadObjectOutput::default()
    }
}

/// Left out when there are none.
fn tag_count(content: &Content) -> Option<i32> {
    i32::try_from(content.attributes.tags.len())
        .ok()
        .filter(|count| *count > 0)
}

pub(super) fn wants_checksum(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str().eq_ignore_ascii_case(ChecksumMode::ENABLED))
}

fn check(condition: &ReadCondition, stored: &Stored, content: &Content) -> S3Result<()> {
    let modified = stored.version().modified;
    match condition.unmet(content, modified) {
        None => Ok(()),
        Some(Unmet::Failed) => Err(precondition_failed()),
        Some(Unmet::NotModified) => Err(not_modified(content, modified)),
    }
}

/// Which bytes an answer is about.
struct Selection {
    bytes: Range<u64>,
    /// `Content-Range`, when it isn't all of them.
    range: Option<String>,
    /// Of just these bytes.
    checksum: Option<Checksum>,
    parts_count: Option<i32>,
}

impl Selection {
    /// # Errors
    /// `InvalidRange` when no byte is meant, `InvalidPart` for a part that isn't there.
    fn new(content: &Content, range: Option<s3s::dto::Range>, part: Option<i32>) -> S3Result<Self> {
        match (range, part) {
            (Some(_), Some(_)) => Err(s3_error!(
                InvalidRequest,
                "Cannot specify both Range header and partNumber query parameter"
            )),
            (None, None) => Ok(Self {
                bytes: 0..content.size,
                range: None,
                checksum: Some(content.checksum.clone()),
                parts_count: None,
            }),
            (Some(range), None) => {
                let bytes = range.check(content.size).ok().filter(|bytes| !bytes.is_empty());
                let bytes = bytes.ok_or_else(|| not_satisfiable(content.size))?;
                Ok(Self {
                    range: content_range(&bytes, content.size),
                    bytes,
                    checksum: None,
                    parts_count: None,
                })
            }
            (None, Some(part)) => Self::part(content, part),
        }
    }

    /// An object that came in one piece is its own first part.
    fn part(content: &Content, number: i32) -> S3Result<Self> {
        if content.parts.is_empty() && number == 1 {
            let bytes = 0..content.size;
            let checksum = Some(content.checksum.clone());
            return Ok(Self {
                range: content_range(&bytes, content.size),
                bytes,
                checksum,
                parts_count: None,
            });
        }
        let mut start = 0;
        for (place, part) in (1..).zip(&content.parts) {
            if place == number {
                let bytes = start..start + part.size;
                return Ok(Self {
                    range: content_range(&bytes, content.size),
                    bytes,
                    checksum: Some(part.checksum.clone()),
                    parts_count: i32::try_from(content.parts.len()).ok(),
                });
            }
            start += part.size;
        }
        let mut error = s3_error!(InvalidPart, "The requested partnumber is not satisfiable");
        error.set_status_code(StatusCode::RANGE_NOT_SATISFIABLE);
        Err(error)
    }
}

fn content_range(bytes: &Range<u64>, size: u64) -> Option<String> {
    (!bytes.is_empty()).then(|| format!("bytes {}-{}/{size}", bytes.start, bytes.end - 1))
}

fn not_satisfiable(size: u64) -> S3Error {
    let mut error = s3_error!(InvalidRange, "The requested range is not satisfiable");
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.extend(HeaderValue::try_from(format!("bytes */{size}")).map(|range| (CONTENT_RANGE, range)));
    error.set_headers(headers);
    error
}

fn describe(stored: &Stored, content: &Content, selection: &Selection, checksum: bool) -> GetObjectOutput {
    let attributes = content.attributes.clone();
    let mut answer = GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        cache_control: attributes.cache_control.clone(),
        content_disposition: attributes.content_disposition.clone(),
        content_encoding: attributes.content_encoding.clone(),
        content_language: attributes.content_language.clone(),
        content_length: i64::try_from(selection.bytes.end - selection.bytes.start).ok(),
        content_range: selection.range.clone(),
        content_type: Some(
            attributes
                .content_type
                .clone()
                .unwrap_or_else(|| DEFAULT_CONTENT_TYPE.to_owned()),
        ),
        e_tag: Some(ETag::Strong(content.etag.clone())),
        expires: attributes
            .expires
            .as_deref()
            .and_then(|date| Timestamp::parse(TimestampFormat::HttpDate, date).ok()),
        last_modified: Some(s3_time(stored.version().modified)),
        parts_count: selection.parts_count,
        server_side_encryption: Some(encryption(&attributes)),
        ssekms_key_id: attributes.kms_key,
        storage_class: attributes.storage_class.map(StorageClass::from),
        version_id: stored.shown_id(),
        website_redirect_location: attributes.website_redirect,
        metadata: Some(attributes.metadata.into_iter().collect()),
        ..GetObjectOutput::default()
    };
    if let Some(checksum) = selection.checksum.as_ref().filter(|_| checksum) {
        set_checksum!(answer, checksum);
        answer.checksum_type = Some(ChecksumType::from_static(checksum.kind.name()));
    }
    answer
}
