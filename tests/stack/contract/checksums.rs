//! "Checking object integrity in Amazon S3" (user guide).

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType, ObjectAttributes};

use super::{Target, on_each_s3, refusal};

const HELLO_SHA256: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
const OTHER_SHA256: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

#[tokio::test]
async fn a_sha256_that_matches_is_stored_and_given_back() {
    on_each_s3(async |s3| {
        let request = s3
            .client
            .put_object()
            .bucket(&s3.bucket)
            .key("a")
            .body(b"hello".to_vec().into());
        let put = request.checksum_sha256(HELLO_SHA256).send().await.unwrap();
        assert_eq!(put.checksum_sha256(), Some(HELLO_SHA256));
        let request = s3.client.get_object().bucket(&s3.bucket).key("a");
        let got = request.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        assert_eq!(got.checksum_sha256(), Some(HELLO_SHA256));
        assert_eq!(got.checksum_type(), Some(&ChecksumType::FullObject));
        // The client compares what it reads.
        assert_eq!(super::bytes_of(got).await, b"hello");
    })
    .await;
}

#[tokio::test]
async fn a_checksum_that_does_not_match_is_refused_and_nothing_is_stored() {
    on_each_s3(async |s3| {
        let request = s3
            .client
            .put_object()
            .bucket(&s3.bucket)
            .key("a")
            .body(b"hello".to_vec().into());
        let refused = request.checksum_sha256(OTHER_SHA256).send().await;
        assert_eq!(refusal(refused), (400, "BadDigest".to_owned()));
        assert!(s3.keys("").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_a_checksum_is_an_invalid_request() {
    on_each_s3(async |s3| {
        let request = s3
            .client
            .put_object()
            .bucket(&s3.bucket)
            .key("a")
            .body(b"hello".to_vec().into());
        let refused = request.checksum_sha256("tooshort").send().await;
        assert_eq!(refusal(refused), (400, "InvalidRequest".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_content_md5_that_does_not_match_is_refused() {
    on_each_s3(async |s3| {
        let request = s3
            .client
            .put_object()
            .bucket(&s3.bucket)
            .key("a")
            .body(b"hello".to_vec().into());
        let refused = request.content_md5("1B2M2Y8AsgTpgAmY7PhCfg==").send().await;
        assert_eq!(refusal(refused), (400, "BadDigest".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn every_algorithm_is_verified_stored_and_given_back() {
    on_each_s3(async |s3| {
        let algorithms = [
            ChecksumAlgorithm::Crc32,
            ChecksumAlgorithm::Crc32C,
            ChecksumAlgorithm::Crc64Nvme,
            ChecksumAlgorithm::Sha1,
            ChecksumAlgorithm::Sha256,
        ];
        let body: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        for algorithm in algorithms {
            let key = algorithm.as_str();
            let request = s3
                .client
                .put_object()
                .bucket(&s3.bucket)
                .key(key)
                .body(body.clone().into());
            request
                .checksum_algorithm(algorithm.clone())
                .send()
                .await
                .unwrap();
            assert_eq!(algorithm_of(s3, key).await, algorithm);
            let request = s3.client.get_object().bucket(&s3.bucket).key(key);
            let got = request.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
            assert_eq!(super::bytes_of(got).await, body);
        }
    })
    .await;
}

/// Which of the five an object has.
async fn algorithm_of(s3: &Target, key: &str) -> ChecksumAlgorithm {
    let request = s3.client.head_object().bucket(&s3.bucket).key(key);
    let head = request.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    let present = [
        (head.checksum_crc32(), ChecksumAlgorithm::Crc32),
        (head.checksum_crc32_c(), ChecksumAlgorithm::Crc32C),
        (head.checksum_crc64_nvme(), ChecksumAlgorithm::Crc64Nvme),
        (head.checksum_sha1(), ChecksumAlgorithm::Sha1),
        (head.checksum_sha256(), ChecksumAlgorithm::Sha256),
    ];
    let mut present = present
        .into_iter()
        .filter_map(|(value, algorithm)| value.map(|_| algorithm));
    let algorithm = present.next().unwrap();
    assert!(present.next().is_none(), "an object has one checksum");
    algorithm
}

#[tokio::test]
async fn checksums_are_kept_to_oneself_unless_they_are_asked_for() {
    on_each_s3(async |s3| {
        s3.put("a", "hello").await;
        let head = s3
            .client
            .head_object()
            .bucket(&s3.bucket)
            .key("a")
            .send()
            .await
            .unwrap();
        // SDKs ask by default; this one lets itself be told not to.
        let config = s3
            .client
            .config()
            .to_builder()
            .response_checksum_validation(aws_sdk_s3::config::ResponseChecksumValidation::WhenRequired)
            .build();
        let quiet = aws_sdk_s3::Client::from_conf(config);
        let request = quiet.head_object().bucket(&s3.bucket).key("a");
        let unasked = request.send().await.unwrap();
        assert!(head.e_tag().is_some());
        assert_eq!(
            (unasked.checksum_crc32(), unasked.checksum_crc64_nvme()),
            (None, None)
        );
    })
    .await;
}

#[tokio::test]
async fn the_etag_of_a_single_put_is_its_md5() {
    on_each_s3(async |s3| {
        assert_eq!(
            s3.put("a", "hello").await.e_tag(),
            Some("\"5d41402abc4b2a76b9719d911017c592\"")
        );
    })
    .await;
}

#[tokio::test]
async fn attributes_tell_size_checksum_and_etag_without_the_bytes() {
    on_each_s3(async |s3| {
        let request = s3
            .client
            .put_object()
            .bucket(&s3.bucket)
            .key("a")
            .body(b"hello".to_vec().into());
        request.checksum_sha256(HELLO_SHA256).send().await.unwrap();
        let attributes = s3
            .client
            .get_object_attributes()
            .bucket(&s3.bucket)
            .key("a")
            .object_attributes(ObjectAttributes::Checksum)
            .object_attributes(ObjectAttributes::ObjectSize)
            .send()
            .await
            .unwrap();
        assert_eq!(attributes.object_size(), Some(5));
        assert_eq!(
            attributes.checksum().unwrap().checksum_sha256(),
            Some(HELLO_SHA256)
        );
        assert_eq!(attributes.e_tag(), None);
    })
    .await;
}

#[tokio::test]
async fn a_range_has_no_checksum_of_the_whole() {
    on_each_s3(async |s3| {
        s3.put("a", "hello").await;
        let request = s3
            .client
            .get_object()
            .bucket(&s3.bucket)
            .key("a")
            .range("bytes=1-2");
        let got = request.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        assert_eq!((got.checksum_crc32(), got.checksum_crc64_nvme()), (None, None));
        assert_eq!(super::bytes_of(got).await, b"el");
    })
    .await;
}
