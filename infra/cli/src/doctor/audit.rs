//! Whether the audit log takes records, and nobody can delete them. Nothing is stored for that: a record couldn't be
//! deleted.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled};
use casefile::digest::Sha256;
use casefile::id::TimeId;

use super::bucket::unread;
use super::check::Check;
use super::fault::{Fault, Service, ask};
use super::place::Place;

/// Where records lie, for rights as well.
const FOLDER: &str = "audit/";
const RECORD: &str = "record";
const LOCK: &str = "lock";
const BODY: &[u8] = b"casefile doctor: not to be stored\n";

pub(super) async fn checks(place: &Place, id: TimeId, obstacle: Option<&str>) -> Vec<Check> {
    if let Some(obstacle) = obstacle {
        return [RECORD, LOCK]
            .map(|what| Check::not_checked(place.check(what), obstacle))
            .to_vec();
    }
    let (record, lock) = futures::join!(record(place, id), lock(place));
    vec![record, lock]
}

/// A write as a record's, with the digest of other bytes: S3 looks who writes, and whether they may, before it compares
/// the bytes and refuses them. It lies below the records' folder and not among them, should an S3 store it nevertheless.
///
/// Source: S3 user guide, *Checking object integrity in Amazon S3*.
async fn record(place: &Place, id: TimeId) -> Check {
    let key = format!("{FOLDER}doctor/{id}.json");
    let put = place.client.put_object().bucket(&place.bucket).key(&key);
    let put = put
        .if_none_match("*")
        .content_type("application/json")
        .checksum_sha256(Sha256::of(b"").to_base64())
        .body(ByteStream::from_static(BODY));
    let name = place.check(RECORD);
    match ask("PutObject", put.send()).await {
        Err(fault) if is_digest(&fault) => Check::ok(
            name,
            "one would be taken; none was stored, for it couldn't be deleted",
        ),
        Err(fault) => {
            let right = place.right_below("s3:PutObject", FOLDER);
            Check::failed(name, fault.detail(Service::S3), fault.mend_s3(&right))
        }
        Ok(_) => Check::failed(
            name,
            format!(
                "S3 here doesn't compare checksums: s3://{}/{key} is stored",
                place.bucket
            ),
            "use Amazon S3, or an S3 that checks x-amz-checksum-sha256: what breaks on its way would be kept",
        ),
    }
}

/// What S3 calls it when the bytes aren't those of the digest.
fn is_digest(fault: &Fault) -> bool {
    let codes = [
        "BadDigest",
        "InvalidDigest",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
    ];
    fault.code().is_some_and(|code| codes.contains(&code))
}

async fn lock(place: &Place) -> Check {
    let get = place.client.get_object_lock_configuration().bucket(&place.bucket);
    let lock = match ask("GetObjectLockConfiguration", get.send()).await {
        Ok(answer) => answer.object_lock_configuration,
        Err(fault) if fault.code() == Some("ObjectLockConfigurationNotFoundError") => None,
        Err(fault) => return unread(place, LOCK, &fault, "s3:GetBucketObjectLockConfiguration"),
    };
    let is_enabled =
        |lock: &ObjectLockConfiguration| lock.object_lock_enabled() == Some(&ObjectLockEnabled::Enabled);
    let Some(lock) = lock.filter(is_enabled) else {
        return unlocked(place, "Object Lock is off: records can be deleted");
    };
    match lock
        .rule()
        .and_then(|rule| rule.default_retention())
        .and_then(term)
    {
        Some(term) => Check::ok(place.check(LOCK), term),
        None => unlocked(
            place,
            "Object Lock is on without a default retention: records can be deleted",
        ),
    }
}

/// In which mode records are kept, and how long.
fn term(retention: &DefaultRetention) -> Option<String> {
    let mode = retention.mode()?.as_str();
    let term = match (retention.days(), retention.years()) {
        (Some(1), _) => "1 day".to_owned(),
        (Some(days), _) => format!("{days} days"),
        (None, Some(1)) => "1 year".to_owned(),
        (None, Some(years)) => format!("{years} years"),
        (None, None) => return None,
    };
    Some(format!("{mode}, {term}"))
}

fn unlocked(place: &Place, detail: &str) -> Check {
    let mend = format!(
        "deploy {} of template.yaml, with AuditRetentionMode and AuditRetentionDays, or: aws s3api \
         put-object-lock-configuration --bucket {} --object-lock-configuration \
         '{{\"ObjectLockEnabled\":\"Enabled\",\"Rule\":{{\"DefaultRetention\":{{\"Mode\":\"GOVERNANCE\",\"Days\":365}}}}}}'",
        place.role.resource(),
        place.bucket,
    );
    Check::failed(place.check(LOCK), detail, mend)
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::ObjectLockRetentionMode;

    use super::*;

    #[test]
    fn a_retention_has_a_mode_and_a_term() {
        let retention = DefaultRetention::builder().mode(ObjectLockRetentionMode::Governance);
        assert_eq!(term(&retention.clone().build()), None);
        let days = retention.clone().days(365).build();
        assert_eq!(term(&days).as_deref(), Some("GOVERNANCE, 365 days"));
        let year = retention.years(1).build();
        assert_eq!(term(&year).as_deref(), Some("GOVERNANCE, 1 year"));
        assert_eq!(term(&DefaultRetention::builder().days(1).build()), None);
    }
}
