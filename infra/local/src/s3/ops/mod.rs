//! The S3 operations, over the store. Each is a function of its own; this is the switchboard.

mod attributes;
mod body;
mod buckets;
mod checksums;
mod complete;
mod configuration;
mod copy;
mod delete;
mod get;
mod list;
mod list_uploads;
mod list_versions;
mod multipart;
mod object_attributes;
mod put;
mod tags;

use std::sync::Arc;

use s3s::{S3, S3Request, S3Response, S3Result, dto};

use super::events::Origin;
use super::gate::Call;
use super::store::Store;

pub(crate) struct Operations {
    store: Arc<Store>,
}

impl Operations {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

/// Which request this is, for the events it causes.
fn origin<T>(request: &S3Request<T>) -> Origin {
    request
        .extensions
        .get::<Arc<Call>>()
        .map(|call| call.origin())
        .unwrap_or_default()
}

/// Sets the one field of an answer that its checksum's algorithm has.
macro_rules! set_checksum {
    ($answer:expr, $checksum:expr) => {{
        use super::super::store::Algorithm;
        let checksum = $checksum;
        $answer.checksum_crc32 = checksum.of(Algorithm::Crc32);
        $answer.checksum_crc32c = checksum.of(Algorithm::Crc32c);
        $answer.checksum_crc64nvme = checksum.of(Algorithm::Crc64Nvme);
        $answer.checksum_sha1 = checksum.of(Algorithm::Sha1);
        $answer.checksum_sha256 = checksum.of(Algorithm::Sha256);
    }};
}
pub(crate) use set_checksum;

/// Each operation: its input, its output, and the function that does it.
macro_rules! operations {
    ($($name:ident($input:ident) -> $output:ident = $module:ident::$function:ident $(.$wait:tt)?;)*) => {
        #[async_trait::async_trait]
        impl S3 for Operations {
            $(async fn $name(&self, request: S3Request<dto::$input>) -> S3Result<S3Response<dto::$output>> {
                $module::$function(&self.store, request)$(.$wait)?
            })*
        }
    };
}

operations! {
    create_bucket(CreateBucketInput) -> CreateBucketOutput = buckets::create;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = buckets::delete;
    head_bucket(HeadBucketInput) -> HeadBucketOutput = buckets::head;
    list_buckets(ListBucketsInput) -> ListBucketsOutput = buckets::list;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = buckets::location;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput = buckets::versioning;
    put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput = buckets::set_versioning;
    get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput = configuration::encryption;
    get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput = configuration::public_access_block;
    get_object_lock_configuration(GetObjectLockConfigurationInput) -> GetObjectLockConfigurationOutput
        = configuration::object_lock;
    put_object(PutObjectInput) -> PutObjectOutput = put::put_object.await;
    get_object(GetObjectInput) -> GetObjectOutput = get::get_object.await;
    head_object(HeadObjectInput) -> HeadObjectOutput = get::head_object;
    get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput = object_attributes::get;
    copy_object(CopyObjectInput) -> CopyObjectOutput = copy::copy_object.await;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = delete::delete_object.await;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = delete::delete_objects.await;
    list_objects(ListObjectsInput) -> ListObjectsOutput = list::list_objects;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = list::list_objects_v2;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput = list_versions::list;
    get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput = tags::get;
    put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput = tags::put.await;
    delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput = tags::delete.await;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = multipart::create.await;
    upload_part(UploadPartInput) -> UploadPartOutput = multipart::upload_part.await;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = copy::upload_part_copy.await;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = complete::complete.await;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = multipart::abort.await;
    list_parts(ListPartsInput) -> ListPartsOutput = multipart::list_parts;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput = list_uploads::list;
}
