//! `GetObjectTagging`, `PutObjectTagging`, `DeleteObjectTagging`.

use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput, Tag,
};
use s3s::{S3Request, S3Response, S3Result};

use super::super::events::EventName;
use super::super::store::{Store, blocking};
use super::attributes::checked_tags;
use super::origin;

pub(super) fn get(
    store: &Store,
    request: S3Request<GetObjectTaggingInput>,
) -> S3Result<S3Response<GetObjectTaggingOutput>> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let (stored, content) = bucket.read(|state| state.find(&input.key, input.version_id.as_deref()))?;
    let tags = content.attributes.tags.into_iter();
    Ok(S3Response::new(GetObjectTaggingOutput {
        tag_set: tags
            .map(|(key, value)| Tag {
                key: Some(key),
                value: Some(value),
            })
            .collect(),
        version_id: stored.shown_id(),
    }))
}

pub(super) async fn put(
    store: &Store,
    request: S3Request<PutObjectTaggingInput>,
) -> S3Result<S3Response<PutObjectTaggingOutput>> {
    let origin = origin(&request);
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let tags = input.tagging.tag_set.into_iter();
    let tags = checked_tags(
        tags.map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()))
            .collect(),
    )?;
    let version_id = blocking(move || {
        bucket.set_tags(
            &input.key,
            input.version_id.as_deref(),
            tags,
            EventName::TagsPut,
            &origin,
        )
    })
    .await?;
    Ok(S3Response::new(PutObjectTaggingOutput { version_id }))
}

pub(super) async fn delete(
    store: &Store,
    request: S3Request<DeleteObjectTaggingInput>,
) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
    let origin = origin(&request);
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let version_id = blocking(move || {
        let id = input.version_id.as_deref();
        bucket.set_tags(&input.key, id, Vec::new(), EventName::TagsDeleted, &origin)
    })
    .await?;
    Ok(S3Response::new(DeleteObjectTaggingOutput { version_id }))
}
