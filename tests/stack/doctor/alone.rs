//! S3 alone, with buckets that aren't set up as they should be.

use casefile_local::s3::{BucketSettings, PublicAccessBlock, S3Config, S3Server};
use casefile_local::stack::{ACCESS_KEY, REGION, SECRET_KEY};
use jiff::Timestamp;
use tempfile::TempDir;

use super::{Said, Variables, run};
use crate::support::{AUDIT_BUCKET, BUCKET};

/// What reaches an S3 with the two buckets that there must be.
pub(super) fn variables(endpoint: &str) -> Variables {
    [
        ("AWS_ENDPOINT_URL_S3", endpoint),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("S3_BUCKET_NAME", BUCKET),
        ("AUDIT_BUCKET_NAME", AUDIT_BUCKET),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

async fn examine(change: impl FnOnce(&mut S3Config)) -> Said {
    let data = TempDir::new().unwrap();
    let mut config = S3Config::new(data.path(), Timestamp::now);
    config.buckets = vec![BUCKET.to_owned(), AUDIT_BUCKET.to_owned()];
    ACCESS_KEY.clone_into(&mut config.access_key);
    SECRET_KEY.clone_into(&mut config.secret_key);
    REGION.clone_into(&mut config.region);
    change(&mut config);
    let s3 = S3Server::start(config).await.unwrap();
    run(&["--json"], &variables(&s3.endpoint())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_bucket_without_lock_is_found() {
    let said = examine(|_| ()).await;
    assert_eq!(said.names("failed"), ["audit lock"], "{}", said.out);
    let lock = said.of("audit lock");
    assert!(
        lock.contains("records can be deleted") && lock.contains("AuditRetentionDays"),
        "{lock}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_keeps_no_versions_or_lets_the_public_in_is_found() {
    let open = |public_access_block| BucketSettings {
        public_access_block,
        ..BucketSettings::default()
    };
    let half = PublicAccessBlock {
        block_public_policy: false,
        restrict_public_buckets: false,
        ..PublicAccessBlock::ALL
    };
    let said = examine(|config| {
        config.buckets.remove(0);
        config.unversioned_buckets = vec![BUCKET.to_owned()];
        config.settings.insert(BUCKET.to_owned(), open(None));
        config.settings.insert(AUDIT_BUCKET.to_owned(), open(Some(half)));
    })
    .await;
    let failed = [
        "artifacts versioning",
        "artifacts public access",
        "audit lock",
        "audit public access",
    ];
    assert_eq!(said.names("failed"), failed, "{}", said.out);
    let half = said.of("audit public access");
    assert!(
        half.contains("BlockPublicPolicy, RestrictPublicBuckets are off"),
        "{half}"
    );
    assert!(said.of("artifacts public access").contains("BlockPublicAcls"));
    assert!(said.of("artifacts versioning").contains("never enabled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_one_s_own_is_named() {
    let said = examine(|config| {
        let settings = BucketSettings {
            encryption: "aws:kms".to_owned(),
            kms_key: Some("alias/files".to_owned()),
            ..BucketSettings::default()
        };
        config.settings.insert(BUCKET.to_owned(), settings);
    })
    .await;
    assert!(
        said.of("artifacts encryption")
            .contains("aws:kms, with alias/files")
    );
}
