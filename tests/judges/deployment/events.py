"""Events as API Gateway, SQS and S3 send them."""

import json
import time
import urllib.parse

PEOPLE = {
    "office": {"sub": "dana", "email": "dana@example.com", "groups": "[office]", "tenant": "acme"},
    "auditor": {"sub": "ana", "groups": "[auditor]", "tenant": "acme"},
    "customer": {"sub": "kim", "groups": "[customer]", "tenant": "acme", "customer": "c-17"},
    # Of the tenant whose devices' deliveries are.
    "clerk": {"sub": "lee", "groups": "[office]", "tenant": "default"},
    None: None,
}


def http(method, path, body=None, who="office", **query):
    """A request to the HTTP API, payload format 2.0."""
    context = {
        "accountId": "123456789012",
        "apiId": "abcdefghij",
        "domainName": "api.example.com",
        "http": {
            "method": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "203.0.113.7",
            "userAgent": "judge",
        },
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "$default",
        "stage": "$default",
        "time": "14/Nov/2025:14:25:10 +0000",
        "timeEpoch": 1763130310000,
    }
    if PEOPLE[who]:
        context["authorizer"] = {"jwt": {"claims": PEOPLE[who], "scopes": None}}
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": urllib.parse.urlencode(query),
        "headers": {"content-type": "application/json", "host": "api.example.com"},
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = query
    if body is not None:
        event["body"] = json.dumps(body)
    return event


def created(bucket, key, version, size, etag):
    """What S3 tells of a new object."""
    told = {"key": urllib.parse.quote_plus(key), "size": size, "eTag": etag.strip('"'), "versionId": version}
    told["sequencer"] = f"{time.monotonic_ns():018X}"
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2025-11-14T14:25:10.512Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:AROAEXAMPLEID:judge"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "x",
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": told,
        },
    }


def messages(bodies):
    """A batch from the queue."""
    records = [
        {
            "messageId": f"{number:032x}",
            "receiptHandle": "x",
            "body": body if isinstance(body, str) else json.dumps(body),
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1763130311024"},
            "messageAttributes": {},
            "md5OfBody": "x",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:casefile-arrivalsqueue",
            "awsRegion": "us-east-1",
        }
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}
