//! What a bucket is set up for, beside versions: encryption, the block of public access, and Object Lock. It is told, and
//! can't be changed here.
//!
//! Sources: "Setting default server-side encryption behavior for Amazon S3 buckets" (every bucket encrypts since January
//! 2023), "Blocking public access to your Amazon S3 storage" (new buckets block all since April 2023), and the API
//! reference of each operation.

use std::time::Duration;

use hyper::StatusCode;
use s3s::dto::{
    DefaultRetention, GetBucketEncryptionInput, GetBucketEncryptionOutput, GetObjectLockConfigurationInput,
    GetObjectLockConfigurationOutput, GetPublicAccessBlockInput, GetPublicAccessBlockOutput,
    ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::super::config::{BucketSettings, LockMode};
use super::super::store::Store;

const DAY: u64 = 24 * 60 * 60;

pub(super) fn encryption(
    store: &Store,
    request: S3Request<GetBucketEncryptionInput>,
) -> S3Result<S3Response<GetBucketEncryptionOutput>> {
    let GetBucketEncryptionInput { bucket, .. } = request.input;
    let settings = settings(store, &bucket)?;
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
            kms_master_key_id: settings.kms_key,
            sse_algorithm: ServerSideEncryption::from(settings.encryption),
        }),
        bucket_key_enabled: Some(false),
    };
    Ok(S3Response::new(GetBucketEncryptionOutput {
        server_side_encryption_configuration: Some(ServerSideEncryptionConfiguration { rules: vec![rule] }),
    }))
}

pub(super) fn public_access_block(
    store: &Store,
    request: S3Request<GetPublicAccessBlockInput>,
) -> S3Result<S3Response<GetPublicAccessBlockOutput>> {
    let GetPublicAccessBlockInput { bucket, .. } = request.input;
    let Some(block) = settings(store, &bucket)?.public_access_block else {
        return Err(absent(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        ));
    };
    Ok(S3Response::new(GetPublicAccessBlockOutput {
        public_access_block_configuration: Some(PublicAccessBlockConfiguration {
            block_public_acls: Some(block.block_public_acls),
            block_public_policy: Some(block.block_public_policy),
            ignore_public_acls: Some(block.ignore_public_acls),
            restrict_public_buckets: Some(block.restrict_public_buckets),
        }),
    }))
}

pub(super) fn object_lock(
    store: &Store,
    request: S3Request<GetObjectLockConfigurationInput>,
) -> S3Result<S3Response<GetObjectLockConfigurationOutput>> {
    let GetObjectLockConfigurationInput { bucket, .. } = request.input;
    let Some(retention) = store.bucket(&bucket)?.read(|state| state.retention) else {
        return Err(absent(
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ));
    };
    let mode = match settings(store, &bucket)?.lock_mode {
        LockMode::Governance => ObjectLockRetentionMode::GOVERNANCE,
        LockMode::Compliance => ObjectLockRetentionMode::COMPLIANCE,
    };
    let default_retention = DefaultRetention {
        days: Some(days(retention)),
        mode: Some(ObjectLockRetentionMode::from_static(mode)),
        years: None,
    };
    Ok(S3Response::new(GetObjectLockConfigurationOutput {
        object_lock_configuration: Some(ObjectLockConfiguration {
            object_lock_enabled: Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED)),
            rule: Some(ObjectLockRule {
                default_retention: Some(default_retention),
            }),
        }),
    }))
}

/// Whole ones, and at least one: S3 knows no shorter retention.
fn days(retention: Duration) -> i32 {
    i32::try_from(retention.as_secs().div_ceil(DAY).max(1)).unwrap_or(i32::MAX)
}

fn settings(store: &Store, bucket: &str) -> S3Result<BucketSettings> {
    store.bucket(bucket)?;
    Ok(store.shared.settings.get(bucket).cloned().unwrap_or_default())
}

/// What S3 says where nothing is configured.
fn absent(code: &'static str, message: &'static str) -> S3Error {
    let code = S3ErrorCode::from_bytes(code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
    let mut error = S3Error::with_message(code, message);
    error.set_status_code(StatusCode::NOT_FOUND);
    error
}
