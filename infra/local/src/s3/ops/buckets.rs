//! The operations on buckets.

use s3s::dto::{
    Bucket, BucketLocationConstraint, BucketVersioningStatus, CreateBucketInput, CreateBucketOutput,
    DeleteBucketInput, DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput,
    GetBucketVersioningInput, GetBucketVersioningOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput,
    ListBucketsOutput, Owner, PutBucketVersioningInput, PutBucketVersioningOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::super::store::{Store, Versioning, disk_error, s3_time};

/// The one region whose buckets have no location constraint.
const FIRST_REGION: &str = "us-east-1";
/// As many as one answer holds at most.
const MAX_BUCKETS: i32 = 10_000;

pub(super) fn create(
    store: &Store,
    request: S3Request<CreateBucketInput>,
) -> S3Result<S3Response<CreateBucketOutput>> {
    let name = request.input.bucket;
    let made = store.create(&name, Versioning::Off).map_err(disk_error)?;
    // In the first region S3 lets an owner create a bucket again.
    if !made && store.shared.region != FIRST_REGION {
        return Err(s3_error!(
            BucketAlreadyOwnedByYou,
            "Your previous request to create the named bucket succeeded and you already own it."
        ));
    }
    Ok(S3Response::new(CreateBucketOutput {
        location: Some(format!("/{name}")),
    }))
}

pub(super) fn delete(
    store: &Store,
    request: S3Request<DeleteBucketInput>,
) -> S3Result<S3Response<DeleteBucketOutput>> {
    let DeleteBucketInput { bucket, .. } = request.input;
    store.delete(&bucket)?;
    Ok(S3Response::with_status(
        DeleteBucketOutput {},
        hyper::StatusCode::NO_CONTENT,
    ))
}

pub(super) fn head(
    store: &Store,
    request: S3Request<HeadBucketInput>,
) -> S3Result<S3Response<HeadBucketOutput>> {
    let HeadBucketInput { bucket, .. } = request.input;
    store.bucket(&bucket)?;
    Ok(S3Response::new(HeadBucketOutput {
        bucket_region: Some(store.shared.region.clone()),
        ..HeadBucketOutput::default()
    }))
}

pub(super) fn list(
    store: &Store,
    request: S3Request<ListBucketsInput>,
) -> S3Result<S3Response<ListBucketsOutput>> {
    let ListBucketsInput {
        prefix,
        continuation_token,
        max_buckets,
        ..
    } = request.input;
    let (wanted, after) = (
        prefix.clone().unwrap_or_default(),
        continuation_token.unwrap_or_default(),
    );
    let limit = max_buckets.unwrap_or(MAX_BUCKETS);
    if !(1..=MAX_BUCKETS).contains(&limit) {
        return Err(s3_error!(
            InvalidArgument,
            "Argument max-buckets must be an integer between 1 and 10000"
        ));
    }
    let limit = usize::try_from(limit).unwrap_or_default();
    let mut buckets = store.buckets();
    buckets.retain(|bucket| bucket.name.starts_with(&wanted) && bucket.name > after);
    let more = buckets.len() > limit;
    buckets.truncate(limit);
    let listed = buckets.iter().map(|bucket| Bucket {
        name: Some(bucket.name.clone()),
        creation_date: Some(s3_time(bucket.read(|state| state.created))),
        bucket_region: Some(store.shared.region.clone()),
    });
    Ok(S3Response::new(ListBucketsOutput {
        buckets: Some(listed.collect()),
        owner: Some(owner(store)),
        continuation_token: buckets.last().filter(|_| more).map(|bucket| bucket.name.clone()),
        prefix,
    }))
}

pub(super) fn owner(store: &Store) -> Owner {
    Owner {
        display_name: None,
        id: Some(store.shared.owner.clone()),
    }
}

pub(super) fn location(
    store: &Store,
    request: S3Request<GetBucketLocationInput>,
) -> S3Result<S3Response<GetBucketLocationOutput>> {
    let GetBucketLocationInput { bucket, .. } = request.input;
    store.bucket(&bucket)?;
    let region = Some(store.shared.region.clone()).filter(|region| region != FIRST_REGION);
    Ok(S3Response::new(GetBucketLocationOutput {
        location_constraint: region.map(BucketLocationConstraint::from),
    }))
}

pub(super) fn versioning(
    store: &Store,
    request: S3Request<GetBucketVersioningInput>,
) -> S3Result<S3Response<GetBucketVersioningOutput>> {
    let GetBucketVersioningInput { bucket, .. } = request.input;
    let status = match store.bucket(&bucket)?.read(|state| state.versioning) {
        Versioning::Off => None,
        Versioning::Enabled => Some(BucketVersioningStatus::ENABLED),
        Versioning::Suspended => Some(BucketVersioningStatus::SUSPENDED),
    };
    Ok(S3Response::new(GetBucketVersioningOutput {
        status: status.map(BucketVersioningStatus::from_static),
        ..GetBucketVersioningOutput::default()
    }))
}

pub(super) fn set_versioning(
    store: &Store,
    request: S3Request<PutBucketVersioningInput>,
) -> S3Result<S3Response<PutBucketVersioningOutput>> {
    let bucket = store.bucket(&request.input.bucket)?;
    let status = request.input.versioning_configuration.status;
    let versioning = match status.as_ref().map(BucketVersioningStatus::as_str) {
        Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
        Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
        _ => return Err(s3_error!(IllegalVersioningConfigurationException)),
    };
    bucket.set_versioning(versioning)?;
    Ok(S3Response::new(PutBucketVersioningOutput {}))
}
