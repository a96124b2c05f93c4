//! How a bucket is set up: encryption, versions, and no public access.

use aws_sdk_s3::types::{BucketVersioningStatus, PublicAccessBlockConfiguration};

use super::check::Check;
use super::fault::{Fault, Service, ask};
use super::place::Place;

const ENCRYPTION: &str = "encryption";
const VERSIONING: &str = "versioning";
const PUBLIC_ACCESS: &str = "public access";

pub(super) async fn checks(place: &Place, obstacle: Option<&str>) -> Vec<Check> {
    if let Some(obstacle) = obstacle {
        let all = [ENCRYPTION, VERSIONING, PUBLIC_ACCESS];
        return all
            .map(|what| Check::not_checked(place.check(what), obstacle))
            .to_vec();
    }
    let (encryption, versioning, public_access) =
        futures::join!(encryption(place), versioning(place), public_access(place));
    vec![encryption, versioning, public_access]
}

/// A set-up that couldn't be read: nothing is known about it then.
pub(super) fn unread(place: &Place, what: &str, fault: &Fault, right: &str) -> Check {
    let detail = format!("couldn't be checked: {}", fault.detail(Service::S3));
    Check::failed(place.check(what), detail, fault.mend_s3(&place.right(right)))
}

async fn encryption(place: &Place) -> Check {
    let get = place.client.get_bucket_encryption().bucket(&place.bucket);
    let answer = match ask("GetBucketEncryption", get.send()).await {
        Ok(answer) => answer,
        Err(fault) if fault.code() == Some("ServerSideEncryptionConfigurationNotFoundError") => {
            return unencrypted(place);
        }
        Err(fault) => return unread(place, ENCRYPTION, &fault, "s3:GetEncryptionConfiguration"),
    };
    let rules = answer.server_side_encryption_configuration();
    let rule = rules.and_then(|rules| rules.rules().first()?.apply_server_side_encryption_by_default());
    let Some(rule) = rule else {
        return unencrypted(place);
    };
    let detail = match (rule.sse_algorithm().as_str(), rule.kms_master_key_id()) {
        ("AES256", _) => "AES256, with S3's own keys".to_owned(),
        (algorithm, Some(key)) => format!("{algorithm}, with {key}"),
        (algorithm, None) => format!("{algorithm}, with AWS's key for S3"),
    };
    Check::ok(place.check(ENCRYPTION), detail)
}

fn unencrypted(place: &Place) -> Check {
    let mend = format!(
        "deploy BucketEncryption of {} in template.yaml, or: aws s3api put-bucket-encryption --bucket {} \
         --server-side-encryption-configuration \
         '{{\"Rules\":[{{\"ApplyServerSideEncryptionByDefault\":{{\"SSEAlgorithm\":\"AES256\"}}}}]}}'",
        place.role.resource(),
        place.bucket,
    );
    Check::failed(
        place.check(ENCRYPTION),
        "nothing is encrypted unless a request says so",
        mend,
    )
}

async fn versioning(place: &Place) -> Check {
    let get = place.client.get_bucket_versioning().bucket(&place.bucket);
    let answer = match ask("GetBucketVersioning", get.send()).await {
        Ok(answer) => answer,
        Err(fault) => return unread(place, VERSIONING, &fault, "s3:GetBucketVersioning"),
    };
    let detail = match answer.status() {
        Some(BucketVersioningStatus::Enabled) => return Check::ok(place.check(VERSIONING), "enabled"),
        Some(BucketVersioningStatus::Suspended) => "suspended: a new write replaces the one before",
        _ => "never enabled: a new write replaces the one before",
    };
    let mend = format!(
        "deploy VersioningConfiguration of {} in template.yaml, or: aws s3api put-bucket-versioning --bucket {} \
         --versioning-configuration Status=Enabled",
        place.role.resource(),
        place.bucket,
    );
    Check::failed(place.check(VERSIONING), detail, mend)
}

async fn public_access(place: &Place) -> Check {
    let get = place.client.get_public_access_block().bucket(&place.bucket);
    let open = match ask("GetPublicAccessBlock", get.send()).await {
        Ok(answer) => open_switches(answer.public_access_block_configuration()),
        Err(fault) if fault.code() == Some("NoSuchPublicAccessBlockConfiguration") => open_switches(None),
        Err(fault) => return unread(place, PUBLIC_ACCESS, &fault, "s3:GetBucketPublicAccessBlock"),
    };
    if open.is_empty() {
        return Check::ok(place.check(PUBLIC_ACCESS), "all four ways to it are blocked");
    }
    let mend = format!(
        "deploy PublicAccessBlockConfiguration of {} in template.yaml, or: aws s3api put-public-access-block --bucket {} \
         --public-access-block-configuration \
         BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
        place.role.resource(),
        place.bucket,
    );
    let detail = format!("not all is blocked: {} off", are(&open));
    Check::failed(place.check(PUBLIC_ACCESS), detail, mend)
}

/// Those that are off. Without a configuration all are.
fn open_switches(block: Option<&PublicAccessBlockConfiguration>) -> Vec<&'static str> {
    let none = PublicAccessBlockConfiguration::builder().build();
    let block = block.unwrap_or(&none);
    let switches = [
        ("BlockPublicAcls", block.block_public_acls()),
        ("IgnorePublicAcls", block.ignore_public_acls()),
        ("BlockPublicPolicy", block.block_public_policy()),
        ("RestrictPublicBuckets", block.restrict_public_buckets()),
    ];
    let open = switches.into_iter().filter(|(_, is_on)| *is_on != Some(true));
    open.map(|(name, _)| name).collect()
}

fn are(names: &[&str]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", names.join(", "))
}
