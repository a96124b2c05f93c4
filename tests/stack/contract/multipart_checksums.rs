//! "Checking object integrity for multipart uploads" (user guide).

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedPart};

use super::multipart::{PART, body, finish, start};
use super::{on_each_s3, refusal};

#[tokio::test]
async fn a_sha256_of_each_part_becomes_a_composite_checksum() {
    on_each_s3(async |s3| {
        let request = s3.client.create_multipart_upload().bucket(&s3.bucket).key("a");
        let started = request
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .send()
            .await
            .unwrap();
        let id = started.upload_id().unwrap();
        let mut parts = Vec::new();
        for (number, bytes) in [(1, body(1, PART)), (2, b"hello".to_vec())] {
            let request = s3.client.upload_part().bucket(&s3.bucket).key("a").upload_id(id);
            let request = request.checksum_algorithm(ChecksumAlgorithm::Sha256);
            let part = request
                .part_number(number)
                .body(bytes.into())
                .send()
                .await
                .unwrap();
            let completed = CompletedPart::builder().part_number(number).set_e_tag(part.e_tag);
            parts.push(completed.set_checksum_sha256(part.checksum_sha256).build());
        }
        assert_eq!(
            parts[1].checksum_sha256(),
            Some("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=")
        );
        let done = finish(s3, "a", id, parts).send().await.unwrap();
        assert!(done.checksum_sha256().unwrap().ends_with("-2"));
        let request = s3.client.head_object().bucket(&s3.bucket).key("a");
        let head = request.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        assert_eq!(head.checksum_sha256(), done.checksum_sha256());
        assert_eq!(head.checksum_type(), Some(&ChecksumType::Composite));
    })
    .await;
}

#[tokio::test]
async fn a_crc_can_be_of_the_full_object() {
    on_each_s3(async |s3| {
        let request = s3.client.create_multipart_upload().bucket(&s3.bucket).key("a");
        let request = request
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .checksum_type(ChecksumType::FullObject);
        let id = request.send().await.unwrap().upload_id.unwrap();
        let mut parts = Vec::new();
        for (number, bytes) in [(1, body(1, PART)), (2, b"hello".to_vec())] {
            let request = s3.client.upload_part().bucket(&s3.bucket).key("a").upload_id(&id);
            let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32);
            let part = request
                .part_number(number)
                .body(bytes.into())
                .send()
                .await
                .unwrap();
            let completed = CompletedPart::builder().part_number(number).set_e_tag(part.e_tag);
            parts.push(completed.set_checksum_crc32(part.checksum_crc32).build());
        }
        let done = finish(s3, "a", &id, parts)
            .checksum_type(ChecksumType::FullObject)
            .send()
            .await
            .unwrap();
        // The same bytes in one piece have the same checksum.
        let mut whole = body(1, PART);
        whole.extend_from_slice(b"hello");
        let request = s3
            .client
            .put_object()
            .bucket(&s3.bucket)
            .key("whole")
            .body(whole.into());
        let put = request
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .send()
            .await
            .unwrap();
        assert_eq!(done.checksum_crc32(), put.checksum_crc32());
    })
    .await;
}

#[tokio::test]
async fn a_part_whose_checksum_does_not_match_is_refused() {
    on_each_s3(async |s3| {
        let id = start(s3, "a").await;
        let request = s3
            .client
            .upload_part()
            .bucket(&s3.bucket)
            .key("a")
            .upload_id(&id)
            .part_number(1);
        let request = request.checksum_sha256("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let refused = request.body(b"hello".to_vec().into()).send().await;
        assert_eq!(refusal(refused), (400, "BadDigest".to_owned()));
    })
    .await;
}
