//! `ListMultipartUploads`.

use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, CommonPrefix, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    MultipartUpload, StorageClass,
};
use s3s::{S3Request, S3Response, S3Result};

use super::super::store::{State, Store, Upload, s3_time};
use super::list::{Names, limit, rolled_up};

/// A key or a common prefix, and for a key the upload's id.
type Place = (String, Option<String>);

/// What one answer lists, and where the next one goes on, if there is more.
#[derive(Default)]
struct Page {
    uploads: Vec<Upload>,
    prefixes: Vec<String>,
    next: Option<Place>,
}

pub(super) fn list(
    store: &Store,
    request: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let (max_uploads, limit) = limit(input.max_uploads)?;
    let prefix = input.prefix.unwrap_or_default();
    let after = (input.key_marker.unwrap_or_default(), input.upload_id_marker);
    let found = bucket.read(|state| page(state, &prefix, input.delimiter.as_deref(), &after, limit));
    let names = Names::new(input.encoding_type.as_ref());
    let (next_key_marker, next_upload_id_marker) = found.next.clone().unzip();
    let prefixes = found.prefixes.iter().map(|prefix| CommonPrefix {
        prefix: Some(names.write(prefix)),
    });
    let uploads = found.uploads.into_iter().map(|upload| listed(upload, names));
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        prefix: Some(names.write(&prefix)),
        key_marker: Some(names.write(&after.0)),
        upload_id_marker: after.1,
        max_uploads: Some(max_uploads),
        is_truncated: Some(found.next.is_some()),
        next_key_marker: next_key_marker.map(|name| names.write(&name)),
        next_upload_id_marker: next_upload_id_marker.flatten(),
        common_prefixes: Some(prefixes.collect()),
        uploads: Some(uploads.collect()),
        delimiter: input.delimiter.as_deref().map(|delimiter| names.write(delimiter)),
        encoding_type: input.encoding_type,
        ..ListMultipartUploadsOutput::default()
    }))
}

/// Common prefixes count like uploads.
fn page(state: &State, prefix: &str, delimiter: Option<&str>, after: &Place, limit: usize) -> Page {
    let mut page = Page::default();
    let mut last: Option<Place> = None;
    for upload in uploads_after(state, prefix, after) {
        let rolled = rolled_up(&upload.key, prefix, delimiter).map(str::to_owned);
        let (seen, _) = last.as_ref().unwrap_or(after);
        if rolled.as_ref().is_some_and(|rolled| rolled == seen) {
            continue;
        }
        if page.uploads.len() + page.prefixes.len() >= limit {
            page.next = last;
            return page;
        }
        if let Some(rolled) = rolled {
            page.prefixes.push(rolled.clone());
            last = Some((rolled, None));
        } else {
            last = Some((upload.key.clone(), Some(upload.id.clone())));
            page.uploads.push(upload);
        }
    }
    page
}

/// By key, and for one key by age.
fn uploads_after(state: &State, prefix: &str, (key, id): &Place) -> Vec<Upload> {
    let mut uploads: Vec<Upload> = state
        .uploads
        .values()
        .filter(|upload| upload.key.starts_with(prefix))
        .cloned()
        .collect();
    uploads.sort_by(|one, other| {
        (&one.key, one.initiated, &one.id).cmp(&(&other.key, other.initiated, &other.id))
    });
    let listed = id.as_ref().and_then(|id| {
        uploads
            .iter()
            .position(|upload| upload.key == *key && upload.id == *id)
    });
    match listed {
        Some(place) => uploads.split_off(place + 1),
        None => uploads
            .into_iter()
            .filter(|upload| key.is_empty() || upload.key > *key)
            .collect(),
    }
}

fn listed(upload: Upload, names: Names) -> MultipartUpload {
    MultipartUpload {
        key: Some(names.write(&upload.key)),
        upload_id: Some(upload.id),
        initiated: Some(s3_time(upload.initiated)),
        checksum_algorithm: upload
            .algorithm
            .map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: upload
            .algorithm
            .map(|_| ChecksumType::from_static(upload.kind.name())),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        ..MultipartUpload::default()
    }
}
