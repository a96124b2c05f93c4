"""Runs each function's whole work in moto with IAM's checks on, under its own role's policy as template.yaml has it.
Shows that each permission is needed, and that nothing else is there.

    permissions.py

What moto looks at: the action, and S3's resource. What it doesn't (conditions, versions and sources of copies, the
resources of other services, buckets' policies, what a presigned URL may, that a missing key takes s3:ListBucket) is
judged here, by AWS's own tables, on the very calls that moto has recorded.
"""

import json
import pathlib
import sys
import tempfile

import calls
import exporting
import moto_world
import policy
import processing
import reading
import runtime
import sam
from forbidden import CLIENTS, FUNCTIONS, attempts
from overwrites import overwrites
from report import Report
from scene import Denied, Scene
from superfluous import LAMBDAS, UNSEEN_BY_MOTO, unused

ROOT = pathlib.Path(__file__).parents[3]
# In the order in which a file goes through them.
SCENARIOS = {
    "SessionExport": ("session-export", exporting.session_export),
    "PostProcess": ("post-process", processing.post_process),
    "SignedDownload": ("signed-download", reading.signed_download),
}
# As the template has it, with a model and with a report template of one's own: both ask for permissions.
PARAMETERS = sam.REQUIRED | {
    "BedrockModelId": sam.EVERYTHING["BedrockModelId"],
    "ReportTemplateKey": exporting.TEMPLATE,
}


class Judge:
    """The account, its roles, and what has been seen."""

    def __init__(self, report, world, folder):
        self.report, self.world, self.folder = report, world, folder
        transformed = sam.transform(sam.read(ROOT / "template.yaml"), PARAMETERS)
        self.deployed = sam.Deployed(transformed, PARAMETERS, moto_world.ACCOUNT, queues=world.endpoint)
        self.own = {name: sam.statements(self.deployed.resources[f"{name}Role"]) for name in SCENARIOS}
        self.policies = self.own | {name: client(self.deployed, name) for name in sorted(set(CLIENTS) & client_names())}
        self.binaries = runtime.binaries(ROOT)
        self.told, self.number, self.urls = set(), 0, {name: [] for name in SCENARIOS}
        world.build(self.deployed, self.policies)

    def run(self, name, other=None, variables=None):
        """A function's scenario under its role as it is now; how many steps, and why it ended early, if it did."""
        binary, scenario = SCENARIOS[name]
        self.number += 1
        variables = self.deployed.resources[name]["Properties"]["Environment"]["Variables"] | (variables or {})
        keys = self.world.credentials[name]
        function = runtime.Function(self.binaries[binary], variables, keys, self.world.endpoint, self.folder)
        scene = Scene(self.world, name, function, self.deployed, ROOT, self.number, self.told)
        try:
            (other or scenario)(scene)
            logged = [line for line in function.lines() if "AccessDenied" in line or "storage.set_up" in line]
            return scene.steps, logged[0] if logged else None
        except Denied as denied:
            return scene.steps, str(denied)
        finally:
            self.urls[name] += scene.urls
            function.close()


def main():
    """Runs all checks; ends with 1 when one fails."""
    report, world = Report(), moto_world.World()
    try:
        with tempfile.TemporaryDirectory() as folder:
            judge = Judge(report, world, folder)
            report.part("each function's work, under its own role")
            for name in SCENARIOS:
                whole(judge, name)
            whole(judge, "SessionExport", exporting.after_a_delivery)
            # In the template's place for it, a file system would have to be mounted.
            whole(judge, "SessionExport", exporting.kept_and_sent_on, {"FALLBACK_DIR": folder})
            asked = {name: world.asked_by(name) for name in SCENARIOS}
            report.part(
                "the same calls by AWS's tables: conditions, versions, copies, buckets' policies, presigned URLs"
            )
            used = {name: by_the_tables(judge, name, asked[name]) for name in SCENARIOS}
            report.part("nothing is granted that isn't used")
            for name in SCENARIOS:
                unused(report, name, judge.own[name], used[name])
            report.part("what each role must not, and what clients may and may not")
            untold = sorted(client_names() ^ set(CLIENTS))
            report.same("each file of infra/policies/clients has its expectations in forbidden.py", untold, [])
            table = {name: one for name, one in (FUNCTIONS | CLIENTS).items() if name in judge.policies}
            attempts(report, world, judge.deployed, judge.policies, table)
            overwrites(report, judge.deployed, judge.policies, buckets_policies(judge.deployed))
            report.part("without one of its statements, a function fails")
            for name in reversed(SCENARIOS):
                sensitive(judge, name)
    finally:
        world.close()
    report.end()


def client_names():
    """The policies that there are for clients."""
    return {path.stem for path in (ROOT / "infra/policies/clients").glob("*.json")}


def client(deployed, name):
    """A policy of infra/policies/clients, with this stack's names in it."""
    names = deployed.outputs
    text = (ROOT / f"infra/policies/clients/{name}.json").read_text()
    for capitals, value in {
        "ARTIFACTS_BUCKET": names["ArtifactsBucketName"],
        "AUDIT_BUCKET": names["AuditBucketName"],
        "QUARANTINE_BUCKET": names["QuarantineBucketName"],
        "ACCESS_LOG_BUCKET": names["AccessLogBucketName"],
        "QUERY_RESULTS_BUCKET": names["QueryResultsBucketName"],
        "DEAD_LETTER_QUEUE_ARN": names["DeadLetterQueueArn"],
        "ARRIVALS_QUEUE_ARN": names["ArrivalsQueueArn"],
        "TOPIC_ARN": names["TopicArn"],
        "WORK_GROUP": names["WorkGroupName"],
        "DATABASE": names["DatabaseName"],
        "MODEL_ARN": f"arn:aws:bedrock:{sam.REGION}::foundation-model/model",
        "KMS_KEY_ARN": sam.KEY,
        "ACCOUNT_ID": deployed.account,
        "REGION": sam.REGION,
    }.items():
        text = text.replace(capitals, value)
    return json.loads(text)["Statement"]


def whole(judge, name, other=None, variables=None):
    """A scenario as it is meant to go."""
    before = len(judge.world.asked_by(name))
    steps, failed = judge.run(name, other, variables)
    count = len(judge.world.asked_by(name)) - before
    judge.report.check(f"{name}: {steps} events, {count} calls of AWS, none denied", failed is None, failed or "")


def by_the_tables(judge, name, asked):
    """Whether AWS would have allowed each call; the statements, actions and resources by which it would."""
    statements, used, denied, stopped = judge.own[name], set(), set(), set()
    buckets = buckets_policies(judge.deployed)
    urls = [calls.presigned(*url) for url in judge.urls[name]]
    for call in asked + urls:
        for action, resource, context in calls.needed(call, moto_world.ACCOUNT):
            allowed = policy.decide(statements, action, resource, context)
            # Of two that allow it, neither is needed.
            used |= {(one["Sid"], action, resource) for one in allowed if len(allowed) == 1}
            if not allowed:
                denied.add(f"{action} on {resource} ({call})")
            bucket = resource.removeprefix("arn:aws:s3:::").split("/")[0]
            if sid := policy.refused(buckets.get(bucket, []), action, resource, context):
                stopped.add(f"{sid}: {action} on {resource} ({call})")
    count = len(asked)
    judge.report.check(
        f"{name}: AWS would allow all {count} calls and {len(urls)} presigned URLs",
        not denied,
        "\n            ".join(sorted(denied)[:10]),
    )
    judge.report.check(
        f"{name}: and no bucket's policy refuses one", not stopped, "\n            ".join(sorted(stopped)[:10])
    )
    if urls:
        after_rejection(judge, name, urls)
    return used


def buckets_policies(deployed):
    """What each bucket itself refuses, by its name."""
    policies = [one["Properties"] for one in deployed.of_type("AWS::S3::BucketPolicy").values()]
    return {one["Bucket"]: one["PolicyDocument"]["Statement"] for one in policies}


def after_rejection(judge, name, urls):
    """A URL that was given out ends when what it leads to is rejected; the function's own look at it doesn't."""
    alive = set()
    for call in (one for one in urls if one.method == "GET"):
        ((action, resource, context), *_) = calls.needed(call, moto_world.ACCOUNT)
        rejected = context | {"s3:ExistingObjectTag/status": "rejected"}
        if policy.decide(judge.own[name], action, resource, rejected):
            alive.add(resource)
        if not policy.decide(judge.own[name], action, resource, rejected | {"s3:authType": "REST-HEADER"}):
            alive.add(f"{resource} can't be looked at")
    judge.report.same(f"{name}: those for downloads end with a rejection", alive, set())


def sensitive(judge, name):
    """moto denies something, and so the scenario fails, without any of the statements, and with all of them it goes
    through again; of actions, see superfluous.py."""
    statements, kept, otherwise = judge.own[name], [], []
    passed_over = UNSEEN_BY_MOTO[name] | LAMBDAS
    sids = [one["Sid"] for one in statements if one["Effect"] == "Allow" and one["Sid"] not in passed_over]
    for sid in sids:
        if name == "PostProcess":
            whole(judge, "SessionExport", exporting.one_review)
        judge.world.give(name, policy.without(statements, sid))
        _, failed = judge.run(name)
        if failed is None:
            kept.append(sid)
        elif not any(word in failed for word in ("AccessDenied", ": 403", " 403 ")):
            otherwise.append(f"{sid}: {failed}")
    judge.world.give(name, statements)
    judge.report.same(f"{name}: fails without any of {len(sids)} statements", kept, [])
    judge.report.same(f"{name}: and each time for AWS has denied something", otherwise, [])
    if name == "PostProcess":
        whole(judge, "SessionExport", exporting.one_review)
    whole(judge, name)


if __name__ == "__main__":
    sys.exit(main())
