//! What a bucket keeps, and for how long.

use std::time::Duration;

use super::parse;
use crate::s3::{BucketSettings, LockMode};

/// Whether a bucket with these properties keeps versions, and for how many days they are locked.
fn bucket(properties: &str) -> Result<(bool, Option<u64>), String> {
    let sections = "Parameters: {Days: {Type: Number, Default: 400}}";
    let text =
        format!("{sections}\nResources:\n  B: {{Type: AWS::S3::Bucket, Properties: {{{properties}}}}}");
    let template = parse(&text).map_err(|error| error.to_string())?;
    let bucket = &template.buckets[0];
    let days = |retention: Duration| retention.as_secs() / (24 * 60 * 60);
    Ok((bucket.versioned, bucket.retention.map(days)))
}

fn locked(retention: &str) -> String {
    format!(
        "ObjectLockEnabled: true, ObjectLockConfiguration: {{ObjectLockEnabled: Enabled, Rule: {{DefaultRetention: \
         {{{retention}}}}}}}"
    )
}

#[test]
fn object_lock_brings_versions_and_keeps_them() {
    for (properties, expected) in [
        (String::new(), (false, None)),
        (
            "VersioningConfiguration: {Status: Enabled}".to_owned(),
            (true, None),
        ),
        ("ObjectLockEnabled: false".to_owned(), (false, None)),
        ("ObjectLockEnabled: true".to_owned(), (true, None)),
        (locked("Mode: COMPLIANCE, Years: 7"), (true, Some(2555))),
        (locked("Mode: GOVERNANCE, Days: !Ref Days"), (true, Some(400))),
    ] {
        assert_eq!(bucket(&properties), Ok(expected), "{properties}");
    }
}

#[test]
fn a_retention_that_can_not_be_is_refused() {
    let at = "line 3: Resources.B.Properties.ObjectLockConfiguration.Rule.DefaultRetention";
    for (retention, problem) in [
        ("Mode: COMPLIANCE", ": must have Days or Years"),
        ("Days: 0", ".Days: must be a whole number from 1 to 36500"),
        ("Years: some", ".Years: must be a whole number from 1 to 36500"),
    ] {
        assert_eq!(bucket(&locked(retention)), Err(format!("{at}{problem}")));
    }
}

/// What a bucket with these properties says of itself.
fn settings(properties: &str) -> BucketSettings {
    let text = format!("Resources:\n  B: {{Type: AWS::S3::Bucket, Properties: {{{properties}}}}}");
    parse(&text).unwrap().buckets[0].settings.clone()
}

#[test]
fn a_bucket_says_what_its_properties_say_and_else_what_s3_gives_a_new_one() {
    assert_eq!(settings(""), BucketSettings::default());
    let kms = "BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: \
               aws:kms, KMSMasterKeyID: alias/files}}]}";
    let kms = settings(kms);
    assert_eq!(
        (kms.encryption.as_str(), kms.kms_key.as_deref()),
        ("aws:kms", Some("alias/files"))
    );
    let own = settings(
        "BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: \
         aws:kms, KMSMasterKeyID: !GetAtt Key.Arn}}]}",
    );
    assert_eq!((own.encryption.as_str(), own.kms_key), ("aws:kms", None));
    let half = settings("PublicAccessBlockConfiguration: {BlockPublicAcls: true, IgnorePublicAcls: false}");
    let half = half.public_access_block.unwrap();
    assert!(half.block_public_acls && !half.ignore_public_acls && !half.restrict_public_buckets);
    for (mode, expected) in [
        ("GOVERNANCE", LockMode::Governance),
        ("COMPLIANCE", LockMode::Compliance),
    ] {
        assert_eq!(
            settings(&locked(&format!("Mode: {mode}, Days: 1"))).lock_mode,
            expected
        );
    }
}
