"""Whether a role holds more than its function's work takes."""

import policy
import sam

LOST = "read only when the answer to its own write was lost"
PARTS = "for a copy above 128 MiB"
OTHERS = "no collection of infra/collections.toml lies there, but a deployment's own may"
DEMANDED = "infra/collections.toml may demand verification of any collection, or let it have an inbox"
# By which Lambda asks in the function's name. forbidden.py says what they are to allow.
LAMBDAS = {"WriteLogs", "TakeArrivals"}
# What a scenario of some seconds doesn't come to, by role and statement.
EXCUSED = {
    "SessionExport": {
        ("IssueShareLinks", "s3:GetObject"): LOST,
        ("WriteTheAuditLog", "s3:GetObject"): LOST,
        ("KeepSessions", "s3:AbortMultipartUpload"): PARTS,
        ("KeepSessions", "files/*"): OTHERS,
        ("SeeVerdicts", "files/*"): OTHERS,
        ("SeeVerdicts", "tara/*"): DEMANDED,
        ("SeeVerdicts", "bols/*"): DEMANDED,
        ("SeeVerdicts", "training-logs/*"): DEMANDED,
    },
    "SignedDownload": {
        ("ReadTheCollections", "files/*"): OTHERS,
        ("SeeTheVerdicts", "files/*"): OTHERS,
        ("SeeTheVerdicts", "tara/*"): DEMANDED,
        ("SeeTheVerdicts", "bols/*"): DEMANDED,
        ("SeeTheVerdicts", "training-logs/*"): DEMANDED,
        ("SeeWhichKeysThereAre", "s3:ListBucketVersions"): "for a version that goes between two looks",
    },
    "PostProcess": {
        ("JudgeAndFile", "s3:AbortMultipartUpload"): PARTS,
        ("JudgeAndFile", "files/*"): OTHERS,
        ("Quarantine", "s3:AbortMultipartUpload"): PARTS,
        ("SeeWhichKeysThereAre", "casefile-quarantinebucket"): PARTS,
        ("SeeWhichKeysThereAre", "s3:ListBucketVersions"): "for a version that goes between two looks",
        ("AskTheModel", "eu.anthropic.claude-sonnet-4-20250514-v1:0"): "for a model that is no inference profile",
    },
}
# moto says 404 of a missing key also to those who may not list; S3 says 403.
UNSEEN_BY_MOTO = {"SessionExport": set(), "SignedDownload": set(), "PostProcess": {"SeeWhichKeysThereAre"}}


def unused(report, role, statements, used):
    """Each action and each resource of each statement that allows something lets at least one call through."""
    excused = EXCUSED[role]
    idle = {
        (one["Sid"], name)
        for one in statements
        if one["Effect"] == "Allow" and one["Sid"] not in LAMBDAS
        for name in idle_of(one, [(action, resource) for sid, action, resource in used if sid == one["Sid"]])
    }
    surplus = sorted(f"{sid}: {name}" for sid, name in idle if (sid, name) not in excused)
    report.same(f"{role}: each action and resource of {len(statements)} statements is used, or excused", surplus, [])
    stale = sorted(f"{sid}: {name}" for sid, name in set(excused) - idle)
    report.same(f"{role}: each of {len(excused)} excuses is needed", stale, [])


def idle_of(statement, calls):
    """The actions and resources of a statement by which no call came through."""
    actions = {name for name in sam.listed(statement["Action"]) if name not in {action for action, _ in calls}}
    places = {
        pattern.split("/", 1)[-1] if "/" in pattern else pattern.split(":")[-1]
        for pattern in sam.listed(statement["Resource"])
        if not any(policy.like(pattern, resource) for _, resource in calls)
    }
    return actions | places
