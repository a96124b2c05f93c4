"""template.yaml as CloudFormation gets to see it: transformed by SAM's own translator, with parameters, conditions and
functions resolved. What can't be resolved is an error, so nothing is passed over."""

import hashlib
import logging
import os
import re

# The translator asks boto for a region and logs what it is about to do, and that it has counted it.
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
logging.disable(logging.WARNING)

import boto3  # noqa: E402
from samtranslator.parser.parser import Parser  # noqa: E402
from samtranslator.translator.translator import Translator  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

REGION = "us-east-1"
CODE = {"Bucket": "casefile-code", "Key": "function.zip"}
NO_VALUE = object()
# What Ref and Fn::GetAtt give of a resource that has a name; of all others, the name is the value.
ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
}
NAMES = ("BucketName", "FunctionName", "LogGroupName", "TrailName", "DashboardName", "BackupVaultName")
# The first one is published.
VERSION = "1"
# What a deployment has to be given; everything else has a default.
REQUIRED = {"JwtIssuer": "https://issuer.example.com/", "JwtAudience": "casefile-app"}
KEY = "arn:aws:kms:us-east-1:111122223333:key/00000000-1111-2222-3333-444444444444"
# Everything that is off unless it is asked for.
EVERYTHING = REQUIRED | {
    "AlarmEmail": "ops@example.com",
    "BackupDays": "35",
    "BedrockModelId": "eu.anthropic.claude-sonnet-4-20250514-v1:0",
    "CorsOrigins": "https://app.example.com,https://two.example.com",
    "DataEvents": "true",
    "EndpointRouteTableIds": "rtb-0123,rtb-4567",
    "EndpointVpcId": "vpc-0123",
    "FallbackAccessPointArn": "arn:aws:elasticfilesystem:us-east-1:111122223333:access-point/fsap-0123456789abcdef0",
    "FallbackSecurityGroupIds": "sg-0123",
    "FallbackSubnetIds": "subnet-0123,subnet-4567",
    "KmsKeyArn": KEY,
    "NotificationEmail": "desk@example.com",
    "ProvisionedExports": "2",
    "ProvisionedLinks": "3",
    "ReplicaBucketArn": "arn:aws:s3:::replicas.example.com",
    "ReplicaKmsKeyArn": KEY.replace("us-east-1", "eu-west-1"),
    "Tracing": "Active",
}


def read(path):
    """The SAM template, with functions whose program lies in S3, as after `sam package`."""
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    template["Globals"]["Function"]["CodeUri"] = CODE
    return template


def transform(template, parameters):
    """What the transform AWS::Serverless-2016-10-31 makes of it."""
    session = boto3.Session(region_name=REGION)
    return Translator({}, Parser(), boto_session=session).translate(template, parameter_values=dict(parameters))


def deploy(path, parameters):
    """The template as it is deployed with these parameters, of which the transform resolves some itself."""
    return Deployed(transform(read(path), parameters), parameters)


def listed(value):
    """The items of a list, or of what stands where a list may stand."""
    return value if isinstance(value, list) else [value]


def statements(role):
    """The statements of a role's own policies."""
    policies = role["Properties"].get("Policies", [])
    return [statement for one in policies for statement in one["PolicyDocument"]["Statement"]]


class Deployed:
    """A transformed template with its parameters and conditions, and with every function resolved.

    `resources` and `outputs` hold what there would be. `uses` says which resources each one waits for.
    """

    def __init__(
        self, template, parameters, account="111122223333", stack="casefile", queues="https://sqs.example.com"
    ):
        self.template = template
        self.account, self.stack, self.queues = account, stack, queues
        unknown = set(parameters) - set(template["Parameters"])
        assert not unknown, f"there are no parameters {unknown}"
        given = {name: one.get("Default") for name, one in template["Parameters"].items()} | dict(parameters)
        missing = [name for name, value in given.items() if value is None]
        assert not missing, f"parameters without a value: {missing}"
        self.parameters = {name: str(value) for name, value in given.items()}
        self.uses, self.user = {}, None
        self.there = {
            name: one for name, one in template["Resources"].items() if self.holds(one.get("Condition", True))
        }
        self.resources = {name: self._resource(name, one) for name, one in self.there.items()}
        self.user = None
        self.outputs = {name: self.resolve(one["Value"]) for name, one in template["Outputs"].items()}

    def of_type(self, kind):
        """The resources of a type, by logical id."""
        return {name: one for name, one in self.resources.items() if one["Type"] == kind}

    def holds(self, condition):
        """Whether a condition, or the one of that name, holds."""
        if isinstance(condition, bool):
            return condition
        if isinstance(condition, str):
            return self.holds(self.template["Conditions"][condition])
        ((function, argument),) = condition.items()
        if function == "Condition":
            return self.holds(argument)
        if function == "Fn::Equals":
            left, right = (self.resolve(side) for side in argument)
            return str(left) == str(right)
        if function == "Fn::Not":
            return not self.holds(argument[0])
        if function in ("Fn::And", "Fn::Or"):
            return (all if function == "Fn::And" else any)(self.holds(one) for one in argument)
        raise ValueError(f"{function} is no condition")

    def resolve(self, value):
        """The value with every function in it replaced by what it gives."""
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                return self.reference(argument)
            if name.startswith("Fn::"):
                return self._call(name, argument)
        pairs = ((key, self.resolve(one)) for key, one in value.items())
        return {key: one for key, one in pairs if one is not NO_VALUE}

    def reference(self, name):
        """What `Ref` gives."""
        pseudo = {
            "AWS::AccountId": self.account,
            "AWS::Region": REGION,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self.stack,
            "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{self.account}:stack/{self.stack}/0a1b2c3d-4e5f-6789",
            "AWS::NoValue": NO_VALUE,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        kind = self._used(name)["Type"]
        if kind == "AWS::SNS::Topic":
            return self.attribute(name, "Arn")
        if kind == "AWS::SQS::Queue":
            return f"{self.queues}/{self.account}/{self.name(name)}"
        if kind == "AWS::Lambda::Alias":
            return f"{self._function(name)}:{self.there[name]['Properties']['Name']}"
        if kind == "AWS::Athena::NamedQuery":
            # CloudFormation gives one with another text another id.
            text = self.resolve(self.there[name]["Properties"]["QueryString"])
            return f"query-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        if kind == "AWS::Lambda::Version":
            return f"{self._function(name)}:{VERSION}"
        return self.name(name)

    def attribute(self, name, attribute):
        """What `Fn::GetAtt` gives."""
        kind = self._used(name)["Type"]
        if attribute == "QueueName":
            return self.name(name)
        if attribute == "TopicName":
            return self.name(name)
        if (kind, attribute) == ("AWS::Lambda::Version", "Version"):
            return VERSION
        assert attribute == "Arn", f"{name}.{attribute} isn't known here"
        return ARNS[kind].format(name=self.name(name), region=REGION, account=self.account)

    def name(self, resource):
        """What a resource is called: as it says, or after the stack."""
        properties = self.template["Resources"][resource].get("Properties", {})
        given = next((properties[key] for key in NAMES if key in properties), None)
        return self.resolve(given) if given else f"{self.stack}-{resource}".lower()

    def _function(self, name):
        """The ARN of the function that an alias or a version is of, whose name both have."""
        return ARNS["AWS::Lambda::Function"].format(name=self.name(name), region=REGION, account=self.account)

    def _resource(self, name, resource):
        self.user = name
        self.uses[name] = set(listed(resource.get("DependsOn", [])))
        properties = self.resolve(resource.get("Properties", {}))
        return {key: value for key, value in resource.items() if key != "Properties"} | {"Properties": properties}

    def _used(self, name):
        """A resource that somebody refers to: it must be there."""
        assert name in self.there, f"{self.user or 'an output'} refers to {name}, which isn't there"
        if self.user:
            self.uses[self.user].add(name)
        return self.there[name]

    def _call(self, function, argument):
        if function == "Fn::GetAtt":
            return self.attribute(*(argument.split(".", 1) if isinstance(argument, str) else argument))
        if function == "Fn::Sub":
            return self._substitute(argument)
        if function == "Fn::If":
            condition, yes, no = argument
            return self.resolve(yes if self.holds(condition) else no)
        if function == "Fn::Join":
            return argument[0].join(map(str, self.resolve(argument[1])))
        if function == "Fn::Split":
            return self.resolve(argument[1]).split(argument[0])
        if function == "Fn::Select":
            return self.resolve(argument[1])[int(argument[0])]
        raise ValueError(f"{function} isn't known here")

    def _substitute(self, argument):
        text, own = argument if isinstance(argument, list) else (argument, {})

        def value(found):
            name = found[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in own:
                return str(self.resolve(own[name]))
            return str(self.attribute(*name.split(".", 1)) if "." in name else self.reference(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)
