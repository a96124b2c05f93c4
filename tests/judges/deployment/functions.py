"""What the transformed template says of the functions themselves: their aliases and versions, and their roles."""

import json
import re

import sam

# By logical id: what it is called after its stack.
FUNCTIONS = {"SessionExport": "session-export", "SignedDownload": "signed-download", "PostProcess": "post-process"}
# Reached by its alias, with the parameter that says how many instances of it are kept started.
WITH_ALIAS = {"SessionExport": "ProvisionedExports", "SignedDownload": "ProvisionedLinks"}
# What knows no resources, or is asked for without one; and only where a parameter turns it on.
TRACES = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
INTERFACES = {
    "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
}  # fmt: skip
# Of a role's inline policies, without blanks (IAM user guide, "IAM and AWS STS quotas").
MAX_CHARACTERS = 10_240


def versions(report, deployed):
    """Whoever calls session-export or signed-download calls what was published last, and each other setting is
    published anew: SAM sees another code or another template, and CloudFormation another query of settings."""
    query = deployed.reference("SettingsQuery")
    aliases, published = (
        {one["Properties"]["FunctionName"]: one for one in deployed.of_type(f"AWS::Lambda::{kind}").values()}
        for kind in ("Alias", "Version")
    )
    names = {name: deployed.name(name) for name in WITH_ALIAS}
    found = set(aliases), set(published)
    if not report.same("two functions have an alias and a version", found, (set(names.values()),) * 2):
        return
    for name, parameter in WITH_ALIAS.items():
        alias, version, function = aliases[names[name]]["Properties"], published[names[name]], deployed.resources[name]
        found = alias["Name"], alias["FunctionVersion"]
        report.same(f"{name}: live is the version that was published", found, ("live", sam.VERSION))
        described = version["Properties"].get("Description"), query in function["Properties"]["Description"]
        report.same(f"{name}: the version and the function are described by their settings", described, (query, True))
        kept = [version.get(key) for key in ("DeletionPolicy", "UpdateReplacePolicy")]
        report.same(f"{name}: the version before it stays", kept, ["Retain"] * 2)
        report.check(f"{name}: the function goes with the stack", "DeletionPolicy" not in function)
        count = deployed.parameters[parameter]
        wanted = None if count == "0" else {"ProvisionedConcurrentExecutions": count}
        report.same(f"{name}: {count} instances are kept started", alias.get("ProvisionedConcurrencyConfig"), wanted)
    (schedule,) = deployed.of_type("AWS::Scheduler::Schedule").values()
    target = schedule["Properties"]["Target"]["Arn"]
    report.same("the schedule calls it there", target, deployed.reference("SessionExportAliaslive"))


def settings(report, root):
    """Another value of a parameter of the functions replaces the query of settings and, by their descriptions, their
    versions. Which parameters those are, a test of the local stack looks at."""
    report.part("template.yaml, with DefaultTenant=other")
    template = root / "template.yaml"
    before, after = (sam.deploy(template, sam.REQUIRED | other) for other in ({}, {"DefaultTenant": "other"}))
    changed = {name for name in before.resources if before.resources[name] != after.resources.get(name)}
    published = set(before.of_type("AWS::Lambda::Version"))
    wanted = set(FUNCTIONS) | published | {"SettingsQuery"}
    report.same("what changes are functions, versions and settings", changed, wanted)
    described = {name: after.resources[name]["Properties"].get("Description") for name in published}
    wanted = dict.fromkeys(published, after.reference("SettingsQuery"))
    report.same("both versions are described by the new ones", described, wanted)


def roles(report, deployed, is_on):
    """A role a function, for Lambda alone, that may do nothing everywhere but what knows no place."""
    functions = deployed.of_type("AWS::Lambda::Function")
    used = {name: one["Properties"]["Role"] for name, one in functions.items()}
    report.same("each function has its own role", used, {n: deployed.attribute(f"{n}Role", "Arn") for n in FUNCTIONS})
    anywhere = {f"{name}Role": TRACES for name in FUNCTIONS} if is_on else {}
    anywhere |= {"SessionExportRole": TRACES | INTERFACES} if is_on else {}
    for name, role in deployed.of_type("AWS::IAM::Role").items():
        trust = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        services = [service for one in trust for service in sam.listed(one["Principal"]["Service"])]
        report.check(f"{name}: one service may assume it", len(services) == 1, services)
        statements = sam.statements(role)
        grants = [
            (action, resource)
            for one in statements
            for action in sam.listed(one["Action"])
            for resource in sam.listed(one["Resource"])
            if one["Effect"] == "Allow"
        ]
        report.same(f"{name}: no action is '*'", [action for action, _ in grants if "*" in action], [])
        wide = {action for action, resource in grants if resource == "*"}
        wanted = anywhere.get(name, set())
        report.same(f"{name}: {len(wanted)} actions on any resource", wide, wanted)
        if name.removesuffix("Role") in FUNCTIONS:
            report.check(f"{name}: for Lambda", services == ["lambda.amazonaws.com"], services)
            report.same(f"{name}: no managed policy", role["Properties"].get("ManagedPolicyArns", []), [])
            documents = [json.dumps(one["PolicyDocument"]) for one in role["Properties"]["Policies"]]
            size = sum(len(re.sub(r"\s", "", one)) for one in documents)
            report.check(f"{name}: {size} of {MAX_CHARACTERS} characters", size <= MAX_CHARACTERS)
    by_sid = {one["Sid"]: one for one in sam.statements(deployed.resources["SessionExportRole"])}
    subnets(report, deployed, by_sid, is_on)


def subnets(report, deployed, by_sid, is_on):
    """The file system through its access point alone, and network interfaces for Lambda alone."""
    sids = {"KeepWhatCannotReachS3", "ConnectToTheSubnets", "LeaveTheSubnetsToLambda"}
    granted = "granted" if is_on else "not granted"
    report.same(f"file system and subnets are {granted}", sids & set(by_sid), sids if is_on else set())
    if not sids <= set(by_sid):
        return
    mount = {key: by_sid["KeepWhatCannotReachS3"].get(key) for key in ("Effect", "Action", "Resource", "Condition")}
    wanted = {
        "Effect": "Allow",
        "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
        "Resource": f"arn:aws:elasticfilesystem:{sam.REGION}:{deployed.account}:file-system/*",
        "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": sam.EVERYTHING["FallbackAccessPointArn"]}},
    }
    report.same("the file system may be written to through the access point", mount, wanted)
    denied = by_sid["LeaveTheSubnetsToLambda"]
    found = denied["Effect"], set(denied["Action"]), denied.get("Condition")
    itself = {"ArnEquals": {"lambda:SourceFunctionArn": deployed.attribute("SessionExport", "Arn")}}
    report.same("network interfaces are Lambda's, not the function's", found, ("Deny", INTERFACES, itself))
