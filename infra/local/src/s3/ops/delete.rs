//! `DeleteObject` and `DeleteObjects`.

use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    ETagCondition, Error, ObjectIdentifier,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::super::events::Origin;
use super::super::store::{Bucket, Deleted, Store, blocking};
use super::origin;

const MAX_OBJECTS: usize = 1000;

pub(super) async fn delete_object(
    store: &Store,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let origin = origin(&request);
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let deleted = blocking(move || {
        bucket.delete(
            &input.key,
            input.version_id.as_deref(),
            input.if_match.as_ref(),
            &origin,
        )
    })
    .await?;
    Ok(S3Response::new(DeleteObjectOutput {
        delete_marker: deleted.marker.then_some(true),
        version_id: deleted.version_id,
        ..DeleteObjectOutput::default()
    }))
}

/// Each object on its own: what fails is in the answer, and the rest is deleted.
pub(super) async fn delete_objects(
    store: &Store,
    request: S3Request<DeleteObjectsInput>,
) -> S3Result<S3Response<DeleteObjectsOutput>> {
    let origin = origin(&request);
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let objects = input.delete.objects;
    if objects.is_empty() || objects.len() > MAX_OBJECTS {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    let quiet = input.delete.quiet.unwrap_or(false);
    let results = blocking(move || {
        Ok::<_, S3Error>(
            objects
                .into_iter()
                .map(|object| delete_one(&bucket, object, &origin))
                .collect::<Vec<_>>(),
        )
    })
    .await?;
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(object) => deleted.push(object),
            Err(error) => errors.push(error),
        }
    }
    Ok(S3Response::new(DeleteObjectsOutput {
        deleted: (!quiet).then_some(deleted),
        errors: (!errors.is_empty()).then_some(errors),
        ..DeleteObjectsOutput::default()
    }))
}

fn delete_one(bucket: &Bucket, object: ObjectIdentifier, origin: &Origin) -> Result<DeletedObject, Error> {
    let ObjectIdentifier {
        key,
        version_id,
        e_tag,
        ..
    } = object;
    let expected = e_tag.map(ETagCondition::ETag);
    match bucket.delete(&key, version_id.as_deref(), expected.as_ref(), origin) {
        Ok(Deleted {
            marker,
            version_id: removed,
        }) => Ok(DeletedObject {
            key: Some(key),
            delete_marker: marker.then_some(true),
            delete_marker_version_id: removed.filter(|_| marker),
            version_id,
        }),
        Err(error) => Err(Error {
            code: Some(error.code().as_str().to_owned()),
            message: error.message().map(str::to_owned),
            key: Some(key),
            version_id,
        }),
    }
}
