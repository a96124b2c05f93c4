"""One account in moto, with IAM's checks on: the buckets, queues and topics of a stack, and roles with policies.

moto runs in this process, so that every request to it is recorded with its answer. Bedrock is played here, too, for moto
has none that answers.
"""

import json
import logging
import threading
import urllib.parse
import urllib.request

import boto3
import calls
import policy
import sam
from moto.iam.access_control import IAMRequestBase
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

ACCOUNT = "123456789012"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ANYBODY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
SUMMARY = {"reviewed": "A write-up.", "risks": [], "rejected": []}


class World:
    """The account; `calls` holds what was asked of it since it was emptied."""

    def __init__(self):
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        # Its server drops headers with '_' in their names, such as metadata's, so the signature of a request that has
        # one looks wrong to it. Signatures are others' to judge: this is about what a known caller may do.
        IAMRequestBase.check_signature = lambda _: None
        self.calls, self.denies, self.lock, self.is_down = [], {}, threading.Lock(), False
        self.app = DomainDispatcherApplication(create_backend_app)
        self.server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.credentials, self.role_of = {}, {}
        self.admin = None

    def client(self, service, role=None):
        """A client with the credentials of a role, or the administrator's."""
        keys = (
            self.credentials[role] if role else self.admin or {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        )
        return boto3.client(service, endpoint_url=self.endpoint, region_name=sam.REGION, **keys)

    def build(self, deployed, policies):
        """Makes what the stack has, a role for each policy, and turns IAM's checks on."""
        s3, sqs, sns = self.client("s3"), self.client("sqs"), self.client("sns")
        for name in deployed.of_type("AWS::S3::Bucket"):
            s3.create_bucket(Bucket=deployed.name(name))
            s3.put_bucket_versioning(Bucket=deployed.name(name), VersioningConfiguration={"Status": "Enabled"})
        for name in deployed.of_type("AWS::SQS::Queue"):
            sqs.create_queue(QueueName=deployed.name(name))
        for name in deployed.of_type("AWS::SNS::Topic"):
            sns.create_topic(Name=deployed.name(name))
        iam = self.client("iam")
        iam.create_user(UserName="administrator")
        iam.put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
        key = iam.create_access_key(UserName="administrator")["AccessKey"]
        for role, statements in policies.items():
            self._role(iam, role, statements)
        self.admin = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        self._request("/moto-api/reset-auth", b"0")
        self.calls.clear()

    def give(self, role, statements, iam=None):
        """Replaces a role's policy."""
        document = {"Version": "2012-10-17", "Statement": policy.for_moto(statements)}
        document["Statement"] = document["Statement"] or [{"Effect": "Deny", "Action": "*", "Resource": "*"}]
        iam = iam or self.client("iam")
        # moto takes `?` for a regular expression's; the judge's own reading of the policy knows it.
        text = json.dumps(document).replace("?", "*")
        iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=text)
        self.denies[role] = statements

    def asked_by(self, role):
        """What a role has asked for."""
        return [call for call in self.calls if self.role_of.get(call.who) == role]

    def close(self):
        """Ends the server."""
        self.server.shutdown()
        self.server.server_close()

    def _role(self, iam, role, statements):
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(ANYBODY))["Role"]["Arn"]
        self.give(role, statements, iam)
        got = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="judge")["Credentials"]
        self.credentials[role] = {
            "aws_access_key_id": got["AccessKeyId"],
            "aws_secret_access_key": got["SecretAccessKey"],
            "aws_session_token": got["SessionToken"],
        }
        self.role_of[got["AccessKeyId"]] = role

    def _request(self, path, body):
        request = urllib.request.Request(self.endpoint + path, body, {"Content-Type": "text/plain"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def _answer(self, environ, start):
        """Every request goes through here: to moto, or to the stand-in for Bedrock."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = Buffer(body)
        if "HTTP_X_AMZ_CHECKSUM_SHA256" in environ:
            # S3 keeps a checksum whether the SDK names its algorithm or not, moto only if it does.
            environ["HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM"] = "SHA256"
        seen = {}

        def started(status, headers, *rest):
            seen["status"] = int(status.split()[0])
            return start(status, headers, *rest)

        scope = scope_of(environ)
        if self.is_down and scope and scope[1] == "s3" and self.role_of.get(scope[0]):
            started("503 Slow Down", [("Content-Type", "application/xml")])
            answer = [b"<Error><Code>SlowDown</Code></Error>"]
        elif environ["PATH_INFO"].startswith("/model/"):
            answer = self._converse(environ, scope, started)
        else:
            answer = list(self.app(environ, started))
        if scope:
            with self.lock:
                self.calls.append(call_of(environ, scope, body, seen["status"], b"".join(answer)))
        return answer

    def _converse(self, environ, scope, started):
        """Plays Bedrock, which looks at the policy as any service does."""
        role = self.role_of.get(scope[0])
        asked = calls.Call(scope[0], "bedrock", "POST", urllib.parse.unquote(environ["PATH_INFO"]), {}, {}, b"", 0, "")
        if not all(policy.decide(self.denies[role], *one) for one in calls.needed(asked, ACCOUNT)):
            started(
                "403 Forbidden", [("Content-Type", "application/json"), ("x-amzn-ErrorType", "AccessDeniedException")]
            )
            return [b'{"message": "AccessDenied"}']
        started("200 OK", [("Content-Type", "application/json")])
        message = {"role": "assistant", "content": [{"text": json.dumps(SUMMARY)}]}
        usage = {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}
        answer = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 5}}
        return [json.dumps(answer).encode()]


class Buffer:
    """A body that was read already."""

    def __init__(self, body):
        self.body = body

    def read(self, size=-1):
        """As a file's."""
        size = len(self.body) if size is None or size < 0 else size
        part, self.body = self.body[:size], self.body[size:]
        return part


def scope_of(environ):
    """Whose signature a request carries, and for which service."""
    header = environ.get("HTTP_AUTHORIZATION", "")
    if "Credential=" in header:
        key, _, _, service, _ = header.split("Credential=")[1].split(",")[0].split("/")
        return key, service
    return None


def call_of(environ, scope, body, status, answer):
    """What is recorded of a request."""
    query = dict(urllib.parse.parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    path = environ["PATH_INFO"].encode("latin-1").decode()
    error = next((one for one in ("AccessDenied", "NoSuchKey", "SlowDown") if one.encode() in answer[:1000]), "")
    kept = body if scope[1] in ("sns", "sqs") else b""
    return calls.Call(scope[0], scope[1], environ["REQUEST_METHOD"], path, query, headers, kept, status, error)
