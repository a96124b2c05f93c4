//! `CopyObject` and `UploadPartCopy`.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use hyper::HeaderMap;
use s3s::dto::{
    ChecksumType, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, ETag,
    Metadata, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::super::events::EventName;
use super::super::store::{
    Algorithm, Attributes, Bucket, Checksum, Content, Draft, Found, Kind, ReadCondition, Spooled, Store,
    Stored, TempFile, Upload, WriteCondition, blocking, hex, precondition_failed, reread, s3_time,
};
use super::attributes::{attributes, header};
use super::multipart::{check_number, part};
use super::put::{MAX_BODY, encryption};
use super::{origin, set_checksum};

/// What is copied, and from where.
struct Source {
    bucket: Arc<Bucket>,
    key: String,
    version_id: Option<String>,
    found: Found,
}

impl Source {
    async fn open(store: &Store, source: CopySource, condition: ReadCondition) -> S3Result<Self> {
        let CopySource::Bucket {
            bucket,
            key,
            version_id,
        } = source
        else {
            return Err(s3_error!(
                NotImplemented,
                "Copy sources other than buckets are not implemented"
            ));
        };
        let (key, version_id) = (key.to_string(), version_id.map(String::from));
        let bucket = store.bucket(&bucket)?;
        let (place, name, id) = (Arc::clone(&bucket), key.clone(), version_id.clone());
        let found = blocking(move || place.open(&name, id.as_deref()))
            .await
            .map_err(no_marker_as_source)?;
        if condition
            .unmet(&found.content, found.stored.version().modified)
            .is_some()
        {
            return Err(precondition_failed());
        }
        Ok(Self {
            bucket,
            key,
            version_id,
            found,
        })
    }
}

/// The id of a delete marker is no source.
fn no_marker_as_source(error: S3Error) -> S3Error {
    match error.code() {
        s3s::S3ErrorCode::MethodNotAllowed => s3_error!(
            InvalidRequest,
            "The source of a copy request may not specifically refer to a delete marker by version id."
        ),
        _ => error,
    }
}

pub(super) async fn copy_object(
    store: &Store,
    mut request: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    let origin = origin(&request);
    let target = store.bucket(&request.input.bucket)?;
    let condition = WriteCondition::from_headers(&request.headers)?;
    let metadata = request.input.metadata.take();
    let input = request.input;
    let source_condition = ReadCondition {
        if_match: input.copy_source_if_match,
        if_none_match: input.copy_source_if_none_match,
        modified_since: input.copy_source_if_modified_since,
        unmodified_since: input.copy_source_if_unmodified_since,
    };
    let source = Source::open(store, input.copy_source, source_condition).await?;
    if source.found.content.size > MAX_BODY {
        return Err(s3_error!(
            InvalidRequest,
            "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"
        ));
    }
    let attributes = copied_attributes(&request.headers, metadata, &source, &target.name, &input.key)?;
    let algorithm = asked_algorithm(&request.headers)?;
    let (stored, key, sync) = (source.found.stored.clone(), input.key, store.shared.sync);
    let (version, versioning) = blocking(move || {
        let (bytes, content) = copied(&target, source, attributes, algorithm, sync)?;
        target.put(Draft {
            key,
            content,
            bytes,
            condition,
            event: EventName::Copy,
            origin,
            upload: None,
        })
    })
    .await?;
    let mut answer = answer(&stored, version.content.as_ref(), version.modified);
    answer.version_id = version.shown_id(versioning);
    Ok(S3Response::new(answer))
}

fn answer(source: &Stored, content: Option<&Content>, modified: jiff::Timestamp) -> CopyObjectOutput {
    let mut result = CopyObjectResult {
        last_modified: Some(s3_time(modified)),
        ..CopyObjectResult::default()
    };
    if let Some(content) = content {
        result.e_tag = Some(ETag::Strong(content.etag.clone()));
        result.checksum_type = Some(ChecksumType::from_static(content.checksum.kind.name()));
        set_checksum!(result, &content.checksum);
    }
    CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: source.shown_id(),
        server_side_encryption: content.map(|content| encryption(&content.attributes)),
        ..CopyObjectOutput::default()
    }
}

/// By `x-amz-metadata-directive` and `x-amz-tagging-directive`: the source's, or the request's.
fn copied_attributes(
    headers: &HeaderMap,
    metadata: Option<Metadata>,
    source: &Source,
    bucket: &str,
    key: &str,
) -> S3Result<Attributes> {
    let own = attributes(headers, metadata)?;
    let replaces = |name: &str| match header(headers, name).as_deref() {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(_) => Err(s3_error!(InvalidArgument, "Unknown directive in {name}.")),
    };
    let (metadata, tags) = (
        replaces("x-amz-metadata-directive")?,
        replaces("x-amz-tagging-directive")?,
    );
    let changes =
        metadata || own.storage_class.is_some() || own.encryption.is_some() || own.website_redirect.is_some();
    let onto_itself = source.bucket.name == bucket && source.key == key && source.version_id.is_none();
    if onto_itself && !changes {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."
        ));
    }
    let from = source.found.content.attributes.clone();
    let kept_tags = if tags { own.tags.clone() } else { from.tags.clone() };
    // Storage class, encryption and redirect are the copy's own in either case.
    let chosen = if metadata {
        own
    } else {
        Attributes {
            storage_class: own.storage_class,
            encryption: own.encryption,
            kms_key: own.kms_key,
            website_redirect: own.website_redirect,
            ..from
        }
    };
    Ok(Attributes {
        tags: kept_tags,
        ..chosen
    })
}

fn asked_algorithm(headers: &HeaderMap) -> S3Result<Option<Algorithm>> {
    let Some(name) = header(headers, "x-amz-checksum-algorithm") else {
        return Ok(None);
    };
    let algorithm = Algorithm::from_name(&name);
    algorithm.map(Some).ok_or_else(|| {
        s3_error!(
            InvalidRequest,
            "Value for x-amz-checksum-algorithm header is invalid."
        )
    })
}

/// The bytes of the copy, and what is known of them. They are shared with the source where its etag and
/// checksum stay right, and read again where not: a copy is one piece, whatever its source was.
fn copied(
    target: &Bucket,
    source: Source,
    attributes: Attributes,
    algorithm: Option<Algorithm>,
    sync: bool,
) -> S3Result<(TempFile, Content)> {
    let Found {
        stored,
        content,
        file,
    } = source.found;
    let same_algorithm = algorithm.is_none_or(|algorithm| algorithm == content.checksum.algorithm);
    if content.parts.is_empty() && same_algorithm {
        let bytes = target.borrow_bytes(&source.bucket, stored.version().seq);
        if let Ok(bytes) = bytes {
            return Ok((
                bytes,
                Content {
                    attributes,
                    ..content
                },
            ));
        }
        // The source was deleted meanwhile; its bytes are open and can be read.
    }
    let algorithm = algorithm.unwrap_or(content.checksum.algorithm);
    let body = reread([Ok(file)], target.temp(), algorithm, sync).map_err(super::super::store::disk_error)?;
    Ok(one_piece(body, algorithm, attributes))
}

fn one_piece(body: Spooled, algorithm: Algorithm, attributes: Attributes) -> (TempFile, Content) {
    let content = Content {
        size: body.size,
        etag: hex(&body.md5),
        checksum: Checksum {
            algorithm,
            kind: Kind::FullObject,
            value: body.checksum,
        },
        attributes,
        parts: Vec::new(),
    };
    (body.temp, content)
}

pub(super) async fn upload_part_copy(
    store: &Store,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let input = request.input;
    let target = store.bucket(&input.bucket)?;
    check_number(input.part_number)?;
    let (key, upload_id, number) = (input.key, input.upload_id, input.part_number);
    let algorithm = target.read(|state| state.upload(&upload_id, &key).map(Upload::part_algorithm))?;
    let condition = ReadCondition {
        if_match: input.copy_source_if_match,
        if_none_match: input.copy_source_if_none_match,
        modified_since: input.copy_source_if_modified_since,
        unmodified_since: input.copy_source_if_unmodified_since,
    };
    let source = Source::open(store, input.copy_source, condition).await?;
    let range = source_range(input.copy_source_range.as_deref(), source.found.content.size)?;
    let (shown_id, sync) = (source.found.stored.shown_id(), store.shared.sync);
    let stored = blocking(move || {
        let bytes = slice(source.found.file, range);
        let body =
            reread([bytes], target.temp(), algorithm, sync).map_err(super::super::store::disk_error)?;
        let checksum = Checksum {
            algorithm,
            kind: Kind::FullObject,
            value: body.checksum.clone(),
        };
        let (part, bytes) = part(number, body, checksum);
        target.put_part(&upload_id, &key, part, &bytes)
    })
    .await?;
    let mut result = CopyPartResult {
        e_tag: Some(ETag::Strong(stored.etag)),
        last_modified: Some(s3_time(stored.modified)),
        ..CopyPartResult::default()
    };
    set_checksum!(result, &stored.checksum);
    Ok(S3Response::new(UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: shown_id,
        ..UploadPartCopyOutput::default()
    }))
}

/// `bytes=first-last`, both given and inside the source.
fn source_range(range: Option<&str>, size: u64) -> S3Result<std::ops::Range<u64>> {
    let Some(range) = range else { return Ok(0..size) };
    let ends = range.strip_prefix("bytes=").and_then(|ends| ends.split_once('-'));
    let ends = ends.and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
    match ends {
        Some((first, last)) if first <= last && last < size => Ok(first..last + 1),
        Some(_) => Err(s3_error!(
            InvalidArgument,
            "Range specified is not valid for source object of size: {size}"
        )),
        None => Err(s3_error!(
            InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy"
        )),
    }
}

fn slice(mut file: File, range: std::ops::Range<u64>) -> io::Result<io::Take<File>> {
    file.seek(SeekFrom::Start(range.start))?;
    Ok(file.take(range.end - range.start))
}
