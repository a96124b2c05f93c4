"""Whether what is stored stays as it is: asked of those who may write there, by role and bucket's policy together.

A role alone often lets a put through that the bucket stops, and a bucket one that no role has.
"""

import policy
import sam
from forbidden import ARTIFACTS, AUDIT, AUDITED, MANIFEST, QUARANTINE, arn_of

SIGNED = {
    "aws:SecureTransport": "true",
    "s3:ObjectCreationOperation": "true",
    "s3:authType": "REST-HEADER",
    "s3:signatureAge": "0",
}
# Each way to put something, and what it says of what lies there.
PLAIN, NEW, SEEN = {}, {"s3:if-none-match": "*"}, {"s3:if-match": '"seen"'}
NUMBERS, LOG, TABLE = f"{ARTIFACTS}/_casefile/bols/x.json", f"{ARTIFACTS}/training-logs/x.log", f"{ARTIFACTS}/parquet/x"
# By role: where only something new is put, and where state moves from what was seen.
# By role: where only something new is put, where state moves from what was seen, and where any put is taken.
WRITERS = {
    "SessionExport": (
        [AUDITED, MANIFEST, f"{ARTIFACTS}/bols/x.pdf", f"{ARTIFACTS}/_casefile/sessions/x",
         f"{ARTIFACTS}/_casefile/by-time/x"],
        [NUMBERS, LOG, TABLE, f"{ARTIFACTS}/files/x", f"{ARTIFACTS}/_casefile/shares/x.json"],
        [f"{ARTIFACTS}/inbox/x"],
    ),
    "SignedDownload": ([AUDITED], [f"{ARTIFACTS}/_casefile/shares/x.json"], []),
    "PostProcess": (
        [f"{QUARANTINE}/records/x.json", MANIFEST, f"{ARTIFACTS}/bols/x.pdf", f"{ARTIFACTS}/_casefile/summaries/x"],
        [f"{ARTIFACTS}/index/x.json", f"{ARTIFACTS}/_casefile/once/x", TABLE],
        [],
    ),
    "operator": ([AUDITED], [], [f"{ARTIFACTS}/_casefile/templates/report.txt.j2"]),
    "replay": ([AUDITED, MANIFEST, f"{ARTIFACTS}/bols/x.pdf"], [NUMBERS, LOG, TABLE], []),
    "migration": ([AUDITED, f"{ARTIFACTS}/bols/x.pdf", f"{ARTIFACTS}/_casefile/by-time/x", LOG, TABLE], [], []),
    "training-logs": ([LOG], [], []),
    "ecg-device": ([], [], [f"{ARTIFACTS}/inbox/ecg-reports/x"]),
}  # fmt: skip


def overwrites(report, deployed, policies, buckets):
    """Tries each way to put something in each of these places."""
    for role, (new, moving, free) in WRITERS.items():
        tried = [(place, way, way is NEW) for place in new for way in (PLAIN, NEW, SEEN)]
        tried += [(place, way, way is not PLAIN) for place in moving for way in (PLAIN, NEW, SEEN)]
        tried += [(place, PLAIN, True) for place in free]
        wrong = [
            f"{'refused' if wanted else 'allowed'}: a put to {place} with {way or 'no condition'}"
            for place, way, wanted in tried
            if is_stored(policies[role], buckets, arn_of(deployed, place), way) != wanted
        ]
        report.same(f"{role}: of {len(tried)} puts, none overwrites what it hasn't seen", wrong, [])
    kept = [arn_of(deployed, name) for name in (ARTIFACTS, AUDIT, QUARANTINE)]
    writers = {role for role, statements in policies.items() if may_put(statements, kept)}
    report.same("nobody else may put anything into these three buckets", writers, set(WRITERS))


def may_put(statements, buckets):
    """Whether somebody is let put anything into one of the buckets."""
    puts = [s for s in statements if s["Effect"] == "Allow" and "s3:PutObject" in sam.listed(s["Action"])]
    return any(place.startswith(f"{arn}/") for one in puts for place in sam.listed(one["Resource"]) for arn in buckets)


def is_stored(statements, buckets, resource, way):
    """Whether both allow a put."""
    bucket, context = resource.removeprefix("arn:aws:s3:::").split("/")[0], SIGNED | way
    allowed = policy.decide(statements, "s3:PutObject", resource, context)
    return bool(allowed) and policy.refused(buckets[bucket], "s3:PutObject", resource, context) is None
