"""What was asked of AWS, and which permissions AWS asks for it.

By the service authorization reference, "Actions, resources, and condition keys for Amazon S3", and "Required
permissions for Amazon S3 API operations" in the S3 user guide.
"""

import dataclasses
import json
import urllib.parse

import sam


@dataclasses.dataclass(frozen=True)
class Call:
    """A request with its answer's status. `who` is the access key that has signed it."""

    who: str
    service: str
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes
    status: int
    error: str

    def __str__(self):
        asked = f"?{'&'.join(sorted(set(self.query) - SIGNATURE))}" if set(self.query) - SIGNATURE else ""
        return f"{self.service} {self.method} {self.path}{asked}: {self.status} {self.error}".rstrip()


# What a presigned URL adds, and what the SDK does.
SIGNATURE = {
    "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
    "X-Amz-Security-Token", "x-id", "x-grant-id",
}  # fmt: skip


def presigned(url, method, headers):
    """The call that a presigned URL allows, as its signer's."""
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
    who = query["X-Amz-Credential"].split("/")[0]
    headers = {name.lower(): value for name, value in headers.items()}
    return Call(who, "s3", method, urllib.parse.unquote(parts.path), query, headers, b"", 200, "")


def needed(call, account):
    """The permissions: (action, resource, context) each."""
    if call.service == "s3":
        return of_s3(call)
    if call.service == "sns":
        form = dict(urllib.parse.parse_qsl(call.body.decode()))
        return [(f"sns:{form['Action']}", form.get("TopicArn", "*"), {})]
    if call.service == "sqs":
        action = call.headers["x-amz-target"].split(".")[1]
        name = json.loads(call.body)["QueueUrl"].split("/")[-1]
        return [(f"sqs:{action}", f"arn:aws:sqs:{sam.REGION}:{account}:{name}", {})]
    assert call.service == "bedrock", call
    return of_bedrock(call, account)


def of_bedrock(call, account):
    """A model, or an inference profile and the models of other regions behind it."""
    model = call.path.split("/")[2]
    if model.split(".")[0] not in ("us", "eu", "apac", "global"):
        return [("bedrock:InvokeModel", f"arn:aws:bedrock:{sam.REGION}::foundation-model/{model}", {})]
    profile = f"arn:aws:bedrock:{sam.REGION}:{account}:inference-profile/{model}"
    behind = f"arn:aws:bedrock:eu-west-3::foundation-model/{model.split('.', 1)[1]}"
    context = {"bedrock:InferenceProfileArn": profile}
    return [("bedrock:InvokeModel", profile, {}), ("bedrock:InvokeModel", behind, context)]


def of_s3(call):
    """S3's, with what a key that isn't there takes to be 404 instead of 403."""
    bucket, _, key = call.path.removeprefix("/").partition("/")
    arn, query = f"arn:aws:s3:::{bucket}", call.query
    context = {
        "aws:SecureTransport": "true",
        "s3:authType": "REST-QUERY-STRING" if "X-Amz-Signature" in query else "REST-HEADER",
        "s3:signatureAge": "0",
    }
    if not key:
        context |= {"s3:prefix": query["prefix"]} if "prefix" in query else {}
        return [(f"s3:{of_bucket(call)}", arn, context)]
    of_version = "Version" if "versionId" in query else ""
    if call.method in ("GET", "HEAD"):
        found = [(f"s3:GetObject{of_version}{'Tagging' if 'tagging' in query else ''}", f"{arn}/{key}", context)]
        missing = [(f"s3:ListBucket{'Versions' if of_version else ''}", arn, context)] if call.status == 404 else []
        return found + missing
    if call.method == "DELETE":
        action = "AbortMultipartUpload" if "uploadId" in query else f"DeleteObject{of_version}"
        return [(f"s3:{action}", f"{arn}/{key}", context)]
    if "tagging" in query:
        return [(f"s3:PutObject{of_version}Tagging", f"{arn}/{key}", context)]
    return writing(call, f"{arn}/{key}", context)


def of_bucket(call):
    """The action of a call about a bucket."""
    names = {"versions": "ListBucketVersions", "location": "GetBucketLocation", "versioning": "GetBucketVersioning"}
    other = next((name for key, name in names.items() if key in call.query), "ListBucket")
    assert call.method in ("GET", "HEAD"), call
    return other


def writing(call, target, context):
    """A put, a copy, or a part of one: with the conditions that a bucket's policy looks at."""
    is_part = "partNumber" in call.query or "uploads" in call.query
    context = context | {"s3:ObjectCreationOperation": "false" if is_part else "true"}
    for header in ("if-match", "if-none-match"):
        if header in call.headers:
            context |= {f"s3:{header}": call.headers[header]}
    actions = [("s3:PutObject", target, context)]
    if "x-amz-tagging" in call.headers:
        actions.append(("s3:PutObjectTagging", target, context))
    if any(header.startswith("x-amz-object-lock") for header in call.headers):
        actions.append(("s3:PutObjectRetention", target, context))
    if "x-amz-copy-source" in call.headers:
        source, _, version = urllib.parse.unquote(call.headers["x-amz-copy-source"]).partition("?versionId=")
        read = {key: context[key] for key in ("aws:SecureTransport", "s3:authType", "s3:signatureAge")}
        of_version, arn = "Version" if version else "", f"arn:aws:s3:::{source.removeprefix('/')}"
        actions.append((f"s3:GetObject{of_version}", arn, read))
        if not is_part and call.headers.get("x-amz-tagging-directive") != "REPLACE":
            actions += [(f"s3:GetObject{of_version}Tagging", arn, read), ("s3:PutObjectTagging", target, context)]
    return actions
