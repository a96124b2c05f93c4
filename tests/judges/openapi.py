#!/usr/bin/env python3
"""What schemathesis needs before it runs against infra/openapi.yaml, and what it doesn't check itself.

    openapi.py examples SPEC
        Every example of the file fits its schema.
    openapi.py prepare SPEC API REVIEW FOLDER
        Exports the sample review in the folder REVIEW, shares one of its files twice, and writes into FOLDER two files
        for schemathesis: `caller.json`, which names what is stored now, in which the collections are those beside SPEC,
        and in which answers may hold nothing that the file doesn't describe; and `stranger.json`, in which every route
        that wants a token has 401 as only answer.
    openapi.py succeeded FOLDER REPORT
        Every operation of `caller.json` has had each answer that isn't an error at least once, and those that list
        something have listed something. REPORT is schemathesis's HAR.

The caller's token is in CASEFILE_TOKEN. Prints what doesn't hold, and fails when something doesn't.
Needs requirements-openapi.txt.
"""

import base64
import copy
import json
import os
import pathlib
import re
import sys
import tomllib
import urllib.error
import urllib.parse
import urllib.request

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

METHODS = ("get", "head", "post", "put", "patch", "delete")
# What the file's examples are called, and the sample review's export replaces.
EXAMPLE_FOLDER = "20251114_142510_write-up_TR-20417"
EXAMPLE_TOKEN = "Zk3vQ1mR8xT0bY5nWc7LpA"
EXAMPLE_GRANT = "6ae8a75555209fd6c44157c0aed8016e763ff435a19cf186f76863140143ff72"
# What is kept because S3 is down, which it isn't here.
KEPT = (
    "export_review",
    "export_bol",
    "export_ecg_report",
    "export_training_log",
    "export_clinical_file",
    "store_document",
)
# Answers that these calls never lead to: a ZIP (no example asks for one), and the page for a limited share's browser.
NOT_SEEN = {("export_review", "200"), ("use_share", "200"), *((name, "202") for name in KEPT)}


def load(path):
    return yaml.safe_load(pathlib.Path(path).read_text(encoding="utf-8"))


def operations(spec):
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


# examples


class Examples:
    """Every media type, parameter and header that has examples, checked wherever it is defined."""

    def __init__(self, spec):
        self.spec = spec
        self.registry = Registry().with_resource("urn:spec", Resource(contents=spec, specification=DRAFT202012))
        self.checked = 0
        self.failures = []

    def walk(self, node, place):
        if isinstance(node, dict):
            if "schema" in node:
                self.check(node, place)
            for name, child in node.items():
                if name not in ("example", "examples"):
                    self.walk(child, f"{place}/{name.replace('~', '~0').replace('/', '~1')}")
        elif isinstance(node, list):
            for index, child in enumerate(node):
                self.walk(child, f"{place}/{index}")

    def check(self, node, place):
        values = [example["value"] for example in node.get("examples", {}).values()]
        values += [node["example"]] if "example" in node else []
        schema = {"$ref": f"urn:spec#{urllib.parse.quote(place, safe='/~')}/schema"}
        validator = Draft202012Validator(schema, registry=self.registry, format_checker=FormatChecker())
        for value in values:
            self.checked += 1
            self.failures += [f"{place}: {error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    def bodies_without_one(self):
        """Requests, and answers in JSON that aren't errors, of which a reader has no example."""
        for path, method, operation in operations(self.spec):
            bodies = {"requestBody": operation.get("requestBody")} | operation["responses"]
            for name, body in bodies.items():
                for media_type, content in (body or {}).get("content", {}).items():
                    if "schema" in content and not content.get("examples"):
                        yield f"{method} {path}, {name}: {media_type} has no example"


def examples(spec_path):
    found = Examples(load(spec_path))
    found.walk(found.spec, "")
    failures = found.failures + list(found.bodies_without_one())
    if not found.checked:
        failures.append("there are no examples")
    report(failures, f"{found.checked} examples fit their schemas")


# prepare


class Api:
    def __init__(self, url):
        self.url = url
        self.token = os.environ["CASEFILE_TOKEN"]

    def call(self, method, path, body=None):
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            sys.exit(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}")


def export_sample(api, review):
    content = base64.b64encode((review / "before.docx").read_bytes()).decode()
    session = json.loads((review / "session.json").read_text(encoding="utf-8"))
    before = {"file_name": session["document_name"], "content_base64": content}
    return api.call("POST", "/v1/reviews", {"session": session, "documents": {"before": before}})["folder_name"]


def share(api, folder):
    path = f"/v1/links/reviews/{folder}/comprehensive_report.json?kind=share"
    link = api.call("GET", path)
    return link["url"].rpartition("/")[2], link["grant_id"]


def renamed(spec, names):
    text = json.dumps(spec, ensure_ascii=False)
    for name, actual in names.items():
        assert name in text, f"the file has no example {name}"
        text = text.replace(name, actual)
    return json.loads(text)


def closed(node):
    """A promise only to add is kept to readers; here nothing may come that the file doesn't describe."""
    if isinstance(node, dict):
        if node.get("type") == "object" and "properties" in node:
            node.setdefault("additionalProperties", False)
        for child in node.values():
            closed(child)
    elif isinstance(node, list):
        for child in node:
            closed(child)


def name_collections(spec, policies):
    """A deployment may have others; of a pattern, hardly a call would name one that is there."""
    collections = tomllib.loads(policies.read_text(encoding="utf-8"))["collection"]
    components = spec["components"]
    allowed = components["schemas"]["Collection"]["pattern"]
    unfit = [one["name"] for one in collections if not re.search(allowed, one["name"])]
    assert not unfit, f"the file has no room for the collections {unfit}"
    components["schemas"]["Collection"] = {"type": "string", "enum": [one["name"] for one in collections]}
    storing = [one["name"] for one in collections if "{file_name}" in one["path"]]
    components["parameters"]["FileCollection"]["schema"] = {"type": "string", "enum": storing}


def for_strangers(spec):
    """Only 401, as API Gateway gives it: the function isn't asked. Routes for everybody are left out."""
    spec = copy.deepcopy(spec)
    answer = spec["components"]["responses"]["Unauthenticated"]
    del answer["content"]["application/problem+json"]
    answer["headers"]["WWW-Authenticate"]["required"] = True
    for path, method, operation in list(operations(spec)):
        if operation.get("security") == []:
            del spec["paths"][path][method]
        else:
            operation["responses"] = {"401": {"$ref": "#/components/responses/Unauthenticated"}}
    return spec


def open_batch(spec):
    """A wrong item of a batch has a problem of its own within a 200, so the schema of an item refuses no request."""
    spec["components"]["schemas"]["BatchRequest"]["properties"]["reviews"]["items"] = {}


def prepare(spec_path, url, review, out):
    spec, api, out = load(spec_path), Api(url), pathlib.Path(out)
    folder = export_sample(api, pathlib.Path(review))
    token, _ = share(api, folder)
    _, grant = share(api, folder)  # another one, for it is revoked
    spec = renamed(spec, {EXAMPLE_FOLDER: folder, EXAMPLE_TOKEN: token, EXAMPLE_GRANT: grant})
    closed(spec["components"])
    open_batch(spec)
    name_collections(spec, pathlib.Path(spec_path).with_name("collections.toml"))
    out.joinpath("stranger.json").write_text(json.dumps(for_strangers(spec)), encoding="utf-8")
    out.joinpath("caller.json").write_text(json.dumps(spec), encoding="utf-8")


# succeeded


def pattern(path):
    """A path of the file as it is called: schemathesis sends the slashes of a parameter as %2F."""
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))


def calls(har):
    for entry in json.loads(pathlib.Path(har).read_text(encoding="utf-8"))["log"]["entries"]:
        url = urllib.parse.urlsplit(entry["request"]["url"])
        content = entry["response"].get("content", {})
        body = content.get("text") or ""
        if content.get("encoding") == "base64":
            body = base64.b64decode(body).decode(errors="replace")
        yield entry["request"]["method"].lower(), url.path, str(entry["response"]["status"]), body


def succeeded(folder, har):
    spec = json.loads(pathlib.Path(folder, "caller.json").read_text(encoding="utf-8"))
    known = [(pattern(path), method, operation["operationId"]) for path, method, operation in operations(spec)]
    expected = {
        (operation["operationId"], status)
        for _, _, operation in operations(spec)
        for status in operation["responses"]
        if status[0] in "23"
    }
    listed = {"list_documents": '"kind"', "read_audit_log": '"class_uid"', "get_links": '"granted"'}
    seen, total = set(), 0
    for method, path, status, body in calls(har):
        total += 1
        for route, own_method, name in known:
            if method == own_method and route.fullmatch(path):
                seen.add((name, status))
                if name in listed and listed[name] in body:
                    del listed[name]
    missing = [f"{name} never answered {status}" for name, status in sorted(expected - NOT_SEEN - seen)]
    missing += [f"{name} never answered with {text}" for name, text in listed.items()]
    report(missing, f"{total} calls; every operation succeeded in each of its ways")


def report(failures, success):
    for failure in failures:
        print(failure)
    if failures:
        sys.exit(1)
    print(success)


if __name__ == "__main__":
    commands = {"examples": examples, "prepare": prepare, "succeeded": succeeded}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
