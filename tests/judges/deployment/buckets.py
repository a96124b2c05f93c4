"""What each bucket is promised to be, and whether S3 says so."""

import json

from botocore.exceptions import ClientError

PREFIXES = ("tara/", "bols/", "ecg-reports/", "training-logs/", "parquet/", "snapshots/", "files/", "inbox/")
# State that moves, and files that have versions: by whoever names what they have seen there.
CHANGED = (
    "_casefile/bols/", "_casefile/once/", "_casefile/shares/", "index/", "training-logs/", "parquet/", "snapshots/",
    "files/",
)  # fmt: skip
# By whoever may write there at all.
FREE = ("inbox/", "_casefile/doctor/", "_casefile/templates/")
ALL_BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
# By name: the folder of its access log, the lock, and the statements of its policy beside the one about TLS.
PROMISED = {
    "ArtifactsBucket": ("artifacts/", None, {"CreateOnly", "ChangeOnlyWhatWasSeen", "NoOldSignatures"}),
    "AuditBucket": (None, {"Mode": "GOVERNANCE", "Days": 365}, {"CreateOnly"}),
    "QuarantineBucket": ("quarantine/", None, {"CreateOnly"}),
    "AccessLogBucket": (None, None, {"TakeS3sLogs", "LetCloudTrailLook", "TakeCloudTrailsLogs"}),
    "QueryResultsBucket": ("query-results/", None, set()),
}
CREATED = {"Bool": {"s3:ObjectCreationOperation": "true"}}


def bucket_checks(report, s3, name, physical, queue):
    """One bucket, by S3's own answers."""
    bucket = physical[name]
    _, lock, sids = PROMISED[name]
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    report.same(f"{name}: no public access", blocked, ALL_BLOCKED)
    (owner,) = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    report.same(f"{name}: no ACLs", owner, {"ObjectOwnership": "BucketOwnerEnforced"})
    report.same(f"{name}: versions are kept", s3.get_bucket_versioning(Bucket=bucket).get("Status"), "Enabled")
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    report.same(f"{name}: encrypted", rule["ApplyServerSideEncryptionByDefault"], {"SSEAlgorithm": "AES256"})
    report.same(f"{name}: {'locked for 365 days' if lock else 'not locked'}", locked(s3, bucket), lock)
    told = notifications(s3.get_bucket_notification_configuration(Bucket=bucket))
    wanted = {(queue, "s3:ObjectCreated:*", prefix) for prefix in PREFIXES} if name == "ArtifactsBucket" else set()
    report.same(f"{name}: {len(wanted)} prefixes are told of to the queue", told, wanted)
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    policy_checks(report, name, f"arn:aws:s3:::{bucket}", {one["Sid"]: one for one in policy}, sids)


def locked(s3, bucket):
    """The lock that new objects get, if any."""
    try:
        return s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ObjectLockConfigurationNotFoundError":
            raise
        return None


def notifications(found):
    """Who is told of what."""
    assert not found.get("TopicConfigurations") and not found.get("LambdaFunctionConfigurations"), found
    return {
        (one["QueueArn"], event, rule["Value"])
        for one in found.get("QueueConfigurations", [])
        for event in one["Events"]
        for rule in one["Filter"]["Key"]["FilterRules"]
    }


def policy_checks(report, name, arn, statements, sids):
    """What a bucket refuses, whoever asks."""
    report.same(f"{name}: its policy's statements", set(statements), sids | {"TlsOnly"})
    tls = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]}
    report.same(
        f"{name}: TLS only",
        shown(statements["TlsOnly"]),
        tls | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    )
    put = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"}
    new = {"Condition": CREATED | {"Null": {"s3:if-none-match": "true"}}}
    if name == "ArtifactsBucket":
        but = {"NotResource": [f"{arn}/{prefix}*" for prefix in CHANGED + FREE]}
        report.same(f"{name}: create-only, but where things change", shown(statements["CreateOnly"]), put | but | new)
        there = {"Resource": [f"{arn}/{prefix}*" for prefix in CHANGED]}
        seen = {"Condition": CREATED | {"Null": {"s3:if-none-match": "true", "s3:if-match": "true"}}}
        report.same(f"{name}: there by If-Match", shown(statements["ChangeOnlyWhatWasSeen"]), put | there | seen)
        old = {"Resource": f"{arn}/*", "Condition": {"NumericGreaterThan": {"s3:signatureAge": "900000"}}}
        report.same(
            f"{name}: no signature older than 15 minutes",
            shown(statements["NoOldSignatures"]),
            put | {"Action": "s3:*"} | old,
        )
    elif "CreateOnly" in sids:
        report.same(f"{name}: create-only", shown(statements["CreateOnly"]), put | {"Resource": f"{arn}/*"} | new)
    if name == "AccessLogBucket":
        services = {sid: statements[sid]["Principal"] for sid in sids}
        trail = {"Service": "cloudtrail.amazonaws.com"}
        wanted = {
            "TakeS3sLogs": {"Service": "logging.s3.amazonaws.com"},
            "LetCloudTrailLook": trail,
            "TakeCloudTrailsLogs": trail,
        }
        report.same(f"{name}: written by AWS's services alone", services, wanted)


def shown(statement):
    """A statement without its name, and with numbers as texts: CloudFormation may give either."""
    condition = {
        operator: {key: str(value) for key, value in keys.items()} for operator, keys in statement["Condition"].items()
    }
    return {key: value for key, value in statement.items() if key != "Sid"} | {"Condition": condition}
