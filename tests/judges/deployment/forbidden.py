"""What each role must not do, and what clients may: asked of moto with the role's credentials, and of the policy."""

import policy
import sam
from botocore.exceptions import ClientError

ARTIFACTS, AUDIT, QUARANTINE, RESULTS = (
    f"{name}Bucket" for name in ("Artifacts", "Audit", "Quarantine", "QueryResults")
)
NEW = {"s3:if-none-match": "*"}
REJECTED = {"s3:ExistingObjectTag/status": "rejected"}
# What no function may, wherever.
NEVER = [
    (action, bucket)
    for bucket in (ARTIFACTS, AUDIT, QUARANTINE)
    for action in ("s3:DeleteBucket", "s3:PutBucketPolicy", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration")
]
MANIFEST = f"{ARTIFACTS}/tara/20251114_142510_x/manifest.json"
AUDITED = f"{AUDIT}/audit/dt=2025-11-14/x.json"
NEVER += [
    *[(f"s3:{action}", AUDITED) for action in (
        "DeleteObject", "DeleteObjectVersion", "PutObjectTagging", "PutObjectRetention", "PutObjectLegalHold",
        "BypassGovernanceRetention")],
    ("s3:PutObject", f"{AUDIT}/other/x.json"),
    ("s3:GetObject", "AccessLogBucket/artifacts/x"),
    ("s3:PutObject", "AccessLogBucket/artifacts/x"),
    ("s3:GetObject", f"{RESULTS}/x.csv"),
    ("s3:PutObject", "somebody-elses-bucket/bols/x.pdf"),
    ("s3:GetObject", "somebody-elses-bucket/bols/x.pdf"),
    ("s3:PutObject", f"{ARTIFACTS}/_casefile/templates/report.txt.j2"),
    ("s3:PutObject", f"{ARTIFACTS}/_casefile/doctor/x"),
    ("s3:PutObject", f"{ARTIFACTS}/elsewhere/x"),
    ("s3:DeleteObjectVersion", MANIFEST),
    ("s3:DeleteObjectVersion", f"{ARTIFACTS}/bols/2025/PRT-2025-0001.pdf"),
    ("s3:DeleteObject", f"{QUARANTINE}/x"),
    ("s3:DeleteObjectVersion", f"{QUARANTINE}/x"),
    ("sqs:SendMessage", "ArrivalsQueue"),
    ("sqs:ReceiveMessage", "DeadLetterQueue"),
    ("sqs:DeleteMessage", "DeadLetterQueue"),
    ("sqs:PurgeQueue", "DeadLetterQueue"),
    ("sns:Publish", "OperationsTopic"),
    ("sns:Subscribe", "Topic"),
    ("iam:PutRolePolicy", "SessionExportRole"),
    ("lambda:InvokeFunction", "PostProcess"),
    ("logs:PutLogEvents", "HttpApiLogGroup"),
    ("logs:CreateLogGroup", "HttpApiLogGroup"),
    ("xray:PutTraceSegments", "*"),
    ("ec2:CreateNetworkInterface", "*"),
    ("bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/somebody.elses-model-v1"),
]  # fmt: skip
NOT_THE_OTHERS = [
    ("sqs:ReceiveMessage", "ArrivalsQueue"), ("sqs:DeleteMessage", "ArrivalsQueue"), ("sqs:SendMessage", "DeadLetterQueue"),
    ("sns:Publish", "Topic"), ("s3:PutObject", f"{QUARANTINE}/x"), ("s3:GetObject", f"{QUARANTINE}/x"),
    ("s3:ListBucket", QUARANTINE),
]  # fmt: skip


def logs_of(name):
    """What Lambda writes in the function's name, and the same into others' logs."""
    groups = {one: f"{one}LogGroup" for one in ("SessionExport", "SignedDownload", "PostProcess")}
    actions = ("logs:CreateLogStream", "logs:PutLogEvents")
    allowed = [(action, groups[name]) for action in actions]
    denied = [(action, group) for one, group in groups.items() for action in actions if one != name]
    return allowed, [*denied, ("logs:DeleteLogStream", groups[name]), ("logs:DeleteLogGroup", groups[name])]


# By role: what is allowed, and what is denied; each an action, a place, and what the request carries.
FUNCTIONS = {
    "SessionExport": (logs_of("SessionExport")[0], [
        *logs_of("SessionExport")[1], *NEVER, *NOT_THE_OTHERS,
        ("s3:GetObject", f"{ARTIFACTS}/index/bols/dt=2025-11-14/x.json"),
        ("s3:PutObject", f"{ARTIFACTS}/index/bols/dt=2025-11-14/x.json"),
        ("s3:PutObject", f"{ARTIFACTS}/_casefile/once/x.json"),
        ("s3:GetObject", f"{ARTIFACTS}/_casefile/summaries/x.json"),
        ("s3:DeleteObject", MANIFEST),
        ("s3:DeleteObject", f"{ARTIFACTS}/_casefile/sessions/acme/x.json"),
        ("s3:DeleteObject", f"{ARTIFACTS}/inbox/reviews/acme/x.json"),
        ("s3:PutObjectTagging", f"{ARTIFACTS}/bols/2025/PRT-2025-0001.pdf"),
        ("s3:ListBucket", AUDIT),
        ("s3:GetObject", f"{ARTIFACTS}/bols/x.pdf", REJECTED | {"s3:authType": "REST-QUERY-STRING"}),
    ]),
    "SignedDownload": (logs_of("SignedDownload")[0], [
        *logs_of("SignedDownload")[1], *NEVER, *NOT_THE_OTHERS,
        *[("s3:PutObject", f"{ARTIFACTS}/{place}/x") for place in (
            "tara", "bols", "ecg-reports", "training-logs", "parquet", "snapshots", "files", "inbox", "index",
            "_casefile/sessions", "_casefile/by-time", "_casefile/by-owner", "_casefile/bols")],
        *[("s3:GetObject", f"{ARTIFACTS}/{place}/x") for place in (
            "inbox", "index", "_casefile/sessions", "_casefile/bols", "_casefile/summaries", "_casefile/templates")],
        *[("s3:DeleteObject", f"{ARTIFACTS}/{place}/x") for place in ("tara", "bols", "_casefile/shares", "_casefile/by-time")],
        ("s3:PutObjectTagging", f"{ARTIFACTS}/bols/2025/PRT-2025-0001.pdf"),
        ("s3:GetObject", f"{ARTIFACTS}/bols/x.pdf", REJECTED | {"s3:authType": "REST-QUERY-STRING"}),
    ]),
    "PostProcess": ([
        *logs_of("PostProcess")[0], ("sqs:ReceiveMessage", "ArrivalsQueue"), ("sqs:DeleteMessage", "ArrivalsQueue"),
        ("sqs:GetQueueAttributes", "ArrivalsQueue"),
    ], [
        *logs_of("PostProcess")[1], *NEVER,
        ("s3:PutObject", AUDITED), ("s3:GetObject", AUDITED), ("s3:ListBucket", AUDIT),
        ("s3:PutObject", f"{ARTIFACTS}/_casefile/sessions/acme/x.json"),
        ("s3:PutObject", f"{ARTIFACTS}/_casefile/bols/x.json"),
        ("s3:PutObject", f"{ARTIFACTS}/_casefile/shares/x.json"),
        ("s3:GetObject", f"{ARTIFACTS}/_casefile/shares/x.json"),
        ("s3:GetObject", f"{ARTIFACTS}/_casefile/templates/report.txt.j2"),
        ("s3:DeleteObject", f"{ARTIFACTS}/index/bols/dt=2025-11-14/x.json"),
        ("s3:DeleteObject", f"{ARTIFACTS}/_casefile/by-time/x"),
    ]),
}  # fmt: skip
CLIENTS = {
    "ecg-device": (
        [("s3:PutObject", f"{ARTIFACTS}/inbox/ecg-reports/report.pdf")],
        [("s3:PutObject", f"{ARTIFACTS}/inbox/clinical/x.parquet"), ("s3:PutObject", f"{ARTIFACTS}/ecg-reports/2025/11/14/report.pdf"),
         ("s3:GetObject", f"{ARTIFACTS}/inbox/ecg-reports/report.pdf"), ("s3:DeleteObject", f"{ARTIFACTS}/inbox/ecg-reports/report.pdf"),
         ("s3:ListBucket", ARTIFACTS), ("s3:PutObjectTagging", f"{ARTIFACTS}/inbox/ecg-reports/report.pdf")],
    ),
    "training-logs": (
        [("s3:PutObject", f"{ARTIFACTS}/training-logs/2025/11/x.log", NEW)],
        [("s3:PutObject", f"{ARTIFACTS}/training-logs/2025/11/x.log", {}), ("s3:PutObject", f"{ARTIFACTS}/inbox/clinical/x.json", NEW),
         ("s3:GetObject", f"{ARTIFACTS}/training-logs/2025/11/x.log"), ("s3:ListBucket", ARTIFACTS),
         ("s3:DeleteObject", f"{ARTIFACTS}/training-logs/2025/11/x.log")],
    ),
    "analyst": (
        [("s3:GetObject", f"{ARTIFACTS}/parquet/x.parquet"), ("s3:GetObject", f"{ARTIFACTS}/snapshots/x.json"),
         ("s3:ListBucket", ARTIFACTS, {"s3:prefix": "parquet/"}), ("s3:GetObjectTagging", f"{ARTIFACTS}/parquet/x.parquet")],
        [("s3:GetObject", f"{ARTIFACTS}/parquet/x.parquet", REJECTED), ("s3:ListBucket", ARTIFACTS, {}),
         ("s3:ListBucket", ARTIFACTS, {"s3:prefix": "tara/"}), ("s3:GetObject", MANIFEST),
         ("s3:GetObject", f"{ARTIFACTS}/bols/x.pdf"), ("s3:PutObject", f"{ARTIFACTS}/parquet/x.parquet"), ("s3:GetObject", AUDITED)],
    ),
    "queries": (
        [("s3:GetObject", f"{ARTIFACTS}/index/bols/dt=2025-11-14/x.json"), ("s3:GetObject", AUDITED), ("s3:PutObject", f"{RESULTS}/x.csv"),
         ("s3:ListBucket", ARTIFACTS, {"s3:prefix": "index/"})],
        [("s3:GetObject", f"{ARTIFACTS}/bols/x.pdf"), ("s3:GetObject", f"{ARTIFACTS}/_casefile/shares/x.json"), ("s3:PutObject", AUDITED),
         ("s3:PutObject", f"{ARTIFACTS}/index/bols/dt=2025-11-14/x.json"), ("s3:DeleteObject", AUDITED),
         ("s3:ListBucket", ARTIFACTS, {"s3:prefix": "tara/"}), ("s3:GetObject", f"{QUARANTINE}/x")],
    ),
    "operator": (
        [("s3:GetObject", MANIFEST), ("s3:GetObject", f"{QUARANTINE}/records/x.json"), ("s3:PutObject", AUDITED),
         ("s3:DeleteObjectVersion", f"{ARTIFACTS}/bols/x.pdf"), ("s3:PutObject", f"{ARTIFACTS}/_casefile/templates/report.txt.j2"),
         ("sqs:SendMessage", "ArrivalsQueue"), ("sqs:ReceiveMessage", "DeadLetterQueue"), ("s3:ListBucketVersions", ARTIFACTS)],
        [("s3:PutObject", MANIFEST), ("s3:PutObject", f"{ARTIFACTS}/bols/x.pdf"), ("s3:DeleteObject", f"{ARTIFACTS}/bols/x.pdf"),
         ("s3:DeleteObject", AUDITED), ("s3:DeleteObjectVersion", AUDITED), ("s3:BypassGovernanceRetention", AUDITED),
         ("s3:PutObject", f"{QUARANTINE}/x"), ("s3:DeleteObjectVersion", f"{QUARANTINE}/x"), ("sqs:SendMessage", "DeadLetterQueue"),
         ("sns:Publish", "Topic"), ("s3:DeleteObjectVersion", f"{ARTIFACTS}/_casefile/sessions/acme/x.json"), ("s3:PutBucketPolicy", ARTIFACTS)],
    ),
    "access-logs": (
        [("s3:ListBucket", "AccessLogBucket"), ("s3:GetObject", "AccessLogBucket/artifacts/x")],
        [("s3:PutObject", "AccessLogBucket/artifacts/x"), ("s3:DeleteObject", "AccessLogBucket/artifacts/x"),
         ("s3:GetObject", f"{ARTIFACTS}/bols/x.pdf"), ("s3:GetObject", AUDITED), ("s3:GetObject", f"{QUARANTINE}/x")],
    ),
    "migration": (
        [("s3:ListBucket", ARTIFACTS), ("s3:GetObject", f"{ARTIFACTS}/bols/x.pdf"), ("s3:PutObject", f"{ARTIFACTS}/bols/x.pdf", NEW),
         ("s3:PutObject", f"{ARTIFACTS}/parquet/x.parquet", NEW), ("s3:PutObject", f"{ARTIFACTS}/_casefile/by-time/x", NEW),
         ("s3:PutObject", f"{ARTIFACTS}/_casefile/bols/PRT-2025.json", NEW), ("s3:PutObject", AUDITED, NEW)],
        [*[("s3:PutObject", f"{ARTIFACTS}/{place}/x", {}) for place in (
            "bols", "ecg-reports", "training-logs", "parquet", "snapshots", "files", "_casefile/paths", "_casefile/by-time",
            "_casefile/by-owner")],
         ("s3:PutObject", MANIFEST, NEW), ("s3:GetObject", MANIFEST), ("s3:PutObject", f"{ARTIFACTS}/index/x", NEW),
         ("s3:PutObject", f"{ARTIFACTS}/_casefile/bols/requests/x", NEW), ("s3:PutObject", AUDITED, {}),
         ("s3:PutObject", f"{ARTIFACTS}/inbox/x", NEW), ("s3:PutObject", f"{ARTIFACTS}/_casefile/templates/x", NEW),
         ("s3:GetObject", f"{ARTIFACTS}/inbox/x"), ("s3:GetObject", f"{ARTIFACTS}/_casefile/shares/x"),
         ("s3:DeleteObject", f"{ARTIFACTS}/bols/x.pdf"), ("s3:DeleteObjectVersion", f"{ARTIFACTS}/bols/x.pdf"),
         ("s3:DeleteObject", f"{ARTIFACTS}/_casefile/by-time/x"), ("s3:PutObjectTagging", f"{ARTIFACTS}/bols/x.pdf"),
         ("s3:DeleteObject", AUDITED), ("s3:PutObject", f"{QUARANTINE}/x", NEW), ("s3:GetObject", f"{QUARANTINE}/x"),
         ("sqs:SendMessage", "ArrivalsQueue")],
    ),
    "replay": (
        [("s3:PutObject", MANIFEST), ("s3:PutObject", f"{ARTIFACTS}/_casefile/bols/x.json"), ("s3:PutObject", AUDITED),
         ("s3:DeleteObject", f"{ARTIFACTS}/_casefile/by-time/x")],
        [("s3:PutObject", f"{ARTIFACTS}/inbox/reviews/acme/x.json"), ("s3:GetObject", f"{ARTIFACTS}/inbox/reviews/acme/x.json"),
         ("s3:PutObject", f"{ARTIFACTS}/index/x"), ("s3:DeleteObject", MANIFEST), ("s3:DeleteObject", AUDITED),
         ("s3:GetObject", f"{QUARANTINE}/x"), ("s3:PutObject", f"{ARTIFACTS}/_casefile/templates/report.txt.j2")],
    ),
    "key-read": ([("kms:Decrypt", sam.KEY, {"kms:ViaService": "s3.us-east-1.amazonaws.com"})],
                 [("kms:Decrypt", sam.KEY, {}), ("kms:GenerateDataKey", sam.KEY, {"kms:ViaService": "s3.us-east-1.amazonaws.com"})]),
    "key-write": ([("kms:GenerateDataKey", sam.KEY, {"kms:ViaService": "s3.us-east-1.amazonaws.com"})],
                  [("kms:GenerateDataKey", sam.KEY, {}), ("kms:ScheduleKeyDeletion", sam.KEY, {"kms:ViaService": "s3.us-east-1.amazonaws.com"})]),
}  # fmt: skip
# How an action is asked for, as far as moto knows it.
ASKED = {
    "s3:GetObject": lambda c, b, k: c.get_object(Bucket=b, Key=k),
    "s3:PutObject": lambda c, b, k: c.put_object(Bucket=b, Key=k, Body=b"x"),
    "s3:DeleteObject": lambda c, b, k: c.delete_object(Bucket=b, Key=k),
    "s3:DeleteObjectVersion": lambda c, b, k: c.delete_object(Bucket=b, Key=k, VersionId="x"),
    "s3:GetObjectTagging": lambda c, b, k: c.get_object_tagging(Bucket=b, Key=k),
    "s3:PutObjectTagging": lambda c, b, k: c.put_object_tagging(Bucket=b, Key=k, Tagging={"TagSet": []}),
    "s3:ListBucket": lambda c, b, _: c.list_objects_v2(Bucket=b),
    "s3:ListBucketVersions": lambda c, b, _: c.list_object_versions(Bucket=b),
    "s3:DeleteBucket": lambda c, b, _: c.delete_bucket(Bucket=b),
    "s3:PutBucketPolicy": lambda c, b, _: c.put_bucket_policy(Bucket=b, Policy="{}"),
    "s3:PutBucketVersioning": lambda c, b, _: c.put_bucket_versioning(
        Bucket=b, VersioningConfiguration={"Status": "Suspended"}
    ),
    "sqs:SendMessage": lambda c, url: c.send_message(QueueUrl=url, MessageBody="x"),
    "sqs:ReceiveMessage": lambda c, url: c.receive_message(QueueUrl=url),
    "sqs:PurgeQueue": lambda c, url: c.purge_queue(QueueUrl=url),
    "sns:Publish": lambda c, arn: c.publish(TopicArn=arn, Message="x"),
    "sns:Subscribe": lambda c, arn: c.subscribe(TopicArn=arn, Protocol="email", Endpoint="x@example.com"),
}


def attempts(report, world, deployed, policies, table):
    """Tries all of it."""
    for role, (allowed, denied) in table.items():
        wrong, asked = [], 0
        for one, is_allowed in [(one, True) for one in allowed] + [(one, False) for one in denied]:
            action, place, context = (*one, None)[:3]
            found = bool(policy.decide(policies[role], action, arn_of(deployed, place), context or {}))
            if found != is_allowed:
                wrong.append(f"the policy {'allows' if found else 'denies'} {action} on {place}")
            # moto knows neither what a request carries nor which queue or topic it is about.
            if action in ASKED and context is None and is_for_moto(policies[role], action):
                asked += 1
                if asked_of(world, deployed, role, action, place) != is_allowed:
                    wrong.append(f"moto {'denies' if is_allowed else 'allows'} {action} on {place}")
        report.same(
            f"{role}: {len(allowed)} calls allowed and {len(denied)} denied, {asked} of them asked of moto", wrong, []
        )


def is_for_moto(statements, action):
    """S3's it decides by the resource, those of others only by the action."""
    return action.startswith("s3:") or not any(action in sam.listed(one["Action"]) for one in statements)


def arn_of(deployed, place):
    """A place's ARN: of a resource, of a key in a bucket, or as it stands there."""
    if place.startswith(("arn:", "*")):
        return place
    name, slash, key = place.partition("/")
    arn = deployed.attribute(name, "Arn") if name in deployed.there else f"arn:aws:s3:::{name}"
    return f"{arn}{slash}{key}"


def asked_of(world, deployed, role, action, place):
    """Whether moto lets the role do it: what it says afterwards, such as that nothing lies there, doesn't matter."""
    service = action.split(":")[0]
    name, _, key = place.partition("/")
    if service == "s3":
        arguments = (deployed.name(name) if name in deployed.there else name, key)
    else:
        arguments = (deployed.reference(name),)
    try:
        ASKED[action](world.client(service, role), *arguments)
    except ClientError as error:
        return error.response["Error"]["Code"] not in ("AccessDenied", "403")
    return True
