"""Creates template.yaml's stack in LocalStack, twice side by side, and reads back what it promises.

    stack.py

The address is in CASEFILE_S3_CONTRACT_ENDPOINT, where localstack.sh leaves it. LocalStack's CloudFormation takes the SAM
template as it is, but for the types in LEFT_OUT. Those, what it passes over in silence (lifecycle rules, access logs,
keys, the HTTP API), what it does otherwise (it deletes what is to be retained), what it can't (it creates an alias a
second time where its function changes together with what the function refers to, and so rolls back), and what is off
unless somebody asks for it, is checked on the transformed template.
"""

import io
import json
import os
import pathlib
import time
import zipfile

import boto3
import paper
import sam
from botocore.exceptions import ClientError
from buckets import PROMISED, bucket_checks
from functions import FUNCTIONS, WITH_ALIAS, settings
from report import Report

ROOT = pathlib.Path(__file__).parents[3]
ACCOUNT = "000000000000"
STAGES = ("casefile-staging", "casefile-live")
# LocalStack's community core knows neither service, and can't read the tables' ${!dt}.
LEFT_OUT = {"AWS::Athena::NamedQuery", "AWS::Athena::WorkGroup", "AWS::Glue::Database", "AWS::Glue::Table"}
# It says that it has created these, and hasn't: their physical id is "unknown".
PASSED_OVER = {
    "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage", "AWS::Backup::BackupVault", "AWS::CloudWatch::Dashboard",
    "AWS::Logs::MetricFilter",
}  # fmt: skip
# The functions with an alias are described by it, so something must stand there.
SETTINGS = "SettingsQuery"
TIMEOUT = 120


class LocalStack:
    """The services of one endpoint."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.clients = {}

    def __getattr__(self, service):
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service.rstrip("_"),
                endpoint_url=self.endpoint,
                region_name=sam.REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        return self.clients[service]


def main():
    """Runs all checks; ends with 1 when one fails."""
    report, aws = Report(), LocalStack(os.environ["CASEFILE_S3_CONTRACT_ENDPOINT"])
    by_default = paper.everything(report, sam.REQUIRED, "as it is by default", ROOT)
    paper.everything(report, sam.EVERYTHING, "with everything that is optional", ROOT)
    settings(report, ROOT)

    report.part(f"two stacks in one account of LocalStack: {' and '.join(STAGES)}")
    url = upload(aws, without_left_out(report, sam.read(ROOT / "template.yaml")))
    for name in STAGES:
        aws.cloudformation.create_stack(StackName=name, TemplateURL=url, **request())
    stacks = {name: created(report, aws, name, by_default) for name in STAGES}
    if None in stacks.values():
        report.end()
    apart(report, stacks)
    for name in STAGES:
        report.part(f"{name}, read back")
        read_back(report, aws, sam.Deployed(by_default.template, sam.REQUIRED, ACCOUNT, name), stacks[name])
    report.part("the same again, and another setting")
    again(report, aws, STAGES[0], url)
    report.same(f"{STAGES[1]} is as it was", resources(aws, STAGES[1]), stacks[STAGES[1]]["physical"])
    report.end()


def request(**others):
    """What each deployment is asked with."""
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in (sam.REQUIRED | others).items()]
    return {"Parameters": given, "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]}


def without_left_out(report, template):
    """The template without what LocalStack can't create, and without the outputs that name it."""
    left = {name for name, one in template["Resources"].items() if one["Type"].split("::")[1] in ("Athena", "Glue")}
    types = {template["Resources"][name]["Type"] for name in left}
    report.same("left out is what LocalStack's core hasn't, and nothing else", types, LEFT_OUT)
    resources = {name: one for name, one in template["Resources"].items() if name not in left}
    name = {"Fn::Sub": "${AWS::StackName}-settings"}
    resources[SETTINGS] = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}}
    outputs = {name: one for name, one in template["Outputs"].items() if one["Value"].get("Ref") not in left}
    return template | {"Resources": resources, "Outputs": outputs}


def upload(aws, template):
    """Puts the template, and a program that is none, where CloudFormation finds them."""
    program = io.BytesIO()
    with zipfile.ZipFile(program, "w") as archive:
        archive.writestr("bootstrap", "#!/bin/sh\n")
    aws.s3.create_bucket(Bucket=sam.CODE["Bucket"])
    aws.s3.put_object(**sam.CODE, Body=program.getvalue())
    aws.s3.put_object(Bucket=sam.CODE["Bucket"], Key="template.json", Body=json.dumps(template).encode())
    return f"{aws.endpoint}/{sam.CODE['Bucket']}/template.json"


def settled(aws, name, earlier=()):
    """The stack, once it is at rest after other events than these."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        (stack,) = aws.cloudformation.describe_stacks(StackName=name)["Stacks"]
        is_at_rest = not stack["StackStatus"].endswith("IN_PROGRESS") and events(aws, name) - set(earlier)
        if is_at_rest or time.monotonic() > deadline:
            return stack
        time.sleep(0.5)


def events(aws, name):
    """The ids of what has come of the stack itself, such as that it is complete."""
    found = aws.cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    own = [one for page in found for one in page["StackEvents"] if one["LogicalResourceId"] == name]
    return {one["EventId"] for one in own if not one["ResourceStatus"].endswith("IN_PROGRESS")}


def created(report, aws, name, expected):
    """A stack's physical ids and outputs, by logical id; nothing when it isn't there."""
    stack = settled(aws, name)
    if not report.check(f"{name} is complete", stack["StackStatus"] == "CREATE_COMPLETE", failures(aws, name)):
        return None
    listed = aws.cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    wanted = {key for key, one in expected.resources.items() if one["Type"] not in LEFT_OUT or key == SETTINGS}
    report.same(
        f"its {len(listed)} resources are those of the template", {one["LogicalResourceId"] for one in listed}, wanted
    )
    passed_over = {one["ResourceType"] for one in listed if one["PhysicalResourceId"] == "unknown"}
    report.same("LocalStack has passed over what it is known for", passed_over, PASSED_OVER)
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    report.same("it has the outputs", set(outputs), set(expected.outputs) - {"WorkGroupName", "DatabaseName"})
    physical = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed}
    return {"physical": physical, "outputs": outputs}


def failures(aws, name):
    """What CloudFormation says of those that failed."""
    events = aws.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [one for one in events if one["ResourceStatus"].endswith("FAILED")]
    return "; ".join(
        f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', 'no reason given')}" for one in failed
    )


def apart(report, stacks):
    """No two stacks of an account share anything."""
    one, two = (set(stack["physical"].values()) - {"unknown"} for stack in stacks.values())
    report.same(f"they share none of their {len(one)} resources", one & two, set())


def read_back(report, aws, promised, stack):
    """One stack, by the services' own answers."""
    physical = stack["physical"]
    wanted = {f"{name}Name": physical[name] for name in PROMISED if name != "AccessLogBucket"}
    report.same("outputs name its buckets", {key: stack["outputs"].get(key) for key in wanted}, wanted)
    queue = attributes(aws, physical["ArrivalsQueue"])
    for name in PROMISED:
        bucket_checks(report, aws.s3, name, physical, queue["QueueArn"])
    queue_checks(report, aws, physical, queue)
    topic_checks(report, aws, physical)
    for name in promised.of_type("AWS::Lambda::Function"):
        function_checks(report, aws, promised, physical, name)
    wiring_checks(report, aws, promised, physical, queue)


def attributes(aws, url):
    """All attributes of a queue."""
    return aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def queue_checks(report, aws, physical, queue):
    """Arrivals go to the dead letters after five times; those stay for 14 days."""
    letters = attributes(aws, physical["DeadLetterQueue"])
    redrive = json.loads(queue["RedrivePolicy"])
    wanted = {"deadLetterTargetArn": letters["QueueArn"], "maxReceiveCount": 5}
    report.same(
        "ArrivalsQueue: after five times to the dead letters",
        redrive | {"maxReceiveCount": int(redrive["maxReceiveCount"])},
        wanted,
    )
    report.same("ArrivalsQueue: hidden for six times the function's 300 s", queue["VisibilityTimeout"], "1800")
    report.same("DeadLetterQueue: keeps for 14 days", letters["MessageRetentionPeriod"], str(14 * 24 * 3600))
    for name, found in (("ArrivalsQueue", queue), ("DeadLetterQueue", letters)):
        report.same(f"{name}: encrypted", found["SqsManagedSseEnabled"], "true")
        statements = {s["Sid"]: s for s in json.loads(found["Policy"])["Statement"]}
        refused = statements["TlsOnly"]
        report.same(
            f"{name}: TLS only",
            (refused["Effect"], refused["Action"], refused["Condition"]),
            ("Deny", "sqs:*", {"Bool": {"aws:SecureTransport": "false"}}),
        )
        allowed = {sid: s["Principal"] for sid, s in statements.items() if s["Effect"] == "Allow"}
        senders = {"TakeS3sEvents": {"Service": "s3.amazonaws.com"}} if name == "ArrivalsQueue" else {}
        report.same(f"{name}: taken from {'S3 alone' if senders else 'nobody outside'}", allowed, senders)
    guard = {s["Sid"]: s for s in json.loads(queue["Policy"])["Statement"]}["TakeS3sEvents"]["Condition"]
    report.same("ArrivalsQueue: from this account's buckets", guard["StringEquals"], {"aws:SourceAccount": ACCOUNT})


def topic_checks(report, aws, physical):
    """Notices are encrypted, and alarms get through."""
    topic = aws.sns.get_topic_attributes(TopicArn=physical["Topic"])["Attributes"]
    report.same("Topic: encrypted", topic.get("KmsMasterKeyId"), "alias/aws/sns")
    nobody = aws.sns.list_subscriptions_by_topic(TopicArn=physical["Topic"])["Subscriptions"]
    report.same("Topic: nobody is subscribed unasked", nobody, [])
    policy = json.loads(aws.sns.get_topic_attributes(TopicArn=physical["OperationsTopic"])["Attributes"]["Policy"])
    services = [s["Principal"]["Service"] for s in policy["Statement"] if "Service" in s.get("Principal", {})]
    report.check("OperationsTopic: CloudWatch may send to it", "cloudwatch.amazonaws.com" in services, policy)
    actions = {
        tuple(a["AlarmActions"])
        for a in aws.cloudwatch.describe_alarms()["MetricAlarms"]
        if a["AlarmName"] in physical.values()
    }
    report.same("every alarm goes there", actions, {(physical["OperationsTopic"],)})


def function_checks(report, aws, promised, physical, name):
    """A function has its own role, and its variables name its own stack's resources."""
    found = aws.lambda_.get_function_configuration(FunctionName=physical[name])
    wanted = promised.resources[name]["Properties"]
    shape = {key: found[key] for key in ("Runtime", "Handler", "MemorySize", "Timeout", "Architectures")}
    report.same(f"{name}: {shape['MemorySize']} MB, {shape['Timeout']} s", shape, {key: wanted[key] for key in shape})
    role = found["Role"].split("/")[-1]
    report.same(f"{name}: its own role", role, physical[f"{name}Role"])
    variables = found["Environment"]["Variables"]
    report.same(f"{name}: the variables", translated(variables, physical, promised), wanted["Environment"]["Variables"])
    policies = aws.iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = [
        aws.iam.get_role_policy(RoleName=role, PolicyName=one)["PolicyDocument"]["Statement"] for one in policies
    ]
    own = [sam.statements(promised.resources[f"{name}Role"])]
    report.same(f"{name}: its policy names its own stack", translated(document, physical, promised), own)
    managed = aws.iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    report.same(f"{name}: and nothing else is granted", managed, [])
    if name in WITH_ALIAS:
        live = published(aws, physical, name)
        report.same(f"{name}: live is described by its settings", live["Description"], physical[SETTINGS])
        report.same(f"{name}: live has the variables", live["Environment"]["Variables"], variables)


def published(aws, physical, name):
    """What callers of a function with an alias reach."""
    version = aws.lambda_.get_alias(FunctionName=physical[name], Name="live")["FunctionVersion"]
    return aws.lambda_.get_function_configuration(FunctionName=physical[name], Qualifier=version)


def translated(found, physical, promised):
    """What was read back, with the names that LocalStack gave replaced by those that the judge knows."""
    text = json.dumps(found)
    for name, one in physical.items():
        if promised.resources[name]["Type"] in ("AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue"):
            text = text.replace(one, promised.reference(name))
            text = text.replace(one.split("/")[-1].split(":")[-1], promised.name(name))
    return json.loads(text)


def wiring_checks(report, aws, promised, physical, queue):
    """From the queue to post-process, and from the schedule to session-export."""
    mapping = aws.lambda_.get_event_source_mapping(UUID=physical["PostProcessArrivals"])
    found = (
        mapping["EventSourceArn"],
        mapping["FunctionArn"].split(":")[-1],
        mapping["BatchSize"],
        mapping["FunctionResponseTypes"],
    )
    report.same(
        "PostProcess: takes arrivals by ten, and tells which failed",
        found,
        (queue["QueueArn"], physical["PostProcess"], 10, ["ReportBatchItemFailures"]),
    )
    schedule = aws.scheduler.get_schedule(Name=promised.resources["SessionExportReplay"]["Properties"]["Name"])
    report.same(
        "the replay's schedule is there, and sleeps",
        (schedule["State"], schedule["ScheduleExpression"]),
        ("DISABLED", "rate(5 minutes)"),
    )
    target = schedule["Target"]
    report.same(
        "and would call session-export",
        (target["Arn"].split(":")[-2:], json.loads(target["Input"])),
        ([physical["SessionExport"], "live"], {"command": "replay"}),
    )


def again(report, aws, name, url):
    """A second deployment changes nothing, and another setting changes that setting."""
    before, earlier = resources(aws, name), events(aws, name)
    try:
        aws.cloudformation.update_stack(StackName=name, TemplateURL=url, **request())
        status = settled(aws, name, earlier)["StackStatus"]
    except ClientError as error:
        status = error.response["Error"]["Message"]
    report.check(f"{name} once more: {status}", status in ("UPDATE_COMPLETE", "No updates are to be performed."))
    report.same("and nothing was replaced", resources(aws, name), before)
    earlier = events(aws, name)
    aws.cloudformation.update_stack(StackName=name, TemplateURL=url, **request(DefaultTenant="other"))
    report.same("with DefaultTenant=other", settled(aws, name, earlier)["StackStatus"], "UPDATE_COMPLETE")
    report.same("nothing was replaced either", resources(aws, name), before)
    found = [aws.lambda_.get_function_configuration(FunctionName=before[one]) for one in FUNCTIONS]
    tenants = {one["Environment"]["Variables"]["DEFAULT_TENANT"] for one in found}
    report.same("and the functions know, of which CloudFormation publishes two", tenants, {"other"})


def resources(aws, name):
    """Physical ids by logical id."""
    found = aws.cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}


if __name__ == "__main__":
    main()
