//! What a bucket says of itself.

use aws_sdk_s3::types::{
    ObjectLockRetentionMode, PublicAccessBlockConfiguration, ServerSideEncryptionByDefault,
};

use super::*;
use crate::s3::{BucketSettings, LockMode, PublicAccessBlock};

async fn encryption(s3: &Running) -> ServerSideEncryptionByDefault {
    let answer = s3
        .client
        .get_bucket_encryption()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    let configuration = answer.server_side_encryption_configuration().unwrap();
    let rule = &configuration.rules()[0];
    rule.apply_server_side_encryption_by_default().unwrap().clone()
}

async fn public_access(s3: &Running) -> Result<PublicAccessBlockConfiguration, (u16, String)> {
    match s3.client.get_public_access_block().bucket(BUCKET).send().await {
        Ok(answer) => Ok(answer.public_access_block_configuration().unwrap().clone()),
        refused => Err(refusal(refused)),
    }
}

fn blocks(block: &PublicAccessBlockConfiguration) -> [Option<bool>; 4] {
    [
        block.block_public_acls(),
        block.block_public_policy(),
        block.ignore_public_acls(),
        block.restrict_public_buckets(),
    ]
}

#[tokio::test]
async fn a_bucket_encrypts_with_s3_s_own_keys_and_blocks_the_public_unless_it_is_set_up_otherwise() {
    let s3 = Running::start(|_| ()).await;
    assert_eq!(encryption(&s3).await.sse_algorithm().as_str(), "AES256");
    assert_eq!(blocks(&public_access(&s3).await.unwrap()), [Some(true); 4]);
    let lock = s3
        .client
        .get_object_lock_configuration()
        .bucket(BUCKET)
        .send()
        .await;
    let none = (404, "ObjectLockConfigurationNotFoundError".to_owned());
    assert_eq!(refusal(lock), none);
}

#[tokio::test]
async fn a_bucket_says_how_it_is_set_up() {
    let s3 = Running::start(|config| {
        let settings = BucketSettings {
            encryption: "aws:kms".to_owned(),
            kms_key: Some("alias/files".to_owned()),
            public_access_block: Some(PublicAccessBlock {
                ignore_public_acls: false,
                ..PublicAccessBlock::ALL
            }),
            lock_mode: LockMode::Governance,
        };
        config.settings.insert(BUCKET.to_owned(), settings);
        config.retention.insert(BUCKET.to_owned(), 365 * DAY);
    })
    .await;
    let rule = encryption(&s3).await;
    let said = (rule.sse_algorithm().as_str(), rule.kms_master_key_id());
    assert_eq!(said, ("aws:kms", Some("alias/files")));
    let on = Some(true);
    assert_eq!(
        blocks(&public_access(&s3).await.unwrap()),
        [on, on, Some(false), on]
    );
    let lock = s3
        .client
        .get_object_lock_configuration()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    let rule = lock.object_lock_configuration().unwrap().rule().unwrap();
    let retention = rule.default_retention().unwrap();
    let said = (retention.mode(), retention.days(), retention.years());
    assert_eq!(
        said,
        (Some(&ObjectLockRetentionMode::Governance), Some(365), None)
    );
}

#[tokio::test]
async fn where_public_access_was_never_blocked_there_is_no_configuration() {
    let s3 = Running::start(|config| {
        let settings = BucketSettings {
            public_access_block: None,
            ..BucketSettings::default()
        };
        config.settings.insert(BUCKET.to_owned(), settings);
    })
    .await;
    let none = (404, "NoSuchPublicAccessBlockConfiguration".to_owned());
    assert_eq!(public_access(&s3).await.unwrap_err(), none);
    let absent = s3.client.get_bucket_encryption().bucket("nowhere").send().await;
    assert_eq!(refusal(absent), (404, "NoSuchBucket".to_owned()));
}
